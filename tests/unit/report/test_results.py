"""``distillens.load``: tidy frames, and files that other tools read as they are."""

import shutil
import subprocess
import sys

import duckdb
import numpy as np
import polars
import pytest

import distillens
from distillens import tables
from distillens.provenance import ROOT
from distillens.report import outcome
from distillens.tables import TableError
from docs import studies
from tests.fixtures import made_up_results, made_up_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made_up_results.write(tmp_path_factory.mktemp("results"))


def test_an_attribution_is_a_row_and_has_the_value_of_the_file(folder):
    frame = distillens.load(folder).attributions
    path = folder / "explanations/sst5/half/0/lime.parquet"
    example = tables.read(path, "explanations").to_pylist()[3]
    rows = frame.query("task == 'sst5' and model == 'half' and seed == 0 and explainer == 'lime'")
    rows = rows[rows["example_id"] == example["example_id"]]
    labels = list(made_up_study.LABELS)
    assert len(rows) == len(example["words"]) * len(labels)
    found = rows[rows["position"] == 2].set_index("label")
    for number, label in enumerate(labels):
        assert found.loc[label, "value"] == example["values"][2][number]
        assert found.loc[label, "output"] == example["output"][number]
    assert (found["word"] == example["words"][2]).all()
    assert (found["start"] == example["spans"][2]["start"]).all()
    total = sum(
        len(row["words"]) * len(row["output"])
        for path in folder.glob("explanations/*/*/*/*.parquet")
        for row in tables.read(path, "explanations").to_pylist()
    )
    assert len(frame) == total
    assert frame.query("task == 'stsb'")["label"].isna().all()


def test_predictions_name_classes_and_say_whether_they_are_right(folder):
    frame = distillens.load(folder).predictions
    first, second = frame.query("task == 'sst5'").to_dict("records")
    assert (first["correct"], second["correct"]) == (True, False)
    assert first["predicted"] == first["gold"]
    assert first["confidence"] == pytest.approx(np.e / (np.e + 4))
    assert second["confidence"] == pytest.approx(np.exp(9) / (np.exp(9) + 4))
    scores = frame.query("task == 'stsb'")
    assert scores["predicted"].tolist() == [0.5, 2.5]
    assert scores["confidence"].isna().all()


def test_the_frames_of_scores_hold_every_row_once(folder):
    results = distillens.load(folder)
    others = ("text_agreement", "word_shifts")
    paths = [path for path in folder.glob("metrics/*/*.parquet") if path.stem not in others]
    rows = [row for path in paths for row in tables.read(path, "scores").to_pylist()]
    assert len(results.scores) == sum(row["example_id"] is None for row in rows)
    pairs = [
        row for row in rows
        if row["example_id"] and row["against"] and row["explainer"] and not (row["probe"] or row["subset"])
    ]  # fmt: skip
    assert len(results.agreement) == len(pairs) > 0
    assert set(results.agreement["metric"]) == {"spearman"}
    drift = results.drift.query("task == 'sst5' and student == 'half' and explainer == 'shap'")
    assert set(drift["metric"]) >= {"spearman"}
    assert results.drift["n_runs"].dtype == "Int64"


def test_the_record_has_the_agreement_of_each_text_that_the_verdict_goes_by(folder, monkeypatch):
    results = distillens.load(folder)
    monkeypatch.setattr(outcome, "_texts", lambda path: {"n": 8, "sha256": ""})
    monkeypatch.setattr(outcome, "_groups", lambda path: {})
    half = next(one for one in outcome.of(results)["students"] if one["student"] == "half")
    by_text = {row["explainer"]: row["by_text"] for row in half["explainers"]}["shap"]
    rows = results.text_agreement.query("task == @half['task'] and student == 'half' and explainer == 'shap'")
    assert by_text == dict(zip(rows["example_id"], rows["agreement"], strict=True)) and len(by_text) == 8


def test_results_of_an_earlier_release_are_not_compared_without_their_texts(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "metrics/sst5/text_agreement.parquet").unlink()
    with pytest.raises(TableError, match="sst5/text_agreement.parquet: no such file; .* run the study again"):
        outcome.of(distillens.load(copy))


