"""One label of several, judged as two classes: its files, the texts that count, and made-up verdicts."""

import numpy as np
import pytest

from distillens import tables
from distillens.config.label_views import views
from distillens.evaluation.agreement import score_agreement
from distillens.evaluation.buckets import score_buckets
from distillens.evaluation.calibrate import calibrate
from distillens.evaluation.cut_label import cut_label
from distillens.evaluation.decide_verdicts import decide_verdicts
from distillens.evaluation.inputs import Settings
from distillens.evaluation.label_performance import score_label_performance
from distillens.evaluation.performance import score_performance
from distillens.evaluation.word_shifts import score_word_shifts
from distillens.metrics.agreement import spearman
from distillens.metrics.multiple_testing import holm

LABELS = ["toxic", "threat"]
VIEWS = views("comments", {"type": "multi_label", "labels": LABELS, "columns": {"label": "tags"}})
RUNS = [*(("teacher", seed) for seed in (1, 2, 3)), *(("student", seed) for seed in (1, 2))]
N, WORDS = 40, 6
METRICS = {
    "overlap_k": [1], "deletion_k": [1], "tolerance": 0.05, "margin": 0.5, "resamples": 50,
    "confidence_level": 0.95,
}  # fmt: skip


def settings(task, block):
    return Settings(
        task,
        block,
        METRICS,
        teachers={"teacher": None, "student": "teacher"},
        seeds={"teacher": [1, 2, 3], "student": [1, 2]},
        seed=1,
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Made-up attributions: of toxic the student ranks words as its teacher does, of threat at random."""
    folder, rng = tmp_path_factory.mktemp("labels"), np.random.default_rng(5)
    numbers = np.arange(N) % 4
    truth = np.stack([numbers & 1, numbers >> 1 & 1], axis=1).astype(bool)
    shared = rng.normal(size=(N, 2, WORDS))
    paths = {"test": folder / "comments/test.parquet", "predictions": [], "explanations": []}
    rows = [
        {"example_id": f"t{n}", "text_a": " ".join("abcdef"), "label": float(numbers[n]), "label_name": "x"}
        for n in range(N)
    ]
    tables.write(paths["test"], "examples", rows, {"task": "comments", "split": "test"})
    for model, seed in RUNS:
        z = np.where(truth, 2.0, -2.0) + rng.normal(scale=0.3, size=truth.shape)
        # What teacher and student say of texts 0 to 3: both, none, only the student, only one teacher's run.
        z[:4, 0] = [1, -1, 1 if model == "student" else -1, 1 if (model, seed) == ("teacher", 1) else -1]
        values = shared + rng.normal(scale=0.3, size=shared.shape)
        if model == "student":
            values[:, 1] = rng.normal(size=(N, WORDS))
        source = {"task": "comments", "model": model, "seed": seed, "explainer": "occlusion"}
        source |= {"settings": {"method": "occlusion", "unit": "word"}}
        file = folder / f"comments/predictions/{model}-{seed}.parquet"
        tables.write(
            file,
            "predictions",
            [
                {"example_id": f"t{n}", "perturbation": "none", "repeat": 0, "logits": z[n].tolist()}
                for n in range(N)
            ],
            source,
        )
        paths["predictions"].append(file)
        file = folder / f"comments/explanations/{model}-{seed}.parquet"
        spans = [{"segment": 0, "start": 2 * word, "end": 2 * word + 1} for word in range(WORDS)]
        rows = [
            {
                "example_id": f"t{n}", "words": list("abcdef"), "spans": spans,
                "values": values[n].T.tolist(), "base": [0.0, 0.0], "output": z[n].tolist(),
                "logits": z[n].tolist(), "unseen": 0,
            }
            for n in range(N)
        ]  # fmt: skip
        tables.write(file, "explanations", rows, source)
        paths["explanations"].append(file)
    cut = {}
    for view, block in VIEWS.items():
        own = {"test": folder / view / "test.parquet"}
        cut_label(paths["test"], own["test"], view=view, of=block["of"])
        for kind in ("predictions", "explanations"):
            own[kind] = [folder / view / kind / path.name for path in paths[kind]]
            for whole, out in zip(paths[kind], own[kind], strict=True):
                cut_label(whole, out, view=view, of=block["of"])
        s = settings(view, block)
        own["performance"] = folder / view / "performance.parquet"
        score_performance(own["test"], own["predictions"], [], settings=s, out=own["performance"])
        own["calibration"] = folder / view / "calibration.parquet"
        outputs = {"out": own["calibration"], "by_text": folder / view / "texts.parquet"}
        calibrate(own["performance"], own["explanations"], [], own["test"], settings=s, **outputs)
        cut[view] = own
    return folder, paths, cut


def headline(path, kind="calibration"):
    return [row for row in tables.read(path, kind).to_pylist() if row["metric"] == "spearman"]


def test_attributions_of_no_are_those_of_yes_with_the_other_sign(study):
    _, paths, cut = study
    whole = tables.read(paths["explanations"][0], "explanations").to_pylist()
    own = tables.read(cut["comments--threat"]["explanations"][0], "explanations").to_pylist()
    for one, other in zip(whole, own, strict=True):
        values = np.array(one["values"])[:, 1]
        assert np.array_equal(np.array(other["values"]), np.stack([-values, values], axis=1))
        assert other["logits"] == [0.0, one["logits"][1]] and other["output"] == [
            -one["output"][1],
            one["output"][1],
        ]
    origin = tables.provenance(cut["comments--threat"]["explanations"][0])
    assert origin["task"] == "comments--threat" and origin["of"] == {"task": "comments", "label": "threat"}


def test_a_text_counts_where_teacher_or_student_says_yes_by_half_of_its_runs(study):
    _, paths, cut = study
    (row,) = headline(cut["comments--toxic"]["calibration"])
    said = {}
    for (model, _), path in zip(RUNS, paths["explanations"], strict=True):
        z = np.array(tables.read(path, "explanations")["logits"].to_pylist())[:, 0]
        said.setdefault(model, []).append(z > 0)
    counted = np.any([np.mean(runs, axis=0) >= 0.5 for runs in said.values()], axis=0)
    # Of the first four: both, the student alone, but not one run of three of the teacher.
    assert counted[:4].tolist() == [True, False, True, False]
    assert row["n"] == counted.sum() and row["n_undefined"] == 0 and row["n"] < N
    values = {
        run: [np.array(of["values"])[:, 0] for of in tables.read(path, "explanations").to_pylist()]
        for run, path in zip(RUNS, paths["explanations"], strict=True)
    }
    by_hand = np.mean(
        [
            float(spearman(values["student", own][text], values["teacher", other][text]))
            for text in np.flatnonzero(counted) for own in (1, 2) for other in (1, 2, 3)
        ]
    )  # fmt: skip
    ceiling = np.mean(
        [
            float(spearman(values["teacher", a][text], values["teacher", b][text]))
            for text in np.flatnonzero(counted) for a, b in ((1, 2), (1, 3), (2, 3))
        ]
    )  # fmt: skip
    assert row["agreement"] == pytest.approx(by_hand) and row["ceiling"] == pytest.approx(ceiling)


def test_drift_is_found_of_the_label_that_has_it_alone(study, tmp_path):
    _, _, cut = study
    out, families = tmp_path / "drift.parquet", dict.fromkeys(VIEWS, "comments")
    files = [own["calibration"] for own in cut.values()]
    decide_verdicts(files, out=out, confidence_level=0.95, controls=[], families=families)
    rows = {row["task"]: row for row in headline(out, "drift")}
    assert rows["comments--threat"]["verdict"] == "drift found"
    assert rows["comments--toxic"]["verdict"] == "no drift found"
    p_values = [rows[view]["p_drift"] for view in VIEWS]
    assert [rows[view]["p_adjusted"] for view in VIEWS] == pytest.approx(holm(p_values).tolist())


def test_agreement_of_two_runs_is_over_texts_to_which_one_of_them_says_yes(study, tmp_path):
    _, paths, cut = study
    own, view = cut["comments--toxic"], "comments--toxic"
    score_agreement(
        own["test"], own["explanations"], settings=settings(view, VIEWS[view]), out=tmp_path / "a.parquet"
    )
    rows = tables.read(tmp_path / "a.parquet", "scores").to_pylist()
    (mean,) = [
        row for row in rows
        if (row["model"], row["seed"], row["against_seed"]) == ("student", 1, 1)
        and (row["metric"], row["example_id"], row["against"]) == ("spearman", None, "teacher")
    ]  # fmt: skip
    said = [
        np.array(tables.read(path, "explanations")["logits"].to_pylist())[:, 0] > 0
        for run, path in zip(RUNS, paths["explanations"], strict=True)
        if run[1] == 1
    ]
    assert mean["n"] == (said[0] | said[1]).sum()
    by_text = {
        row["example_id"]: row["value"] for row in rows
        if (row["model"], row["seed"], row["against"], row["against_seed"], row["metric"])
        == ("student", 1, "teacher", 1, "spearman") and row["example_id"]
    }  # fmt: skip
    assert len(by_text) == N and by_text["t1"] is None and by_text["t0"] is not None


def test_what_else_is_compared_has_the_same_texts(study, tmp_path):
    _, _, cut = study
    view = "comments--toxic"
    own, s = cut[view], settings(view, VIEWS[view])
    score_buckets(own["test"], own["explanations"], settings=s, out=tmp_path / "b.parquet")
    rows = [
        row
        for row in tables.read(tmp_path / "b.parquet", "scores").to_pylist()
        if row["metric"] == "spearman"
    ]
    assert rows and max(row["n"] for row in rows) < N
    score_word_shifts(own["test"], own["explanations"], settings=s, out=tmp_path / "w.parquet")
    (calibrated,) = headline(own["calibration"])
    shifts = tables.read(tmp_path / "w.parquet", "word_shifts").to_pylist()
    assert shifts and {row["n"] for row in shifts} == {calibrated["n"]}


def test_where_nobody_says_yes_nothing_is_decided(study, tmp_path):
    _, paths, cut = study
    view, files = "comments--toxic", []
    for path in cut[view]["explanations"]:
        rows = tables.read(path, "explanations").to_pylist()
        files.append(tmp_path / path.name)
        silent = [row | {"logits": [0.0, -1.0]} for row in rows]
        tables.write(files[-1], "explanations", silent, tables.provenance(path))
    s, out = settings(view, VIEWS[view]), tmp_path / "calibration.parquet"
    calibrate(
        cut[view]["performance"],
        files,
        [],
        cut[view]["test"],
        settings=s,
        out=out,
        by_text=tmp_path / "t.parquet",
    )
    (row,) = headline(out)
    assert row["n"] == 0 and row["agreement"] is None
    decide_verdicts([out], out=tmp_path / "drift.parquet", confidence_level=0.95, controls=[])
    assert headline(tmp_path / "drift.parquet", "drift")[0]["verdict"] == "not decided"
    score_agreement(cut[view]["test"], files, settings=s, out=tmp_path / "agreement.parquet")
    score_word_shifts(cut[view]["test"], files, settings=s, out=tmp_path / "shifts.parquet")


def test_performance_of_all_labels_has_a_constant_answer_beside_it(study, tmp_path):
    _, paths, _ = study
    block = {"type": "multi_label", "labels": LABELS, "metrics": ["micro_f1", "macro_f1", "map"]}
    s = settings("comments", block)
    score_label_performance(paths["test"], paths["predictions"], settings=s, out=tmp_path / "p.parquet")
    rows = tables.read(tmp_path / "p.parquet", "scores").to_pylist()
    assert {(row["model"], row["seed"]) for row in rows} == {*RUNS, (None, None)}
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows if row["model"])
    constants = {row["metric"]: row["value"] for row in rows if row["model"] is None}
    # Each label is that of half of the texts.
    assert constants == pytest.approx({"micro_f1": 2 / 3, "macro_f1": 2 / 3, "map": 0.5})


def test_what_is_no_file_of_the_task_is_refused(study, tmp_path):
    _, paths, _ = study
    of = VIEWS["comments--toxic"]["of"]
    tables.write(
        tmp_path / "p.parquet", "predictions", [{"example_id": "a", "logits": [1.0]}], {"task": "comments"}
    )
    with pytest.raises(tables.TableError, match="1 outputs, the task has 2 labels"):
        cut_label(tmp_path / "p.parquet", tmp_path / "out.parquet", view="v", of=of)
    with pytest.raises(tables.TableError, match="is about task 'comments', not 'other'"):
        cut_label(paths["test"], tmp_path / "out.parquet", view="v", of={**of, "task": "other"})
    tables.write(tmp_path / "c.parquet", "corpus", [], {})
    with pytest.raises(tables.TableError, match="'corpus' has no labels to cut"):
        cut_label(tmp_path / "c.parquet", tmp_path / "out.parquet", view="v", of=of)
    bad = {"example_id": "a", "text_a": "x", "label": 9.0}
    tables.write(tmp_path / "e.parquet", "examples", [bad], {"task": "comments"})
    with pytest.raises(tables.TableError, match="no set of 2 labels"):
        cut_label(tmp_path / "e.parquet", tmp_path / "out.parquet", view="v", of=of)


def test_a_control_says_the_same_of_yes_and_no(tmp_path):
    row = {"example_id": "a", "words": ["x"], "spans": [], "values": [[0.3, 0.4]], "logits": [1.0, 2.0]}
    source = {"task": "comments", "settings": {"method": "random"}}
    tables.write(tmp_path / "r.parquet", "explanations", [row], source)
    cut_label(tmp_path / "r.parquet", tmp_path / "out.parquet", view="v", of=VIEWS["comments--threat"]["of"])
    assert tables.read(tmp_path / "out.parquet", "explanations")["values"].to_pylist() == [[[0.4, 0.4]]]
