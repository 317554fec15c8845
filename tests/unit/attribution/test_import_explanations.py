"""Attributions that were computed elsewhere."""

import json
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distillens import tables
from distillens.attribution.import_explanations import ImportSettings, import_explanations
from distillens.attribution.rankings import ranking
from distillens.data.read import DataError
from distillens.data.text import Example
from distillens.evaluation import agreement, calibrate
from distillens.evaluation.buckets import score_buckets
from distillens.evaluation.inputs import Settings
from distillens.evaluation.performance import score_performance
from distillens.evaluation.teacher_groups import Attributions, aligned
from distillens.evaluation.word_shifts import score_word_shifts
from distillens.metrics.agreement import agreements as agreement_of
from distillens.provenance import ROOT, ExplanationId
from distillens.report.sentences import load

TEXTS = {
    "1": ("A gorgeous, witty film.", None),
    "2": ("The plot is dull, the film is not", None),
    "3": ("It doesn't work", "not at all"),
}
LABELS = {"type": "classification", "labels": ["bad", "good"], "metrics": ["accuracy"]}
REGRESSION = {"type": "regression", "labels": [], "metrics": ["pearson"]}


def examples_table(path, texts=TEXTS):
    rows = [
        {"example_id": name, "text_a": a, "text_b": b, "label": float(int(name) % 2)}
        for name, (a, b) in texts.items()
    ]
    tables.write(path, "examples", rows, {"task": "films", "split": "test"})
    return path


def tokens_of(name, special=True):
    words = [word.text.lower() for word in Example(name, *TEXTS[name]).words]
    return ["[CLS]", *words, "[SEP]"] if special else words


def rows_of(model="small", explainer="shap", seed=0, **more):
    """A row per example, one value for each token, special ones included."""
    draw = np.random.default_rng([len(model), seed, len(explainer)])
    return [
        {
            "example_id": name,
            "model": model,
            "explainer": explainer,
            "tokens": (tokens := tokens_of(name)),
            "values": draw.normal(size=len(tokens)).tolist(),
            **more,
        }
        for name in TEXTS
    ]


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


