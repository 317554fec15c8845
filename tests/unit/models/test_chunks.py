import gc
import os
import signal
import subprocess
import tracemalloc

import numpy as np
import pytest

from distillens import tables
from distillens.attribution import explain
from distillens.joblog import Progress
from distillens.models import chunks, engine
from distillens.provenance import ROOT
from distillens.tables import TableError
from tests import jobs, preloaded

CPU = {"device": "cpu", "backend": "torch"}
IDENTITY = {"task": "t", "model": "m", "seed": 0, "explainer": "shap"}
WORDS = "the film plot is dull but ending was joyful not bad at all it and of".split()  # noqa: SIM905


def row(name):
    return {"example_id": name, "text_a": name}


def part(log, name, dies_at=None, **of):
    def make():
        if name == dies_at:
            raise KeyboardInterrupt
        log.append(name)
        return [[row(name)]]

    return chunks.Part({"name": name, **of}, make, 1)


def write(out, log, names="abc", dies_at=None, **of):
    with Progress(len(names), "test") as progress:
        parts = [part(log, name, dies_at, **of) for name in names]
        chunks.write_in_parts({"examples": out}, parts, {"of": "this"}, out.with_name(".parts"), progress)
        return progress._done


def test_what_was_finished_is_not_made_again_and_the_bytes_are_the_same(tmp_path):
    log = []
    (tmp_path / "other").mkdir()
    write(tmp_path / "other" / "straight", [])
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "killed", log, dies_at="c")
    assert not (tmp_path / "killed").exists()
    assert write(tmp_path / "killed", log) == 2
    assert log == ["a", "b", "c"]
    assert (tmp_path / "killed").read_bytes() == (tmp_path / "other" / "straight").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".parts", "killed", "other"]


def test_a_table_with_more_to_do_makes_only_that_and_has_the_bytes_of_one_in_one_go(tmp_path):
    log = []
    write(tmp_path / "out", log, "ab")
    write(tmp_path / "out", log, "abcd")
    assert log == ["a", "b", "c", "d"]
    (tmp_path / "other").mkdir()
    write(tmp_path / "other" / "out", [], "abcd")
    assert (tmp_path / "out").read_bytes() == (tmp_path / "other" / "out").read_bytes()


def test_parts_of_other_settings_are_not_used_and_deleted(tmp_path):
    log = []
    write(tmp_path / "out", log, code="1")
    write(tmp_path / "out", log, code="2")
    assert log == ["a", "b", "c", "a", "b", "c"]
    assert len(list((tmp_path / ".parts").iterdir())) == 3


def test_parts_that_were_made_unlike_are_not_joined(tmp_path):
    for name in "ab":
        tables.write(tmp_path / name, "explanations", [], {"of": name})
    with pytest.raises(TableError, match="made with another of"):
        chunks.gather([tmp_path / "a", tmp_path / "b"], tmp_path / "out")


