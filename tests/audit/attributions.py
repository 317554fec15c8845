"""Metrics of attributions from docs/definitions.md, in plain Python: fractions, loops and enumeration.

No code of the package, no NumPy: sums are exact, and ties and orders are gone through one by one. NaN is
"undefined".
"""

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction

Values = Sequence[float]
NAN = math.nan


def exact(values: Values) -> list[Fraction]:
    return [Fraction(value) for value in values]


def says_something(values: Values) -> bool:
    return all(map(math.isfinite, values)) and any(value != 0 for value in values)


def root_ratio(above: Fraction, one: Fraction, other: Fraction) -> float:
    """above / sqrt(one * other)"""
    if one == 0 or other == 0:
        return NAN
    size = math.sqrt(above * above / (one * other))
    return size if above > 0 else -size


def cosine(a: Values, b: Values) -> float:
    if not (says_something(a) and says_something(b)):
        return NAN
    x, y = exact(a), exact(b)
    return root_ratio(sum(map(Fraction.__mul__, x, y)), sum(v * v for v in x), sum(v * v for v in y))


def pearson(a: Values, b: Values) -> float:
    return correlation(a, b) if says_something(a) and says_something(b) else NAN


def correlation(a: Values, b: Values) -> float:
    """Pearson's, where zeros are values like others."""
    x, y = ([v - sum(values) / len(values) for v in values] for values in (exact(a), exact(b)))
    return root_ratio(sum(map(Fraction.__mul__, x, y)), sum(v * v for v in x), sum(v * v for v in y))


def ranks(values: Values) -> list[float]:
    """1 + how many are smaller + half of how many others are equal."""
    return [
        1 + sum(other < value for other in values) + (sum(other == value for other in values) - 1) / 2
        for value in values
    ]


def spearman(a: Values, b: Values) -> float:
    return pearson(ranks(a), ranks(b)) if says_something(a) and says_something(b) else NAN


def kendall(a: Values, b: Values) -> float:
    """Tau-b: (concordant - discordant) / sqrt((pairs - ties in a) (pairs - ties in b))."""
    if not (says_something(a) and says_something(b)):
        return NAN
    score = in_a = in_b = 0
    for i, j in itertools.combinations(range(len(a)), 2):
        one, other = (a[i] > a[j]) - (a[i] < a[j]), (b[i] > b[j]) - (b[i] < b[j])
        score, in_a, in_b = score + one * other, in_a + one * one, in_b + other * other
    return root_ratio(Fraction(score), Fraction(in_a), Fraction(in_b))


def tops(values: Values, k: int) -> list[frozenset[int]]:
    """Every set of k words that no other word exceeds."""
    return [
        frozenset(chosen)
        for chosen in itertools.combinations(range(len(values)), k)
        if min(abs(values[i]) for i in chosen)
        >= max((abs(values[i]) for i in range(len(values)) if i not in chosen), default=0)
    ]


def over_ties(of: Callable[[frozenset[int], frozenset[int]], float], a: Values, b: Values, k: int) -> float:
    if len(a) < 2 * k or not (says_something(a) and says_something(b)):
        return NAN
    ways = [of(one, other) for one in tops(a, k) for other in tops(b, k)]
    return math.fsum(ways) / len(ways)


def overlap(a: Values, b: Values, k: int) -> float:
    return over_ties(lambda one, other: len(one & other) / k, a, b, k)


def jaccard(a: Values, b: Values, k: int) -> float:
    return over_ties(lambda one, other: len(one & other) / len(one | other), a, b, k)


def overlap_corrected(a: Values, b: Values, k: int) -> float:
    n = len(a)
    return over_ties(lambda one, other: (len(one & other) / k - k / n) / (1 - k / n), a, b, k)


def sign_agreement(a: Values, b: Values, k: int) -> float:
    def of(one: frozenset[int], other: frozenset[int]) -> float:
        return sum((a[i] > 0 and b[i] > 0) or (a[i] < 0 and b[i] < 0) for i in one & other) / k

    return over_ties(of, a, b, k)


OVER_ALL = {"cosine": cosine, "pearson": pearson, "spearman": spearman, "kendall": kendall}
AT_K = {
    "overlap": overlap,
    "jaccard": jaccard,
    "overlap_corrected": overlap_corrected,
    "sign_agreement": sign_agreement,
}


def agreement(metric: str, a: Values, b: Values, k: int | None) -> float:
    return OVER_ALL[metric](a, b) if k is None else AT_K[metric](a, b, k)


def chance(metric: str, a: Values, b: Values, k: int | None) -> float:
    """The mean over all orders of b's values."""
    orders = [agreement(metric, a, order, k) for order in itertools.permutations(b)]
    return math.fsum(orders) / len(orders)


def shares(values: Values) -> list[float]:
    if not says_something(values):
        return [NAN] * len(values)
    total = sum(abs(value) for value in exact(values))
    return [float(abs(value) / total) for value in exact(values)]


def group_share(of_words: Values, members: Sequence[bool]) -> float:
    return (
        math.fsum(s for s, inside in zip(of_words, members, strict=True) if inside) if any(members) else NAN
    )


def post_cue_ratio(values: Values, cue: Sequence[bool], after: Sequence[bool]) -> float:
    sides = list(zip(values, cue, after, strict=True))
    if not (any(cue) and any(after) and any(not c and not f for _, c, f in sides)):
        return NAN
    others = [value for value, c, _ in sides if not c]
    if not says_something(others):
        return NAN
    behind = sum(abs(Fraction(value)) for value, _, f in sides if f)
    return float(behind / sum(abs(value) for value in exact(others)))


def post_cue_share(cue: Sequence[bool], after: Sequence[bool]) -> float:
    before = sum(not c and not f for c, f in zip(cue, after, strict=True))
    return sum(after) / (before + sum(after)) if any(cue) and any(after) and before else NAN


def aligned(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of words: the longest common run first (of equals the earliest), then left and right of it.

    What is left between runs is paired word by word if it is as long on both sides.
    """

    def runs(low: int, high: int, start: int, end: int) -> list[tuple[int, int, int]]:
        best = (0, 0, 0)
        for i, j in itertools.product(range(low, high), range(start, end)):
            size = 0
            while i + size < high and j + size < end and before[i + size] == after[j + size]:
                size += 1
            if size > best[2]:
                best = (i, j, size)
        i, j, size = best
        if not size:
            return []
        return [*runs(low, i, start, j), best, *runs(i + size, high, j + size, end)]

    pairs, at, to = [], 0, 0
    for i, j, size in [*runs(0, len(before), 0, len(after)), (len(before), len(after), 0)]:
        if i - at == j - to:
            pairs += [(at + step, to + step) for step in range(i - at)]
        pairs += [(i + step, j + step) for step in range(size)]
        at, to = i + size, j + size
    return pairs


def distance(one: str, other: str) -> int:
    """Levenshtein's, by trying all three last steps."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last = row
        row = [i]
        for j, its in enumerate(other, 1):
            row.append(min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != its)))
    return row[-1]
