"""What has been answered is kept, whoever is killed and whoever writes beside."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distillens.models.errors import ModelError
from distillens.models.journal import Journal


def add(journal, *texts, value=0.5):
    journal.add([(text,) for text in texts], np.array([[value, 1 - value]] * len(texts)))


def test_answers_outlive_the_job_with_all_their_digits(tmp_path):
    add(Journal(tmp_path), "A film", "Fun", value=1 / 3)
    again = Journal(tmp_path)
    assert again[("Fun",)].tolist() == [1 / 3, 1 - 1 / 3]
    assert len(again) == 2 and ("Other",) not in again


def test_a_pair_is_no_single_text(tmp_path):
    journal = Journal(tmp_path)
    journal.add([("a", "b"), ("a",)], np.array([[1.0], [2.0]]))
    again = Journal(tmp_path)
    assert again[("a", "b")].tolist() == [1.0] and again[("a",)].tolist() == [2.0]
    assert ("a", "") not in again


def test_the_first_answer_stands(tmp_path):
    one, other = Journal(tmp_path), Journal(tmp_path)
    add(one, "A film", value=0.1)
    add(one, "A film", value=0.2)
    add(other, "A film", value=0.3)
    assert Journal(tmp_path)[("A film",)][0] == one[("A film",)][0] == 0.1


def test_a_job_sees_what_others_keep_beside_it(tmp_path):
    one, other = Journal(tmp_path), Journal(tmp_path)
    for number in range(70):
        add(one, f"text {number}")
    other.refresh()
    assert len(other) == 70


def test_many_small_files_are_joined_and_nothing_is_lost(tmp_path):
    journal = Journal(tmp_path)
    add(journal, "first", value=0.125)
    for number in range(150):
        add(journal, f"text {number}", value=number / 150)
    assert len(list(tmp_path.glob("*.parquet"))) < 30
    again = Journal(tmp_path)
    assert len(again) == 151 and again[("first",)][0] == 0.125
    assert [again[(f"text {n}",)][0] for n in range(150)] == [n / 150 for n in range(150)]


def test_the_first_answer_stands_after_files_were_joined(tmp_path):
    one, other, late = (Journal(tmp_path) for _ in range(3))
    for number in range(63):
        add(one, f"text {number}")
    add(other, "A film", value=0.1)
    add(one, "the one with which they are joined")
    assert len(list(tmp_path.glob("*.parquet"))) == 2
    add(late, "A film", value=0.9)
    assert Journal(tmp_path)[("A film",)][0] == 0.1


def test_a_draft_of_a_killed_job_is_no_answer(tmp_path):
    journal = Journal(tmp_path)
    add(journal, "A film")
    (tmp_path / ".00000001-dead.parquet.draft").write_bytes(b"PAR1")
    assert len(Journal(tmp_path)) == 1


@pytest.mark.parametrize("content", [b"no parquet", None])
def test_a_strange_file_is_named(tmp_path, content):
    file = tmp_path / "00000000-x.parquet"
    if content is None:
        pq.write_table(pa.table({"text": ["a"]}), file)
    else:
        file.write_bytes(content)
    with pytest.raises(ModelError, match="00000000-x.parquet: no file of a journal .* move it away"):
        Journal(tmp_path)
