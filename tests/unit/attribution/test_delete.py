import numpy as np
import pytest
from scipy.special import softmax

from distillens import tables
from distillens.attribution import delete, rankings, removal_curves
from distillens.attribution.explainers import occlusion
from distillens.data.text import Example, Word
from distillens.models import predict
from distillens.models.engine import Engine
from tests import jobs
from tests.rounding import assert_same, slack

CPU = {"device": "cpu", "backend": "torch"}
ROWS = [
    {"example_id": "a", "text_a": "A dull film, but the ending was joyful.", "label": 0.0, "label_name": "x"},
    {"example_id": "b", "text_a": "Fun", "label": 1.0, "label_name": "y"},
    {"example_id": "c", "text_a": "Not bad at all", "label": 1.0, "label_name": "y"},
]


def test_words_are_ranked_by_the_attribution_of_the_predicted_class():
    values = np.array([[0.1, -3.0], [0.5, 2.0], [-0.2, 2.0], [0.4, 0.0]])
    assert rankings.ranking(values, np.array([1.0, 0.0])) == [1, 3, 0, 2]
    assert rankings.ranking(values, np.array([0.0, 1.0])) == [1, 2, 3, 0]  # a tie keeps its order
    assert rankings.ranking(values[:, 1:], np.array([0.0])) == [0, 1, 2, 3]  # regression: by size


@pytest.fixture
def made(tmp_path, bert, distilbert):
    """Occlusion of a model and of its teacher, and what deleting by both gives."""
    explained = tmp_path / "explained.parquet"
    tables.write(explained, "examples", ROWS, {"task": "t"})
    files = {}
    for name, folder in (("student", bert), ("teacher", distilbert)):
        files[name] = tmp_path / f"{name}.parquet"
        identity = {"task": "t", "model": name, "seed": 0, "explainer": "occlusion"}
        jobs.explain(explained, folder, files[name], identity, {"method": "occlusion"}, "margin", CPU, 3)
    out = tmp_path / "deletions.parquet"
    identity = {"task": "t", "model": "student", "seed": 0}
    delete.write_deletions(
        jobs.model_job(identity, bert, CPU),
        delete.DeletionPlan([1, 3], draws=2, beam=1, seed=3),
        explained,
        [files["student"]],
        [files["teacher"]],
        out,
        tmp_path / "curves.parquet",
    )
    return tables.read(out, "deletions").to_pandas(), files, Engine(bert, "cpu")


def test_a_text_of_k_words_or_fewer_has_no_row(made):
    found, _, _ = made
    counts = found.groupby(["example_id", "k"]).size().to_dict()
    assert counts == {("a", 1): 4, ("a", 3): 4, ("c", 1): 4, ("c", 3): 4}  # own, teacher, two random draws


def test_the_words_that_the_explanation_names_are_removed(made):
    found, files, engine = made
    (row,) = [
        row for row in tables.read(files["student"], "explanations").to_pylist() if row["example_id"] == "c"
    ]
    values = np.array(row["values"])[:, int(np.argmax(row["logits"]))]
    top = int(np.argmax(values))
    own = found[(found.example_id == "c") & (found.ranking == "own") & (found.k == 1)].iloc[0]
    assert own.removed.tolist() == [top]
    words = ["Not", "bad", "at", "all"]
    words[top] = "[MASK]"
    after, before = engine.logits([(" ".join(words),), ("Not bad at all",)])
    assert_same([own.logits_after, own.logits_before], [after, before])
    assert own.target == np.argmax(own.logits_before)


def test_the_teacher_s_ranking_comes_from_the_teacher(made):
    found, files, _ = made
    for row in tables.read(files["teacher"], "explanations").to_pylist():
        order = rankings.ranking(np.array(row["values"]), np.array(row["logits"]))
        mine = found[(found.example_id == row["example_id"]) & (found.ranking == "teacher") & (found.k == 3)]
        assert [one.tolist() for one in mine.removed] == ([order[:3]] if len(order) > 3 else [])