def test_what_an_earlier_config_left_behind_is_no_part_of_the_study(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    for task in ("sst5", "stsb"):  # not computed for the fixture
        texts = tables.read(copy / f"data/{task}/test.parquet", "examples")
        tables.write(copy / f"data/{task}/explained.parquet", "examples", texts, {"task": task})
    before = outcome.of(distillens.load(copy))

    def left(own, other, kind, rows=None, **about):
        source = tables.provenance(copy / own) if (copy / own).is_file() else {}
        content = tables.read(copy / own, kind) if rows is None else rows
        tables.write(copy / other, kind, content, source | about)

    explained = "explanations/sst5/teacher/0/shap.parquet"
    left(explained, "explanations/sst5/teacher/9/shap.parquet", "explanations", seed=9)
    left(explained, "explanations/sst5/teacher/0/gone.parquet", "explanations", explainer="gone")
    left("predictions/sst5/soft/1.parquet", "predictions/sst5/gone/1.parquet", "predictions", model="gone")
    columns = {"task": "sst5", "student": "half", "explainer": "shap", "metric": "spearman"}
    placed = [{**columns, "reference": "prune 0.3", "verdict": "drift found", "gated": False}]
    left("", "metrics/sst5/placements.parquet", "placements", placed)
    left("", "metrics/sst5/gap_closed.parquet", "gap_closed", [columns])
    score = {"task": "sst5", "model": "gone", "seed": 1, "metric": "accuracy", "value": 0.5}
    left("", "metrics/sst5/stability.parquet", "scores", [score])
    left("", "metrics/gone/performance.parquet", "scores", [score | {"task": "gone"}])
    left("", "costs/sst5/gone/1.parquet", "costs", [{"task": "sst5", "model": "gone", "seed": 1}])
    results = distillens.load(copy)
    assert outcome.of(results) == before
    assert not {"gone"} & {*results.predictions["model"], *results.scores["model"], *results.costs["model"]}
    assert 9 not in {*results.attributions["seed"]} and "gone" not in {*results.attributions["explainer"]}
    assert len(results.placements) == len(results.gap_closed) == 0
    kept = studies.keep(copy, tmp_path / "kept") / "kept"
    assert not [path for path in kept.rglob("*.parquet") if path.stem in ("placements", "stability")]
    assert not [path for path in kept.rglob("*") if "gone" in path.name]


def test_the_settings_are_those_of_the_study(folder):
    settings = distillens.load(folder).settings
    assert settings["name"] == "made-up"
    assert settings["models"]["soft"]["teacher"] == "teacher"


def test_what_was_not_measured_is_a_frame_without_rows(folder):
    costs = distillens.load(folder).costs
    assert len(costs) == 0
    assert "latency_ms" in costs.columns


def test_every_column_is_documented(folder):
    results = distillens.load(folder)
    for name in ("attributions", "predictions", "agreement", "drift", "word_shifts", "costs"):
        words = type(results).__dict__[name].func.__doc__
        for column in getattr(results, name).columns:
            base = column.removesuffix("_low").removesuffix("_high")
            assert base in words, f"{name}: {column}"


def test_a_folder_that_is_no_study_is_refused(tmp_path, folder):
    with pytest.raises(TableError, match="no such folder; give results/STUDY"):
        distillens.load(tmp_path / "none")
    with pytest.raises(TableError, match="no tables of a study in it"):
        distillens.load(tmp_path)
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "report/study.yaml").unlink()
    with pytest.raises(TableError, match="run the workflow up to its report"):
        _ = distillens.load(copy).attributions


def test_duckdb_reads_the_files_as_they_are(folder):
    files = f"{folder}/explanations/*/*/*/*.parquet"
    ours = distillens.load(folder).attributions
    query = f"select count(*), sum(len(words) * len(output)) from read_parquet('{files}')"
    texts, rows = duckdb.sql(query).fetchall()[0]
    assert rows == len(ours)
    assert texts == sum(
        tables.read(path, "explanations").num_rows for path in folder.rglob("explanations/*/*/*/*")
    )
    query = f"""
        select example_id, unnest(words) as word, unnest(values)[1] as first_class
        from read_parquet('{folder}/explanations/sst5/half/0/shap.parquet')
    """
    theirs = duckdb.sql(query).df()
    own = ours.query("task == 'sst5' and model == 'half' and explainer == 'shap' and label == 'very bad'")
    assert theirs["word"].tolist() == own["word"].tolist()
    assert theirs["first_class"].tolist() == own["value"].tolist()
    query = f"select verdict, count(*) from read_parquet('{folder}/metrics/drift.parquet') group by all"
    assert (
        dict(duckdb.sql(query).fetchall())
        == distillens.load(folder).drift["verdict"].value_counts().to_dict()
    )


def test_polars_reads_the_files_as_they_are(folder):
    frame = polars.read_parquet(folder / "explanations/sst5/half/0/shap.parquet")
    tall = frame.select("example_id", "words", "values").explode("words", "values")
    own = distillens.load(folder).attributions.query(
        "task == 'sst5' and model == 'half' and explainer == 'shap' and label == 'very bad'"
    )
    assert tall["words"].to_list() == own["word"].tolist()
    assert tall["values"].list.get(0).to_list() == own["value"].tolist()
    scores = polars.scan_parquet(f"{folder}/metrics/*/[abfpr]*.parquet").filter(
        polars.col("example_id").is_null()
    )
    assert scores.collect().height == len(distillens.load(folder).scores)


def test_the_example_in_the_documentation_runs(folder, tmp_path):
    text = (ROOT / "docs" / "using-results.md").read_text("utf-8")
    blocks = [block.partition("\n```")[0] for block in text.split("```python\n")[1:]]
    assert len(blocks) >= 4
    program = "\n".join(blocks).replace("results/quickstart", str(folder)).replace("snippets-5", "sst5")
    (tmp_path / "example.py").write_text(program)
    result = subprocess.run(
        [sys.executable, str(tmp_path / "example.py")],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"PYTHONPATH": ":".join([str(ROOT), *filter(None, sys.path)]), "PATH": ""},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


def test_the_package_alone_imports_no_pandas():
    code = "import sys, distillens; assert 'pandas' not in sys.modules; distillens.load; "
    code += "assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
