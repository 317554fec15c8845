"""Whether the formula by which texts are planned says what the curves show.

`distillens.metrics.power` tells how many texts "drift found" takes to be said in four of five studies. It
knows the noise of texts and of runs. The curves draw texts only, so beside the formula as it stands there is
the same one for these very runs: their part of the noise stays in the standard error, and leaves what varies
from part to part, and as parts are drawn from the same texts without putting any back, what varies is
less by their share (Cochran 1977, eq. 2.8).
"""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import special

from bench.detection.measure import RULE, Measure, PerText
from distillens.metrics import power
from distillens.metrics.calibration import HEADLINE, contrasts, design_of


def expected(measures: list[Measure], curves: pd.DataFrame) -> pd.DataFrame:
    """Beside ``said`` of the curves, for each explainer under Spearman: what the formula expects.

    Returns
    -------
    DataFrame
        ``here``: the share of parts that is expected to say "drift found" with these runs; ``planned``: the
        texts that it takes with other runs, too, by `distillens extend`; ``with_these``: with these.
    """
    rows = [row for one in measures if isinstance(one, PerText) and one.name.endswith(f", {HEADLINE}")
            for row in _rows(one, curves)]  # fmt: skip
    columns = ["student", "measure", "texts", "said", "here", "planned", "with_these"]
    return pd.DataFrame(rows, columns=columns)


def _rows(measure: PerText, curves: pd.DataFrame) -> Iterator[tuple]:
    own = curves[(curves["measure"] == measure.name) & curves["said"].notna()]
    for student, of_student in own.groupby("student", sort=False):
        pairs = measure.students[student]
        design, _ = design_of(pairs, measure.teachers, measure.chance[student])
        if design is None:
            continue
        weights = contrasts(RULE, design.means)[0]
        planned = with_these = math.nan
        effect, sources = float(weights @ design.means), power.sources_of(design, weights)
        if effect > 0:
            planned = power.texts(effect, sources, RULE.alpha)
            counts = np.unique(np.geomspace(5, 100_000, 400).round())
            enough = [n for n in counts if share_of_parts(effect, sources, n, math.inf) >= power.POWER]
            with_these = float(enough[0]) if enough else math.nan
        for row in of_student.itertuples():
            here = share_of_parts(effect, sources, row.texts, design.draws)
            yield student, measure.name, row.texts, row.said, here, planned, with_these


def share_of_parts(effect: float, sources: list[power.Source], count: float, of: float) -> float:
    """How often parts of ``count`` texts, drawn from ``of``, tell an effect that is there with these runs.

    Examples
    --------
    >>> round(share_of_parts(0.1, [power.Source(0.25, 300)], 157, math.inf), 2)
    0.8
    """
    scale, df = power.error_of([sources[0]._replace(count=count), *sources[1:]])
    varies = sources[0].variance / count * (1 - count / of)
    limit = scale * special.stdtrit(df, RULE.confidence_level)
    return float(special.ndtr((effect - limit) / math.sqrt(varies)))


def differences(frame: pd.DataFrame) -> pd.DataFrame:
    """By explainer and texts: the mean share that said so and that was expected, and their mean distance."""
    apart = frame.assign(distance=(frame["said"] - frame["here"]).abs())
    means = apart.groupby(["measure", "texts"], sort=False)[["said", "here", "distance"]].mean().mul(100)
    return means.round(1).reset_index()


def asked(frame: pd.DataFrame) -> pd.DataFrame:
    """By student and explainer: texts from which on four parts in five said so, beside the formula's.

    Those of which neither says how many are left out.
    """
    rows = []
    for (student, measure), own in frame.groupby(["student", "measure"], sort=False):
        enough = own[(own["said"] >= power.POWER)]["texts"]
        first = own.iloc[0]
        rows.append((student, measure, enough.min() if len(enough) else math.nan, own["texts"].max(),
                     first["with_these"], first["planned"]))  # fmt: skip
    columns = ["student", "measure", "curve", "most counted", "formula, these runs", "formula, other runs"]
    return pd.DataFrame(rows, columns=columns).dropna(
        how="all", subset=["curve", "formula, these runs", "formula, other runs"]
    )
