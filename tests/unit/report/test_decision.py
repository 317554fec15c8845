"""The decision about a student: its words, its strongest evidence, and what it stands beside."""

import math
from dataclasses import replace

import pandas as pd

from distillens.metrics.verdict import DRIFTS, GATED, KEEPS, UNKNOWN
from distillens.report import outcome, reasons, study_data, verdict
from distillens.report.decision import decisions
from distillens.report.verdict import Verdict
from tests.unit.report import test_needs


def row(verdict, explainer="shap", **other):
    known = test_needs.row({"texts": 256.0}) | {"explainer": explainer, "metric": "spearman"}
    known |= {"verdict": verdict, "p_adjusted": 0.01, "margin": 0.2, "ceiling": 0.6, "floor": 0.0}
    return known | {"drift": 0.09, "drift_low": 0.0, "drift_high": 0.18} | other


def said(*rows, overall, task="toy", scores=(0.5,), teachers=(0.507, 0.544), **other):
    own, theirs = ([{"value": value, "low": 0.4, "high": 0.6} for value in of] for of in (scores, teachers))
    cells = {one["explainer"]: {**one, "task": task, "student": "tiny"} for one in rows}
    return Verdict(task, "tiny", "bert", "accuracy", own, theirs, None, cells, overall, **other)


def outline():
    models = {"bert": {"seeds": [1, 2]}, "tiny": {"seeds": [1], "teacher": "bert"}}
    return study_data.study_of({"name": "films", "models": models}, {"toy": {}, "other": {}})


def decided(*verdicts, **other):
    (one,) = decisions(outline(), list(verdicts), **other)
    return one


def test_no_drift_names_the_explainer_that_is_closest_to_it():
    one = decided(said(row(KEEPS), row(KEEPS, "lime", drift=0.1, margin=0.5), overall=KEEPS))
    assert one.word.text == KEEPS and one.parts == "2 of 2 cells: no drift found"
    assert one.evidence == "closest to drift: shap, gap 0.09 [0.00, 0.18], shown to be below 0.20"
    assert one.command == "distillens gate results/films"


def test_drift_names_the_explainer_that_shows_it_best_and_on_which_task():
    sure = row(DRIFTS, "lime", p_adjusted=0.001, drift=0.3)
    one = decided(
        said(row(DRIFTS), sure, overall=DRIFTS),
        said(row(KEEPS), row(UNKNOWN, "lime"), overall=UNKNOWN, task="other"),
    )
    assert one.evidence.startswith("strongest evidence: lime on toy, gap 0.30")
    assert "50\u00a0% of what the teacher’s runs agree beyond chance" in one.evidence
    assert one.parts == "2 of 4 cells: drift found, 1 no drift found, 1 not decided"


def test_an_open_verdict_says_what_it_takes_by_all_explainers_and_with_which_command():
    one = decided(said(row(KEEPS), row(UNKNOWN, "lime", texts_needed_no_drift=900.0), overall=UNKNOWN))
    assert one.evidence == "widest open gap: lime, gap 0.09 [0.00, 0.18]"
    assert one.step.endswith("find no drift with about 900 texts (now 100)")
    assert one.command == "distillens extend results/films"
    runs = dict.fromkeys(("texts_needed_no_drift", "texts_needed_drift"), math.nan)
    one = decided(said(row(UNKNOWN, **runs, teacher_runs_needed_no_drift=7.0), overall=UNKNOWN))
    assert "with 7 runs of the teacher" in one.step and one.command == "", "more texts would not tell"


def test_the_score_stands_beside_the_range_of_the_teachers_runs():
    assert decided(said(row(KEEPS), overall=KEEPS)).score == (
        "accuracy 0.500, below the range of the teacher’s runs (0.507 to 0.544)"
    )
    assert "within the range" in decided(said(row(KEEPS), overall=KEEPS, scores=(0.52,))).score
    assert "above the range" in decided(said(row(KEEPS), overall=KEEPS, scores=(0.55,))).score
    assert (
        decided(said(row(KEEPS), overall=KEEPS, teachers=(0.5,))).score
        == "accuracy 0.500, its teacher’s 0.500"
    )
    unknown = said(row(GATED), overall=GATED, scores=(math.nan,))
    assert decided(unknown).score == "performance not known"
    assert decided(unknown).evidence == "performance not known: the attributions of tiny came without logits"


