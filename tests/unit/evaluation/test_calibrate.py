"""Calibrated agreement, and the verdicts."""

import numpy as np
import pytest
from scipy import stats

from distillens import tables
from distillens.evaluation.agreement import score_agreement
from distillens.evaluation.teacher_groups import Attributions
from distillens.metrics import agreement, verdict
from tests.fixtures.made_up_task import IDS, MORE_RUNS, RUNS, drift, frame, run_of, settings

RUNS_OF_THREE = {"seeds": MORE_RUNS}


def more(study, *explainers):
    """Explanations of three runs of the teacher and two of the student."""
    runs = [(model, seed) for model, seeds in MORE_RUNS.items() for seed in seeds]
    return [study.explanation(*run, explainer) for explainer in explainers or ("shap",) for run in runs]


def by_run(files):
    return {run_of(path): path for path in files}


def test_drift_has_a_row_for_each_student_explainer_and_metric(study, tmp_path):
    found = drift(study, tmp_path, more(study, "shap", "lime"), **RUNS_OF_THREE)
    metrics = agreement.grid([1, 3])
    assert len(found) == 2 * len(metrics)
    assert (
        list(zip(found["metric"], found["k"].fillna(0), strict=True)) == [(m, k or 0) for m, k in metrics] * 2
    )
    assert set(found["student"]) == {"small"} and set(found["teacher"]) == {"big"}
    assert set(found["n_teacher_runs"]) == {3} and set(found["n_runs"]) == {2}
    assert (found["p_adjusted"] >= found["p_drift"]).all()
    floors = found[(found["metric"] == "overlap") & (found["k"] == 1)]["floor"]
    assert floors.iloc[0] == pytest.approx(np.mean([1 / (4 + n % 5) for n in range(40)]))


def test_an_explainer_that_draws_nothing_has_a_ceiling_of_one(study, tmp_path):
    found = drift(study, tmp_path, study.explanations(), again=[])
    for whose in ("explainer_ceiling", "student_explainer_ceiling"):
        assert found[whose].to_numpy() == pytest.approx(1)


def test_an_explainer_that_does_not_repeat_itself_has_a_lower_ceiling(study, tmp_path):
    again = []
    for (model, seed), other in ((("big", 3), ("big", 7)), (("small", 0), ("big", 3))):
        copy = study.folder / f"again-{model}.parquet"
        like = study.explanation(*other, "lime")
        source = {**tables.provenance(like), "model": model, "seed": seed}
        tables.write(copy, "explanations", tables.read(like, "explanations"), source)
        again.append(copy)
    found = drift(study, tmp_path, study.explanations("lime"), again=again)
    assert found["explainer_ceiling"].to_numpy() == pytest.approx(found["ceiling"].to_numpy())
    assert (found["student_explainer_ceiling"] < 1).all()


@pytest.mark.parametrize("left", [("big", 3), ("small", 0)])
def test_a_missing_second_run_of_an_explainer_that_draws_is_an_error(left, study, tmp_path):
    again = [study.explanation(*left, "lime")]
    with pytest.raises(tables.TableError, match="no second explanations of .* by 'lime'"):
        drift(study, tmp_path, study.explanations("lime"), again=again)


@pytest.mark.parametrize("explained_twice", [True, False])
def test_a_student_that_does_not_answer_the_same_twice_has_its_own_ceiling_or_none(
    explained_twice, study, tmp_path
):
    files = study.explanations("occlusion")
    asked = next(path for path in files if "small" in path.name)
    source = tables.provenance(asked)
    rows = tables.read(asked, "explanations").to_pylist()
    tables.write(asked, "explanations", rows, {**source, "asked": {"noise": 0.02}})
    # Words in the other order: ranks agree at -1, unless they tie, which drawn values do not.
    turned = [{**row, "values": [[-value for value in word] for word in row["values"]]} for row in rows]
    again = study.folder / "again.parquet"
    tables.write(again, "explanations", turned, source)
    found = drift(study, tmp_path, files, again=[again] if explained_twice else [])
    row = found[found["metric"] == "spearman"].iloc[0]
    assert row["explainer_ceiling"] == pytest.approx(1)
    own = row["student_explainer_ceiling"]
    assert own == pytest.approx(-1) if explained_twice else np.isnan(own)


def test_what_was_explained_elsewhere_has_no_known_ceiling_of_the_explainer(study, tmp_path):
    files = study.explanations()
    for path in files:
        source = tables.provenance(path) | {"settings": {"form": "values"}}
        tables.write(path, "explanations", tables.read(path, "explanations"), source)
    assert drift(study, tmp_path, files, again=[])["explainer_ceiling"].isna().all()


def test_the_order_of_seeds_does_not_matter(study, tmp_path):
    files = more(study)
    one = drift(study, tmp_path, files, name="one", **RUNS_OF_THREE)
    other = drift(study, tmp_path, files[::-1], name="other", seeds={"small": [1, 0], "big": [7, 3, 5]})
    assert one.equals(other)


