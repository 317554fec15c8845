"""The section of the page about the ladder: sentences, table, map."""

import math
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from distillens import tables
from distillens.report import ladder, ladder_map
from distillens.report.study_data import study_of

NAN = math.nan
MODELS = {"bert": {"seeds": [1, 2]}, "kd": {"seeds": [1], "teacher": "bert"}}
STUDY = study_of(
    {"models": MODELS, "explainers": {"lime": {"method": "lime"}}}, {"films": {"metrics": ["accuracy"]}}
)
ABOUT = {"task": "films", "teacher": "bert", "explainer": "lime", "metric": "spearman"}


def row(student="kd", kind=None, **changes):
    base = dict.fromkeys(tables.SCHEMAS["placements"].names)
    base |= dict.fromkeys(tables.numbers("placements"), NAN)
    base |= {
        "task": "films",
        "student": student,
        "teacher": "bert",
        "explainer": "lime",
        "metric": "spearman",
    }
    base |= {"kind": kind, "beyond": False, "agreement": 0.53, "agreement_low": 0.47, "agreement_high": 0.59}
    base |= {"equal_answers": 0.78, "equal_answers_low": 0.7, "equal_answers_high": 0.86, "gated": False}
    if kind:
        base |= {"dose": 0.55, "dose_low": 0.48, "dose_high": 0.61}
    else:
        base |= {"excess": 0.15, "excess_low": 0.05, "excess_high": 0.24, "reference": "prune 0.3"}
        base["verdict"] = "drift found" if student != "bert" else None
    return base | changes


def rung(kind, dose, agreement):
    base = dict.fromkeys(tables.SCHEMAS["ladders"].names)
    base |= {**ABOUT, "kind": kind}
    for name in ("agreement", "equal_answers"):
        base |= {name: agreement, f"{name}_low": agreement - 0.05, f"{name}_high": agreement + 0.05}
    return base | {"dose": dose}


def found(*rows):
    rungs = [rung(kind, dose, 1 - dose) for kind in ("noise", "prune") for dose in (0.2, 0.5, 0.8)]
    return ladder.Ladders(pd.DataFrame(rows, dtype=object), pd.DataFrame(rungs, dtype=object))


def test_a_sentence_says_the_dose_and_what_answers_do_not_show():
    said = ladder.sentence(row(), [row(kind="prune")])
    assert (
        "as far from the teacher’s as zeroing the smallest 55% [48%, 61%] of the weights would put them"
        in said
    )
    assert "a damaged copy agrees 0.68 with the teacher, this one 0.53" in said
    assert "+0.15 [0.05, 0.24]" in said


@pytest.mark.parametrize(
    ("changes", "places", "said"),
    [
        (
            {},
            [{"beyond": True, "dose": NAN, "dose_low": 0.8, "dose_high": NAN}],
            "further from the teacher’s than",
        ),
        ({"excess": NAN}, [{}], "the ladder does not reach so few"),
        ({"equal_answers": NAN, "excess": NAN}, [{}], "Its answers are not known"),
        ({}, [{"dose_high": NAN}], "55% [48%, beyond]"),
        ({}, [], "no place on the ladder"),
        ({"student": "bert"}, [{"student": "bert"}], "the reasons of its runs are as far from each other"),
    ],
)
def test_every_case_has_a_sentence(changes, places, said):
    assert said in ladder.sentence(row(**changes), [row(kind="prune", **place) for place in places])


def test_the_table_has_both_verdicts_side_by_side():
    drift = pd.DataFrame([{"task": "films", "student": "kd", "explainer": "lime", "metric": "spearman",
                           "teacher_runs_missing": 0, "verdict": "no drift found"}])  # fmt: skip
    places = found(row(), row(kind="prune"), row("bert"), row("bert", "prune"))
    (table,) = ladder.tables_of(STUDY, "films", places, drift)
    assert [head.text for head in table.head][3:] == ["prune, dose", "excess", "by the ladder", "by seeds"]
    kd, own = [[cell.text for cell in line] for line in table.rows]
    assert kd[0] == "kd" and kd[-2:] == ["drift found", "no drift found"]
    assert own[0] == "bert" and own[-2:] == ["–", "–"]


def test_the_map_shows_ladder_students_and_seeds_and_repeats_its_bytes():
    places = found(row(), row(kind="prune"), row("bert", equal_answers=0.82))
    one, other = (ladder_map.drawings(STUDY, places)[0] for _ in range(2))
    assert one.svg == other.svg and one.name == "ladder-films-lime"
    text = "".join(ET.fromstring(one.svg).itertext())
    for word in ("damaged: noise", "damaged: prune", "kd", "bert: other runs", "share of equal answers"):
        assert word in text


def test_without_a_ladder_nothing_is_shown():
    nothing = ladder.Ladders.read([], [])
    assert ladder_map.drawings(STUDY, nothing) == [] and ladder.lines(STUDY, nothing) == []
    assert ladder.tables_of(STUDY, "films", nothing, pd.DataFrame({"task": []})) == []