class Import:
    """Imports into a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.test = examples_table(folder / "test.parquet")

    def __call__(self, rows, model="small", explainer="shap", seed=0, file=None, **settings):
        file = file or lines(self.folder / "own.jsonl", rows)
        out = self.folder / f"{model}-{seed}-{explainer}.parquet"
        usual = {"name": model, "missing": None, "unit": "word", "task_settings": LABELS, "needed": []}
        files = {"explained": self.test, "predictions": None, "reference": None}
        files |= {name: settings.pop(name) for name in [*files] if name in settings}
        import_explanations(
            ExplanationId("films", model, seed, explainer),
            ImportSettings(**{**usual, **settings}),
            test=self.test,
            file=file,
            out=out,
            **files,
        )
        return out


@pytest.fixture
def take_in(tmp_path):
    return Import(tmp_path)


def read(path):
    return {row["example_id"]: row for row in tables.read(path, "explanations").to_pylist()}


def settings(**other):
    metrics = {
        "overlap_k": [1],
        "deletion_k": [1],
        "random_draws": 2,
        "resamples": 200,
        "confidence_level": 0.95,
        "tolerance": 0.05,
        "margin": 0.5,
    }
    usual = {
        "task": "films",
        "task_settings": LABELS,
        "metrics": metrics,
        "teachers": {"big": None, "small": "big"},
        "seeds": {"big": [0], "small": [0]},
        "seed": 0,
        "attributions_only": ["big", "small"],
    }
    return {"settings": Settings(**{**usual, **other})}


def cosine(a, b):
    return float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))


def agreement_frame(paths, out, **other):
    agreement.score_agreement(paths[0].parent / "test.parquet", paths, out=out, **settings(**other))
    frame = tables.read(out, "scores").to_pandas()
    frame = frame[(frame["model"] == "small") & (frame["against"] == "big") & (frame["metric"] == "cosine")]
    return dict(zip(frame["example_id"].fillna("all"), frame["value"], strict=True))


def test_agreement_on_all_stored_positions_is_a_plain_cosine(take_in, tmp_path):
    big, small = rows_of("big"), rows_of("small")
    paths = [take_in(rows, model, unit="token") for rows, model in ((big, "big"), (small, "small"))]
    found = agreement_frame(paths, tmp_path / "scores.parquet")
    expected = [cosine(a["values"], b["values"]) for a, b in zip(big, small, strict=True)]
    assert [found[name] for name in TEXTS] == pytest.approx(expected, abs=1e-6)
    assert found["all"] == pytest.approx(np.mean(expected), abs=1e-6)


def test_with_words_special_tokens_are_left_out_and_pieces_summed(take_in):
    pieces = ["[CLS]", "a", "gorg", "##eous", ",", "witty", "film", ".", "[SEP]"]
    values = [9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0]
    rows = [{**rows_of()[0], "tokens": pieces, "values": values}, *rows_of()[1:]]
    row = read(take_in(rows))["1"]
    assert row["words"] == ["A", "gorgeous", ",", "witty", "film", "."]
    assert row["values"] == [[1.0], [5.0], [4.0], [5.0], [6.0], [7.0]]


def test_parquet_and_json_lines_give_the_same(take_in, tmp_path):
    rows = rows_of(target="good")
    pd.DataFrame(rows).to_parquet(tmp_path / "own.parquet")
    # As text: NaN is not equal to itself.
    assert str(read(take_in([], file=tmp_path / "own.parquet"))) == str(read(take_in(rows)))


def test_a_parquet_map_is_a_mapping(take_in, tmp_path):
    kind = pa.schema(
        [(name, pa.string()) for name in ("example_id", "model", "explainer")]
        + [("values", pa.map_(pa.string(), pa.float64()))]
    )
    table = pa.Table.from_pylist([mapping("2", dict(SMALL))], schema=kind)
    pq.write_table(table, tmp_path / "own.parquet")
    given = {"missing": "zero", "explained": only("2", take_in)}
    found = read(take_in([], file=tmp_path / "own.parquet", **given))
    assert str(found) == str(read(take_in([mapping("2", SMALL)], **given)))


def test_a_seed_or_id_that_a_table_holds_as_a_float_is_meant_all_the_same(take_in, tmp_path):
    rows = [{**row, "example_id": float(row["example_id"]), "seed": 0.0} for row in rows_of()]
    pd.DataFrame(rows).to_parquet(tmp_path / "own.parquet")
    assert list(read(take_in([], file=tmp_path / "own.parquet"))) == list(TEXTS)


def test_the_lines_in_the_documentation_are_read(take_in, tmp_path):
    page = (ROOT / "docs" / "bring-your-own.md").read_text("utf-8")
    block = re.search(r"```json\n(.*?)```", page, re.DOTALL).group(1)
    rows = [json.loads(line) for line in block.splitlines()]
    test = examples_table(tmp_path / "test.parquet", {"17": ("A dull film.", None)})
    take_in.test = test
    task = {"type": "classification", "labels": ["negative", "positive"]}
    for explainer in ("shap", "lime"):
        given = {"missing": "zero", "task_settings": task}
        (row,) = read(take_in(rows, "bert", explainer, **given)).values()
        assert row["words"] == ["A", "dull", "film", "."]
    first = read(take_in(rows, "bert", "shap", unit="token", task_settings=task))["17"]
    assert first["values"] == [[0.0, None], [0.1, None], [-0.9, None], [0.2, None], [0.0, None]]


def test_spans_may_be_given_and_special_tokens_have_none(take_in):
    given = {
        "tokens": ["<s>", "x", "y", "</s>"],
        "values": [1, 2, 3, 4],
        "spans": [None, [0, 10], [10, 23], None],
    }
    rows = [{**rows_of()[0], **given}, *rows_of()[1:]]
    row = read(take_in(rows, missing="zero"))["1"]
    assert row["values"] == [[2.0], [0.0], [3.0], [0.0], [0.0], [0.0]]
    stored = read(take_in(rows, unit="token"))["1"]
    assert stored["words"] == ["<s>", "x", "y", "</s>"]
    assert [tuple(span.values()) for span in stored["spans"]] == [
        (0, 0, 0),
        (0, 0, 10),
        (0, 10, 23),
        (0, 23, 23),
    ]


def test_the_second_text_of_a_pair_has_segment_one(take_in):
    given = {"words": ["doesn't", "not"], "values": [1, 2], "spans": [[0, 3, 10], [1, 0, 3]]}
    rows = [*rows_of()[:2], {**rows_of()[2], **given}]
    del rows[2]["tokens"]
    row = read(take_in([{**rows[2]}], explained=only("3", take_in), missing="intersection"))["3"]
    assert row["words"] == ["It", "doesn't", "work", "not", "at", "all"]
    assert row["values"] == [[None], [1.0], [None], [2.0], [None], [None]]


def only(name, take_in):
    return examples_table(take_in.folder / f"only-{name}.parquet", {name: TEXTS[name]})


def mapping(name, values, model="small"):
    return {"example_id": name, "model": model, "explainer": "shap", "values": values}


BIG = [["film", 1.0], ["dull", -2.0], ["the", 0.5], ["is", 0.25]]
SMALL = [["dull", -1.0], ["film", 3.0], ["plot", 0.7], ["not", 0.1]]


@pytest.mark.parametrize(
    ("missing", "a", "b"),
    [
        ("intersection", [1.0, -2.0], [3.0, -1.0]),
        ("zero", [1.0, -2.0, 0.5, 0.25, 0.0, 0.0], [3.0, -1.0, 0.0, 0.0, 0.7, 0.1]),
    ],
)
def test_mappings_as_lime_exports_them_are_compared_by_name(take_in, tmp_path, missing, a, b):
    paths = [
        take_in(
            [mapping("2", values, model)], model, unit="token", missing=missing, explained=only("2", take_in)
        )
        for model, values in (("big", BIG), ("small", SMALL))
    ]
    found = agreement_frame(paths, tmp_path / "scores.parquet")
    assert found["2"] == pytest.approx(cosine(a, b), abs=1e-6)


def test_a_mapping_on_shared_words_is_divided_among_a_word_s_places(take_in):
    values = {"the": 1.0, "film": 2.0, "The": 4.0}
    row = read(take_in([mapping("2", values)], missing="zero", explained=only("2", take_in)))["2"]
    assert row["words"] == ["The", "plot", "is", "dull", ",", "the", "film", "is", "not"]
    assert np.array(row["values"], float)[[0, 5, 6], 0].tolist() == [4.0, 1.0, 2.0]
    values = {"is": 1.0}
    row = read(take_in([mapping("2", values)], missing="zero", explained=only("2", take_in)))["2"]
    assert [value for (value,) in row["values"]] == [None, None, 0.5, None, None, None, None, 0.5, None]


def test_a_mapping_compares_with_a_computed_explanation_on_the_shared_words(take_in, tmp_path):
    explained = only("2", take_in)
    full = {**rows_of("big")[1], "model": "big"}
    for missing in ("zero", "intersection"):
        paths = [
            take_in([full], "big", explained=explained),
            take_in([mapping("2", SMALL)], missing=missing, explained=explained),
        ]
        found = agreement_frame(paths, tmp_path / "scores.parquet")
        stored = np.array(full["values"][1:-1])  # the plot is dull , the film is not
        own = np.array([np.nan, 0.7, np.nan, -1.0, np.nan, np.nan, 3.0, np.nan, 0.1])
        has = ~np.isnan(own)
        expected = (
            cosine(stored[has], own[has]) if missing == "intersection" else cosine(stored, np.nan_to_num(own))
        )
        assert found["2"] == pytest.approx(expected, abs=1e-6)


def test_a_mapping_without_a_word_of_the_text_must_say_what_that_means(take_in):
    with pytest.raises(
        DataError, match="row 1: 5 words .* 'The'; say explanations.missing: zero, intersection or"
    ):
        take_in([mapping("2", {"film": 1.0, "plot": 2.0, "is": 1.0})], explained=only("2", take_in))


def test_values_per_class_are_compared_towards_the_class_that_the_teacher_predicts(take_in, tmp_path):
    explained = only("2", take_in)
    n = len(tokens_of("2"))
    draw = np.random.default_rng(5)
    both = {model: draw.normal(size=(n, 2)) for model in ("big", "small")}
    paths = [
        take_in(
            [{**rows_of(model)[1], "values": values.tolist(), "logits": [2.0, 1.0]}],
            model,
            unit="token",
            explained=explained,
        )
        for model, values in both.items()
    ]
    found = agreement_frame(paths, tmp_path / "scores.parquet")
    assert found["2"] == pytest.approx(cosine(both["big"][:, 0], both["small"][:, 0]), abs=1e-6)


def test_single_values_of_a_class_are_compared_only_with_the_same_class(take_in, tmp_path):
    explained = only("2", take_in)
    big = take_in([{**rows_of("big")[1], "target": "good"}], "big", explained=explained)
    own = take_in([{**rows_of("small")[1], "target": "good"}], "small", explained=explained)
    same = agreement_frame([big, own], tmp_path / "a.parquet")
    expected = cosine(rows_of("big")[1]["values"][1:-1], rows_of("small")[1]["values"][1:-1])
    assert same["2"] == pytest.approx(expected, abs=1e-6)
    other = take_in([{**rows_of("small")[1], "target": 0}], "small", explained=explained)
    found = agreement_frame([big, other], tmp_path / "b.parquet")
    assert np.isnan(found["2"]) and np.isnan(found["all"])


TARGET = {"target": "good"}


def test_values_of_a_class_and_of_none_are_refused_where_a_student_is_taken_in(take_in):
    explained = only("2", take_in)
    big = take_in([{**rows_of("big")[1], **TARGET}], "big", explained=explained)
    with pytest.raises(DataError, match="row 1: its values have no target .* those of 'big' have one: they"):
        take_in([rows_of()[1]], explained=explained, reference=big)
    big = take_in([rows_of("big")[1]], "big", explained=explained)
    with pytest.raises(DataError, match="row 1: its values have a target .* those of 'big' have none"):
        take_in([{**rows_of()[1], **TARGET}], explained=explained, reference=big)


def test_values_of_no_class_are_refused_beside_those_that_are_computed_for_each(take_in):
    with pytest.raises(
        DataError, match="row 1: its values are for no class, and those that are computed here"
    ):
        take_in(rows_of(), by_class=True)
    assert read(take_in(rows_of(**TARGET), by_class=True))
    assert read(take_in(rows_of(), by_class=True, task_settings=REGRESSION))


def test_rows_of_one_explainer_have_a_target_all_or_none(take_in):
    with pytest.raises(
        DataError, match="row 1: its values are for no class, those of row 2 are values of a class; say with"
    ):
        take_in(changed(1, **TARGET))


def test_explainers_with_and_without_a_target_are_undefined_and_counted(take_in, tmp_path, caplog):
    """Each is compared with its teacher's; the two with each other cannot be."""
    paths = [
        take_in([{**row, **more} for row in rows_of(model, explainer)], model, explainer)
        for model in ("big", "small")
        for explainer, more in (("shap", TARGET), ("ig", {}))
    ]
    agreement.score_agreement(
        paths[0].parent / "test.parquet", paths, out=tmp_path / "scores.parquet", **settings()
    )
    frame = tables.read(tmp_path / "scores.parquet", "scores").to_pandas()
    frame = frame[(frame["metric"] == "cosine") & frame["example_id"].isna()]
    students = frame[(frame["model"] == "small") & (frame["against"] == "big")]
    assert students["value"].notna().all() and (students["n"] == 3).all()
    both = frame[frame["against_explainer"].notna()]
    assert len(both) == 2
    assert both["value"].isna().all()
    assert both[["n", "n_undefined"]].values.tolist() == [[0, 3], [0, 3]]
    assert "3 texts are undefined: one has values of a class" in caplog.text


