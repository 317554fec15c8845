"""Students that do not answer the same twice: how much of their drift is noise, in sentences."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from distillens.config import model_kind
from distillens.metrics.reliability import reach
from distillens.metrics.verdict import DRIFTS
from distillens.report.formatting import number
from distillens.report.study_data import Outline
from distillens.report.verdict import Verdict

Row = Mapping[str, Any]


def notes(study: Outline, verdicts: Sequence[Verdict], tolerance: float) -> Iterator[str]:
    """What each noisy student can reach, and what is left of its drift; where its noise is not known.

    Parameters
    ----------
    study : Outline
    verdicts : sequence of Verdict
    tolerance : float
        Drift that is as good as none, as a share of C - Z (`distillens.metrics.calibration.Rule`).

    Examples
    --------
    >>> llm = {"teacher": "bert", "http": {"url": "http://localhost", "noisy": True}}
    >>> study = Outline({"models": {"bert": {}, "llm": llm}}, {}, ())
    >>> row = {"explainer_ceiling": 1.0, "student_explainer_ceiling": 0.64, "ceiling": 0.8, "floor": 0.0}
    >>> row |= {"agreement": 0.5, "drift": 0.3, "verdict": DRIFTS}
    >>> said = Verdict("toy", "llm", "bert", "accuracy", [], [], None, {"shap": row}, DRIFTS)
    >>> for note in notes(study, [said], tolerance=0.05):
    ...     print(note)
    llm does not answer the same twice: by shap it agrees with itself at R = 0.64, its teacher at 1.00. ...
    """
    several = len({v.task for v in verdicts}) > 1
    for v in verdicts:
        model = study.settings["models"].get(v.student, {})
        if model_kind.kind_of(model) is None:
            continue
        name = f"{v.student} on {v.task}" if several else v.student
        for explainer, row in v.drift.items():
            own = row["student_explainer_ceiling"]
            if math.isnan(own):
                yield (
                    f"{name} does not answer the same twice, and {explainer} explained it once: what it "
                    "agrees with itself is not known, so drift and noise cannot be told apart. "
                    "Say noisy: true."
                )
            elif model_kind.is_noisy(model) and own < row["explainer_ceiling"]:
                yield " ".join(_of_noise(name, explainer, row, tolerance))


def _of_noise(name: str, explainer: str, row: Row, tolerance: float) -> Iterator[str]:
    own, of_teacher = row["student_explainer_ceiling"], row["explainer_ceiling"]
    yield (
        f"{name} does not answer the same twice: by {explainer} it agrees with itself at R = {number(own)}, "
        f"its teacher at {number(of_teacher)}."
    )
    most = float(reach(row["ceiling"], of_teacher, own))
    if math.isnan(most) or math.isnan(row["drift"]):
        return
    yield (
        f"As noisy as that, another run of the teacher would reach about {number(most)}, not "
        f"C = {number(row['ceiling'])}: about {number(row['ceiling'] - most)} of D = {number(row['drift'])} "
        "is noise of its answers, not other reasons."
    )
    left = most - row["agreement"]
    if left <= tolerance * (row["ceiling"] - row["floor"]):
        clause = ", and the drift found is that noise" if row["verdict"] == DRIFTS else ""
        yield f"The rest is as good as none{clause}; the mean of several answers would have less of it."
