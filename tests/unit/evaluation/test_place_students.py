"""Places on the ladder, from files."""

import numpy as np
import pytest

from distillens import tables
from distillens.evaluation.performance import score_performance
from distillens.evaluation.place_students import LadderFiles, place_students
from tests.fixtures.made_up_task import IDS, REGRESSION, SEEDS, Study, frame, rng, settings

ONE = {"seeds": {"big": [3], "small": [0]}}
SMALL = {"task": "films", "model": "small", "seed": 0, "explainer": "shap", "settings": {"method": "shap"}}
DOSES = (0.1, 0.3, 0.5)


def rungs(study, seed=3, explainer="shap", strip=None, doses=DOSES, **changes):
    """Damaged copies: the teacher's own values with noise that grows with the dose."""
    own = tables.read(study.explanation("big", seed, explainer), "explanations").to_pylist()
    rows = []
    for dose in doses:
        for row in own:
            if row["example_id"] == strip:
                continue
            values = np.array(row["values"])
            noise = rng("rung", dose, seed, row["example_id"]).normal(size=values.shape)
            wrong = rng("answer", dose, row["example_id"]).random() < dose
            logits = np.array(row["logits"])
            rows.append(
                {
                    "kind": "prune",
                    "dose": dose,
                    "draw": 0,
                    "example_id": row["example_id"],
                    "values": (values + 4 * dose * noise).tolist(),
                    "logits": (logits[::-1] if wrong else logits).tolist(),
                }
            )
    about = {"task": "films", "model": "big", "seed": seed, "explainer": explainer, **changes}
    return study.write(f"rungs-{seed}-{explainer}", "rungs", rows, **about)


def placed(study, tmp_path, explanations, ladder, accept=None, again=(), **other):
    performance, runs = tmp_path / "performance.parquet", settings(**other)
    seeds = other.get("seeds", SEEDS)
    score_performance(study.test, study.predictions(seeds=seeds), out=performance, **runs)
    out = {name: tmp_path / f"{name}.parquet" for name in ("placements", "ladders")}
    files = LadderFiles(study.explained, performance, explanations, ladder, again)
    place_students(files, accept=accept or {"prune": 0.3}, **out, **runs)
    return {name: frame(path, name) for name, path in out.items()}


def one_run(study):
    return [study.explanation("big", 3), study.explanation("small", 0)]


def headline(found, student="small"):
    rows = found["placements"]
    rows = rows[(rows["metric"] == "spearman") & (rows["student"] == student)]
    return rows.set_index(rows["kind"].fillna("all"))


def test_one_teacher_and_one_student_get_a_place_and_a_verdict(study, tmp_path):
    found = headline(placed(study, tmp_path, one_run(study), [rungs(study)], **ONE))
    assert list(found.index) == ["all", "prune"]
    assert found.loc["all", "reference"] == "prune 0.3"
    assert found.loc["all", "verdict"] in ("no drift found", "drift found", "not decided")
    assert found["verdict"].isna().tolist() == [False, True]
    assert found.loc["prune", "dose_low"] <= found.loc["prune", "dose"] <= found.loc["prune", "dose_high"]
    assert found.loc["all", "n"] == len(IDS)


def test_a_rung_that_poses_as_a_student_lands_on_its_own_dose(study, tmp_path):
    path = rungs(study)
    by_text = {row["example_id"]: row for row in tables.read(path, "rungs").to_pylist() if row["dose"] == 0.3}
    source = tables.read(study.explanation("small", 0), "explanations").to_pylist()
    rows = [
        {**row, **{key: by_text[row["example_id"]][key] for key in ("values", "logits")}} for row in source
    ]
    about = {
        "task": "films",
        "model": "small",
        "seed": 0,
        "explainer": "shap",
        "settings": {"method": "shap"},
    }
    posing = study.write("posing", "explanations", rows, **about)
    found = headline(placed(study, tmp_path, [study.explanation("big", 3), posing], [path], **ONE))
    assert found.loc["prune", "dose"] == pytest.approx(0.3)
    assert found.loc["all", "excess"] == pytest.approx(0, abs=1e-9)
    assert found.loc["all", "verdict"] == "not decided"


def test_the_ladder_has_a_row_for_each_rung_and_metric_and_falls(study, tmp_path):
    found = placed(study, tmp_path, one_run(study), [rungs(study)], **ONE)["ladders"]
    own = found[found["metric"] == "spearman"].sort_values("dose")
    assert own["dose"].tolist() == list(DOSES)
    assert own["agreement"].is_monotonic_decreasing and own["equal_answers"].is_monotonic_decreasing


