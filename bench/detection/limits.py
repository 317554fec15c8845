"""The table by which `distillens check` and `audit` advise: ``python -m bench.detection.limits``.

It is made of the committed curves of detection-mini, and a test holds it to them.
"""

from pathlib import Path

import pandas as pd

from bench.detection import summary
from bench.detection.power import BESIDE_COPY, NULLS
from distillens.cli.detection_limit import TABLE
from distillens.metrics.calibration import HEADLINE

CURVES = Path("docs/results/detection-mini/detection.csv")
KINDS = {
    "thursday": "shortcut",
    "good bad funny" + BESIDE_COPY: "words",
    "not no never" + BESIDE_COPY: "negation",
}
"""What is planted, by its words in the study's config; copies beside the copy that has lost nothing."""


def limits(curves: pd.DataFrame) -> pd.DataFrame:
    """A row for each explainer and number of texts, by rank correlation.

    Returns
    -------
    DataFrame
        ``found`` is the mean share of parts on which a plant stands out, at one false alarm in twenty: a copy
        beside the copy in bfloat16, any other student beside the recipe again. ``said`` is the share on which
        the rule of the verdict says "drift found". Then the smallest plant of each kind that stands out in
        four parts of five.

    Examples
    --------
    >>> curves = pd.DataFrame({"size": [0.1, 0.5], "power": [0.3, 0.9], "said": [0.0, 0.2]})
    >>> curves = curves.assign(plant="thursday", measure="lime, spearman", texts=100, forwards=7.0)
    >>> limits(curves)[["explainer", "texts", "passes", "found", "said", "shortcut"]].values.tolist()
    [['lime', 100, 7.0, 0.6, 0.1, 0.5]]
    """
    ending = f", {HEADLINE}"
    own = curves[curves["measure"].str.endswith(ending) & ~curves["plant"].isin(NULLS)]
    own = own.assign(explainer=own["measure"].str.removesuffix(ending))
    judged = summary.judged(own)
    by = ["explainer", "texts"]
    table = judged.groupby(by, sort=False).agg(passes=("forwards", "first"), found=("power", "mean"))
    table["said"] = own.groupby(by)["said"].mean()
    for plant, name in KINDS.items():
        rows = judged[judged["plant"] == plant].groupby(by)
        table[name] = {key: summary.smallest_of(one) for key, one in rows}
    return table.round({"passes": 1, "found": 2, "said": 2}).reset_index()


if __name__ == "__main__":
    limits(pd.read_csv(CURVES)).to_csv(TABLE, index=False)
    print(f"written: {TABLE}")