@pytest.mark.parametrize("paired", [None, [3, 7]])
def test_a_student_is_compared_with_all_runs_or_with_its_own(paired, study, tmp_path):
    found = drift(study, tmp_path, more(study), **RUNS_OF_THREE, teacher_seeds={"small": paired})
    table = found[found["metric"] == "cosine"].iloc[0]
    pairs = [(0, 3), (1, 7)] if paired else [(own, its) for own in (0, 1) for its in (3, 5, 7)]
    said = [study.logits("big", seed).argmax(axis=1) for seed in (3, 5, 7)]
    target = (np.sum(said, axis=0) > 1.5).astype(int)
    expected = []
    for own, its in pairs:
        a, b = (Attributions.read(study.explanation(*run)).values for run in (("small", own), ("big", its)))
        expected += [agreement.cosine(a[i][:, target[n]], b[i][:, target[n]]) for n, i in enumerate(IDS)]
    assert table["agreement"] == pytest.approx(np.mean(expected))
    assert table["student_runs_missing"] == (1 if paired else 0)


@pytest.mark.parametrize("paired", [None, [3, 7]])
def test_the_agreement_of_each_text_is_over_the_same_pairs_of_runs(paired, study, tmp_path, monkeypatch):
    calls = study.logits
    monkeypatch.setattr(study, "logits", lambda m, s, w=0.1: calls(m, s, 0.9 if (m, s) == ("big", 5) else w))
    files = more(study)
    rows = tables.read(files[-1], "explanations").to_pylist()
    rows[4]["values"] = [[np.nan, np.nan] for _ in rows[4]["values"]]
    tables.write(files[-1], "explanations", rows, tables.provenance(files[-1]))
    found = drift(study, tmp_path, files, **RUNS_OF_THREE, teacher_seeds={"small": paired})
    whole = found[found["metric"] == "spearman"].iloc[0]
    assert (whole["n_teacher_runs"], whole["n_gated_runs"], whole["n_undefined"]) == (2, 1, 1)
    texts = frame(tmp_path / "texts.parquet", "text_agreement").set_index("example_id")["agreement"]
    assert list(texts.index) == IDS and list(texts.index[texts.isna()]) == ["e4"]
    assert texts.mean() == pytest.approx(whole["agreement"])
    said = [study.logits("big", seed).argmax(axis=1)[0] for seed in (3, 5, 7)]
    read = {run: Attributions.read(path).values["e0"] for run, path in by_run(files).items()}
    of = {run: values[:, int(sum(said) > 1)] for run, values in read.items()}
    pairs = [(0, 3), (1, 7)] if paired else [(own, its) for own in (0, 1) for its in (3, 7)]
    expected = [stats.spearmanr(of["small", own], of["big", its]).statistic for own, its in pairs]
    assert texts["e0"] == pytest.approx(np.mean(expected))


def test_students_that_are_copies_of_the_teachers_runs_have_no_drift(study, tmp_path):
    files = more(study)[:3]
    for number, twin in enumerate(files[:3]):
        copy = study.folder / f"copy-{number}.parquet"
        source = {**tables.provenance(twin), "model": "small", "seed": number}
        tables.write(copy, "explanations", tables.read(twin, "explanations"), source)
        files.append(copy)
    seeds = {"big": [3, 5, 7], "small": [0, 1, 2]}
    paired = {"small": [3, 5, 7]}
    found = drift(study, tmp_path, files, seeds=seeds, teacher_seeds=paired)
    assert found["agreement"].to_numpy() == pytest.approx(1)
    assert set(found["verdict"]) == {verdict.KEEPS}


def test_one_teacher_seed_gives_nulls_and_is_not_decided(study, tmp_path):
    files = [study.explanation("big", 3), study.explanation("small", 0)]
    found = drift(study, tmp_path, files, seeds={"big": [3], "small": [0]})
    for column in ("ceiling", "normalised", "drift", "drift_low", "p_drift", "p_adjusted", "run_spread"):
        assert found[column].isna().all()
    assert tables.read(tmp_path / "drift.parquet", "drift")["drift"].null_count == len(found)
    assert set(found["verdict"]) == {verdict.UNKNOWN} and set(found["n_teacher_runs"]) == {1}
    assert set(found["teacher_runs_missing"]) == {2}


def test_a_student_no_better_than_the_majority_is_gated(study, tmp_path):
    found = drift(study, tmp_path, study.explanations(), predictions=study.predictions(small=0.5))
    assert set(found["verdict"]) == {verdict.GATED} and found["gated"].all()


