"""Studies made up so that the truth is known: the cells of the audit of the verdict.

Nothing here is shared with the code that is audited. An agreement is bounded and skewed: the hyperbolic
tangent of a sum (of Fisher's z) of effects

- of the text: its tail is on the side of the texts on which models agree little;
- of both runs: a normal one, which one run in ten may lose by `BAD`; with every text, too;
- of a student with a run of its teacher (``reference``), and with the texts of one source (``cluster``).

The mean of such an agreement is an integral over one exponential and one normal variable, so drift is known
to ten digits and not from draws.
"""

import hashlib
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import optimize, stats

TEXT, SINGLE, PAIR = 0.3, 0.1, 0.1
"""Standard deviations on the z scale: of a text, of a run on one text, of two runs on one text."""
BAD = 0.3
"""What a bad run loses on the z scale: six times the usual spread of runs."""
CLUSTER = 0.15
"""Standard deviation of what the texts of one source share of their drift."""
STUDENTS = 7
AS_GOOD_AS_NONE = 0.05
"""The tolerance of the verdict, in units of the ceiling (chance is 0 here)."""

NONE, TOLERATED, ONE_DISTANCE = "none", "tolerated", "one distance"


@dataclass(frozen=True)
class Cell:
    """A design and a truth.

    Attributes
    ----------
    drift : str or float
        `NONE`: mean agreement is that of two runs of the teacher. `TOLERATED`: as large as just counts
        as none. `ONE_DISTANCE`: R - C, so the student is twice as far from the teacher as another run is.
        Else D itself.
    spread, ratio : float
        Standard deviation of a teacher's run on the z scale; the student's in units of it.
    reference : float
        Standard deviation of what a student shares with one run of the teacher.
    bad : float
        Share of bad runs, of teacher and student.
    cluster : int
        Texts of one source; ``grouped``: whether the verdict is told which.
    paired : bool
        Each run of the student is compared with a run of the teacher of its own.
    explainer : float
        How far, on the z scale, two runs of the explainer agree better than two runs of the teacher;
        0: it has no noise.
    promised : bool
        Whether the documentation promises anything of it.
    before : str
        What the audit found in the same cell before, where it says so.
    """

    name: str
    texts: int = 100
    seeds: int = 3
    runs: int = 3
    spread: float = 0.05
    ratio: float = 1.0
    drift: str | float = NONE
    reference: float = 0.0
    bad: float = 0.0
    cluster: int = 1
    grouped: bool = True
    paired: bool = False
    level: float = 1.1
    explainer: float = 0.0
    promised: bool = True
    before: str = ""

    @property
    def students(self) -> int:
        """How many there are: of those that do not drift seven, because any of them may be wronged."""
        return STUDENTS if self.drift in (NONE, TOLERATED) else 1


@dataclass(frozen=True)
class Truth:
    """Mean agreement of two runs of the teacher, of the explainer with itself, and of student and teacher."""

    ceiling: float
    again: float
    student: float
    shift: float

    @property
    def drift(self) -> float:
        """D."""
        return self.ceiling - self.student


@dataclass(frozen=True)
class Study:
    """Agreements of one study; ``students`` has the shape (students, runs, seeds, texts)."""

    between: np.ndarray
    again: np.ndarray
    students: np.ndarray
    groups: np.ndarray | None


@cache
def _nodes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    tail, tail_weights = np.polynomial.laguerre.laggauss(60)
    normal, normal_weights = np.polynomial.hermite_e.hermegauss(60)
    weights = np.outer(tail_weights, normal_weights / normal_weights.sum())
    return tail[:, None], normal[None], weights


def mean_agreement(level: float, variance: float, bad: float, runs: int = 2) -> float:
    """Mean of the tangent of a level, a text's effect, normal effects, and runs any of which may be bad."""
    tail, normal, weights = _nodes()
    total = 0.0
    for lost in range(runs + 1):
        at = level - BAD * lost + TEXT * (1 - tail) + math.sqrt(variance) * normal
        total += stats.binom.pmf(lost, runs, bad) * float((weights * np.tanh(at)).sum())
    return total


@cache
def truth_of(cell: Cell) -> Truth:
    """What a study without end would find."""
    common = 2 * SINGLE**2 + PAIR**2
    ceiling = mean_agreement(cell.level, 2 * cell.spread**2 + common, cell.bad)
    again = mean_agreement(cell.level + cell.explainer, PAIR**2, 0.0) if cell.explainer else 1.0
    variance = cell.spread**2 * (1 + cell.ratio**2) + common + cell.reference**2
    variance += CLUSTER**2 * (cell.cluster > 1)

    def student(shift: float) -> float:
        return mean_agreement(cell.level - shift, variance, cell.bad)

    wanted = {NONE: 0.0, TOLERATED: AS_GOOD_AS_NONE * ceiling, ONE_DISTANCE: again - ceiling}
    drift = wanted[cell.drift] if isinstance(cell.drift, str) else cell.drift
    shift = float(optimize.brentq(lambda x: student(x) - (ceiling - drift), -3, 6, xtol=1e-13))
    return Truth(ceiling, again, student(shift), shift)


