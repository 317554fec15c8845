"""How much of a baseline's drift a student closes: by hand, against SciPy, by simulation, and from files."""

import csv
import math

import numpy as np
import pytest
from scipy import stats

from distillens import tables
from distillens.evaluation.gap_closed import score_gap_closed
from distillens.evaluation.inputs import Settings
from distillens.metrics.gap_closed import close
from distillens.metrics.run_pairs import RunPairs
from distillens.report import gap_closed
from distillens.report.study_data import study_of
from tests.fixtures import made_up_study


def runs(values, teachers=3):
    """Runs of a student, shape (runs, n), that agree alike with each run of the teacher."""
    values = np.atleast_2d(np.asarray(values, dtype=float))
    return RunPairs.of(np.repeat(values[:, None], teachers, axis=1))


def pairs(agreement):
    """Agreement of each two of three runs of a teacher, all alike."""
    return np.repeat(np.repeat(np.asarray(agreement, dtype=float)[None, None], 3, axis=0), 3, axis=1)


def test_share_by_hand():
    n = 10
    found = close(runs(np.full((2, n), 0.7)), runs(np.full((2, n), 0.6)), pairs(np.full(n, 0.8)))
    assert found["gain"] == pytest.approx(0.1)
    assert (found["share"], found["share_low"], found["share_high"]) == pytest.approx((0.5, 0.5, 0.5))
    assert (found["n_runs"], found["n_baseline_runs"], found["n"]) == (2, 2, n)


