"""From Parquet files to tables of scores."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from distillens import tables
from distillens.evaluation import calibrate
from distillens.evaluation.agreement import score_agreement
from distillens.evaluation.buckets import score_buckets
from distillens.evaluation.decide_verdicts import decide_verdicts
from distillens.evaluation.faithfulness import score_faithfulness
from distillens.evaluation.inputs import Settings
from distillens.evaluation.performance import score_performance
from distillens.evaluation.robustness import score_robustness
from distillens.evaluation.teacher_groups import Attributions
from distillens.metrics import agreement, verdict
from distillens.tables import TableError

TEACHERS = {"big": None, "small": "big"}
SEEDS = {"big": [7, 3], "small": [0]}
RUNS = [(model, seed) for model, seeds in SEEDS.items() for seed in seeds]
IDS = [f"e{i}" for i in range(40)]
METRICS = {
    "overlap_k": [1, 3],
    "deletion_k": [1],
    "random_draws": 2,
    "resamples": 200,
    "confidence_level": 0.95,
    "tolerance": 0.05,
}
CLASSES = {"type": "classification", "labels": ["bad", "good"], "metrics": ["accuracy", "matthews"]}
REGRESSION = {"type": "regression", "labels": [], "metrics": ["pearson"], "flip": 0.5}


def settings(task_settings=CLASSES, **other):
    usual = {
        "task": "films",
        "task_settings": task_settings,
        "metrics": METRICS,
        "teachers": TEACHERS,
        "seeds": SEEDS,
        "seed": 0,
    }
    return {"settings": Settings(**{**usual, **other})}


def rng(*parts):
    return np.random.default_rng([sum(map(ord, str(part))) for part in parts])


def frame(path, kind="scores"):
    return tables.read(path, kind).to_pandas()


class Study:
    """The files of a small task; what is not overridden is drawn."""

    def __init__(self, folder, n_classes=2):
        self.folder, self.n_classes = folder, n_classes
        self.labels = np.arange(len(IDS)) // 2 % 2
        labelled = zip(IDS, self.labels, strict=True)
        rows = [{"example_id": i, "text_a": "x", "label": float(y)} for i, y in labelled]
        self.test = self.explained = self.write("examples", "examples", rows)

    def write(self, name, kind, rows, **identity):
        path = self.folder / f"{name}.parquet"
        tables.write(path, kind, rows, identity)
        return path

    def logits(self, model, seed, wrong=0.1):
        draw = rng(model, seed)
        if not self.n_classes:
            return (self.labels + draw.normal(size=len(IDS)))[:, None]
        flips = draw.random(len(IDS)) < wrong
        return 2.0 * np.eye(self.n_classes)[np.where(flips, 1 - self.labels, self.labels)]

    def predictions(self, repeats=2, **wrong):
        paths = []
        for model, seed in RUNS:
            first = self.logits(model, seed, wrong.get(model, 0.1))
            rows = [("none", 0, first)] + [("typos", f, np.roll(first, f)) for f in range(repeats)]
            rows = [
                {"example_id": i, "perturbation": p, "repeat": f, "logits": row.tolist()}
                for p, f, logits in rows
                for i, row in zip(IDS, logits, strict=True)
            ]
            identity = {"task": "films", "model": model, "seed": seed}
            paths.append(self.write(f"p-{model}-{seed}", "predictions", rows, **identity))
        return paths

    def perturbed(self, repeats=2):
        edit = {"segment": 0, "start": 0, "before": "x", "after": "yes"}
        rows = [
            {"example_id": i, "repeat": f, "text_a": "y", "changed": n % 4 > 0, "edits": [edit] * (n % 4 > 0)}
            for f in range(repeats)
            for n, i in enumerate(IDS)
        ]
        return [self.write("typos", "perturbed", rows, perturbation="typos")]

    def explanation(self, model, seed, explainer="shap", words=None, values=None, **other):
        logits = self.logits(model, seed)
        rows = []
        for n, i in enumerate(IDS):
            shape = (4 + n % 5, max(1, self.n_classes))
            own = rng(explainer, i).normal(size=shape) + 0.3 * rng(explainer, i, model, seed).normal(
                size=shape
            )
            own = own if values is None else np.asarray(values(i, own))
            rows.append(
                {
                    "example_id": i,
                    "words": (words or {}).get(i, [f"w{j}" for j in range(len(own))]),
                    "spans": [{"segment": 0, "start": 3 * j, "end": 3 * j + 2} for j in range(len(own))],
                    "values": own.tolist(),
                    "logits": logits[n].tolist(),
                    "unseen": 0,
                    **other,
                }
            )
        identity = {"task": "films", "model": model, "seed": seed, "explainer": explainer}
        return self.write(f"x-{model}-{seed}-{explainer}", "explanations", rows, **identity)

    def explanations(self, *explainers):
        return [self.explanation(*run, e) for e in explainers or ("shap",) for run in RUNS]


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path)


def test_performance_has_every_run_and_the_majority(study, tmp_path):
    out = tmp_path / "scores.parquet"
    score_performance(study.test, study.predictions(), out=out, **settings())
    found = frame(out)
    assert len(found) == 3 * 2 + 1
    row = found[(found["model"] == "small") & (found["metric"] == "accuracy")].iloc[0]
    predicted = study.logits("small", 0).argmax(axis=1)
    assert row["value"] == pytest.approx((predicted == study.labels).mean())
    assert row["low"] < row["value"] < row["high"] and row["n"] == 40
    majority = found[found["metric"] == "majority"].iloc[0]
    assert majority["value"] == np.bincount(study.labels).max() / 40
    assert majority["model"] is None or pd.isna(majority["model"])


def test_performance_of_a_regression(tmp_path):
    study, out = Study(tmp_path, n_classes=0), tmp_path / "scores.parquet"
    score_performance(study.test, study.predictions(), out=out, **settings(REGRESSION))
    found = frame(out).set_index("metric")["value"]
    assert found["majority"] == 0 and 0 < found["pearson"].iloc[0] < 1


def test_robustness_has_a_gap_for_students_only(study, tmp_path):
    out = tmp_path / "scores.parquet"
    score_robustness(study.test, study.perturbed(), study.predictions(), out=out, **settings())
    found = frame(out)
    of_task = {
        f"{metric}{suffix}"
        for metric in ("accuracy", "matthews")
        for suffix in ("", "_change", "_change_gap")
    }
    edited = {"changed": 0.75, "edited_words": 0.75, "edited_characters": 0.9}
    assert set(found["metric"]) == {*of_task, "consistency", *edited}
    gap = found[found["metric"] == "accuracy_change_gap"].iloc[0]
    assert (gap["model"], gap["against"], gap["against_seed"]) == ("small", "big", 7)
    change = found[found["metric"] == "accuracy_change"].set_index(["model", "seed"])["value"]
    assert gap["value"] == pytest.approx(change["small", 0] - change["big", 7])
    # Three texts of four become "yes" instead of "x": three characters of three there, none of one elsewhere.
    assert found[found["model"].isna()].set_index("metric")["value"].to_dict() == pytest.approx(edited)
    assert set(found["perturbation"]) == {"typos"}


def test_a_regression_flips_by_what_its_task_says(tmp_path):
    study, out = Study(tmp_path, n_classes=0), tmp_path / "scores.parquet"
    first = study.logits("big", 7)[:, 0]
    moved = np.abs(np.roll(first, 1) - first)
    for flip in (0.2, 1.0):
        settings_ = settings({**REGRESSION, "flip": flip})
        score_robustness(study.test, study.perturbed(), study.predictions(), out=out, **settings_)
        found = frame(out).query("metric == 'consistency' and model == 'big' and seed == 7")
        # The first repeat is the original text, the second the next one's.
        assert found["value"].item() == pytest.approx((1 + (moved <= flip).mean()) / 2)
    assert (moved <= 0.2).mean() < (moved <= 1.0).mean()


def test_a_teacher_that_cannot_be_asked_gives_its_students_no_gap(study, tmp_path):
    out = tmp_path / "scores.parquet"
    own = [path for path in study.predictions() if "small" in path.name]
    with pytest.raises(TableError, match="no predictions of"):
        score_robustness(study.test, study.perturbed(), own, out=out, **settings())
    score_robustness(study.test, study.perturbed(), own, out=out, **settings(attributions_only=["big"]))
    found = frame(out)
    assert set(found["model"].dropna()) == {"small"}
    assert not found["metric"].str.endswith("_gap").any()


def curves_of(study, model, seed):
    """Confidence 3/4, and 1/2 without the first word, with only which nothing is lost."""
    lengths = {i: 4 + n % 5 for n, i in enumerate(IDS)}
    rows = []
    for i, n in lengths.items():
        along = {
            ("shap", "own", "remove"): [0.75] + [0.5] * n,
            ("shap", "own", "keep"): [0.75] + [0.75] * n,
            (None, "random", "remove"): [0.75] * n + [0.5],
            (None, "each", "remove"): [0.75] + [0.75 - 0.01 * j for j in range(n)],
            (None, "upper", "remove"): [0.75] + [0.25] * (n - 1) + [0.5],
            (None, "lower", "remove"): [0.75] * n + [0.5],
        }
        rows += [
            {"example_id": i, "explainer": e, "ranking": r, "draw": 0, "operation": o,
             "target": 0, "order": list(range(n)), "confidence": values}
            for (e, r, o), values in along.items()
        ]  # fmt: skip
    return study.write(f"c-{model}-{seed}", "curves", rows, task="films", model=model, seed=seed)


def test_faithfulness_counts_texts_that_are_too_short(study, tmp_path):
    deletions, out = [], tmp_path / "scores.parquet"
    for model, seed in RUNS:
        rankings = [("own", 0, 1.0), ("random", 0, 0.2), ("random", 1, 0.4)]
        rankings += [("teacher", 0, 0.5)] if TEACHERS[model] else []
        rows = [
            {
                "example_id": i, "explainer": None if ranking == "random" else "shap",
                "ranking": ranking, "draw": draw, "k": 3, "target": 0, "removed": [0, 1, 2],
                "logits_before": [math.log(3), 0.0], "logits_after": [math.log(3) * (1 - part), 0.0],
            }
            for i in IDS[:30]
            for ranking, draw, part in rankings
        ]  # fmt: skip
        identity = {"task": "films", "model": model, "seed": seed}
        deletions.append(study.write(f"d-{model}-{seed}", "deletions", rows, **identity))
    curves = [curves_of(study, *run) for run in RUNS]
    score_faithfulness(study.explained, deletions, curves, study.explanations(), out=out, **settings())
    found = frame(out)
    removed = found["metric"].str.startswith(("confidence_drop", "flip_rate"))
    assert set(zip(found[removed]["n"], found[removed]["n_undefined"], strict=True)) == {(30, 10)}
    values = found.set_index(["model", "seed", "ranking", "metric", "k"])["value"]
    # softmax(log 3, 0) = 3/4; without the own words 1/2.
    assert values["small", 0, "own", "confidence_drop", 3] == pytest.approx(0.25)
    p = [3**x / (1 + 3**x) for x in (0.8, 0.6, 0.5)]
    random = 0.75 - (p[0] + p[1]) / 2
    assert values["small", 0, "random", "confidence_drop", 3] == pytest.approx(random)
    assert values["small", 0, "teacher", "confidence_drop_excess", 3] == pytest.approx(0.75 - p[2] - random)
    assert set(found[found["ranking"] == "teacher"]["against"]) == {"big"}
    assert ("big", 7, "teacher", "confidence_drop", 3) not in values.index
    # Along the curves everything goes with the first word; texts have 4 to 8 words.
    along = found[found["k"].isna()].set_index(["model", "seed", "ranking", "metric"])["value"]
    assert along["small", 0, "own", "aopc_comprehensiveness"] == pytest.approx(0.25)
    assert along["small", 0, "own", "aopc_sufficiency"] == 0
    random = np.mean([0.25 / n for n in range(4, 9)])
    assert along["small", 0, "random", "aopc_comprehensiveness"] == pytest.approx(random)
    scaled = [(0.25 - 0.25 / n) / ((0.5 * (n - 1) + 0.25) / n - 0.25 / n) for n in range(4, 9)]
    assert along["small", 0, "own", "aopc_comprehensiveness_normalised"] == pytest.approx(np.mean(scaled))
    assert -1 <= along["small", 0, "own", "tau_loo"] <= 1
    short = found[found["metric"] == "short_token_ratio"]
    # "w0" to "w7": every word has two characters.
    assert set(short["value"]) == {1.0} and set(short["n"]) == {40}


def test_runs_with_deletions_but_without_curves_are_named(study, tmp_path):
    row = {
        "example_id": "e0", "explainer": "shap", "ranking": "own", "draw": 0, "k": 3, "target": 0,
        "removed": [0], "logits_before": [1.0, 0.0], "logits_after": [0.0, 1.0],
    }  # fmt: skip
    file = study.write("d", "deletions", [row], task="films", model="big", seed=7)
    with pytest.raises(TableError, match=r"d\.parquet: nothing else about \('big', 7\)"):
        score_faithfulness(study.explained, [file], [], [], out=tmp_path / "s.parquet", **settings())


def test_agreement_has_every_pair_example_by_example_and_together(study, tmp_path):
    out = tmp_path / "scores.parquet"
    score_agreement(study.explanations("shap", "lime"), out=out, **settings())
    found = frame(out)
    found = found[found["against"].notna()]
    pairs = {("small", 0, "big", 7), ("big", 3, "big", 7)}
    columns = ["model", "seed", "against", "against_seed"]
    assert set(found[columns].itertuples(index=False, name=None)) == pairs
    grid = agreement.grid([1, 3])
    assert len(found) == 2 * len(pairs) * len(grid) * (1 + len(IDS))
    aggregates = found[found["example_id"].isna()]
    singles = found[found["example_id"].notna()]
    keys = ["explainer", *columns, "metric", "k"]
    means = singles.groupby(keys, dropna=False)["value"].agg(["mean", "count"])
    joined = aggregates.set_index(keys).join(means)
    assert np.allclose(joined["value"], joined["mean"])
    assert (joined["n"] == joined["count"]).all() and (joined["n"] + joined["n_undefined"] == 40).all()
    # Texts of 4 and 5 words have no top 3.
    assert joined["n"].xs(3, level="k").unique().tolist() == [24]


def test_agreement_comes_with_its_spread_and_what_chance_gives(study, tmp_path):
    out = tmp_path / "scores.parquet"
    score_agreement(study.explanations(), out=out, **settings())
    found = frame(out).query("model == 'small'")
    singles = found[found["example_id"].notna() & (found["metric"] == "overlap") & (found["k"] == 3)]
    (row,) = found[found["example_id"].isna() & (found["metric"] == "overlap") & (found["k"] == 3)].to_dict(
        "records"
    )
    assert row["spread"] == pytest.approx(singles["value"].std())
    # Of 6, 7 or 8 words (8 texts each) three are drawn.
    assert row["chance"] == pytest.approx(np.mean([3 / 6, 3 / 7, 3 / 8]))


def test_students_of_one_teacher_are_compared_with_each_other(study, tmp_path):
    twin = {
        "teachers": {"big": None, "small": "big", "twin": "big"},
        "seeds": {"big": [7, 3], "small": [0], "twin": [5]},
    }
    files = [*study.explanations(), study.explanation("twin", 5)]
    score_agreement(files, out=tmp_path / "s.parquet", **settings(**twin))
    found = frame(tmp_path / "s.parquet")
    pairs = found[["model", "seed", "against", "against_seed"]].dropna().drop_duplicates()
    assert set(pairs.itertuples(index=False, name=None)) == {
        ("small", 0, "big", 7),
        ("twin", 5, "big", 7),
        ("twin", 5, "small", 0),
        ("big", 3, "big", 7),
    }


def test_explainers_of_a_run_are_compared_towards_its_own_prediction(study, tmp_path):
    score_agreement(study.explanations("shap", "lime"), out=tmp_path / "s.parquet", **settings())
    found = frame(tmp_path / "s.parquet").query("against_explainer.notna() and metric == 'cosine'")
    assert set(found[["model", "seed", "explainer", "against_explainer"]].itertuples(index=False)) == {
        (*run, "lime", "shap") for run in RUNS
    }
    own = study.logits("big", 3).argmax(axis=1)
    lime, shap = (Attributions.read(study.explanation("big", 3, name)).values for name in ("lime", "shap"))
    expected = [agreement.cosine(lime[i][:, own[n]], shap[i][:, own[n]]) for n, i in enumerate(IDS)]
    row = found[(found["model"] == "big") & (found["seed"] == 3)].iloc[0]
    assert row["value"] == pytest.approx(np.mean(expected)) and row["n"] == 40


def test_every_run_has_a_point_and_a_cloud(study, tmp_path):
    score_agreement(study.explanations(), out=tmp_path / "s.parquet", **settings())
    found = frame(tmp_path / "s.parquet").query("metric == 'projection_1'")
    assert len(found) == len(RUNS) * (1 + len(IDS))
    points = found[found["example_id"].isna()].set_index(["model", "seed"])["value"]
    clouds = found[found["example_id"].notna()].groupby(["model", "seed"])["value"].mean()
    assert points.to_dict() == pytest.approx(clouds.to_dict())
    assert points.sum() == pytest.approx(0, abs=1e-9)


def test_buckets_split_the_texts_and_compare_the_models_in_each(study, tmp_path):
    score_buckets(study.explained, study.explanations(), out=tmp_path / "s.parquet", **settings())
    found = frame(tmp_path / "s.parquet")
    sizes = found[found["metric"] == "size"].set_index("subset")["value"].to_dict()
    right = {run: study.logits(*run).argmax(axis=1) == study.labels for run in (("big", 7), ("small", 0))}
    big, small = right.values()
    expected = {
        "all_correct": big & small, "only_big": big & ~small,
        "only_small": small & ~big, "all_wrong": ~big & ~small,
    }  # fmt: skip
    assert sizes == {name: flags.sum() for name, flags in expected.items()}
    score_agreement(study.explanations(), out=tmp_path / "a.parquet", **settings())
    alike = frame(tmp_path / "a.parquet").query("model == 'small' and metric == 'cosine'")
    alike = alike.set_index("example_id")["value"]
    rows = found[found["metric"] == "cosine"].set_index("subset")
    said, asked = (study.logits(*run).argmax(axis=1) for run in (("small", 0), ("big", 7)))
    expected |= {"both_right": big & small, "only_teacher_right": big & ~small, "both_wrong": ~big & ~small}
    expected |= {"only_student_right": small & ~big, "same_prediction": said == asked}
    expected |= {"other_prediction": said != asked}
    for name, flags in expected.items():
        row = rows.loc[name]
        assert (row["model"], row["against"], row["n"]) == ("small", "big", flags.sum())
        if flags.any():
            assert row["value"] == pytest.approx(alike[np.array(IDS)[flags]].mean())
        else:
            assert pd.isna(row["value"])


def test_a_regression_has_no_buckets(tmp_path):
    study = Study(tmp_path, n_classes=0)
    score_buckets(study.explained, study.explanations(), out=tmp_path / "s.parquet", **settings(REGRESSION))
    assert frame(tmp_path / "s.parquet").empty


def test_agreement_is_about_the_class_that_the_teacher_predicts(study, tmp_path):
    score_agreement(study.explanations(), out=tmp_path / "s.parquet", **settings())
    found = frame(tmp_path / "s.parquet").query("model == 'small' and metric == 'cosine'")
    small, big = (study.logits(*run).argmax(axis=1) for run in (("small", 0), ("big", 7)))
    read = [Attributions.read(study.explanation(*run)).values for run in (("small", 0), ("big", 7))]
    n = np.flatnonzero(small != big)[0]
    a, b = (values[IDS[n]][:, big[n]] for values in read)
    cosine = a @ b / np.sqrt(a @ a * (b @ b))
    assert found.set_index("example_id")["value"][IDS[n]] == pytest.approx(cosine)


def _run(path):
    made = tables.provenance(path)
    return made["model"], made["seed"]


def drift(study, tmp_path, explanations, name="drift", predictions=None, again=None, **other):
    performance, calibration = tmp_path / "performance.parquet", tmp_path / "calibration.parquet"
    predictions = predictions or study.predictions()
    runs = settings(**other)
    if "seeds" in other:
        predictions = [p for p in predictions if "big-3" not in p.name]
    score_performance(study.test, predictions, out=performance, **runs)
    if again is None:
        again = [path for path in explanations if _run(path) == ("big", 7)]
    calibrate.calibrate(performance, explanations, again, out=calibration, **runs)
    judged = {"confidence_level": 0.95, "tolerance": 0.05, "controls": []}
    decide_verdicts([calibration], out=tmp_path / f"{name}.parquet", **judged)
    return frame(tmp_path / f"{name}.parquet", "drift")


def test_drift_has_a_row_for_each_student_explainer_and_metric(study, tmp_path):
    found = drift(study, tmp_path, study.explanations("shap", "lime"))
    metrics = agreement.grid([1, 3])
    assert len(found) == 2 * len(metrics)
    assert (
        list(zip(found["metric"], found["k"].fillna(0), strict=True)) == [(m, k or 0) for m, k in metrics] * 2
    )
    assert set(found["student"]) == {"small"} and set(found["teacher"]) == {"big"}
    assert set(found["n_teacher_runs"]) == {2} and set(found["n_runs"]) == {1}
    assert (found["p_adjusted"] >= found["p_value"]).all()
    floors = found[(found["metric"] == "overlap") & (found["k"] == 1)]["floor"]
    assert floors.iloc[0] == pytest.approx(np.mean([1 / (4 + n % 5) for n in range(40)]))


def test_an_explainer_that_repeats_itself_has_a_ceiling_of_one(study, tmp_path):
    found = drift(study, tmp_path, study.explanations())
    assert found["explainer_ceiling"].to_numpy() == pytest.approx(1)


def test_an_explainer_that_does_not_repeat_itself_has_a_lower_ceiling(study, tmp_path):
    other = study.explanation("big", 3)
    copy = study.folder / "again.parquet"
    source = {**tables.provenance(other), "seed": 7}
    tables.write(copy, "explanations", tables.read(other, "explanations"), source)
    found = drift(study, tmp_path, study.explanations(), again=[copy])
    assert found["explainer_ceiling"].to_numpy() == pytest.approx(found["ceiling"].to_numpy())


def test_a_missing_second_run_of_an_explainer_is_an_error(study, tmp_path):
    with pytest.raises(tables.TableError, match="no second explanations"):
        drift(study, tmp_path, study.explanations("shap", "lime"), again=[study.explanation("big", 7)])


def test_a_student_that_is_the_second_seed_has_drift_exactly_zero(study, tmp_path):
    twin = study.explanation("big", 3)
    rows = tables.read(twin, "explanations")
    copy = study.folder / "copy.parquet"
    tables.write(copy, "explanations", rows, {**tables.provenance(twin), "model": "small", "seed": 0})
    found = drift(study, tmp_path, [study.explanation("big", 7), twin, copy])
    assert (found[["drift", "drift_low", "drift_high"]] == 0).all(axis=None)
    assert set(found["verdict"]) == {verdict.KEEPS}


def test_one_teacher_seed_gives_nulls_and_cannot_tell(study, tmp_path):
    files = [study.explanation("big", 7), study.explanation("small", 0)]
    found = drift(study, tmp_path, files, seeds={"big": [7], "small": [0]})
    for column in ("ceiling", "normalised", "drift", "drift_low", "p_value", "p_adjusted", "run_spread"):
        assert found[column].isna().all()
    assert tables.read(tmp_path / "drift.parquet", "drift")["drift"].null_count == len(found)
    assert set(found["verdict"]) == {verdict.UNKNOWN} and set(found["n_teacher_runs"]) == {1}


def test_a_student_no_better_than_the_majority_is_gated(study, tmp_path):
    found = drift(study, tmp_path, study.explanations(), predictions=study.predictions(small=0.5))
    assert set(found["verdict"]) == {verdict.GATED} and found["gated"].all()


def test_a_teacher_seed_no_better_than_the_majority_does_not_count_as_ceiling(study, tmp_path, monkeypatch):
    good = study.logits
    monkeypatch.setattr(
        study, "logits", lambda m, s, wrong=0.1: good(m, s, 0.5 if (m, s) == ("big", 3) else wrong)
    )
    found = drift(study, tmp_path, study.explanations(), predictions=study.predictions())
    assert set(found["n_teacher_runs"]) == {1} and set(found["verdict"]) == {verdict.UNKNOWN}


def test_explained_outputs_without_classes_are_compared_as_they_are(study, tmp_path):
    # One value per word, such as the expected rating, though there are two classes.
    files = [study.explanation(*run, values=lambda i, own: own[:, :1]) for run in RUNS]
    score_agreement(files, out=tmp_path / "s.parquet", **settings())
    assert frame(tmp_path / "s.parquet")["n"].max() == 40


def test_regression_explanations_are_compared(tmp_path):
    study = Study(tmp_path, n_classes=0)
    found = drift(study, tmp_path, study.explanations(), task_settings=REGRESSION)
    assert set(found["n"]) == {40, 24}


def test_the_same_inputs_give_the_same_bytes_in_any_order(study, tmp_path):
    files, predictions = study.explanations(), study.predictions()
    for name in ("one", "two"):
        score_agreement(files, out=tmp_path / f"{name}-a.parquet", **settings())
        drift(study, tmp_path, files, name=f"{name}-d", predictions=predictions)
        score_robustness(
            study.test, study.perturbed(), predictions, out=tmp_path / f"{name}-r.parquet", **settings()
        )
    for kind in "adr":
        one, two = ((tmp_path / f"{name}-{kind}.parquet").read_bytes() for name in ("one", "two"))
        assert one == two
    score_agreement(files[::-1], out=tmp_path / "back.parquet", **settings())
    assert frame(tmp_path / "back.parquet").equals(frame(tmp_path / "one-a.parquet"))


def test_another_seed_moves_bounds_but_no_value(study, tmp_path):
    files = study.explanations()
    for seed in (0, 1):
        score_agreement(files, out=tmp_path / f"{seed}.parquet", **settings(seed=seed))
    a, b = (frame(tmp_path / f"{seed}.parquet") for seed in (0, 1))
    assert a["value"].equals(b["value"]) and not a["low"].equals(b["low"])


def test_different_words_are_an_error_that_names_both_files_and_the_example(study, tmp_path):
    good = study.explanations()
    other = study.explanation("small", 0, words={"e7": ["another"] + [f"w{j}" for j in range(1, 6)]})
    with pytest.raises(TableError, match=f"{other} and .*x-big-7-shap.parquet: different words .*'e7'"):
        score_agreement([*good[:2], other], out=tmp_path / "s.parquet", **settings())
    assert not (tmp_path / "s.parquet").exists()


def test_texts_that_a_model_could_not_see_whole_are_undefined_and_counted(study, tmp_path):
    good = study.explanations()
    short = study.explanation("small", 0, values=lambda i, own: own[:-1] if i == "e7" else own, unseen=1)
    score_agreement([*good[:2], short], out=tmp_path / "s.parquet", **settings())
    found = frame(tmp_path / "s.parquet")
    row = found[(found["model"] == "small") & (found["metric"] == "cosine")]
    assert row[row["example_id"] == "e7"]["value"].isna().all()
    assert row[row["example_id"].isna()][["n", "n_undefined"]].to_numpy().tolist() == [[39, 1]]


def test_constant_attributions_are_undefined_and_counted(study, tmp_path):
    files = study.explanations()[:2] + [study.explanation("small", 0, values=lambda i, own: own * 0)]
    found = drift(study, tmp_path, files)
    assert set(found["n"]) == {0} and set(found["n_undefined"]) == {40}
    assert found["agreement"].isna().all() and set(found["verdict"]) == {verdict.UNKNOWN}


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
    with pytest.raises(TableError, match="no explanations of 'big', seed 7, by 'shap'"):
        score_agreement(two, out=tmp_path / "s", **settings())
    student = study.predictions()[2:]
    with pytest.raises(TableError, match=r"no predictions of \('big', 7\), the teacher of 'small'"):
        score_robustness(study.test, study.perturbed(), student, out=tmp_path / "s", **settings())


def test_missing_predictions_are_named(study, tmp_path):
    files = study.perturbed(repeats=3), study.predictions()
    with pytest.raises(TableError, match="p-big-3.parquet: has no prediction for .*typos.*2.*e0"):
        score_robustness(study.test, *files, out=tmp_path / "s", **settings())


def test_edits_of_another_text_are_an_error(study, tmp_path):
    other = [{"example_id": i, "text_a": "z", "label": 0.0} for i in IDS]
    test = study.write("other", "examples", other)
    with pytest.raises(TableError, match="typos.parquet: .*these edits belong to another text"):
        score_robustness(test, study.perturbed(), study.predictions(), out=tmp_path / "s", **settings())


def test_logits_of_another_width_are_an_error(study, tmp_path):
    three = settings({**CLASSES, "labels": ["a", "b", "c"]})
    with pytest.raises(TableError, match="row 0 of 'logits' has 2 outputs, task 'films' has 3"):
        score_performance(study.test, study.predictions(), out=tmp_path / "s", **three)


def test_labels_unknown_to_the_task_are_an_error(study, tmp_path):
    bad = study.write("bad", "examples", [{"example_id": "e0", "text_a": "x", "label": 2.0}])
    with pytest.raises(TableError, match="bad.parquet: example 'e0' has the label 2.0"):
        score_performance(bad, study.predictions(), out=tmp_path / "s", **settings())


def test_nothing_here_imports_torch():
    modules = "distillens.evaluation.agreement, distillens.evaluation.performance"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_every_pair_of_three_teacher_seeds_is_compared(study, tmp_path):
    seeds = {"big": [7, 3, 5], "small": [0]}
    files = [*study.explanations(), study.explanation("big", 5)]
    score_agreement(files, out=tmp_path / "s.parquet", **settings(seeds=seeds))
    found = frame(tmp_path / "s.parquet").query("model == 'big' and against.notna()")
    pairs = set(zip(found["seed"], found["against_seed"], strict=True))
    assert pairs == {(later, earlier) for earlier, later in itertools.combinations(seeds["big"], 2)}
