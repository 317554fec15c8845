"""A cell of the share closed: a share, a gain where there is no drift to close, and what has no interval."""

import math

import pytest

from distillens.report import gap_closed

NAN = math.nan
GAIN = {"gated": False, "gain": 0.2, "gain_low": 0.1, "gain_high": 0.3}
NO_SHARE = {"share": NAN, "share_low": NAN, "share_high": NAN}
UNKNOWN = {"gain_low": NAN, "gain_high": NAN}


@pytest.mark.parametrize(
    ("row", "text", "note", "style", "hint"),
    [
        (
            {"share": 0.6, "share_low": 0.4, "share_high": 0.8},
            "60\u00a0%",
            "[40\u00a0%, 80\u00a0%]",
            "told",
            "",
        ),
        (NO_SHARE, "+0.20", "[0.10, 0.30]", "told", "not shown to drift"),
        # Without an interval nobody knows that there is a drift to have a share of.
        ({**NO_SHARE, **UNKNOWN, "share": 0.6}, "+0.20", "", "", "Runs are too few"),
        ({**NO_SHARE, "gated": True}, "–", "", "missing", "gated"),
    ],
)
def test_a_share_stands_only_beside_its_interval(row, text, note, style, hint):
    cell = gap_closed._share({**GAIN, **row}, trained=False)
    assert (cell.text, cell.note, cell.style) == (text, note, style)
    assert hint in cell.hint
