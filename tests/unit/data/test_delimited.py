"""What is counted and compared beside the parser: nothing is lost, and a quotation mark swallows no row."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from distillens.data import delimited, hub, read
from distillens.data.packages import FetchError
from distillens.data.read import DataError

READ = {"delimiter": None, "encoding": "utf-8", "quoted": None, "header": None}


def rows_of(text, quoted=None, delimiter=","):
    return delimited.read_rows(Path("a.csv"), text, delimiter, quoted, None)[1]


@pytest.mark.parametrize("lost", [slice(1, None), slice(0, -1)])
def test_a_row_that_the_parser_loses_is_noticed(monkeypatch, lost):
    genuine = csv.reader

    class Losing:
        def __init__(self, lines, **how):
            self.rows = list(genuine(lines, **how))
            self.line_num = 1

        def __iter__(self):
            return iter(self.rows[lost])

    text = "text,label\nFun,good\nDull,bad\n"
    assert rows_of(text) == [["Fun", "good"], ["Dull", "bad"]]
    monkeypatch.setattr(delimited.csv, "reader", Losing)
    with pytest.raises(DataError, match="3 lines and 3 delimiters went in, 2 and 2 came out"):
        rows_of(text)


def test_texts_of_several_lines_are_no_doubt_where_their_lines_are_no_rows():
    many = "".join(f"Film {n},{n % 2}\n" for n in range(20))
    for text in ('"Fun, really\nvery",1\n', '"Fun\n\nreally, very",0\n', '"Fun,but\nlong",1\n'):
        assert len(rows_of("text,label\n" + many + text)) == 21
    # "1" is a label, and so each line may be a row.
    with pytest.raises(DataError, match="line 22: a quotation mark opens a cell of 2 lines"):
        rows_of("text,label\n" + many + '"Fun,1\nlong",1\n')


def test_a_swallowed_row_is_found_by_numbers_that_fit():
    rows = 'id,text,label\n1,Slow,0\n2,"Fun,1\n3,Dull",0\n'
    with pytest.raises(DataError, match="line 3: a quotation mark opens a cell of 2 lines"):
        rows_of(rows)
    assert rows_of(rows.replace("3,Dull", "x,Dull"))[1] == ["2", "Fun,1\nx,Dull", "0"]


def test_a_column_in_quotes_throughout_is_doubted_in_tab_separated_text():
    with pytest.raises(DataError, match="all cells of 'text' stand in quotation marks; set read.quoted"):
        rows_of('text\tlabel\n"Fun"\t1\n"Dull"\t0\n', delimiter="\t")
    assert rows_of('text\tlabel\n"Fun"\t1\nDull\t0\n', delimiter="\t") == [['"Fun"', "1"], ["Dull", "0"]]


def test_a_text_longer_than_the_parser_s_limit_is_read():
    assert rows_of("text,label\n" + "a" * 200_000 + ",1\n")[0][0] == "a" * 200_000


def test_of_one_column_an_empty_line_is_a_cell():
    assert rows_of("text\nFun\n\nDull\n") == [["Fun"], [""], ["Dull"]]


def test_a_file_without_a_last_line_end_is_said_aloud(caplog):
    rows_of("text,label\nFun,1")
    assert "its last line has no line end; if the file was cut off" in caplog.text


def test_the_name_of_a_folder_is_no_column_and_the_case_of_a_suffix_does_not_matter(tmp_path):
    folder = tmp_path / "label=1"
    folder.mkdir()
    frame = pd.DataFrame({"text": ["Fun"], "id": [9007199254740993]})
    frame.to_parquet(folder / "a.PARQUET")
    assert read.read_frame(folder / "a.PARQUET", **READ).to_dict("records") == [
        {"text": "Fun", "id": 9007199254740993}
    ]
    (tmp_path / "a.TSV").write_text("text\tlabel\nFun, really\t1\n")
    assert read.read_frame(tmp_path / "a.TSV", **READ)["text"].tolist() == ["Fun, really"]


def test_ids_are_texts_or_numbers_a_whole_one_without_its_point():
    task = {"type": "classification", "labels": ["bad", "good"], "cut": None}
    task["columns"] = {"example_id": "id", "text_a": "text", "label": "label"}

    def ids(*cells):
        frame = pd.DataFrame({"id": pd.Series(cells, dtype=object), "text": "Fun", "label": "good"})
        return [one.example_id for one in read.to_examples(frame, task, "a.jsonl")]

    assert ids(1.0, "b", 2, 2.5) == ["1", "b", "2", "2.5"]
    with pytest.raises(DataError, match="row 2: id '1' stands there twice"):
        ids(1, 1.0)
    for cell, what in ((True, "a truth value"), ([1], "a list"), (b"1", "bytes"), ({"a": 1}, "an object")):
        with pytest.raises(DataError, match=f"row 1: id is {what}; an id is a text or a number"):
            ids(cell)
    with pytest.raises(DataError, match="row 1: id is not valid Unicode at character 0"):
        ids("\ud83d")


def test_a_corpus_leaves_out_what_is_empty_and_refuses_what_is_no_text():
    frame = pd.DataFrame({"text": pd.Series([" Fun ", "", None, float("nan")], dtype=object)})
    assert read.texts(frame, "text", "a.parquet") == ["Fun"]
    frame = pd.DataFrame({"text": pd.Series(["Fun", b"Dull", 7], dtype=object)})
    with pytest.raises(
        DataError, match=r"a\.parquet: 2 problems\n  row 2: text is bytes.*\n  row 3: text is 7"
    ):
        read.texts(frame, "text", "a.parquet")


def test_a_split_of_which_only_a_part_is_there_is_refused(tmp_path):
    folder = tmp_path / "org" / "set" / "default"
    folder.mkdir(parents=True)
    whole, half = folder / "dev-0-00000-of-00001.parquet", folder / "train-00001-of-00002.parquet"
    whole.touch()
    assert list(hub.dataset_files("org/set", "default", None, str(tmp_path), tmp_path)) == ["dev-0"]
    half.touch()
    with pytest.raises(FetchError, match="split train has several files; join them"):
        hub.dataset_files("org/set", "default", None, str(tmp_path), tmp_path)
