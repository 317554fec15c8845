"""A regression of pairs from end to end, as STS-B is one.

Its real rows are in tests/unit/evaluation/test_stsb.py.
"""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from distillens import tables
from tests import tiny
from tests.rounding import assert_same
from tests.workflow.conftest import Study

pytestmark = pytest.mark.slow

FLIP = 0.3
RUNS = [("teacher", 1), ("teacher", 2), ("student", 0)]
EXPLAINERS = {"shap": {"max_evals": 2000}, "integrated_gradients": {"steps": 8}}
PERTURBATIONS = ["keyboard", "tense"]


def made_up(folder):
    """Sentences of a few words; the score is how many of them a pair shares."""
    words = [["film", "plot", "ending"], ["is", "was", "isn't"], ["dull", "joyful", "bad"]]
    sentences = list(itertools.product(*words))
    rows = [
        {
            "pair": f"{n}-{m}",
            "one": f"The {one[0]} {one[1]} {one[2]}.",
            "other": f"A {other[2]} {other[0]}, it {other[1]}!",
            "score": 5 * sum(a == b for a, b in zip(one, other, strict=True)) / 3,
        }
        for (n, one), (m, other) in itertools.product(enumerate(sentences), enumerate(sentences[::4]))
    ]
    pd.DataFrame(rows).to_csv(folder / "pairs.csv", index=False)
    return {
        "source": {"local": str(folder / "pairs.csv")},
        "columns": {"example_id": "pair", "text_a": "one", "text_b": "other", "label": "score"},
        "type": "regression",
        "metrics": ["pearson", "spearman"],
        "splits": {
            "train": {"from": "all", "examples": 120},
            "validation": {"from": "all", "examples": 24},
            "test": {"from": "all", "examples": 40},
        },
    }


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("regression")
    task = made_up(folder) | {
        "flip": FLIP,
        "explain": {"per_class": 6, "max_words": 14},
        "perturb": {"examples": 12},
    }
    tiny.bert(folder / "checkpoint")
    training = {
        "method": "fine_tune",
        "epochs": 3,
        "learning_rate": 3.0e-3,
        "batch_size": 8,
        "max_length": 60,
    }
    distilled = {**training, "method": "soft_logits", "alpha": 0, "beta": 1}
    config = {
        "study": "tiny",
        "device": "cpu",
        "tasks": {"stsb": task},
        "checkpoints": {"tiny": {"local": str(folder / "checkpoint")}},
        "models": {
            "teacher": {"checkpoint": "tiny", "training": training, "seeds": [1, 2]},
            "student": {
                "checkpoint": "tiny",
                "layers": [0],
                "teacher": "teacher",
                "training": distilled,
                "seeds": [0],
            },
        },
        "perturbations": dict.fromkeys(PERTURBATIONS),
        "repeats": 2,
        "explainers": EXPLAINERS,
        "published": {
            "file": "resources/published/glue.yaml",
            "models": {"bert": "teacher", "distilbert": "student"},
        },
        "metrics": {
            "aopc_beam": 0, "overlap_k": [2], "deletion_k": [1, 3], "random_draws": 2, "resamples": 200,
        },
    }  # fmt: skip
    study = Study(folder, config)
    result = study.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return study


def read(study, path, kind):
    return tables.read(study.folder / "results/tiny" / path, kind).to_pandas()


def predictions(study, model, seed):
    """One score per (perturbation, repeat, example)."""
    found = read(study, f"predictions/stsb/{model}/{seed}.parquet", "predictions")
    assert set(found["logits"].map(len)) == {1}
    found["score"] = found["logits"].map(lambda logits: float(logits[0]))
    return found.set_index(["perturbation", "repeat", "example_id"])["score"]


def test_labels_are_scores_and_rows_are_pairs(study):
    for split, count in (("train", 120), ("validation", 24), ("test", 40)):
        rows = read(study, f"data/stsb/{split}.parquet", "examples")
        assert len(rows) == count and rows["text_b"].notna().all() and rows["label_name"].isna().all()
        assert rows["label"].between(0, 5).all() and rows["label"].nunique() > 2
    assert len(read(study, "data/stsb/explained.parquet", "examples")) == 6


@pytest.mark.parametrize(("model", "seed"), RUNS)
def test_correlations_are_scipy_s(model, seed, study):
    truth = read(study, "data/stsb/test.parquet", "examples").set_index("example_id")["label"]
    scores = read(study, "metrics/stsb/performance.parquet", "scores")
    predicted = predictions(study, model, seed).loc["none", 0].reindex(truth.index)
    row = scores[(scores["model"] == model) & (scores["seed"] == seed)].set_index("metric")
    assert row.loc["pearson", "value"] == pytest.approx(stats.pearsonr(truth, predicted).statistic)
    assert row.loc["spearman", "value"] == pytest.approx(stats.spearmanr(truth, predicted).statistic)
    assert scores[scores["metric"] == "majority"]["value"].item() == 0


def test_a_distilled_student_learnt_the_teacher_s_scores(study):
    from distillens.models.engine import Engine

    models = study.folder / "results/tiny/models/stsb"
    rows = read(study, "data/stsb/validation.parquet", "examples")
    pairs = list(zip(rows["text_a"], rows["text_b"], strict=True))
    teacher, student = (Engine(models / run, "cpu").logits(pairs)[:, 0] for run in ("teacher/1", "student/0"))
    for run, predicted, target in (
        ("teacher/1", teacher, rows["label"].to_numpy()),
        ("student/0", student, teacher),
    ):
        card = json.loads((models / run / "training.json").read_text())
        squared = np.mean((predicted - target) ** 2)
        assert card["best_validation_loss"] == pytest.approx(squared, rel=1e-3)
        losses = [entry["eval_loss"] for entry in card["history"] if "eval_loss" in entry]
        assert card["best_validation_loss"] == min(losses)


