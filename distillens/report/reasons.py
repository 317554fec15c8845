"""Why a student has its verdict, in words: where, with which size and interval, or what would decide.

Verdicts are those of `distillens.report.verdict`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN
from distillens.report.formatting import interval, number

_NAMED = 3


def reason(word: str, own: Sequence[Any]) -> str:
    """Why a student has its verdict: where, with which size and interval, or what would decide.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> row = {"verdict": KEEPS, "drift_high": 0.04}
    >>> reason(KEEPS, [Fake(task="toy", drift={"shap": row})])
    'D is at most 0.04 (shap)'
    """
    several = len({v.task for v in own}) > 1
    cells = [(v, name, row) for v in own for name, row in v.drift.items()]

    def place(v: Any, name: str) -> str:
        return f"{name} on {v.task}" if several else name

    if word == GATED or not cells:
        return why_gated(own, several) if cells else "nothing was compared"
    if word == DRIFTS:
        drifting = [cell for cell in cells if cell[2]["verdict"] == DRIFTS]
        worst = max(drifting, key=lambda cell: cell[2]["drift"])
        where = listing([place(v, name) for v, name, _ in drifting])
        most = f"D = {_with_interval(worst[2], 'drift')}"
        if not pd.isna(worst[2]["normalised"]):
            most += f", A = {_with_interval(worst[2], 'normalised')}"
        return f"{len(drifting)} of {len(cells)}: {where}; most by {place(*worst[:2])}: {most}"
    if word == KEEPS:
        widest = max(
            (cell for cell in cells if cell[2]["verdict"] == KEEPS), key=lambda cell: cell[2]["drift_high"]
        )
        return f"D is at most {number(widest[2]['drift_high'])} ({place(*widest[:2])})"
    open_ = [cell for cell in cells if cell[2]["verdict"] == UNKNOWN]
    worst = max(open_, key=lambda cell: _width(cell[2]))
    return (
        f"undecided by {listing([place(v, name) for v, name, _ in open_])}; {place(*worst[:2])}:"
        f" D = {_with_interval(worst[2], 'drift')}; {what_would_tell(worst[2])}"
    )


def why_gated(own: Sequence[Any], several: bool) -> str:
    """A score that does not beat a constant answer; or, of attributions without logits, that there is none.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> said = Fake(task="toy", unknown=["tiny", "bert"])
    >>> why_gated([said], several=False)
    'performance not known: the attributions of tiny and bert came without logits'
    """
    said = []
    known = [v for v in own if not v.unknown]
    for v in own:
        if v.unknown:
            where = f" on {v.task}" if several else ""
            said.append(
                f"performance not known{where}: the attributions of {listing(v.unknown)} came without logits"
            )
    if known:
        where = f" on {listing([v.task for v in known])}" if said else ""
        said.append(f"no better than the majority baseline{where}")
    return "; ".join(said)


def what_would_tell(row: Mapping[str, Any]) -> str:
    """How many texts or runs would make an interval narrow enough, in words.

    Examples
    --------
    >>> what_would_tell({"drift": 0.1, "n": 100, "n_needed": 640.0, "runs_needed": math.nan})
    'about 640 texts would decide (there are 100)'
    """
    if pd.isna(row["drift"]):
        return "more seeds of the teacher would give a ceiling"
    if not pd.isna(row["n_needed"]):
        if row["n_needed"] > row["n"]:
            return f"about {row['n_needed']:.0f} texts would decide (there are {row['n']})"
        return "corrected for all comparisons it stays open"
    if not pd.isna(row["runs_needed"]):
        return f"more texts would not decide, {row['runs_needed']:.0f} runs of teacher and student would"
    return "neither more texts nor twenty runs would decide"


def _width(row: Mapping[str, Any]) -> float:
    width = row["drift_high"] - row["drift_low"]
    return math.inf if math.isnan(width) else width


def _with_interval(row: Mapping[str, Any], name: str) -> str:
    return f"{number(row[name])} {interval(row[f'{name}_low'], row[f'{name}_high'])}".strip()


def listing(names: Sequence[str]) -> str:
    """The first few names, and how many more.

    Examples
    --------
    >>> listing(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    first = list(names[:_NAMED])
    if len(names) > _NAMED:
        first.append(f"{len(names) - _NAMED} more")
    return first[0] if len(first) == 1 else f"{', '.join(first[:-1])} and {first[-1]}"


def of_gate(verdicts: Sequence[Any]) -> Iterator[str]:
    """What it means that some are gated: sentences; none where none is.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> " ".join(of_gate([Fake(overall=GATED, unknown=["tiny"])]))
    'Gated: the performance of tiny is not known, because the attributions came without logits, so ...'
    """
    gated = [v for v in verdicts if v.overall == GATED]
    if any(not v.unknown for v in gated):
        yield "Gated: the student or its teacher is not shown to beat the majority baseline, so what its"
        yield "explanations say is not interpreted."
    unknown = list(dict.fromkeys(name for v in gated for name in v.unknown))
    if unknown:
        yield f"Gated: the performance of {listing(unknown)} is not known, because the attributions came"
        yield "without logits, so what the explanations say is not interpreted."
