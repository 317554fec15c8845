"""The table of agreement."""

import itertools

import numpy as np
import pytest

from distillens.evaluation.agreement import score_agreement
from distillens.evaluation.teacher_groups import Attributions
from distillens.metrics import agreement
from distillens.tables import TableError
from tests.fixtures.made_up_task import (
    IDS,
    REGRESSION,
    RUNS,
    Study,
    drift,
    frame,
    settings,
)


def test_agreement_has_every_pair_example_by_example_and_together(study, tmp_path):
    out = tmp_path / "scores.parquet"
    score_agreement(study.explained, study.explanations("shap", "lime"), out=out, **settings())
    found = frame(out)
    found = found[found["against"].notna()]
    pairs = {("small", 0, "big", 3), ("big", 7, "big", 3)}
    columns = ["model", "seed", "against", "against_seed"]
    assert set(found[columns].itertuples(index=False, name=None)) == pairs
    grid = agreement.grid([1, 3])
    assert len(found) == 2 * len(pairs) * len(grid) * (1 + len(IDS))
    aggregates = found[found["example_id"].isna()]
    singles = found[found["example_id"].notna()]
    keys = ["explainer", *columns, "metric", "k"]
    means = singles.groupby(keys, dropna=False)["value"].agg(["mean", "count"])
    joined = aggregates.set_index(keys).join(means)
    assert np.allclose(joined["value"], joined["mean"])
    assert (joined["n"] == joined["count"]).all() and (joined["n"] + joined["n_undefined"] == 40).all()
    # Texts of 4 and 5 words have no top 3.
    assert joined["n"].xs(3, level="k").unique().tolist() == [24]


def test_agreement_comes_with_its_spread_and_what_chance_gives(study, tmp_path):
    out = tmp_path / "scores.parquet"
    score_agreement(study.explained, study.explanations(), out=out, **settings())
    found = frame(out).query("model == 'small'")
    singles = found[found["example_id"].notna() & (found["metric"] == "overlap") & (found["k"] == 3)]
    (row,) = found[found["example_id"].isna() & (found["metric"] == "overlap") & (found["k"] == 3)].to_dict(
        "records"
    )
    assert row["spread"] == pytest.approx(singles["value"].std())
    # Of 6, 7 or 8 words (8 texts each) three are drawn.
    assert row["chance"] == pytest.approx(np.mean([3 / 6, 3 / 7, 3 / 8]))


def test_students_of_one_teacher_are_compared_with_each_other(study, tmp_path):
    twin = {
        "teachers": {"big": None, "small": "big", "twin": "big"},
        "seeds": {"big": [3, 7], "small": [0], "twin": [5]},
    }
    files = [*study.explanations(), study.explanation("twin", 5)]
    score_agreement(study.explained, files, out=tmp_path / "s.parquet", **settings(**twin))
    found = frame(tmp_path / "s.parquet")
    pairs = found[["model", "seed", "against", "against_seed"]].dropna().drop_duplicates()
    assert set(pairs.itertuples(index=False, name=None)) == {
        ("small", 0, "big", 3),
        ("twin", 5, "big", 3),
        ("twin", 5, "small", 0),
        ("big", 7, "big", 3),
    }


def test_explainers_of_a_run_are_compared_towards_its_own_prediction(study, tmp_path):
    score_agreement(
        study.explained, study.explanations("shap", "lime"), out=tmp_path / "s.parquet", **settings()
    )
    found = frame(tmp_path / "s.parquet").query("against_explainer.notna() and metric == 'cosine'")
    assert set(found[["model", "seed", "explainer", "against_explainer"]].itertuples(index=False)) == {
        (*run, "lime", "shap") for run in RUNS
    }
    own = study.logits("big", 3).argmax(axis=1)
    lime, shap = (Attributions.read(study.explanation("big", 3, name)).values for name in ("lime", "shap"))
    expected = [agreement.cosine(lime[i][:, own[n]], shap[i][:, own[n]]) for n, i in enumerate(IDS)]
    row = found[(found["model"] == "big") & (found["seed"] == 3)].iloc[0]
    assert row["value"] == pytest.approx(np.mean(expected)) and row["n"] == 40


