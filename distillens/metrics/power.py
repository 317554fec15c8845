"""How much more would have to be measured for a verdict, and be told four times out of five."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from numpy.typing import ArrayLike
from scipy import special

from distillens.metrics.crossed_design import CrossedDesign

POWER = 0.8
"""How often a study of the size that is asked for gives the verdict, if all is as it was seen."""
_MOST_TEXTS, _MOST_RUNS = 100_000, 50
_STEP = 1.2


class Source(NamedTuple):
    """One source of variance: what a single text or run contributes, and how many there are."""

    variance: float
    count: int


def sources_of(design: CrossedDesign, weights: ArrayLike) -> list[Source]:
    """What makes a weighted sum of a design's means vary: texts, and then each kind of run.

    Examples
    --------
    >>> design = CrossedDesign([[0.5, 0.6, 0.7], [0.8, 0.8, 0.9]])
    >>> [(round(source.variance, 4), source.count) for source in sources_of(design, [-1, 1])]
    [(0.0033, 3)]
    """
    parts = design.parts(weights)
    runs = [Source(one * factor.runs, factor.runs)
            for one, factor in zip(parts.pure, design.factors, strict=True)]  # fmt: skip
    return [Source(parts.texts * design.draws, design.draws), *runs]


class Need(NamedTuple):
    """Texts, runs of the teacher and runs of the student; each with the others as they are.

    NaN where no number up to 100,000 texts or 50 runs is enough.
    """

    texts: float
    teacher_runs: float
    student_runs: float


def needed(effect: float, sources: Sequence[Source], alpha: float, power: float = POWER) -> Need:
    """How many texts or runs tell an effect from zero by a one-sided test in four of five studies.

    The effect is told if it is ``t(1 - alpha) + t(power)`` standard errors away from zero (Student's t;
    Cohen 1988). What is expected is that effect and variances stay as they were seen.

    Parameters
    ----------
    effect : float
        How far the estimate is on the side that the verdict asks for.
    sources : sequence of Source
        Texts, runs of the teacher, runs of the student. A student whose runs come in pairs with its
        teacher's has no source of its own (variance 0): its runs are then as many as its teacher's.
    alpha : float
        Level of the test, already corrected for how many there are.
    power : float
        How often the effect shall be told.

    Examples
    --------
    >>> needed(0.1, [Source(0.5, 50), Source(0.0, 3), Source(0.0, 3)], alpha=0.05)
    Need(texts=311.0, teacher_runs=nan, student_runs=nan)
    """
    if not effect > 0:
        return Need(math.nan, math.nan, math.nan)

    def told(position: int) -> Callable[[int], bool]:
        def enough(count: int) -> bool:
            changed = [
                source._replace(count=count) if place == position else source
                for place, source in enumerate(sources)
            ]
            return effect >= detectable(changed, alpha, power)

        return enough

    most = (_MOST_TEXTS, _MOST_RUNS, _MOST_RUNS)
    return Need(*(_first(told(p), sources[p].count, most[p]) for p in range(len(most))))


def power_of_each(tests: int) -> float:
    """How often each of several tests must tell, so that all do in four of five studies (Bonferroni).

    Examples
    --------
    >>> round(power_of_each(1), 2), round(power_of_each(4), 2)
    (0.8, 0.95)
    """
    return 1 - (1 - POWER) / tests


def for_all(needs: Iterable[Need]) -> Need:
    """What it takes if every one must tell: the most, and NaN where one never does.

    Examples
    --------
    >>> for_all([Need(80.0, 4.0, 2.0), Need(256.0, math.nan, 2.0)])
    Need(texts=256.0, teacher_runs=nan, student_runs=2.0)
    """
    return Need(*(math.nan if any(map(math.isnan, of)) else max(of) for of in zip(*needs, strict=True)))


def for_any(needs: Iterable[Need]) -> Need:
    """What it takes if one is enough: the least.

    Examples
    --------
    >>> for_any([Need(80.0, math.nan, 2.0), Need(256.0, math.nan, 3.0)])
    Need(texts=80.0, teacher_runs=nan, student_runs=2.0)
    """
    return Need(
        *(min((x for x in of if not math.isnan(x)), default=math.nan) for of in zip(*needs, strict=True))
    )


def texts(effect: float, sources: Sequence[Source], alpha: float) -> float:
    """How many texts tell an effect, whatever else is as it is: the first number of `needed`.

    The texts are the first of the sources. Fewer than there are may be enough; NaN as for `needed`.

    Examples
    --------
    >>> texts(0.1, [Source(0.25, 20)], alpha=0.05)
    157.0
    """
    if not effect > 0:
        return math.nan
    return _first(lambda count: effect >= detectable([sources[0]._replace(count=count), *sources[1:]], alpha),
                  2, _MOST_TEXTS)  # fmt: skip


def detectable(sources: Sequence[Source], alpha: float, power: float = POWER) -> float:
    """The least effect that a one-sided test tells from zero in four of five studies.

    Parameters
    ----------
    sources : sequence of Source
    alpha, power : float

    Examples
    --------
    >>> round(detectable([Source(0.25, 157)], alpha=0.05), 3)
    0.1
    """
    scale, df = error_of(sources)
    if scale == 0 or df == 0:
        return scale
    return scale * float(special.stdtrit(df, 1 - alpha) + special.stdtrit(df, power))


def error_of(sources: Sequence[Source]) -> tuple[float, float]:
    """The standard error that sources add up to, and its degrees of freedom (Satterthwaite 1946).

    Infinite, with none, where a source that varies is there but once.

    Examples
    --------
    >>> error_of([Source(0.25, 100), Source(0.0, 1)]), error_of([Source(0.25, 1)])
    ((0.05, 99.0), (inf, 0.0))
    """
    parts = [(source.variance / source.count, source.count - 1) for source in sources if source.variance > 0]
    total = sum(part for part, _ in parts)
    if any(df < 1 for _, df in parts):
        return math.inf, 0.0
    if total == 0:
        return 0.0, 0.0
    return math.sqrt(total), total**2 / sum(part**2 / df for part, df in parts)


def _first(enough: Callable[[int], bool], start: int, most: int) -> float:
    """The least number, not below ``start``, that is enough.

    More may be less so: when little else varies, the few runs decide how many degrees of freedom there are.
    So growing numbers are tried until one is enough, and only below it is the least one looked for.
    """
    if enough(start):
        return float(start)
    low = start  # not enough
    while low < most:
        high = min(most, max(low + 1, int(low * _STEP)))
        if enough(high):
            break
        low = high
    else:
        return math.nan
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return float(high)