def test_with_several_runs_the_teacher_has_a_place_of_its_own(study, tmp_path):
    paths = [rungs(study, seed) for seed in (3, 7)]
    found = placed(study, tmp_path, study.explanations(), paths)
    own = headline(found, "big")
    assert own["verdict"].isna().all() and own["p_drift"].isna().all()
    assert own.loc["prune", "dose"] > 0
    assert set(found["placements"]["n_teacher_runs"]) == {2}


@pytest.mark.parametrize(("explainer", "n"), [("occlusion", len(IDS)), ("lime", 0)])
def test_a_first_run_that_does_not_count_costs_no_texts_unless_it_alone_was_explained_twice(
    explainer, n, study, tmp_path, monkeypatch
):
    good, runs = study.logits, ((("big", 3), 0), (("big", 7), 1), (("small", 0), 1))
    monkeypatch.setattr(
        study, "logits", lambda m, s, wrong=0.1: good(m, s, 0.5 if (m, s) == ("big", 3) else wrong)
    )
    files = [study.explanation(*run, explainer, values=lambda i, own, by=by: own * by) for run, by in runs]
    again = files[:1] if explainer == "lime" else []
    found = headline(placed(study, tmp_path, files, [rungs(study, 7, explainer)], again=again))
    assert found.loc["all", "n"] == n and found.loc["all", "n_undefined"] == len(IDS) - n
    assert n or found.loc["all", "verdict"] == "not decided"


def test_a_teacher_without_a_ladder_has_no_rows(study, tmp_path):
    found = placed(study, tmp_path, one_run(study), [], **ONE)
    assert len(found["placements"]) == len(found["ladders"]) == 0


def test_a_plain_agreement_is_one_of_spearman(study, tmp_path):
    rows = placed(study, tmp_path, one_run(study), [rungs(study)], {"agreement": 0.2}, **ONE)["placements"]
    told = rows[rows["verdict"].notna() & (rows["verdict"] != "not decided")]
    assert set(told["metric"]) == {"spearman"} and set(told["verdict"]) == {"no drift found"}
    assert set(told["reference"]) == {"agreement 0.2"}


def test_a_student_without_answers_has_a_dose_but_no_excess(study, tmp_path):
    rows = tables.read(study.explanation("small", 0), "explanations").to_pylist()
    about = {
        "task": "films",
        "model": "small",
        "seed": 0,
        "explainer": "shap",
        "settings": {"method": "shap"},
    }
    silent = study.write("silent", "explanations", [{**row, "logits": None} for row in rows], **about)
    found = headline(placed(study, tmp_path, [study.explanation("big", 3), silent], [rungs(study)], **ONE))
    assert found["dose"].notna().tolist() == [False, True]
    assert found["excess"].isna().all() and found["equal_answers"].isna().all()


def test_a_regression_counts_answers_within_the_flip_as_equal(tmp_path):
    study = Study(tmp_path, n_classes=0)
    found = headline(placed(study, tmp_path, one_run(study), [rungs(study)], task_settings=REGRESSION, **ONE))
    assert 0 < found.loc["all", "equal_answers"] < 1


def test_a_gated_student_is_not_judged(study, tmp_path):
    performance, runs = tmp_path / "performance.parquet", settings(**ONE)
    predictions = study.predictions(seeds=ONE["seeds"], small=0.5)
    score_performance(study.test, predictions, out=performance, **runs)
    out = {name: tmp_path / f"{name}.parquet" for name in ("placements", "ladders")}
    files = LadderFiles(study.explained, performance, one_run(study), [rungs(study)])
    place_students(files, accept={"prune": 0.3}, **out, **runs)
    rows = frame(out["placements"], "placements")
    assert set(rows["verdict"].dropna()) == {"gated"} and rows["p_adjusted"].isna().all()


def test_rungs_that_lack_a_text_are_refused(study, tmp_path):
    with pytest.raises(tables.TableError, match="'e5' is missing.*run explain_rungs again"):
        placed(study, tmp_path, one_run(study), [rungs(study, strip="e5")], **ONE)


def test_runs_with_unlike_rungs_are_refused(study, tmp_path):
    paths = [rungs(study, 3), rungs(study, 7, doses=(0.1, 0.3))]
    with pytest.raises(tables.TableError, match="other rungs than"):
        placed(study, tmp_path, study.explanations(), paths)


def test_the_order_of_files_changes_nothing(study, tmp_path):
    paths, ladder = study.explanations(), [rungs(study, seed) for seed in (3, 7)]
    made = [placed(study, tmp_path, paths[::order], ladder[::order])["placements"] for order in (1, -1)]
    assert len(made[0]) > 0 and made[0].equals(made[1])