def test_a_teacher_seed_no_better_than_the_majority_does_not_count_as_ceiling(study, tmp_path, monkeypatch):
    good = study.logits
    monkeypatch.setattr(
        study, "logits", lambda m, s, wrong=0.1: good(m, s, 0.5 if (m, s) == ("big", 7) else wrong)
    )
    found = drift(study, tmp_path, study.explanations(), predictions=study.predictions())
    assert set(found["n_teacher_runs"]) == {1} and set(found["verdict"]) == {verdict.UNKNOWN}
    assert set(found["n_gated_runs"]) == {1}


def collapsed(study, monkeypatch, *runs):
    """These runs are no better than a constant: wrong answers, and the same value for each word."""
    logits, explanation = study.logits, study.explanation
    monkeypatch.setattr(
        study, "logits", lambda m, s, wrong=0.1: logits(m, s, 0.5 if (m, s) in runs else wrong)
    )
    monkeypatch.setattr(
        study,
        "explanation",
        lambda m, s, *by: explanation(m, s, *by, values=lambda i, own: own * 0 if (m, s) in runs else own),
    )


FOUR = {"seeds": {"big": [3, 5, 7, 9], "small": [0, 1]}}


def of_four(study, explainer):
    return [
        study.explanation(model, seed, explainer) for model, seeds in FOUR["seeds"].items() for seed in seeds
    ]


@pytest.mark.parametrize("run", [("big", 3), ("small", 0)])
def test_a_first_run_that_does_not_count_costs_no_texts(run, study, tmp_path, monkeypatch):
    collapsed(study, monkeypatch, run)
    found = drift(study, tmp_path, of_four(study, "occlusion"), again=[], **FOUR)
    row = found[found["metric"] == "spearman"].iloc[0]
    assert (row["n"], row["n_undefined"], row["n_gated_runs"]) == (40, 0, 1)
    assert row["explainer_ceiling"] == row["student_explainer_ceiling"] == 1
    assert row["margin"] > 0.05 * (row["ceiling"] - row["floor"]) + 1e-9


def test_where_only_a_run_that_does_not_count_was_explained_twice_no_drift_is_not_said(
    study, tmp_path, monkeypatch, caplog
):
    collapsed(study, monkeypatch, ("big", 3))
    found = drift(study, tmp_path, of_four(study, "lime"), **FOUR)
    assert "seed 5 is the first of 'big' that counts, and 'lime' explained it once" in caplog.text
    row = found[found["metric"] == "spearman"].iloc[0]
    assert row["n"] == 40 and np.isfinite([row["drift"], row["p_drift"]]).all()
    assert row[["explainer_ceiling", "margin", "p_no_drift", "texts_needed_no_drift"]].isna().all()
    assert row["verdict"] != verdict.KEEPS


def test_a_student_whose_first_run_does_not_count_may_still_be_told_to_have_no_drift(
    study, tmp_path, monkeypatch, caplog
):
    collapsed(study, monkeypatch, ("small", 0))
    found = drift(study, tmp_path, of_four(study, "lime"), **FOUR)
    row = found[found["metric"] == "spearman"].iloc[0]
    assert np.isnan(row["student_explainer_ceiling"]) and row[["margin", "p_no_drift"]].notna().all()
    assert "no drift cannot be shown" not in caplog.text


def test_where_no_run_counts_the_first_is_taken_and_gated(study, tmp_path, monkeypatch):
    collapsed(study, monkeypatch, *[("big", seed) for seed in FOUR["seeds"]["big"]])
    assert set(drift(study, tmp_path, of_four(study, "lime"), **FOUR)["verdict"]) == {verdict.GATED}


def test_explained_outputs_without_classes_are_compared_as_they_are(study, tmp_path):
    # One value per word, such as the expected rating, though there are two classes.
    files = [study.explanation(*run, values=lambda i, own: own[:, :1]) for run in RUNS]
    score_agreement(study.explained, files, out=tmp_path / "s.parquet", **settings())
    assert frame(tmp_path / "s.parquet")["n"].max() == 40


def test_constant_attributions_are_undefined_and_counted(study, tmp_path):
    files = study.explanations()[:2] + [study.explanation("small", 0, values=lambda i, own: own * 0)]
    found = drift(study, tmp_path, files)
    assert set(found["n"]) == {0} and set(found["n_undefined"]) == {40}
    assert found["agreement"].isna().all() and set(found["verdict"]) == {verdict.UNKNOWN}


def test_texts_of_one_group_count_as_one_draw(study, tmp_path):
    alone = drift(study, tmp_path, more(study), name="alone", **RUNS_OF_THREE)
    rows = tables.read(study.explained, "examples").to_pylist()
    for number, row in enumerate(rows):
        row["group"] = f"document {number // 4}"
    tables.write(study.explained, "examples", rows, {})
    found = drift(study, tmp_path, more(study), name="grouped", **RUNS_OF_THREE)
    assert set(alone["n_groups"]) - {40, 24} == set() and found["n_groups"].max() == 10
    assert found["drift"].equals(alone["drift"]) and not found["drift_low"].equals(alone["drift_low"])
