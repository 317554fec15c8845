"""The table of faithfulness."""

import math

import numpy as np
import pytest

from distillens.evaluation.faithfulness import score_faithfulness
from distillens.tables import TableError
from tests.fixtures.made_up_task import IDS, RUNS, TEACHERS, frame, settings


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
    assert ("big", 3, "teacher", "confidence_drop", 3) not in values.index
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