def test_of_parts_in_less_than_full_precision_the_largest_difference_stays(tmp_path):
    for name, difference in (("a", 0.01), ("b", 0.02)):
        tables.write(tmp_path / name, "explanations", [], {"of": "m", "precision_difference": difference})
    chunks.gather([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert tables.provenance(tmp_path / "out")["precision_difference"] == 0.02


@pytest.fixture
def explained(tmp_path):
    rows = [row(" ".join(WORDS[number % 7 : number % 7 + 9])) for number in range(40)]
    rows = [{**one, "example_id": str(number)} for number, one in enumerate(rows)]
    tables.write(tmp_path / "explained.parquet", "examples", rows, {})
    return tmp_path / "explained.parquet"


def explain_texts(explained, folder, out, **settings):
    explainer = {"method": "shap", "unit": "word", "max_evals": 2000}
    jobs.explain(explained, folder, out, IDENTITY, explainer, "margin", CPU, 3, **settings)


def test_a_job_in_parts_gives_the_bytes_of_one(explained, bert, tmp_path, monkeypatch):
    monkeypatch.setattr(explain, "_GROUP_SECONDS", 1e-4)
    explain_texts(explained, bert, tmp_path / "whole")
    parts = [tmp_path / f"part{number}" for number in (1, 2, 3)]
    for number, part in enumerate(parts, 1):
        explain_texts(explained, bert, part, part=f"{number}-of-3")
    chunks.gather(parts, tmp_path / "joined")
    assert all(len(tables.read(part, "explanations")) < 40 for part in parts)
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "joined").read_bytes()


def test_more_examples_are_explained_without_explaining_those_before_again(
    explained, bert, tmp_path, monkeypatch
):
    monkeypatch.setattr(explain, "_GROUP_SECONDS", 1e-5)  # a sentence a group
    every = tables.read(explained, "examples")
    tables.write(tmp_path / "fewer", "examples", every.slice(0, 30).replace_schema_metadata(), {})
    (tmp_path / "fresh").mkdir()
    explain_texts(explained, bert, tmp_path / "fresh" / "out")
    explain_texts(tmp_path / "fewer", bert, tmp_path / "out")
    write, made = tables.write, []
    monkeypatch.setattr(tables, "write", lambda path, *rest: made.append(path) or write(path, *rest))
    explain_texts(explained, bert, tmp_path / "out")
    assert len(made) == 10 + 1
    assert (tmp_path / "out").read_bytes() == (tmp_path / "fresh" / "out").read_bytes()


JOB = """
import os, signal, sys
from pathlib import Path
from distillens import tables
from distillens.attribution import explain
from tests import jobs

explained, model, out, dies_at = sys.argv[1:]
explain._GROUP_SECONDS = 1e-5  # a sentence a group
write, made = tables.write, []

def counted(path, *rest):
    if len(made) == int(dies_at):
        os.kill(os.getpid(), signal.SIGKILL)
    made.append(Path(path).name)
    print(made[-1])
    write(path, *rest)

tables.write = counted
identity = {"task": "t", "model": "m", "seed": 0, "explainer": "shap"}
explainer = {"method": "shap", "unit": "word", "max_evals": 2000}
engine = {"device": "cpu", "backend": "torch"}
jobs.explain(Path(explained), Path(model), Path(out), identity, explainer, "margin", engine, 3)
"""


def test_a_job_that_is_killed_outright_goes_on_and_gives_the_same_bytes(explained, bert, tmp_path):
    out, straight = tmp_path / "killed.parquet", tmp_path / "straight" / "out.parquet"
    (tmp_path / "job.py").write_text(JOB)
    settings = {**os.environ, "PYTHONPATH": str(ROOT)}

    def job(out, dies_at=-1):
        command = [preloaded.interpreter(), tmp_path / "job.py", explained, bert, out, str(dies_at)]
        return subprocess.run(command, env=settings, capture_output=True, text=True)

    assert job(straight).returncode == 0
    assert job(out, dies_at=5).returncode == -signal.SIGKILL
    kept = {path.name for path in out.with_name(".shap.parts").glob("[0-9a-f]*.parquet")}
    assert len(kept) == 5
    assert not out.exists()
    made = set(job(out).stdout.split())
    assert out.read_bytes() == straight.read_bytes()
    assert len(made) == 40 - len(kept) + 1
    assert not made & kept


class Instant(explain.Engine):
    """An engine whose model only adds up its input: what it takes is the engine's own memory."""

    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.backend.forward = lambda batch: np.stack(
            [batch["input_ids"].sum(1) % prime for prime in (7, 11, 13)], axis=1
        ).astype(np.float32)

    def forget(self):
        super().forget()
        gc.collect()  # cycles wait for the collector, which comes when it likes: here before every group


@pytest.mark.parametrize(
    "explainer",
    [{"method": "lime", "samples": 3000, "kernel_width": 25}, {"method": "shap", "max_evals": 20000}],
    ids=["lime", "shap"],
)
def test_memory_does_not_grow_with_the_sentences(explainer, bert, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "Engine", Instant)
    monkeypatch.setattr(explain, "_GROUP_SECONDS", 1e-9)
    peaks = []
    for number in (8, 16):  # of fewer not all sizes of sentences are there
        rows = [
            {"example_id": str(n), "text_a": " ".join(WORDS[(n + place) % 16] for place in range(50))}
            for n in range(number)
        ]
        tables.write(tmp_path / f"in{number}", "examples", rows, {})
        tracemalloc.start()
        jobs.explain(
            tmp_path / f"in{number}",
            bert,
            tmp_path / f"of{number}" / "out",
            IDENTITY,
            explainer,
            "margin",
            CPU,
            3,
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.15 * peaks[0], peaks


def test_a_damaged_part_is_made_again(tmp_path):
    log = []
    write(tmp_path / "out", log)
    straight = (tmp_path / "out").read_bytes()
    damaged = part([], "b")
    (tmp_path / ".parts" / f"{damaged.key}.examples.parquet").write_bytes(b"PAR1")
    write(tmp_path / "out", log)
    assert log == ["a", "b", "c", "b"]
    assert (tmp_path / "out").read_bytes() == straight


def test_groups_are_neighbours_of_about_the_same_work(bert):
    model = explain.Engine(bert, "cpu")
    texts = [(" ".join(WORDS[:length]),) for length in (1, 2, 3, 16, 16, 1, 1)]
    per_token = model.flop_per_token
    model.backend.speed = per_token * 100 / explain._GROUP_SECONDS  # 100 tokens a group
    costs = [10, 10, 5, 10, 1, 1, 1]  # times 3, 4, 5, 18, 18, 3 and 3 pieces
    groups = explain.groups(texts, costs, model)
    assert [(group.start, group.stop) for group in groups] == [(0, 3), (3, 4), (4, 7)]
    assert explain.groups([], [], model) == []