def test_scores_of_runs_that_do_not_vary_on_texts_are_compared_by_welchs_t():
    a, b = [0.7, 0.5, 0.9], [0.4, 0.5, 0.3]
    found = close(*(RunPairs.of(np.repeat(np.reshape(x, (3, 1, 1)), 20, axis=2)) for x in (a, b)))
    expected = stats.ttest_ind(a, b, equal_var=False)
    assert (found["gain_low"], found["gain_high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert found["p_value"] == pytest.approx(expected.pvalue)
    assert math.isnan(found["share"]) and found["n_runs"] == 3


@pytest.mark.parametrize("few", ["students", "teachers"])
def test_with_too_few_runs_there_is_a_value_without_bounds(few):
    rng = np.random.default_rng(0)
    seeds = 2 if few == "teachers" else 3
    a, b = rng.normal(0.6, 0.1, (1 if few == "students" else 3, 40)), rng.normal(0.5, 0.1, (3, 40))
    found = close(runs(a, seeds), runs(b, seeds), pairs(np.full(40, 0.8))[:seeds, :seeds])
    assert found["gain"] == pytest.approx(a.mean() - b.mean()) and found["share"] > 0
    assert all(math.isnan(found[name]) for name in ("gain_low", "gain_high", "share_low", "p_value"))


def test_students_of_the_same_runs_are_compared_run_by_run():
    # Each pair of a student and its teacher's run has its own level, which cancels in the gain.
    rng, own = np.random.default_rng(1), [0, 1, 2]
    level = rng.normal(0, 0.3, (3, 1))
    values = [np.zeros((3, 3, 30)) for _ in range(2)]
    for agreement, mean in zip(values, (0.6, 0.5), strict=True):
        agreement[own, own] = mean + level + rng.normal(0, 0.02, (3, 30))
    found = close(*(RunPairs.of(agreement, own) for agreement in values), pairs(np.full(30, 0.8)))
    assert 0.05 < found["gain_low"] < 0.1 < found["gain_high"] < 0.15


def test_there_is_no_share_of_a_drift_that_is_not_shown():
    rng = np.random.default_rng(1)
    ceiling = rng.normal(0.8, 0.1, 30)
    found = close(runs([ceiling + 0.01] * 2), runs([ceiling] * 2), pairs(ceiling))
    assert math.isnan(found["share"]) and found["gain"] == pytest.approx(0.01)


def test_texts_that_anyone_lacks_are_left_out_and_counted():
    a, b, ceiling = (np.array([[value, value + 0.1, np.nan]]) for value in (0.7, 0.6, 0.8))
    b[0, 0] = np.nan
    found = close(runs(a), runs(b), pairs(ceiling[0]))
    assert (found["n"], found["n_undefined"]) == (1, 2)
    assert math.isnan(close(runs([[np.nan]]), runs([[1.0]]))["gain"])


def test_intervals_cover_the_truth_for_other_texts_and_other_runs():
    # Each run's mean is off by its own draw, each text by its own, and both together.
    rng = np.random.default_rng(2)
    held = {"gain": 0, "share": 0}
    studies = 400

    def agreement(mean, texts, own, theirs):
        noise = rng.normal(0, 0.15, (len(own), len(theirs), len(texts)))
        return mean + texts + own[:, None, None] + theirs[None, :, None] + noise

    for _ in range(studies):
        texts = rng.normal(0, 0.1, 60)
        teacher, plain, better = rng.normal(0, 0.04, (3, 3))
        both = agreement(0.8, texts, teacher, teacher)
        teachers = np.where(np.tri(3)[..., None] > 0, both, both.transpose(1, 0, 2))
        sides = [agreement(mean, texts, own, teacher) for mean, own in ((0.7, better), (0.6, plain))]
        found = close(*map(RunPairs.of, sides), teachers)
        for name, truth in (("gain", 0.1), ("share", 0.5)):
            # Undefined is no interval; it claims nothing.
            held[name] += math.isnan(found[name]) or found[f"{name}_low"] <= truth <= found[f"{name}_high"]
    assert 0.92 < held["gain"] / studies <= 1
    assert 0.92 < held["share"] / studies <= 1


MODELS = {"big": None, "plain": "big", "better": "big"}
SEEDS = {"big": [1, 2, 3], "plain": [1, 2, 3], "better": [1, 2, 3]}
NOISE = {"big": 0.3, "plain": 1.5, "better": 0.6}
TEXTS = 40


@pytest.fixture
def files(tmp_path):
    """Explanations that are the truth with noise: much in plain students, less in better ones."""
    truth = np.random.default_rng(3).normal(size=(TEXTS, 8))
    labels = np.arange(TEXTS) % 2
    ids = [f"e{i}" for i in range(TEXTS)]
    test = tmp_path / "test.parquet"
    rows = [
        {"example_id": i, "text_a": "x", "label": float(label)} for i, label in zip(ids, labels, strict=True)
    ]
    tables.write(test, "examples", rows, {})
    wrong = {"big": 2, "plain": 8, "better": 4}
    predictions, explanations, scores = [], [], []
    for number, (model, seed) in enumerate((m, s) for m, seeds in SEEDS.items() for s in seeds):
        identity = {"task": "t", "model": model, "seed": seed}
        answers = np.where(np.arange(TEXTS) < wrong[model], 1 - labels, labels)
        logits = 2.0 * np.eye(2)[answers]
        rows = [
            {"example_id": i, "perturbation": "none", "repeat": 0, "logits": row.tolist()}
            for i, row in zip(ids, logits, strict=True)
        ]
        predictions.append(tmp_path / f"p-{model}-{seed}.parquet")
        tables.write(predictions[-1], "predictions", rows, identity)
        scores.append({"task": "t", "model": model, "seed": seed, "metric": "accuracy", "low": 0.7})
        for explainer in ("shap", "random"):
            values = truth + NOISE[model] * np.random.default_rng(100 + number).normal(size=truth.shape)
            rows = [
                {
                    "example_id": i,
                    "words": [f"w{w}" for w in range(8)],
                    "values": [[value, -value] for value in row],
                    "logits": logit.tolist(),
                    "unseen": 0,
                }
                for i, row, logit in zip(ids, values, logits, strict=True)
            ]
            explanations.append(tmp_path / f"x-{model}-{seed}-{explainer}.parquet")
            tables.write(explanations[-1], "explanations", rows, {**identity, "explainer": explainer})
    scores.append({"task": "t", "metric": "majority", "value": 0.5})
    performance = tmp_path / "performance.parquet"
    tables.write(performance, "scores", scores, {})
    return {
        "test": test,
        "predictions": predictions,
        "performance": performance,
        "explanations": explanations,
    }


SETTINGS = {
    "task": "t",
    "task_settings": {"type": "classification", "labels": ["a", "b"], "metrics": ["accuracy"]},
    "metrics": {"overlap_k": [3], "confidence_level": 0.95, "resamples": 100},
    "teachers": MODELS,
    "seeds": SEEDS,
    "seed": 0,
}


def closings(files, tmp_path, baselines, **other):
    options = {"settings": Settings(**{**SETTINGS, **other}), "baselines": baselines, "controls": ["random"]}
    score_gap_closed(**files, out=tmp_path / "closing.parquet", **options)
    return tables.read(tmp_path / "closing.parquet", "gap_closed").to_pylist()


def test_a_better_student_closes_much_of_a_plain_one_s_drift(files, tmp_path):
    rows = closings(files, tmp_path, ["plain"])
    assert {(row["student"], row["baseline"], row["explainer"]) for row in rows} == {
        ("better", "plain", "shap"),
        ("better", "plain", None),
    }
    shap = next(row for row in rows if (row["explainer"], row["metric"]) == ("shap", "spearman"))
    assert 0.3 < shap["share"] < 1 and shap["share_low"] > 0 and shap["gain_low"] > 0
    assert shap["p_adjusted"] < 0.05 and not shap["gated"]
    answers = next(row for row in rows if row["explainer"] is None)
    assert answers["metric"] == "accuracy" and answers["share"] is None
    assert answers["gain"] == pytest.approx(4 / TEXTS)


def test_answers_of_two_pairs_of_runs_tell_no_more_than_their_reasons(files, tmp_path):
    """Two students' runs are compared run by run where they learnt from the same runs of the teacher."""

    def of_answers(seeds):
        wanted = {(model, seed) for model, of in SEEDS.items() for seed in (of if model == "big" else seeds)}
        some = {
            name: [path for path in files[name] if _run(path) in wanted]
            for name in ("predictions", "explanations")
        }
        own = {"plain": seeds, "better": seeds}
        rows = closings({**files, **some}, tmp_path, ["plain"], seeds={**SEEDS, **own}, teacher_seeds=own)
        return next(row for row in rows if row["explainer"] is None)

    wrong = {("plain", 1): 4, ("better", 1): 1, ("plain", 2): 8, ("better", 2): 5, ("plain", 3): 12}
    for path in files["predictions"]:
        made, rows = tables.provenance(path), tables.read(path, "predictions").to_pylist()
        flipped = wrong.get(_run(path), 9)
        rows = [row | {"logits": np.eye(2)[(i + (i < flipped)) % 2].tolist()} for i, row in enumerate(rows)]
        tables.write(path, "predictions", rows, made)
    two, three = of_answers([1, 2]), of_answers([1, 2, 3])
    assert (two["gain"], three["gain"]) == pytest.approx((3 / TEXTS, 3 / TEXTS))
    assert two["p_value"] is two["p_adjusted"] is two["gain_low"] is None
    # What differs between runs of the teacher cancels: texts alone are left.
    values = np.zeros(TEXTS)
    for seed in (1, 2, 3):
        values += [(i < wrong["plain", seed]) - (i < wrong.get(("better", seed), 9)) for i in range(TEXTS)]
    assert three["p_value"] == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def _run(path):
    made = tables.provenance(path)
    return made["model"], made["seed"]


def test_two_baselines_are_each_other_s_opposite(files, tmp_path):
    rows = closings(files, tmp_path, ["plain", "better"])
    gains = {row["baseline"]: row["gain"] for row in rows if row["metric"] == "spearman"}
    assert gains["plain"] == pytest.approx(-gains["better"])


def test_a_student_that_learnt_nothing_is_gated(files, tmp_path):
    scores = tables.read(files["performance"], "scores").to_pylist()
    for row in scores:
        if row["model"] == "better":
            row["low"] = 0.4
    tables.write(files["performance"], "scores", scores, {})
    rows = closings(files, tmp_path, ["plain"])
    assert rows and all(row["gated"] and row["p_adjusted"] is None for row in rows)


def test_scores_are_compared_by_their_squared_error(files, tmp_path):
    for path in files["predictions"]:
        made, rows = tables.provenance(path), tables.read(path, "predictions").to_pylist()
        off = 1.0 if made["model"] == "plain" else 0.5
        rows = [row | {"logits": [i % 2 + off]} for i, row in enumerate(rows)]
        tables.write(path, "predictions", rows, made)
    for path in files["explanations"]:
        made, rows = tables.provenance(path), tables.read(path, "explanations").to_pylist()
        rows = [row | {"values": [value[:1] for value in row["values"]], "logits": [0.0]} for row in rows]
        tables.write(path, "explanations", rows, made)
    task = {"type": "regression", "labels": [], "metrics": ["accuracy"], "flip": 0.5}
    rows = closings(files, tmp_path, ["plain"], task_settings=task)
    answers = next(row for row in rows if row["explainer"] is None)
    assert (answers["metric"], answers["gain"]) == ("squared_error", pytest.approx(1.0 - 0.25))


def test_explainers_that_a_recipe_trains_on_are_no_independent_judges():
    explainers = {"shap": {}, "lime": {}, "ig": {"method": "integrated_gradients"}, "occlusion": None}
    methods = {"kd": "soft_logits", "masked": "masked_consistency", "both": "saliency+masked_consistency"}
    models = {"t": {"seeds": [1]}} | {
        name: {"seeds": [1], "teacher": "t", "training": {"method": method}}
        for name, method in methods.items()
    }
    study = study_of({"explainers": explainers, "models": models}, {})
    assert gap_closed.trained_on(study, "kd") == set()
    assert gap_closed.trained_on(study, "masked") == {"shap", "lime", "occlusion"}
    assert gap_closed.trained_on(study, "both") == set(explainers)


@pytest.fixture
def report(tmp_path):
    """The page of the made-up study, its soft student beside the half one."""
    arguments = made_up_study.write(tmp_path / "in", examples=6)
    arguments["study"] = {**arguments["study"], "baselines": ["half"]}
    common = {"task": "sst5", "student": "soft", "baseline": "half", "teacher": "teacher", "n": 6}
    common |= {"n_undefined": 0, "n_runs": 2, "n_baseline_runs": 2, "gated": False}
    bounds = {"gain": 0.2, "gain_low": 0.1, "gain_high": 0.3, "p_value": 0.01, "p_adjusted": 0.02}
    share = {"share": 0.613, "share_low": 0.4, "share_high": 0.8}
    rows = [
        {**common, **bounds, **share, "explainer": "shap", "metric": "spearman"},
        {**common, **bounds, "explainer": "lime", "metric": "spearman"},
        {**common, **bounds, "gain": 0.04, "metric": "accuracy"},
    ]
    closing, trainings = tmp_path / "in" / "closing.parquet", []
    tables.write(closing, "gap_closed", rows, {})
    for model, seconds in (("half", 50.0), ("soft", 125.0)):
        row = {"task": "sst5", "model": model, "seed": 0, "steps": 9, "epochs": 1.0}
        row |= {"wall_seconds": 1.0, "cpu_seconds": seconds, "device": "cpu"}
        trainings.append(tmp_path / "in" / f"training-{model}.parquet")
        tables.write(trainings[-1], "trainings", [row], {})
    arguments |= {"gap_closed": [closing], "trainings": trainings}
    made_up_study.report(arguments, tmp_path / "out" / "index.html")
    return tmp_path / "out"


def test_the_page_shows_what_is_closed_and_what_it_costs(report):
    page = (report / "index.html").read_text("utf-8")
    start = page.index('id="table-gap-closed-half-sst5"')
    table = page[start : page.index("</table>", start)]
    for words in (
        "61\u00a0%",
        "[40\u00a0%, 80\u00a0%]",
        "+0.20",
        "[0.10, 0.30]",
        "+0.040",
        "D = ",
        "125 s",
        "2.5 times",
        "teacher’s words",
    ):
        assert words in table, words
    assert 'href="#gap_closed"' in page and (report / "figures" / "gap_closed-sst5-half.svg").is_file()
    (row, *_) = csv.DictReader((report / "tables" / "gap_closed.csv").open(encoding="utf-8"))
    assert row["student"] == "soft"


def test_without_a_baseline_the_page_has_no_such_section(tmp_path):
    made_up_study.report(made_up_study.write(tmp_path / "in", examples=6), tmp_path / "out" / "index.html")
    assert 'id="gap_closed"' not in (tmp_path / "out" / "index.html").read_text("utf-8")
    assert not (tmp_path / "out" / "tables" / "gap_closed.csv").exists()
