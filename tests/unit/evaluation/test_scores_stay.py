"""No number moves: a made-up task has the scores that it had before the package was put into rooms.

Schema version 4 moved the verdict, and with it the numbers of drift, of the share closed and of word shifts;
these are kept from its first commit. All others did not move then.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.fixtures import scored_study

BEFORE = Path(scored_study.__file__).with_suffix(".csv")


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    found = scored_study.score(scored_study.write(folder), folder)
    before = pd.read_csv(BEFORE, keep_default_na=False)
    place = ["table", "key", "column"]
    both = before.merge(found, on=place, how="outer", suffixes=("_before", "_now"), indicator=True)
    return both.set_index(place)


def test_no_number_is_gone_and_none_is_new(scores):
    assert scores.index.is_unique
    assert scores.index[scores["_merge"] != "both"].tolist() == []


def test_every_number_and_every_verdict_is_as_it_was(scores):
    columns = scores.index.get_level_values("column")
    words, bounds = columns == "verdict", columns.isin(["low", "high"])
    assert (scores["number_before"][words] == scores["number_now"][words]).all()
    before, now = (scores[f"number_{when}"][~words & ~bounds].astype(float) for when in ("before", "now"))
    assert now.to_numpy() == pytest.approx(before.to_numpy(), rel=1e-8, abs=1e-12)


def test_the_bounds_of_resampling_are_as_they_were_but_where_rounding_decides(scores):
    """BCa counts resamples below the value; where many tie with it, the last digit of a sum says which."""
    bounds = scores[scores.index.get_level_values("column").isin(["low", "high"])]
    before, now = (bounds[f"number_{when}"].astype(float).to_numpy() for when in ("before", "now"))
    assert np.isclose(now, before, rtol=1e-8, atol=1e-12).mean() > 0.95