def changed(row=0, **cells):
    rows = rows_of()
    rows[row] = {**rows[row], **cells}
    rows[row] = {key: value for key, value in rows[row].items() if value is not ...}
    return rows


N = len(tokens_of("1"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (changed(example_id="99"), "row 1: example '99' is not in the test split of 'films'"),
        ([*rows_of(), rows_of()[0]], "row 4: example '1' is explained twice by 'shap'"),
        (rows_of()[:2], "no attributions of 'small' by 'shap' for 1 of 3 explained examples, such as '3'"),
        (changed(values=[1.0] * (N - 1)), f"row 1: {N} tokens, but {N - 1} values; give one for each"),
        (changed(spans=[[0, 1]] * 3), f"row 1: {N} positions, but 3 spans"),
        (changed(spans=[[0, 99]] * N), r"row 1: the span of '\[CLS\]', \[0, 99\], is outside the text"),
        (changed(spans=[["a", "b"]] * N), "row 1: the span of .* it is .start, end"),
        (
            changed(values=[1.0, float("nan"), *[1.0] * (N - 2)]),
            "row 1: the value of 'a' is nan, not a finite number; compute it again, or, if the text cannot "
            "be explained, give null for the values of its whole row",
        ),
        (
            changed(values=[None, *[1.0] * (N - 1)]),
            r"row 1: the value of '\[CLS\]' is None, not a finite number",
        ),
        (changed(values=[float("inf")] + [1.0] * (N - 1)), "row 1: the value of .* is inf, not a finite"),
        (changed(values=["1"] * N), "row 1: the value of .* is '1', not a finite number"),
        (changed(values=[[1.0, 2.0, 3.0]] * N), r"row 1: '\[CLS\]' has 3 values, the task has 2 outputs"),
        (changed(values=[[1.0, 2.0]] * N), "row 1: values for each class need logits"),
        (changed(values=[[1.0, 2.0], *[1.0] * (N - 1)]), "row 1: some positions have a value for each class"),
        (changed(logits=[1.0]), r"row 1: logits \[1.0\] are not 2 finite numbers"),
        (
            changed(target=True),
            "row 1: target True is none of bad, good; a truth value counts only as the name of one label",
        ),
        (changed(target=1.5), "row 1: target 1.5 is out of range"),
        (changed(target="great"), "row 1: target 'great' is not a number nor one of bad, good"),
        (
            changed(tokens=["movie"] * N),
            "row 1: 8 of 8 tokens do not stand in the text of example '1', such as 'movie'",
        ),
        (changed(tokens=...), "row 1: needs either words or tokens"),
        (changed(words=["a"]), "row 1: needs either words or tokens"),
        (changed(values={"film": 1.0}), "row 1: a word-to-value mapping has no 'tokens' beside it"),
        (
            changed(tokens=..., values={"movie": 1.0}),
            "row 1: 1 of 1 words do not stand in .* '1', such as 'movie'",
        ),
        (
            changed(tokens=..., values=[["film", 1.0], ["film", 2.0]]),
            "row 1: a word stands twice in the mapping",
        ),
        (changed(valeus=[1.0]), "row 1: unknown key 'valeus'; a row has example_id"),
        (changed(explainer=...), "row 1: no 'explainer'; a row has example_id"),
        (
            rows_of("tiny"),
            "no rows of model 'small', seed 0, by 'shap' .* model: tiny; .* models.small.explanations.name",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_row(take_in, rows, message):
    with pytest.raises(DataError, match=message):
        take_in(rows)
    assert not list(take_in.folder.glob("small-*.parquet"))


def test_every_bad_row_is_named_at_once(take_in):
    rows = [{**row, "values": [float("nan"), *row["values"][1:]]} for row in rows_of()]
    with pytest.raises(DataError, match="3 problems\n  row 1: .*\n  row 2: .*\n  row 3: "):
        take_in(rows)


def test_a_file_that_cannot_be_read_is_named(take_in, tmp_path):
    (tmp_path / "own.jsonl").write_text('{"example_id": 1}\n{"example_id":')
    with pytest.raises(DataError, match=r"own\.jsonl, line 2: not JSON lines"):
        take_in([], file=tmp_path / "own.jsonl")
    (tmp_path / "own.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"own\.parquet: cannot be read as Parquet"):
        take_in([], file=tmp_path / "own.parquet")


def test_examples_of_the_test_split_that_are_not_explained_are_left_out(take_in):
    assert list(read(take_in(rows_of(), explained=only("2", take_in)))) == ["2"]


def test_a_file_may_be_about_several_models_seeds_explainers_and_tasks(take_in):
    rows = rows_of("big", "gradient", task="films")
    others = [
        *rows_of("small", "gradient", task="films"),
        *rows_of("big", "shap", task="films"),
        *rows_of("big", "gradient", task="books"),
        *({**row, "seed": 1} for row in rows_of("big", "gradient", 1, task="films")),
    ]
    found = read(take_in([*others, *rows], "big", "gradient", needed=["task"]))
    assert [row["values"][0] for row in found.values()] == [[row["values"][1]] for row in rows]


def test_positions_with_nothing_to_compare_are_undefined():
    a, b = aligned([[np.array([1.0, np.nan])], [np.array([np.nan, 1.0])]], ["intersection", "intersection"])
    assert [len(a[0]), len(b[0])] == [0, 0]
    a, b = aligned([[np.array([1.0, np.nan, np.nan])], [np.array([np.nan, 2.0, np.nan])]], ["zero", "zero"])
    assert (a[0].tolist(), b[0].tolist()) == ([1.0, 0.0], [0.0, 2.0])


def test_a_value_that_should_be_there_is_not_taken_for_a_missing_word():
    broken, partial = np.array([np.nan, 1.0, 2.0]), np.array([1.0, 2.0, np.nan])
    for mode in ("zero", "intersection"):
        pair = aligned([[broken], [partial]], [None, mode])
        assert np.isnan(agreement_of(*pair, [("cosine", None)])).all()


def test_the_rows_of_a_model_with_several_runs_must_say_which(take_in):
    with pytest.raises(DataError, match="row 1: no 'seed'; a row has"):
        take_in(rows_of(), needed=["seed"])
    rows = [{**row, "seed": seed} for seed in (0, 1) for row in rows_of(seed=seed)]
    found = [read(take_in(rows, seed=seed, needed=["seed"]))["1"]["values"] for seed in (0, 1)]
    assert found[0] != found[1]


def test_provenance_names_the_file_by_its_digest(take_in):
    made = tables.provenance(take_in(rows_of()))
    assert len(made["file_sha256"]) == 64
    assert made["settings"] == {"unit": "word", "form": "tokens", "missing": None}
    assert Attributions.read(take_in(rows_of())).predicted == dict.fromkeys(TEXTS)
    assert load([take_in(rows_of())])[0][0]["model"] == "small"


def test_models_known_by_attributions_are_scored_by_their_logits_and_else_gated(take_in, tmp_path):
    right = [
        {**row, "logits": [0.0, 1.0] if int(row["example_id"]) % 2 else [1.0, 0.0]} for row in rows_of("big")
    ]
    paths = [take_in(right, "big"), take_in(rows_of(), "small")]
    performance, drift = tmp_path / "performance.parquet", tmp_path / "calibration.parquet"
    score_performance(take_in.test, [], paths, out=performance, **settings())
    frame = tables.read(performance, "scores").to_pandas()
    known = frame.loc[(frame["model"] == "big") & (frame["metric"] == "accuracy")]
    assert known[["value", "n"]].values.tolist() == [[1.0, 3]]
    unknown = frame.loc[frame["model"] == "small"]
    assert unknown[["metric", "n", "n_undefined"]].values.tolist() == [["accuracy", 0, 3]]
    assert unknown["value"].isna().all()
    outputs = {"out": drift, "by_text": tmp_path / "texts.parquet"}
    calibrate.calibrate(performance, paths, [], take_in.test, **outputs, **settings())
    found = tables.read(drift, "calibration").to_pandas()
    assert found["gated"].all() and found["explainer_ceiling"].isna().all()
    buckets = tmp_path / "buckets.parquet"
    score_buckets(take_in.test, paths, out=buckets, **settings())
    assert set(tables.read(buckets, "scores").to_pandas()["model"].dropna()) == set()


def test_rows_without_logits_get_the_model_s_predictions_where_it_can_be_asked(take_in, tmp_path):
    rows = [
        {"example_id": name, "perturbation": perturbation, "repeat": 0, "logits": logits}
        for name in TEXTS
        for perturbation, logits in (("none", [0.0, float(name)]), ("swap", [9.0, 0.0]))
    ]
    tables.write(tmp_path / "predictions.parquet", "predictions", rows, {})
    out = take_in(changed(logits=[5.0, 0.0]), predictions=tmp_path / "predictions.parquet")
    assert [row["logits"] for row in read(out).values()] == [[5.0, 0.0], [0.0, 2.0], [0.0, 3.0]]


def test_buckets_need_two_models_whose_predictions_are_known(take_in, tmp_path):
    logits = {"logits": [1.0, 0.0]}
    for known in ((), ("big",), ("big", "small")):
        paths = [take_in(rows_of(m, **(logits if m in known else {})), m) for m in ("big", "small")]
        score_buckets(take_in.test, paths, out=tmp_path / "buckets.parquet", **settings())
        rows = tables.read(tmp_path / "buckets.parquet", "scores").num_rows
        assert (rows > 0) == (len(known) == 2)


def test_a_regression_has_one_value_for_each_position(take_in):
    row = read(take_in(rows_of(logits=[3.5]), task_settings=REGRESSION))["1"]
    assert (row["logits"], len(row["values"][0])) == ([3.5], 1)
    with pytest.raises(DataError, match="target: a regression has no classes"):
        take_in(rows_of(target="good"), task_settings=REGRESSION)


def cosines(paths, out, **other):
    """Aggregate and single cosines of the student with the teacher."""
    agreement.score_agreement(paths[0].parent / "test.parquet", paths, out=out, **settings(**other))
    frame = tables.read(out, "scores").to_pandas()
    frame = frame[(frame["model"] == "small") & (frame["against"] == "big") & (frame["metric"] == "cosine")]
    return frame[frame["example_id"].isna()].iloc[0], frame.set_index("example_id")["value"]


NOTHING = [
    {"values": None},
    {"values": [float("nan")] * len(tokens_of("2"))},
    {"values": [None] * len(tokens_of("2"))},
    {"values": None, "tokens": ...},
    {"values": [[float("nan")] * 2] * len(tokens_of("2"))},
]


@pytest.mark.parametrize("unit", ["word", "token"])
@pytest.mark.parametrize("whose", ["big", "small"])
@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize("more", [{}, {"target": "good"}])
def test_a_row_without_values_makes_its_text_undefined_and_counted(
    take_in, tmp_path, nothing, whose, unit, more
):
    paths = []
    for model in ("big", "small"):
        rows = rows_of(model, **more)
        if model == whose:
            rows[1] = {key: value for key, value in {**rows[1], **nothing}.items() if value is not ...}
        paths.append(take_in(rows, model, unit=unit))
    mean, single = cosines(paths, tmp_path / "scores.parquet")
    assert (mean["n"], mean["n_undefined"]) == (2, 1)
    assert np.isnan(single["2"]) and single[["1", "3"]].notna().all()
    calibrate_to = tmp_path / "calibration.parquet"
    score_performance(take_in.test, [], paths, out=tmp_path / "performance.parquet", **settings())
    performance = tmp_path / "performance.parquet"
    outputs = {"out": calibrate_to, "by_text": tmp_path / "texts.parquet"}
    calibrate.calibrate(performance, paths, [], take_in.test, **outputs, **settings())
    drift = tables.read(calibrate_to, "calibration").to_pandas()
    assert set(zip(drift["n"], drift["n_undefined"], strict=True)) >= {(2, 1)}
    score_buckets(take_in.test, paths, out=tmp_path / "buckets.parquet", **settings())
    score_word_shifts(take_in.test, paths, out=tmp_path / "shifts.parquet", **settings())


def test_both_messages_about_a_text_without_values_name_the_way_that_works(take_in):
    way = "give null for the values of its whole row: it is then undefined, and counted"
    with pytest.raises(DataError, match=way):
        take_in(rows_of()[:2])
    with pytest.raises(DataError, match=way):
        take_in(changed(values=[1.0, float("nan"), *[1.0] * (N - 2)]))
    assert len(read(take_in([*rows_of()[:2], {**rows_of()[2], "values": None}]))) == 3
    with pytest.raises(DataError, match="no row of 'small' by 'shap' has a value"):
        take_in([{**row, "values": None} for row in rows_of()])


def test_no_text_without_values_is_ranked_for_deletions():
    nothing = np.full((3, 2), np.nan)
    assert ranking(nothing, [1.0, 0.0]) == []
    assert ranking(np.array([[0.1, np.nan], [0.7, np.nan]]), [0.0, 1.0]) == []  # of the other class
    assert ranking(np.array([[0.1, np.nan], [0.7, np.nan]]), [1.0, 0.0]) == [1, 0]


def test_rows_have_logits_all_or_none(take_in):
    with pytest.raises(DataError, match="row 1: it has no logits and others have; give them in all rows or"):
        take_in(changed(1, logits=[0.0, 1.0]))


def test_texts_without_logits_are_counted_where_performance_is_scored(take_in, tmp_path):
    """Where a row without values has no logits either."""
    rows = [{**row, "logits": [0.0, 1.0]} for row in rows_of("big")]
    rows[1] = {**rows_of("big")[1], "values": None}
    paths = [take_in(rows, "big"), take_in(rows_of(), "small")]
    score_performance(take_in.test, [], paths, out=tmp_path / "performance.parquet", **settings())
    frame = tables.read(tmp_path / "performance.parquet", "scores").to_pandas()
    (row,) = frame[(frame["model"] == "big") & (frame["metric"] == "accuracy")].to_dict("records")
    assert (row["value"], row["n"], row["n_undefined"]) == (1.0, 2, 1)


def test_explainers_that_say_two_answers_of_one_text_are_refused(take_in, tmp_path):
    paths = [
        take_in([{**row, "logits": logits} for row in rows_of("big", explainer)], "big", explainer)
        for explainer, logits in (("shap", [0.0, 1.0]), ("lime", [1.0, 0.0]))
    ]
    with pytest.raises(tables.TableError, match="logits of example '1' predict different classes"):
        score_performance(take_in.test, [], paths, out=tmp_path / "performance.parquet", **settings())


def test_only_the_teacher_s_words_count_where_the_student_says_so(take_in, tmp_path):
    """By hand: the teacher has film, dull, the, is; of these the student has film and dull."""
    explained = only("2", take_in)
    big = take_in([mapping("2", BIG, "big")], "big", unit="token", explained=explained)
    small = take_in(
        [mapping("2", SMALL)], unit="token", missing="teacher", explained=explained, reference=big
    )
    _, single = cosines([big, small], tmp_path / "scores.parquet")
    teacher, student = [1.0, -2.0, 0.5, 0.25], [3.0, -1.0, 0.0, 0.0]
    assert single["2"] == pytest.approx(cosine(teacher, student), abs=1e-6)
    # 3 x 1 + (-1) x (-2) = 5; lengths: sqrt(1 + 4 + 1/4 + 1/16) and sqrt(9 + 1)
    assert single["2"] == pytest.approx(5 / (5.3125**0.5 * 10**0.5), abs=1e-6)


def test_words_that_one_side_lacks_are_refused_unless_that_side_says_what_it_means(take_in):
    explained = only("2", take_in)
    given = {"unit": "token", "explained": explained}
    for said in (None, "zero", "intersection"):
        big = take_in([mapping("2", BIG, "big")], "big", missing=said, **given)
        with pytest.raises(
            DataError, match="row 1: 2 words have no value that 'big' has a value for, such as 'is'; say"
        ):
            take_in([mapping("2", SMALL)], reference=big, **given)
    big = take_in([mapping("2", BIG, "big")], "big", **given)
    for said in ("zero", "intersection"):
        with pytest.raises(
            DataError,
            match="row 1: 'big' has no value for 2 of its words, such as 'plot'; say models.big.explanations",
        ):
            take_in([mapping("2", SMALL)], missing=said, reference=big, **given)
    assert take_in([mapping("2", BIG)], reference=big, **given)


@pytest.mark.parametrize(
    ("labels", "target", "column"),
    [
        (["bad", "good"], "good", 1),
        (["bad", "good"], 1, 1),
        (["bad", "good"], 1.0, 1),
        (["1", "0"], 1, 0),
        (["1", "0"], "0", 1),
        (["1", "2"], 0, None),
        (["bad", "good"], True, None),
        (["bad", "good"], 2, None),
        (["bad", "good"], "1", 1),
    ],
)
def test_a_target_is_a_name_and_a_number_only_where_names_are_none(take_in, labels, target, column):
    given = {"task_settings": {"type": "classification", "labels": labels}}
    if column is None:
        with pytest.raises(DataError, match="row 1: target (.* is none of|2 is out of range)"):
            take_in(rows_of(target=target), **given)
        return
    values = read(take_in(rows_of(target=target), **given))["1"]["values"]
    assert [value is not None for value in values[0]] == [number == column for number in range(2)]


def test_ids_of_data_without_a_column_of_ids_are_said_to_start_at_1(take_in):
    with pytest.raises(DataError, match="example '0' is not in .*; ids of data without an id column are the"):
        take_in(changed(example_id="0"), numbered=True)
    with pytest.raises(DataError) as caught:
        take_in(changed(example_id="0"))
    assert "id column" not in str(caught.value)


def test_values_of_words_are_summed_over_the_sentences_of_a_study(take_in, tmp_path):
    texts = {name: (f"{a}. Is it? {name}", None) for name, (a, _) in TEXTS.items()}
    take_in.test = examples_table(tmp_path / "documents.parquet", texts)
    rows, expected = [], {}
    for name, (text, _) in texts.items():
        words = [word.text for word in Example(name, text).words]
        values = list(range(1, len(words) + 1))
        rows.append(
            {
                "example_id": name,
                "model": "small",
                "explainer": "shap",
                "words": words,
                "values": values,
                "target": "good",
            }
        )
        last = len(words) - 4  # Is, it, ?, and the number
        expected[name] = [sum(values[:last]), sum(values[last : last + 3]), values[-1]]
    table = tables.read(take_in.test, "examples").replace_schema_metadata()
    tables.write(tmp_path / "explained.parquet", "examples", table, {"unit": "sentence"})
    out = take_in(rows, explained=tmp_path / "explained.parquet")
    assert tables.provenance(out)["unit"] == "sentence"
    found = read(out)
    assert {name: [value[1] for value in row["values"]] for name, row in found.items()} == expected
    assert found["1"]["words"][1:] == ["Is it?", "1"]
    short = [{**row, "words": row["words"][:2], "values": [1, 2]} for row in rows]
    with pytest.raises(DataError, match="2 sentences of the text have no value, such as 'Is it\\?'"):
        take_in(short, explained=tmp_path / "explained.parquet")