def draw(cell: Cell, number: int) -> Study:
    """One study; the same for a cell's name and a number, whatever else is drawn."""
    digest = hashlib.sha256(cell.name.encode()).digest()[:8]
    rng = np.random.default_rng([int.from_bytes(digest, "big"), number])
    normal: Callable[..., np.ndarray] = rng.standard_normal
    n, seeds, runs = cell.texts, cell.seeds, cell.runs
    text = cell.level + TEXT * (1 - rng.exponential(size=n))

    def run_effects(count: int, spread: float) -> np.ndarray:
        whole = spread * normal((count, 1)) - BAD * (rng.random((count, 1)) < cell.bad)
        return whole + SINGLE * normal((count, n))

    teacher = run_effects(seeds, cell.spread)
    between = np.full((seeds, seeds, n), np.nan)
    for a, b in itertools.combinations(range(seeds), 2):
        between[a, b] = between[b, a] = np.tanh(text + teacher[a] + teacher[b] + PAIR * normal(n))
    again = np.ones(n)
    if cell.explainer:
        again = np.tanh(text + cell.explainer + PAIR * normal(n))
    source = np.arange(n) // cell.cluster
    students = []
    for _ in range(cell.students):
        own = run_effects(runs, cell.ratio * cell.spread) - truth_of(cell).shift
        if cell.cluster > 1:
            own = own + CLUSTER * normal(source.max() + 1)[source]
        reference = cell.reference * normal((seeds, 1))
        pairs = own[:, None] + (teacher + reference)[None] + PAIR * normal((runs, seeds, n))
        students.append(np.tanh(text + pairs))
    groups = source if cell.cluster > 1 and cell.grouped else None
    return Study(between, again, np.stack(students), groups)


def _both(name: str, **design) -> list[Cell]:
    """A design with a student of the same recipe, and with one that is a distance away."""
    before = design.pop("before", {})
    return [
        Cell(f"{name}, {truth}", drift=truth, before=before.get(truth, ""), **design)
        for truth in (NONE, ONE_DISTANCE)
    ]


CELLS = [
    *_both("3 seeds, 3 runs, 100 texts", before={NONE: "keeps .22 to .25"}),
    Cell("3 seeds, 3 runs, 100 texts, drift that just counts as none", drift=TOLERATED),
    *_both("runs twice as far apart", spread=0.1, before={NONE: "coverage .95, drifts .02, keeps .08"}),
    *_both("runs four times as far apart", spread=0.2),
    *_both("runs four times as far apart, 5 seeds, 5 runs", spread=0.2, seeds=5, runs=5),
    *_both("30 texts", texts=30, spread=0.1, before={NONE: "coverage .96, drifts .03, keeps .08"}),
    *_both("60 texts", texts=60, before={NONE: "coverage .97, drifts .02, keeps .22"}),
    *_both("150 texts", texts=150, before={NONE: "keeps .25"}),
    *_both("5 seeds, 3 runs, 150 texts", texts=150, seeds=5, before={NONE: "keeps .64"}),
    *_both("5 seeds, 5 runs, 150 texts", texts=150, seeds=5, runs=5, before={NONE: "keeps .82"}),
    *_both("3 seeds, 2 runs", runs=2),
    *_both("student's runs one and a half times as far apart", ratio=1.5, texts=60),
    *_both("student's runs twice as far apart", ratio=2, texts=60),
    *_both("student's runs 3 times as far apart", ratio=3, texts=60),
    Cell(
        "student's runs 3 times as far apart, D = .095", ratio=3, texts=60, drift=0.095, before="coverage .96"
    ),
    *_both("student's runs a third as far apart", ratio=1 / 3),
    Cell("150 texts, D = .049", texts=150, drift=0.049, before="coverage .99"),
    Cell("150 texts, D = .101", texts=150, drift=0.101, before="coverage .97, drifts .78"),
    *_both("one student run", runs=1, texts=60, before={NONE: "coverage .97, drifts .02, keeps .15"}),
    *_both("one student run, runs twice as far apart", runs=1, texts=60, spread=0.1),
    Cell(
        "one student run, 150 texts, D = .050",
        runs=1,
        texts=150,
        spread=0.1,
        drift=0.05,
        before="coverage .92",
    ),
    *_both("one student run, student's runs 3 times as far apart", runs=1, texts=60, ratio=3),
    Cell(
        "one student run 3 times as far apart, D = .095",
        runs=1,
        texts=60,
        ratio=3,
        drift=0.095,
        before="coverage .85",
    ),
    *_both(
        "agreement hangs on the reference", reference=0.05, before={NONE: "coverage .68 to .71, drifts .16"}
    ),
    *_both("texts in clusters of 3, named", cluster=3),
    *_both("texts in clusters of 5, named", cluster=5, texts=150),
    *_both("each run with its own run of the teacher", paired=True),
    *_both("each of 5 runs with its own of 5", paired=True, seeds=5, runs=5),
    *_both("runs agree much", level=1.8),
    *_both("runs agree little", level=0.5),
    *_both("explainer with noise", level=0.8, explainer=0.4),
    *_both("a bad run in ten", bad=0.1, promised=False),
    *_both("a bad run in ten, 5 seeds, 5 runs", bad=0.1, seeds=5, runs=5, promised=False),
    *_both(
        "a bad run in ten, one student run",
        bad=0.1,
        runs=1,
        promised=False,
        before={NONE: "coverage .89 to .92, drifts .07 to .09"},
    ),
    *_both("two seeds, 3 runs", seeds=2, before={NONE: "keeps .08 to .35"}),
    *_both("two seeds, one run", seeds=2, runs=1, before={NONE: "coverage .32 to .85"}),
    *_both(
        "texts in clusters of 5, not named",
        cluster=5,
        texts=150,
        grouped=False,
        promised=False,
        before={NONE: "coverage .72 to .86, drifts .08 to .13"},
    ),
]
"""All cells of the audit, and a few more."""