def test_what_it_saves_is_the_ratio_to_its_teacher_on_the_same_machine():
    def cost(size, latency, device="cpu"):
        return {"file_bytes": size, "latency_ms": latency, "backend": "onnxruntime", "device": device}

    costs = {("toy", "bert", 1): cost(100, 8.0), ("toy", "tiny", 1): cost(40, 2.0)}
    keeps = said(row(KEEPS), overall=KEEPS)
    assert decided(keeps, costs=costs).saving == "40\u00a0% of the teacher’s size, 4.0 times as fast"
    costs["toy", "tiny", 1] = cost(40, 2.0, "cuda")
    assert decided(keeps, costs=costs).saving == "40\u00a0% of the teacher’s size"
    assert decided(keeps).saving == ""


def test_on_each_task_the_reference_decides_that_there_is():
    # On "toy" the teacher has three runs, on "other" it has not, and damaged copies stand in for them.
    drifts = said(row(DRIFTS, p_adjusted=0.01, drift=0.2), overall=DRIFTS)
    missing = row(UNKNOWN, teacher_runs_missing=2, n_teacher_runs=1, drift=math.nan)
    keeps = said(missing, overall=KEEPS, task="other", placed={"shap": place(KEEPS, task="other")})
    one = decided(drifts, keeps)
    assert one.word.text == DRIFTS and one.evidence.startswith("strongest evidence: ")


def place(verdict, **other):
    about = {"task": "toy", "student": "tiny", "teacher": "bert", "explainer": "shap", "metric": "spearman"}
    about |= {"kind": None, "verdict": verdict, "reference": "prune 0.3", "agreement": 0.5}
    about |= {"accepted": 0.7, "accepted_low": 0.6, "accepted_high": 0.8}
    return (
        about
        | {"equal_answers": 0.8, **dict.fromkeys(("excess", "excess_low", "excess_high"), math.nan)}
        | other
    )


def test_without_enough_runs_of_the_teacher_the_ladder_decides_on_every_place_of_the_page():
    missing = row(UNKNOWN, teacher_runs_missing=2, n_teacher_runs=1, n_gated_runs=0, drift=math.nan)
    missing |= {
        "task": "toy",
        "student": "tiny",
        "teacher": "bert",
        "n_undefined": 0,
        "agreement_low": 0.4,
        "agreement_high": 0.6,
        "agreement": 0.5,
        "explainer_ceiling": 1.0,
        "ceiling": math.nan,
    }
    missing |= dict.fromkeys(("normalised", "normalised_low", "normalised_high", "p_no_drift"), math.nan)
    dose = place(None, kind="prune", dose=0.5, dose_low=0.4, dose_high=0.6, beyond=False)
    frames = [pd.DataFrame([missing]), pd.DataFrame([place(DRIFTS), dose], dtype=object)]
    scores = pd.DataFrame(columns=["task", "model", "seed", "metric", "against"])
    study = study_data.study_of(
        {
            "name": "films",
            "models": {"bert": {"seeds": [1]}, "tiny": {"seeds": [1], "teacher": "bert"}},
            "explainers": {"shap": {"method": "shap"}},
        },
        {"toy": {"type": "classification", "metrics": ["accuracy"]}},
    )
    (of_runs,) = verdict.of_study(study, scores, frames[0])
    assert of_runs.overall == UNKNOWN and decided(of_runs).step == "needs 2 more runs of the teacher"
    verdicts = verdict.of_study(study, scores, *frames)
    (headline, _), (word, _), *_ = reasons.answer(verdicts)
    columns, (line,) = verdict.records(study, verdicts)
    in_csv = dict(zip(columns, line, strict=True))
    (cell,) = [cell for cell in verdict.table(study, verdicts).rows[0] if "judged" in cell.style]
    (recorded,) = outcome.decisions(*(frame.to_dict("records") for frame in frames))
    (one,) = decisions(study, verdicts)
    assert (
        headline == "tiny on toy: "
        and cell.text == "S 0.50"
        and cell.note == "[0.40, 0.60]\nprune 0.3: 0.70 [0.60, 0.80]"
        and "prune 0.3" in cell.hint
    )
    everywhere = [
        word,
        one.word.text,
        in_csv["verdict"],
        in_csv["verdict_shap"],
        cell.unit,
        recorded["verdict"],
    ]
    assert everywhere == [DRIFTS] * 6
    assert one.evidence.startswith("beside damage that is accepted (prune 0.3): By shap")
    assert "50%" in one.evidence and not one.evidence.endswith(".")
    notes = " ".join(reasons.notes(study, verdicts))
    assert "held against a damaged copy of it (prune 0.3)" in notes and "stay open" not in notes


