"""Answers and runs: the package and an independent implementation say the same, a thousand cases each."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from distillens.metrics import aopc, buckets, calibration, gap_closed, robustness
from distillens.metrics import faithfulness as ff
from distillens.metrics import performance as pf
from distillens.metrics import probabilities as pr
from distillens.metrics.multiple_testing import holm
from distillens.metrics.run_pairs import RunPairs
from distillens.metrics.statistics import Resampling
from tests.audit import answers
from tests.audit.cases import CASES, generator, one_attribution, same

pytestmark = pytest.mark.slow

NONE = Resampling(seed=0, resamples=2)


def logits_of(rng, n, classes):
    kind = rng.integers(0, 6)
    logits = rng.normal(size=(n, classes)) * rng.choice([1, 5, 300])
    if kind == 0:
        logits = logits.round()  # ties
    if kind == 1:
        logits[rng.integers(n), rng.integers(classes)] = np.nan
    if kind == 2:
        logits[:] = logits[0]
    return logits


@pytest.mark.parametrize("metric", [*pf.CLASSIFICATION, *pr.METRICS])
def test_performance_of_classifications(metric):
    for number in range(CASES):
        rng = generator(f"performance {metric}", number)
        classes, n = 2 if metric == "f1" else int(rng.integers(2, 6)), int(rng.integers(1, 15))
        truth, logits = rng.integers(0, classes, n), logits_of(rng, n, classes)
        rows, labels = logits.tolist(), truth.astype(float).tolist()
        if metric in pr.METRICS:
            found = pr.METRICS[metric](truth, softmax(logits, axis=1))(np.ones(n))
            expected = {"ece": answers.ece, "brier": answers.brier}[metric](labels, rows)
        else:
            found = pf.statistic(metric, truth, pf.predictions_of(logits), classes)(np.ones(n))
            expected = answers.METRICS[metric](labels, [answers.answer(row) for row in rows])
        same(found, expected, (number, truth, logits))


@pytest.mark.parametrize("metric", pf.REGRESSION)
def test_performance_of_regressions(metric):
    for number in range(CASES):
        rng = generator(f"performance {metric}", number)
        n = int(rng.integers(2, 12))
        truth, predicted = (one_attribution(rng, n) for _ in range(2))
        if not np.isfinite([truth, predicted]).all():
            continue
        with np.errstate(all="ignore"):
            found = pf.statistic(metric, truth, predicted, 0)(np.ones(n))
        same(found, answers.METRICS[metric](truth.tolist(), predicted.tolist()), (number, truth, predicted))


@pytest.mark.parametrize("classes", [1, 3])
def test_robustness(classes):
    for number in range(CASES):
        rng = generator(f"robustness {classes}", number)
        n, repeats, flip = int(rng.integers(2, 9)), int(rng.integers(1, 4)), float(rng.choice([0, 0.5]))
        metric = str(rng.choice(list(pf.CLASSIFICATION)[:3] if classes > 1 else list(pf.REGRESSION)))
        truth = rng.integers(0, 3, n).astype(float)
        sides = [rng.integers(-2, 3, (repeats + 1, n, classes)).astype(float) for _ in range(2)]
        models = [robustness.Outputs(side[0], side[1:]) for side in sides]
        with np.errstate(all="ignore"):
            found = robustness.score(metric, truth, models[0], 3, flip, NONE, models[1])

        def of(side, repeat, metric=metric, truth=truth):
            return answers.METRICS[metric](
                truth.tolist(), [answers.answer(row) for row in side[repeat].tolist()]
            )

        def edited(side, repeats=repeats, of=of):
            return sum(of(side, r + 1) for r in range(repeats)) / repeats

        def change(side, edited=edited, of=of):
            return edited(side) - of(side, 0)

        case = (number, metric)
        same(found[metric].value, edited(sides[0]), case)
        same(found[f"{metric}_change"].value, change(sides[0]), case)
        same(found[f"{metric}_change_gap"].value, change(sides[0]) - change(sides[1]), case)
        kept = [
            answers.unchanged(sides[0][0, i].tolist(), sides[0][r + 1, i].tolist(), flip)
            for r in range(repeats) for i in range(n)
        ]  # fmt: skip
        same(found["consistency"].value, sum(kept) / len(kept), case)


def test_shares_that_edits_change():
    for number in range(CASES):
        rng = generator("changed", number)
        shape = (int(rng.integers(1, 4)), int(rng.integers(1, 9)))
        wholes = rng.integers(1, 9, shape) if number % 2 else np.ones(shape, int)
        parts = rng.binomial(wholes, 0.5)
        by_repeat = [sum(p) / sum(w) for p, w in zip(parts.tolist(), wholes.tolist(), strict=True)]
        same(robustness.share(parts, wholes, NONE).value, sum(by_repeat) / len(by_repeat), number)


@pytest.mark.parametrize("classes", [1, 2, 4])
def test_faithfulness_of_removed_words(classes):
    for number in range(CASES):
        rng = generator(f"removed {classes}", number)
        before, after = (logits_of(rng, 1, classes) for _ in range(2))
        target, flip = int(rng.integers(classes)), float(rng.choice([0, 0.5, 300]))
        sides = before[0].tolist(), after[0].tolist()
        case = (number, before, after)
        with np.errstate(all="ignore"):
            same(
                ff.confidence_drop(before, after, [target])[0], answers.confidence_drop(*sides, target), case
            )
        same(ff.flips(before, after, flip)[0], 1 - answers.unchanged(*sides, flip), case)


def test_faithfulness_beyond_random_words():
    rows, expected = [], {}
    for number in range(CASES):
        rng = generator("excess", number)
        own, random = rng.random(), rng.random(int(rng.integers(1, 5))).tolist()
        rows += [(number, "own", 2, own), *((number, "random", 2, value) for value in random)]
        expected[number] = own - sum(random) / len(random)
    frame = pd.DataFrame(rows, columns=["example_id", "ranking", "k", "confidence_drop"])
    found = ff.per_example(frame)["confidence_drop_excess", "own", 2]
    for number, excess in expected.items():
        same(found[number], excess, number)


def test_areas_over_the_curve_and_their_scale():
    for number in range(CASES):
        rng = generator("areas", number)
        n, absolute = int(rng.integers(0, 6)), bool(rng.integers(2))
        curves = {
            ("own", "remove"): rng.random(n + 1), ("own", "keep"): rng.random(n + 1),
            ("upper", "remove"): rng.random(n + 1), ("lower", "remove"): rng.random(n + 1),
        }  # fmt: skip
        if number % 5 == 0:
            curves["upper", "remove"] = curves["lower", "remove"]
        for values in curves.values():
            values[0] = curves["own", "remove"][0]
        rows = [
            {"example_id": "x", "ranking": ranking, "operation": operation, "confidence": values.tolist()}
            for (ranking, operation), values in curves.items()
        ]
        found = aopc.per_example(pd.DataFrame(rows), absolute)
        sides = {"comprehensiveness": "remove", "sufficiency": "keep"}
        for side, operation in sides.items():
            own = answers.areas(curves["own", operation].tolist(), absolute)
            same(found[f"aopc_{side}", "own"]["x"], own, number)
            if not n:
                continue
            # What keeps the first words of an order removes the first of its reverse.
            ends = []
            for bound in ("lower", "upper"):
                curve = curves[bound, "remove"].tolist()
                kept = [curve[0], *curve[-2:0:-1], curve[0]]
                ends.append(answers.areas(curve if operation == "remove" else kept, absolute))
            expected = (own - ends[0]) / (ends[1] - ends[0]) if abs(ends[1] - ends[0]) > 1e-9 else math.nan
            if abs(ends[1] - ends[0]) > 1e-9 and ends[1] < ends[0]:
                expected = math.nan
            same(found[f"aopc_{side}_normalised", "own"]["x"], expected, number)


def test_buckets_by_which_models_are_right():
    for number in range(CASES):
        rng = generator("buckets", number)
        models = [f"m{i}" for i in range(int(rng.integers(1, 8)))]
        right = {name: rng.random(6) < 0.6 for name in models}
        found = buckets.buckets(right)
        for text in range(6):
            names = [name for name in models if right[name][text]]
            if len(models) > 5 and 0 < len(names) < len(models):
                expected = f"{len(names)}_of_{len(models)}_correct"
            elif len(names) in (0, len(models)):
                expected = "all_correct" if names else "all_wrong"
            else:
                expected = "+".join(names) if len(names) > 1 else f"only_{names[0]}"
            assert [name for name, flags in found.items() if flags[text]] == [expected]
        own, theirs, alike = rng.random((3, 6)) < 0.5
        pairs = buckets.pairwise(own, theirs, alike)
        words = {
            (1, 1): "both_right",
            (0, 1): "only_teacher_right",
            (1, 0): "only_student_right",
            (0, 0): "both_wrong",
        }
        for text in range(6):
            expected = {
                words[int(own[text]), int(theirs[text])],
                "same_prediction" if alike[text] else "other_prediction",
            }
            assert {name for name, flags in pairs.items() if flags[text]} == expected


def runs_of(rng):
    """Agreements of a student and its teacher with undefined texts, ties and constants."""
    n, seeds, runs = int(rng.integers(1, 9)), int(rng.integers(1, 5)), int(rng.integers(1, 4))
    between, students, chance = (
        rng.uniform(-0.2, 1, (*shape, n)) for shape in ((seeds, seeds), (runs, seeds), (runs, seeds))
    )
    between = (between + between.transpose(1, 0, 2)) / 2
    if rng.random() < 0.2:
        students[:], between[:] = 0.5, rng.choice([0.5, 1.0])
    own = rng.integers(0, seeds, runs).tolist() if rng.random() < 0.4 else None
    missing = np.flatnonzero(rng.random(n) < 0.15)
    between[..., missing] = students[..., missing[:1]] = np.nan
    return between, students, chance, own, [i for i in range(n) if i not in missing]


def test_calibration():
    for number in range(CASES):
        rng = generator("calibration", number)
        between, students, chance, own, kept = runs_of(rng)
        seeds, again = len(between), rng.uniform(0.8, 1, between.shape[-1])
        if seeds == 1:
            kept = [i for i in range(between.shape[-1]) if not np.isnan(students[..., i]).any()]
        row = calibration.calibrate(RunPairs.of(students, own), between, RunPairs.of(chance, own), again)
        assert (row["n"], row["n_undefined"]) == (len(kept), between.shape[-1] - len(kept)), number
        if not kept:
            assert math.isnan(row["agreement"])
            continue
        s, z = (answers.mean_of_runs(values[..., kept].tolist(), own) for values in (students, chance))
        means = {name: sum(column) / len(kept) for name, column in (("s", s), ("z", z))}
        same(row["agreement"], means["s"], number)
        same(row["floor"], means["z"], number)
        same(row["explainer_ceiling"], sum(again[i] for i in kept) / len(kept), number)
        if seeds == 1:
            assert math.isnan(row["drift"]) and math.isnan(row["ceiling"])
            continue
        c = answers.mean_of_pairs(between[..., kept].tolist())
        ceiling = sum(c) / len(kept)
        same(row["ceiling"], ceiling, number)
        same(row["drift"], ceiling - means["s"], number)
        if seeds >= 3 and not math.isnan(row["normalised_low"]) or seeds == 2 and ceiling > means["z"]:
            same(row["normalised"], (means["s"] - means["z"]) / (ceiling - means["z"]), number)
        differences = [x - y for x, y in zip(c, s, strict=True)]
        deviation = answers.spread(differences) if len(kept) > 1 else 0.0
        if deviation > 1e-12:
            same(row["effect_size"], sum(differences) / len(kept) / deviation, number)


def test_share_of_a_gap_that_is_closed():
    for number in range(CASES):
        rng = generator("gap", number)
        between, students, baselines, own, kept = runs_of(rng)
        found = gap_closed.close(RunPairs.of(students, own), RunPairs.of(baselines, own), between)
        if len(between) == 1:
            kept = [i for i in range(between.shape[-1]) if not np.isnan(students[..., i]).any()]
        assert found["n"] == len(kept)
        if not kept:
            continue
        s, b = (answers.mean_of_runs(values[..., kept].tolist(), own) for values in (students, baselines))
        same(found["gain"], (sum(s) - sum(b)) / len(kept), number)
        if len(between) > 1 and not math.isnan(found["share"]):
            c = answers.mean_of_pairs(between[..., kept].tolist())
            same(found["share"], (sum(s) - sum(b)) / (sum(c) - sum(b)), number)


def test_correction_for_many_tests():
    for number in range(CASES):
        rng = generator("holm", number)
        p = rng.random(int(rng.integers(1, 8))).round(int(rng.integers(1, 4))).tolist()
        found = holm(p)
        for one, adjusted in zip(p, found, strict=True):
            # The largest of what every p-value up to this one is multiplied to, at most 1.
            expected = max(min(1.0, other * sum(x >= other for x in p)) for other in p if other <= one)
            same(adjusted, expected, (number, p))
