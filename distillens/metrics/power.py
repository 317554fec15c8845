"""How much more would have to be measured for a verdict."""

import math

from scipy import stats

from distillens.metrics.crossed_design import Noise

_MOST_RUNS = 20


def needed(
    drift: float,
    by_examples: float,
    by_runs: float,
    n: int,
    noise: Noise | None,
    confidence_level: float,
    tolerance: float,
) -> dict[str, float]:
    """Numbers of examples, or else of runs, with which the interval of drift would be narrow enough.

    It is where it leaves out 0, or stays below the tolerance, whichever is nearer: its half
    width must not be more than the larger of ``drift`` and ``tolerance - drift``. What is
    expected is that value and variances stay as they are.

    Parameters
    ----------
    drift : float
        C - S.
    by_examples, by_runs : float
        Variances of the drift that examples and runs cause, as
        `distillens.metrics.crossed_design.Crossed.variance` gives them.
    n : int
        Number of examples.
    noise : Noise or None
        Of one run; None where it is not known.
    confidence_level, tolerance : float
        Level of the interval; drift that is as good as none.

    Returns
    -------
    dict
        ``n_needed``: examples, with the runs that there are (never fewer than ``n``); NaN
        where no number is enough.
        ``runs_needed``: only there, the seeds that teacher and student would both need
        with the examples that there are; NaN if more than twenty.

    Examples
    --------
    >>> needed(0.1, by_examples=0.01, by_runs=0, n=50, noise=None, confidence_level=0.95, tolerance=0.05)
    {'n_needed': 202.0, 'runs_needed': nan}
    """
    result = {"n_needed": math.nan, "runs_needed": math.nan}
    if not math.isfinite(drift):
        return result
    wanted = max(drift, tolerance - drift)
    df = n - 1 if noise is None else _satterthwaite(by_examples, by_runs, n, noise.df)
    # What runs differ by on single examples shrinks with their number, the rest of their part does not.
    shrinking = 0.0 if noise is None or noise.variance == 0 else min(1.0, noise.interaction / noise.variance)
    room = (wanted / stats.t.ppf((1 + confidence_level) / 2, df)) ** 2 - by_runs * (1 - shrinking)
    if room > 0:
        result["n_needed"] = float(max(n, math.ceil(n * (by_examples + by_runs * shrinking) / room)))
        return result
    if noise is not None:
        for runs in range(3, _MOST_RUNS + 1):
            variance = noise.variance * (1 / (runs - 1) + 1 / runs)
            df = _satterthwaite(by_examples, variance, n, runs - 1)
            if stats.t.ppf((1 + confidence_level) / 2, df) * math.sqrt(by_examples + variance) <= wanted:
                result["runs_needed"] = float(runs)
                break
    return result


def _satterthwaite(by_examples: float, by_runs: float, n: int, df: int) -> float:
    total = by_examples + by_runs
    return n - 1 if total == 0 else total**2 / (by_examples**2 / (n - 1) + by_runs**2 / df)
