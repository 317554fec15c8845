"""The table of performance."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from distillens.evaluation.performance import score_performance
from distillens.metrics.explained_output import predicted as predicted_class
from distillens.metrics.performance import predictions_of
from distillens.tables import TableError
from tests.fixtures.made_up_task import IDS, REGRESSION, Study, frame, settings


def test_performance_has_every_run_and_the_majority(study, tmp_path):
    out = tmp_path / "scores.parquet"
    score_performance(study.test, study.predictions(), out=out, **settings())
    found = frame(out)
    assert len(found) == 3 * 4 + 2 + 1
    gaps = found[found["metric"].isin(["ece_gap", "brier_gap"])]
    assert set(gaps["model"]) == {"small"} and set(gaps["against"]) == {"big"}
    by_run = found[found["against"].isna()].set_index(["model", "seed", "metric"])["value"]
    seeds = sorted(found[found["model"] == "big"]["seed"].unique())
    for name in ("ece", "brier"):
        of_teacher = np.mean([by_run["big", seed, name] for seed in seeds])
        gap = gaps[gaps["metric"] == f"{name}_gap"]["value"].item()
        assert gap == pytest.approx(by_run["small", 0, name] - of_teacher)
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
    assert not {"ece", "brier"} & set(found.index)  # a score has no probabilities
    assert found["majority"] == 0 and 0 < found["pearson"].iloc[0] < 1


def reranked(study, name, labels, group=lambda n: n // 4):
    """The test split with other labels, and four documents of each query."""
    rows = [
        {"example_id": i, "text_a": "x", "label": float(labels[n]), "group": f"query {group(n)}"}
        for n, i in enumerate(IDS)
    ]
    return study.write(name, "examples", rows)


RERANKER = {**REGRESSION, "metrics": ["ndcg", "pair_agreement"]}


def test_a_reranker_is_scored_by_query_and_what_has_no_order_is_said(tmp_path, caplog):
    study, out = Study(tmp_path, n_classes=0), tmp_path / "scores.parquet"
    labels = np.arange(40) % 4
    labels[:8] = 1  # of the first two queries
    test = reranked(study, "ranked", labels)
    score_performance(test, study.predictions(), out=out, **settings(RERANKER))
    found = frame(out)
    own = found[(found["model"] == "small") & (found["seed"] == 0)].set_index("metric")
    scores = study.logits("small", 0)[:, 0]
    parts = [(labels[n : n + 4], scores[n : n + 4]) for n in range(8, 40, 4)]
    expected = np.mean([ndcg_score([truth], [score]) for truth, score in parts])
    assert own.loc["ndcg", "value"] == pytest.approx(expected)
    assert own.loc["ndcg", ["n", "n_undefined"]].tolist() == [32, 8]
    constant = ndcg_score([[0, 1, 2, 3]], [[0, 0, 0, 0]])
    assert found[found["metric"] == "majority"]["value"].item() == pytest.approx(constant)
    assert "2 of 10 queries are left out of ndcg: they have one document, or all labels equal" in caplog.text


def test_labels_that_are_no_gains_are_an_error(tmp_path):
    study = Study(tmp_path, n_classes=0)
    test = reranked(study, "ranked", np.arange(40) % 4 - 1)
    with pytest.raises(TableError, match="ranked.parquet: ndcg takes labels as gains, and 10 are below 0"):
        score_performance(test, study.predictions(), out=tmp_path / "s", **settings(RERANKER))


def test_a_reranker_whose_queries_have_one_document_has_no_score(tmp_path, caplog):
    study, out = Study(tmp_path, n_classes=0), tmp_path / "scores.parquet"
    test = reranked(study, "ranked", np.arange(40) % 4, group=lambda n: n)
    score_performance(test, study.predictions(), out=out, **settings(RERANKER))
    found = frame(out)
    assert found["value"].isna().all() and set(found[found["metric"] == "ndcg"]["n"]) == {0}
    assert "40 of 40 queries are left out of ndcg" in caplog.text


def test_labels_unknown_to_the_task_are_an_error(study, tmp_path):
    bad = study.write("bad", "examples", [{"example_id": "e0", "text_a": "x", "label": 2.0}])
    with pytest.raises(TableError, match="bad.parquet: example 'e0' has the label 2.0"):
        score_performance(bad, study.predictions(), out=tmp_path / "s", **settings())


def test_swapped_names_are_found_with_the_score_that_the_right_ones_would_have(study, tmp_path):
    out = tmp_path / "scores.parquet"
    score_performance(study.test, study.predictions(small=0.9), out=out, **settings())
    found = frame(out)
    (row,) = found[found["metric"] == "permuted"].to_dict("records")
    assert (row["model"], list(row["outputs"])) == (
        "small",
        settings()["settings"].task_settings["labels"][::-1],
    )
    predicted = study.logits("small", 0, 0.9).argmax(axis=1)
    assert row["value"] == pytest.approx((1 - predicted == study.labels).mean())
    own = found[(found["model"] == "small") & (found["metric"] == "accuracy")].iloc[0]
    assert own["value"] == pytest.approx((predicted == study.labels).mean())
    assert row["low"] > own["high"]


@pytest.mark.parametrize("wrong", [0.1, 0.5])
def test_a_model_that_is_right_or_guesses_is_asked_nothing(wrong, study, tmp_path):
    out = tmp_path / "scores.parquet"
    score_performance(study.test, study.predictions(small=wrong), out=out, **settings())
    assert "permuted" not in set(frame(out)["metric"])


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_an_answer_that_is_no_number_is_refused_and_never_a_class(broken, study, tmp_path):
    logits = study.logits
    study.logits = lambda *about: np.where(
        np.arange(2) * (np.arange(40) == 7)[:, None], broken, logits(*about)
    )
    with pytest.raises(TableError, match=r"p-.*: 'logits' of example 'e7' \(3 rows in all\) is not finite"):
        score_performance(study.test, study.predictions(), out=tmp_path / "s", **settings())
    assert np.isnan(predictions_of([[1.0, broken], [1.0, 0.0]])).tolist() == [True, False]
    assert predicted_class([1.0, broken], np.zeros((3, 2))) is None