def test_the_evidence_is_that_of_a_task_with_the_same_verdict():
    missing = row(UNKNOWN, teacher_runs_missing=2, n_teacher_runs=1, drift=math.nan)
    gated, keeps = (
        said(missing, overall=word, task=task, placed={name: place(word, task=task, explainer=name)})
        for word, task, name in ((GATED, "toy", "shap"), (KEEPS, "other", "lime"))
    )
    one = decided(gated, keeps)
    assert one.word.text == KEEPS and ": By lime, " in one.evidence
    alone = decided(gated)
    assert (alone.word.text, alone.evidence) == (GATED, "not shown to beat the majority baseline")


def test_an_explainer_that_is_not_on_the_ladder_is_held_against_nothing():
    missing = row(UNKNOWN, teacher_runs_missing=2, n_teacher_runs=1, drift=math.nan, agreement=0.5, n=9)
    missing |= {"agreement_low": 0.4, "agreement_high": 0.6}
    of_one = said(missing, missing | {"explainer": "lime"}, overall=KEEPS, placed={"shap": place(KEEPS)})
    line = verdict.table(outline(), [of_one]).rows[0]
    lime, shap = [cell for cell in line if "judged" in cell.style]
    assert shap.unit == KEEPS and "held against a damaged copy" in shap.hint
    assert lime.unit == "" and lime.hint.startswith("Only other explainers are on the ladder")


def test_what_the_ladder_leaves_open_needs_more_texts():
    missing = row(UNKNOWN, teacher_runs_missing=2, n_teacher_runs=1, drift=math.nan)
    places = {"lime": place(KEEPS, explainer="lime"), "shap": place(UNKNOWN)}
    one = decided(said(missing, missing | {"explainer": "lime"}, overall=UNKNOWN, placed=places))
    assert one.evidence.startswith("beside damage that is accepted (prune 0.3): By shap")
    assert one.parts == "1 of 2 cells: no drift found, 1 not decided"
    assert (one.step, one.command) == (
        "explain more texts, as many as can tell",
        "distillens extend results/films",
    )


def test_extend_is_not_proposed_where_it_would_refuse():
    open_ = said(row(UNKNOWN), overall=UNKNOWN)
    assert decided(open_).command == "distillens extend results/films"
    study = outline()
    study.settings["explainers"] = {"shap": {"method": "shap", "examples": 60}}
    (one,) = decisions(study, [open_])
    assert (one.step, one.command) == (decided(open_).step, "")


def test_what_asks_for_something_to_be_done_comes_first_else_the_study_s_order_stays():
    words = {"a": KEEPS, "b": DRIFTS, "c": GATED, "d": UNKNOWN, "e": DRIFTS}
    verdicts = [replace(said(row(word), overall=word), student=name) for name, word in words.items()]
    assert [one.student for one in decisions(outline(), verdicts)] == ["b", "e", "d", "c", "a"]