def test_every_run_has_a_point_and_a_cloud(study, tmp_path):
    score_agreement(study.explained, study.explanations(), out=tmp_path / "s.parquet", **settings())
    found = frame(tmp_path / "s.parquet").query("metric == 'projection_1'")
    assert len(found) == len(RUNS) * (1 + len(IDS))
    points = found[found["example_id"].isna()].set_index(["model", "seed"])["value"]
    clouds = found[found["example_id"].notna()].groupby(["model", "seed"])["value"].mean()
    assert points.to_dict() == pytest.approx(clouds.to_dict())
    assert points.sum() == pytest.approx(0, abs=1e-9)


def test_agreement_is_about_the_class_that_most_runs_of_the_teacher_predict(study, tmp_path):
    files = [study.explanation("big", seed) for seed in (3, 5, 7)] + [study.explanation("small", 0)]
    seeds = {"big": [7, 5, 3], "small": [0]}
    score_agreement(study.explained, files, out=tmp_path / "s.parquet", **settings(seeds=seeds))
    found = frame(tmp_path / "s.parquet").query("model == 'small' and metric == 'cosine'")
    runs = [("small", 0), *(("big", seed) for seed in (3, 5, 7))]
    small, first, *others = (study.logits(*run).argmax(axis=1) for run in runs)
    most = (first + sum(others) > 1.5).astype(int)
    n = np.flatnonzero(most != first)[0]
    read = [Attributions.read(study.explanation(*run)).values for run in runs[:2]]
    a, b = (values[IDS[n]][:, most[n]] for values in read)
    cosine = a @ b / np.sqrt(a @ a * (b @ b))
    assert found.set_index("example_id")["value"][IDS[n]] == pytest.approx(cosine)


def test_regression_explanations_are_compared(tmp_path):
    study = Study(tmp_path, n_classes=0)
    found = drift(study, tmp_path, study.explanations(), task_settings=REGRESSION)
    assert set(found["n"]) == {40, 24}


def test_different_words_are_an_error_that_names_both_files_and_the_example(study, tmp_path):
    good = study.explanations()
    other = study.explanation("small", 0, words={"e7": ["another"] + [f"w{j}" for j in range(1, 6)]})
    with pytest.raises(TableError, match=f"{other} and .*x-big-3-shap.parquet: different words .*'e7'"):
        score_agreement(study.explained, [*good[:2], other], out=tmp_path / "s.parquet", **settings())
    assert not (tmp_path / "s.parquet").exists()


def test_texts_that_a_model_could_not_see_whole_are_undefined_and_counted(study, tmp_path):
    good = study.explanations()
    short = study.explanation("small", 0, values=lambda i, own: own[:-1] if i == "e7" else own, unseen=1)
    score_agreement(study.explained, [*good[:2], short], out=tmp_path / "s.parquet", **settings())
    found = frame(tmp_path / "s.parquet")
    row = found[(found["model"] == "small") & (found["metric"] == "cosine")]
    assert row[row["example_id"] == "e7"]["value"].isna().all()
    assert row[row["example_id"].isna()][["n", "n_undefined"]].to_numpy().tolist() == [[39, 1]]


def test_every_pair_of_three_teacher_seeds_is_compared(study, tmp_path):
    seeds = {"big": [3, 5, 7], "small": [0]}
    files = [*study.explanations(), study.explanation("big", 5)]
    score_agreement(study.explained, files, out=tmp_path / "s.parquet", **settings(seeds=seeds))
    found = frame(tmp_path / "s.parquet").query("model == 'big' and against.notna()")
    pairs = set(zip(found["seed"], found["against_seed"], strict=True))
    assert pairs == {(later, earlier) for earlier, later in itertools.combinations(seeds["big"], 2)}