def test_words_that_the_student_does_not_see_are_not_removed_from_it():
    example = Example("1", "A film", "Fun at all")
    # The teacher saw one word more of the first text, so that its numbers are others.
    places = [(0, 7), (1, 0), (0, 2), (1, 4), (0, 0)]
    teacher = rankings.Rankings(False, {"1": [Word("x", *place, place[1] + 1) for place in places]})
    ((explainer, name, draw, of, order),) = rankings.orders(example, {("shap", "teacher"): teacher}, 0, 0)
    assert (explainer, name, draw) == ("shap", "teacher", 0)
    assert of == example
    assert order == [2, 1, 3, 0]


def test_tokens_are_removed_where_tokens_were_explained(tmp_path, bert):
    explained, file, out = (tmp_path / f"{name}.parquet" for name in ("explained", "occlusion", "out"))
    tables.write(explained, "examples", ROWS[2:], {"task": "t"})
    identity = {"task": "t", "model": "m", "seed": 0}
    explainer = {"method": "occlusion", "unit": "token"}
    jobs.explain(explained, bert, file, {**identity, "explainer": "occlusion"}, explainer, "margin", CPU, 3)
    curved = tmp_path / "curves.parquet"
    job, plan = jobs.model_job(identity, bert, CPU), delete.DeletionPlan([1], 2, 1, 3)
    delete.write_deletions(job, plan, explained, [file], [], out, curved)
    (row,) = tables.read(file, "explanations").to_pylist()
    removal, *random = tables.read(out, "deletions").to_pylist()
    # Random tokens for what explained tokens, random words for the others.
    assert [(one["explainer"], one["ranking"]) for one in random] == [
        ("occlusion", "random"),
        ("occlusion", "random"),
        (None, "random"),
        (None, "random"),
    ]
    (number,) = removal["removed"]
    assert number == rankings.ranking(np.array(row["values"]), np.array(row["logits"]))[0]
    span = row["spans"][number]
    text = ROWS[2]["text_a"][: span["start"]] + "[MASK]" + ROWS[2]["text_a"][span["end"] :]
    after, before = Engine(bert, "cpu").logits([(text,), (ROWS[2]["text_a"],)])
    assert_same(removal["logits_after"], after, before)


def test_an_explainer_of_fewer_texts_removes_words_of_these_only(tmp_path, bert):
    explained, files = tmp_path / "explained.parquet", {}
    tables.write(explained, "examples", ROWS, {"task": "t"})
    for name, most in (("occlusion", 2), ("input_x_gradient", None)):
        files[name] = tmp_path / f"{name}.parquet"
        identity = {"task": "t", "model": "student", "seed": 0, "explainer": name}
        block = {"method": name, "examples": most}
        jobs.explain(explained, bert, files[name], identity, block, "margin", CPU, 3)
    assert tables.read(files["occlusion"], "explanations")["example_id"].to_pylist() == ["a", "b"]
    out = tmp_path / "deletions.parquet"
    delete.write_deletions(
        jobs.model_job({"task": "t", "model": "student", "seed": 0}, bert, CPU),
        delete.DeletionPlan([1], draws=1, beam=1, seed=3),
        explained, list(files.values()), [], out, tmp_path / "curves.parquet",
    )  # fmt: skip
    found = tables.read(out, "deletions").to_pandas()
    own = found[found.ranking == "own"].groupby("explainer")["example_id"].apply(list).to_dict()
    assert own == {"occlusion": ["a"], "input_x_gradient": ["a", "c"]}  # "b" has one word


def test_more_texts_for_an_explainer_find_the_finished_groups_again(tmp_path, bert, monkeypatch):
    explained, out = tmp_path / "explained.parquet", tmp_path / "occlusion.parquet"
    tables.write(explained, "examples", ROWS, {"task": "t", "stages": [2]})
    identity = {"task": "t", "model": "student", "seed": 0, "explainer": "occlusion"}
    original, made = occlusion.explain, []

    def noted(few, *others):
        made.extend(example.example_id for example in few)
        return original(few, *others)

    monkeypatch.setattr(occlusion, "explain", noted)

    def explained_texts(most):
        block = {"method": "occlusion", "examples": most}
        jobs.explain(explained, bert, out, identity, block, "margin", CPU, 3)
        return tables.read(out, "explanations").to_pylist()

    few, every = explained_texts(2), explained_texts(None)
    assert every[:2] == few
    assert made == ["a", "b", "c"]


