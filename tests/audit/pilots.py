"""Made-up studies of one teacher, one student and a ladder, sized by an internal pilot.

An agreement is bounded and skewed, as in `tests.audit.studies`. What the student's mean is apart from the
accepted rung is known by construction: it is that rung, with other noise, less or more a share of it.
"""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from distillens.metrics.calibration import Rule
from distillens.metrics.ladder import Accepted, Rungs, Student
from distillens.metrics.pilot import by_ladder
from distillens.metrics.placement import decide, ladder_of, place
from distillens.metrics.run_pairs import RunPairs
from distillens.metrics.verdict import DRIFTS, KEEPS

PILOT, MOST = 30, 400
ACCEPTED = Accepted("prune", 0.3)
DOSES = (0.1, 0.3, 0.5, 0.7)
LEVELS = (2.2, 1.3, 0.8, 0.4)
"""Agreement with the teacher, as Fisher's z, of copies damaged so much."""
TEXT, OWN = 0.3, 0.4
"""Standard deviations on that scale: of a text, in all models; of one model on one text."""


def simulated(seed: int | list[int], n: int, apart: float) -> tuple[Student, dict[str, Rungs]]:
    """A student whose mean is ``(1 + apart)`` times that of the accepted rung, and the rungs of one kind."""
    rng = np.random.default_rng(seed)
    # A text's effects are drawn together: the first texts of a longer study are those of a shorter one.
    text = TEXT * (1 - rng.exponential(size=n))
    noise = OWN * np.random.default_rng([17, *np.atleast_1d(seed)]).normal(size=(n, len(DOSES) + 1))
    rungs = np.tanh(text + np.array(LEVELS)[:, None] + noise.T[:-1])
    like = np.tanh(text + LEVELS[DOSES.index(ACCEPTED.amount)] + noise.T[-1])
    pairs, equal = RunPairs.of([[(1 + apart) * like]]), RunPairs.of(np.ones((1, 1, n)))
    ladder = Rungs(np.array(DOSES), rungs[None, :, None], np.ones((1, len(DOSES), 1, n)))
    return Student(pairs, equal, RunPairs.of(np.zeros((1, 1, n)))), {"prune": ladder}


def first(student: Student, kinds: dict[str, Rungs], n: int) -> tuple[Student, dict[str, Rungs]]:
    """The same study with its first texts only."""
    texts = np.arange(student.agreement.values.shape[-1]) < n
    return student.on(texts), {kind: rungs.on(texts) for kind, rungs in kinds.items()}


def needed(seed: int, apart: float) -> int:
    """How many texts a study ends with: it goes on until its own noise asks for no more."""
    whole, count = simulated([seed, 5], MOST, apart), PILOT
    while True:
        student, kinds = first(*whole, count)
        ladder, _ = ladder_of(student, kinds, np.ones(count), 0.95)
        asked = by_ladder(ladder, ACCEPTED, Rule()).texts
        asked = MOST if np.isnan(asked) else min(MOST, int(asked))
        if asked <= count:
            return count
        count = asked


def verdict_of(student: Student, kinds: dict[str, Rungs]) -> dict:
    """The row with the verdict."""
    n = student.agreement.values.shape[-1]
    about = {"student": "kd", "teacher": "bert", "metric": "spearman", "k": None, "gated": False}
    return decide([{**about, **place(student, kinds, np.ones(n), ACCEPTED, 0.95)[0]}], 0.95)[0]


def count_pilots(apart: float, studies: int) -> Counter:
    """How often each verdict is given at the end."""
    found: Counter = Counter()
    for seed in range(studies):
        student, kinds = first(*simulated([seed, 5], MOST, apart), needed(seed, apart))
        found[verdict_of(student, kinds)["verdict"]] += 1
    return found


class Power(NamedTuple):
    """How often each verdict is given, for a number of texts (None: as many as a pilot asks for).

    ``wronged`` and ``praised`` are "drift found" and "no drift found" of a student exactly at the accepted
    rung; ``found`` is "drift found" by how far below it is, ``kept`` "no drift found" of one `KEPT` above.
    """

    texts: int | None
    median: float
    wronged: float
    praised: float
    found: tuple[float, ...]
    kept: float


BELOW, KEPT = (0.05, 0.1, 0.2), 0.1
NUMBERS = (30, 50, 100, 200, 500, None)


def power(texts: int | None, studies: int) -> Power:
    """Judge so many studies of each kind."""

    def share(apart: float, word: str) -> float:
        return shares(apart)[word] / studies

    def shares(apart: float) -> Counter:
        if texts is None:
            return count_pilots(apart, studies)
        found: Counter = Counter()
        for seed in range(studies):
            found[verdict_of(*simulated([seed, texts, 6], texts, apart))["verdict"]] += 1
        return found

    null = shares(0.0)
    median = texts or float(np.median([needed(seed, 0.0) for seed in range(studies)]))
    below = tuple(share(-apart, DRIFTS) for apart in BELOW)
    return Power(texts, median, null[DRIFTS] / studies, null[KEEPS] / studies, below, share(KEPT, KEEPS))


def powers(studies: int, workers: int | None) -> list[Power]:
    """For all numbers of texts."""
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(partial(power, studies=studies), NUMBERS))


def table(found: list[Power]) -> str:
    """The table of the page."""
    below = " | ".join(f"{100 * apart:.0f} % below" for apart in BELOW)
    above = f"{100 * KEPT:.0f} % above: no drift found"
    lines = [
        f"| texts | at the rung: drift found | no drift found | {below} | {above} |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        name = str(one.texts) if one.texts else f"pilot of {PILOT}, at most {MOST} (median {one.median:.0f})"
        numbers = [one.wronged, one.praised, *one.found, one.kept]
        lines.append(f"| {name} | {' | '.join(f'{number:.3f}'.lstrip('0') or '0' for number in numbers)} |")
    return "\n".join(line.replace("1.000", "1.00") for line in lines)