@pytest.mark.parametrize(("model", "seed"), RUNS)
def test_the_raw_score_is_explained_over_the_words_of_both_texts(model, seed, study):
    texts = read(study, "data/stsb/explained.parquet", "examples").set_index("example_id")
    for explainer in EXPLAINERS:
        rows = read(study, f"explanations/stsb/{model}/{seed}/{explainer}.parquet", "explanations")
        assert set(rows["example_id"]) == set(texts.index)
        for row in rows.itertuples():
            values = np.stack(row.values)
            assert values.shape == (len(row.words), 1) and len(row.output) == len(row.logits) == 1
            assert_same(row.output[0], row.logits[0])
            assert {span["segment"] for span in row.spans} == {0, 1}
            for word, span in zip(row.words, row.spans, strict=True):
                text = texts.loc[row.example_id, ("text_a", "text_b")[span["segment"]]]
                assert text[span["start"] : span["end"]] == word
            if explainer == "shap":
                assert_same(row.base[0] + values.sum(), row.output[0], values)
            if explainer == "integrated_gradients":
                missing = abs(row.output[0] - row.base[0] - values.sum())
                mass = np.abs(values).sum()
                assert_same(row.ig_delta[0], missing / mass, 1, row.output / mass)


@pytest.mark.parametrize("perturbation", PERTURBATIONS)
def test_a_score_flips_when_it_moves_by_more_than_the_task_says(perturbation, study):
    edited = read(study, f"perturbed/stsb/{perturbation}.parquet", "perturbed")
    assert edited["text_b"].notna().all()
    scores = read(study, "metrics/stsb/robustness.parquet", "scores").query("perturbation == @perturbation")
    truth = read(study, "data/stsb/test.parquet", "examples").set_index("example_id")["label"]
    for model, seed in RUNS:
        predicted = predictions(study, model, seed)
        before = predicted.loc["none", 0].reindex(edited["example_id"]).to_numpy()
        after = predicted.loc[perturbation].reindex(
            pd.MultiIndex.from_frame(edited[["repeat", "example_id"]])
        ).to_numpy()  # fmt: skip
        row = scores[(scores["model"] == model) & (scores["seed"] == seed)].set_index("metric")["value"]
        assert row["consistency"] == pytest.approx(np.mean(np.abs(after - before) <= FLIP))
        ids = edited["example_id"].unique()
        repeats = [predicted.loc[perturbation, repeat].reindex(ids) for repeat in (0, 1)]
        correlations = [stats.pearsonr(truth[ids], repeat).statistic for repeat in repeats]
        assert row["pearson"] == pytest.approx(np.mean(correlations))
        unperturbed = stats.pearsonr(truth[ids], predicted.loc["none", 0].reindex(ids)).statistic
        assert row["pearson_change"] == pytest.approx(np.mean(correlations) - unperturbed)
    shares = scores[scores["model"].isna()].set_index("metric")["value"]
    assert shares["changed"] == edited["changed"].mean()
    assert 0 < shares["edited_characters"] < shares["edited_words"] < 0.5


def test_deletions_count_how_far_the_score_moves(study):
    rows = read(study, "deletions/stsb/student/0.parquet", "deletions")
    moved = np.abs(np.stack(rows["logits_after"]) - np.stack(rows["logits_before"]))[:, 0]
    scores = read(study, "metrics/stsb/faithfulness.parquet", "scores")
    scores = scores[(scores["model"] == "student") & (scores["explainer"] == "shap")]
    own = (rows["explainer"] == "shap") & (rows["ranking"] == "own") & (rows["k"] == 1)
    for metric, value in (("confidence_drop", moved[own]), ("flip_rate", moved[own] > FLIP)):
        row = scores[(scores["metric"] == metric) & (scores["ranking"] == "own") & (scores["k"] == 1)]
        assert row["value"].item() == pytest.approx(value.mean())


def test_all_that_a_task_has_is_scored_but_buckets(study):
    for name in ("performance", "robustness", "agreement", "faithfulness"):
        assert len(read(study, f"metrics/stsb/{name}.parquet", "scores"))
    # Nothing is right or wrong.
    assert not len(read(study, "metrics/stsb/buckets.parquet", "scores"))
    drift = read(study, "metrics/drift.parquet", "drift")
    assert set(zip(drift["student"], drift["explainer"], strict=True)) == set(
        itertools.product(("student",), EXPLAINERS)
    )


def test_the_page_shows_it(study):
    report = study.folder / "results/tiny/report"
    page = (report / "index.html").read_text("utf-8")
    for text in ("Robustness on stsb: all numbers", "Pearson", "words edited", "characters edited"):
        assert text in page
    shown = {"pearson", "pearson_change", "consistency", "changed", "edited_words", "edited_characters"}
    assert shown <= set(pd.read_csv(report / "tables/robustness.csv")["metric"])
    assert (report / "published/table-1.csv").is_file()


def test_another_flip_rescores_and_runs_no_model(study):
    jobs = study.jobs(study.edited("tasks/stsb/flip", 1.0))
    scored = [job for job in jobs if job.startswith(("score_", "calibrate ", "place_students "))]
    assert jobs == sorted(["all", "decide_verdicts", "report", *scored])
    assert {"score_robustness stsb", "score_faithfulness stsb"} <= set(jobs)
