"""What every score reads: checked, in any order, to the same bytes."""

import subprocess
import sys

import pytest

from distillens import tables
from distillens.evaluation.agreement import score_agreement
from distillens.evaluation.performance import score_performance
from distillens.evaluation.robustness import score_robustness
from distillens.tables import TableError
from tests.fixtures.made_up_task import drift, frame, settings


def test_the_same_inputs_give_the_same_bytes_in_any_order(study, tmp_path):
    files, predictions = study.explanations(), study.predictions()
    for name in ("one", "two"):
        score_agreement(study.explained, files, out=tmp_path / f"{name}-a.parquet", **settings())
        drift(study, tmp_path, files, name=f"{name}-d", predictions=predictions)
        score_robustness(
            study.test, study.perturbed(), predictions, out=tmp_path / f"{name}-r.parquet", **settings()
        )
    for kind in "adr":
        one, two = ((tmp_path / f"{name}-{kind}.parquet").read_bytes() for name in ("one", "two"))
        assert one == two
    score_agreement(study.explained, files[::-1], out=tmp_path / "back.parquet", **settings())
    assert frame(tmp_path / "back.parquet").equals(frame(tmp_path / "one-a.parquet"))


def test_another_seed_moves_bounds_but_no_value(study, tmp_path):
    files = study.explanations()
    for seed in (0, 1):
        score_agreement(study.explained, files, out=tmp_path / f"{seed}.parquet", **settings(seed=seed))
    a, b = (frame(tmp_path / f"{seed}.parquet") for seed in (0, 1))
    assert a["value"].equals(b["value"]) and not a["low"].equals(b["low"])


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ({"task": "books"}, "is about task 'books', not 'films'"),
        ({"model": "tiny"}, "model 'tiny' with seed 7 is not in the settings"),
        ({"seed": 99}, "model 'big' with seed 99 is not in the settings"),
        ({"model": "small", "seed": 0}, "is about .*'small', 0.*, like .*p-small-0.parquet"),
    ],
)
def test_files_about_something_else_are_errors(study, tmp_path, identity, message):
    paths = study.predictions()
    wrong = tmp_path / "wrong.parquet"
    source = {"task": "films", "model": "big", "seed": 7, **identity}
    tables.write(wrong, "predictions", tables.read(paths[0], "predictions"), source)
    with pytest.raises(TableError, match=message) as error:
        score_performance(study.test, [*paths[1:], wrong], out=tmp_path / "s", **settings())
    assert str(tmp_path) in str(error.value)


def test_damaged_and_anonymous_files_are_errors(study, tmp_path):
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(TableError, match="damaged.parquet: cannot be read"):
        score_performance(study.test, [damaged], out=tmp_path / "s", **settings())
    anonymous = study.write("anonymous", "predictions", [], task="films", model="big")
    with pytest.raises(TableError, match="anonymous.parquet: its provenance has no 'seed'"):
        score_performance(study.test, [anonymous], out=tmp_path / "s", **settings())


def test_missing_runs_are_named(study, tmp_path):
    two = study.explanations()[1:]
    with pytest.raises(TableError, match="no explanations of 'big', seed 3, by 'shap'"):
        score_agreement(study.explained, two, out=tmp_path / "s", **settings())
    student = study.predictions()[2:]
    with pytest.raises(TableError, match=r"no predictions of \('big', 3\), the teacher of 'small'"):
        score_robustness(study.test, study.perturbed(), student, out=tmp_path / "s", **settings())


def test_nothing_here_imports_torch():
    modules = "distillens.evaluation.agreement, distillens.evaluation.performance"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
