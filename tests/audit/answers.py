"""Metrics of answers and of runs from docs/definitions.md; see `tests.audit.attributions`."""

import itertools
import math
from collections.abc import Sequence
from statistics import fmean

from tests.audit.attributions import NAN, Values, correlation, ranks

Logits = Sequence[float]
BINS = 15


def softmax(logits: Logits) -> list[float]:
    parts = [math.exp(value - max(logits)) for value in logits]
    return [part / math.fsum(parts) for part in parts]


def answer(logits: Logits) -> float:
    """The class of the largest logit, the first of equals; a regression's score."""
    if any(map(math.isnan, logits)):
        return NAN
    return logits[0] if len(logits) == 1 else float(logits.index(max(logits)))


def undefined(values: Values) -> bool:
    return any(map(math.isnan, values))


def accuracy(truth: Values, predicted: Values) -> float:
    return NAN if undefined(predicted) else fmean(t == p for t, p in zip(truth, predicted, strict=True))


def f1_of(label: float, truth: Values, predicted: Values) -> float:
    pairs = list(zip(truth, predicted, strict=True))
    right = sum(t == p == label for t, p in pairs)
    total = sum(t == label for t, _ in pairs) + sum(p == label for _, p in pairs)
    return 2 * right / total if total else 0.0


def f1(truth: Values, predicted: Values) -> float:
    return NAN if undefined(predicted) else f1_of(1, truth, predicted)


def macro_f1(truth: Values, predicted: Values) -> float:
    if undefined(predicted):
        return NAN
    return fmean(f1_of(label, truth, predicted) for label in {*truth, *predicted})


def weighted_f1(truth: Values, predicted: Values) -> float:
    return NAN if undefined(predicted) else fmean(f1_of(label, truth, predicted) for label in truth)


def matthews(truth: Values, predicted: Values) -> float:
    """The correlation of the indicators of all classes, summed over classes; 0 for a constant."""
    if undefined(predicted):
        return NAN
    n, sums = len(truth), [0, 0, 0]
    for label in {*truth, *predicted}:
        t, p = [x == label for x in truth], [x == label for x in predicted]
        sums[0] += n * sum(map(int.__mul__, map(int, t), map(int, p))) - sum(t) * sum(p)
        sums[1] += n * sum(t) - sum(t) ** 2
        sums[2] += n * sum(p) - sum(p) ** 2
    return sums[0] / math.sqrt(sums[1] * sums[2]) if sums[1] and sums[2] else 0.0


def brier(truth: Values, logits: Sequence[Logits]) -> float:
    if any(map(undefined, logits)):
        return NAN
    return fmean(
        math.fsum((p - (label == of)) ** 2 for of, p in enumerate(softmax(row)))
        for label, row in zip(truth, logits, strict=True)
    )


def ece(truth: Values, logits: Sequence[Logits]) -> float:
    if any(map(undefined, logits)):
        return NAN
    total = 0.0
    surest = [(max(softmax(row)), answer(row) == label) for label, row in zip(truth, logits, strict=True)]
    for number in range(1, BINS + 1):
        inside = [(c, r) for c, r in surest if (number - 1) / BINS < c <= number / BINS]
        if inside:
            away = abs(fmean(r for _, r in inside) - fmean(c for c, _ in inside))
            total += len(inside) / len(surest) * away
    return total


METRICS = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "weighted_f1": weighted_f1,
    "f1": f1,
    "matthews": matthews,
    "pearson": lambda truth, predicted: NAN if undefined(predicted) else correlation(truth, predicted),
    "spearman": lambda truth, predicted: (
        NAN if undefined(predicted) else correlation(ranks(truth), ranks(predicted))
    ),
}


def confidence_drop(before: Logits, after: Logits, target: int) -> float:
    if len(before) == 1:
        return abs(before[0] - after[0])
    return softmax(before)[target] - softmax(after)[target]


def unchanged(before: Logits, after: Logits, flip: float) -> float:
    one, other = answer(before), answer(after)
    if math.isnan(one) or math.isnan(other):
        return NAN
    return float(abs(one - other) <= flip if len(before) == 1 else one == other)


def areas(confidence: Sequence[float], absolute: bool) -> float:
    """The mean loss over k = 1 ... n."""
    lost = [confidence[0] - value for value in confidence[1:]]
    return fmean(abs(value) if absolute else value for value in lost) if lost else NAN


def mean_of_pairs(between: Sequence[Sequence[Values]]) -> list[float]:
    """Over each two runs of a teacher, by text."""
    pairs = list(itertools.combinations(range(len(between)), 2))
    texts = range(len(between[0][0]))
    return [fmean(between[a][b][i] for a, b in pairs) for i in texts]


def mean_of_runs(values: Sequence[Sequence[Values]], own: Sequence[int] | None = None) -> list[float]:
    """Over the runs of a student and the runs of the teacher, by text; those with an own run: by it first."""
    texts, teachers = range(len(values[0][0])), range(len(values[0]))
    compared = [
        [run for run in range(len(values)) if own is None or own[run] == teacher] for teacher in teachers
    ]
    return [
        fmean(fmean(values[run][t][i] for run in compared[t]) for t in teachers if compared[t]) for i in texts
    ]


def spread(values: Values) -> float:
    """Standard deviation, n - 1."""
    mean = fmean(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))