def test_curves_follow_every_order_word_by_word(made, tmp_path, bert):
    _, files, engine = made
    found = tables.read(tmp_path / "curves.parquet", "curves").to_pandas()
    counts = found[found["example_id"] == "c"].groupby(["ranking", "operation"]).size().to_dict()
    assert counts == {
        ("each", "remove"): 1,
        ("lower", "remove"): 1,
        ("own", "keep"): 1,
        ("own", "remove"): 1,
        ("random", "remove"): 2,
        ("upper", "remove"): 1,
    }
    (explained,) = [
        row for row in tables.read(files["student"], "explanations").to_pylist() if row["example_id"] == "c"
    ]
    order = rankings.ranking(np.array(explained["values"]), np.array(explained["logits"]))
    words = ["Not", "bad", "at", "all"]

    def asked(gone):
        text = " ".join("[MASK]" if number in gone else word for number, word in enumerate(words))
        return softmax(engine.logits([(text,)])[0])[int(np.argmax(explained["logits"]))]

    row = found.set_index(["example_id", "ranking", "operation"]).loc
    for operation, gone in (
        ("remove", [order[:k] for k in range(5)]),
        ("keep", [[], *(order[k:] for k in range(1, 5))]),
    ):
        curve = row["c", "own", operation]
        assert curve["order"].tolist() == order
        assert_same(curve["confidence"], [asked(g) for g in gone], 1)
    assert_same(row["c", "each", "remove"]["confidence"], [asked([]), *(asked([w]) for w in range(4))], 1)


def test_no_order_is_beyond_the_bounds_of_a_wide_search(tmp_path, bert):
    engine = Engine(bert, "cpu")
    (example,) = [Example("c", "Not bad at all")]
    rows = list(removal_curves.trace([example], {}, 24, 6, engine, 0))
    means = {name: [] for name in ("upper", "lower", "random")}
    for row in rows:
        if row["ranking"] in means:
            means[row["ranking"]].append(np.mean(row["confidence"][1:]))
    # The upper bound is the largest drop, so the lowest confidence.
    (best,), (worst,) = means["upper"], means["lower"]
    assert best - slack(1) <= min(means["random"]) and max(means["random"]) <= worst + slack(1)


def test_a_beam_of_zero_leaves_the_bounds_out(bert):
    rows = removal_curves.trace([Example("c", "Not bad at all")], {}, 1, 0, Engine(bert, "cpu"), 0)
    assert {row["ranking"] for row in rows} == {"random", "each"}


def test_random_draws_belong_to_no_explainer(made):
    found, _, _ = made
    random = found[found.ranking == "random"]
    assert random.explainer.isna().all()
    assert sorted(random.draw.unique()) == [0, 1]
    assert found[found.ranking != "random"].explainer.eq("occlusion").all()


def test_predictions_hold_the_original_and_every_copy(tmp_path, bert):
    test, perturbed = tmp_path / "test.parquet", tmp_path / "swap.parquet"
    tables.write(test, "examples", ROWS, {"task": "t"})
    copies = [
        {"example_id": "c", "repeat": repeat, "text_a": text, "changed": True, "edits": []}
        for repeat, text in enumerate(["Bad not at all", "Not at bad all"])
    ]
    tables.write(perturbed, "perturbed", copies, {"task": "t", "perturbation": "swap"})
    out = tmp_path / "predictions.parquet"
    job = jobs.model_job({"task": "t", "model": "m", "seed": 0}, bert, CPU)
    predict.write_predictions(job, test, [perturbed], out)
    rows = tables.read(out, "predictions").to_pylist()
    keys = [(row["example_id"], row["perturbation"], row["repeat"]) for row in rows]
    assert keys == [("a", "none", 0), ("b", "none", 0), ("c", "none", 0), ("c", "swap", 0), ("c", "swap", 1)]
    texts = [row["text_a"] for row in [*ROWS, *copies]]
    expected = Engine(bert, "cpu").logits([(text,) for text in texts])
    assert_same([row["logits"] for row in rows], expected)
