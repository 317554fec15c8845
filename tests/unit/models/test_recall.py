"""A model that is only asked: nothing twice, and never another one unnoticed."""

import json

import numpy as np
import pytest

from distillens.models.black_box import BlackBox
from distillens.models.errors import ModelError
from distillens.models.identity import FIXED
from distillens.models.recall import Recall, note

FIRST = 1 + len(FIXED)  # calls when it is met: the fixed texts together, and each alone


class Model:
    """Two classes by a text's length; ``spoil`` changes what it says to each call."""

    version = "1"
    gives, labels, mask, encoder, at_once = "probabilities", None, None, None, 4

    def __init__(self, spoil=lambda rows, call: rows):
        self.spoil, self.asked = spoil, []

    def answers(self, texts):
        self.asked.append(list(texts))
        ones = np.array([1 / (1 + sum(map(len, text))) for text in texts])
        return self.spoil(np.stack([ones, 1 - ones], axis=1), len(self.asked))

    def identity(self):
        return {"model": "lengths", "version": self.version}


def texts(*names):
    return [(name,) for name in names]


def recall(model, root, draw="0", version="1", pairs=False, known=None):
    model.version = version
    return Recall(model, root, "lengths", pairs, draw, known)


def test_nothing_is_asked_twice_by_whoever(tmp_path):
    model = Model()
    first = recall(model, tmp_path)
    expected = first.answers(texts("a", "bb", "a"))
    assert (first.asked, first.remembered) == (2, 0)
    model.asked.clear()
    second = recall(model, tmp_path)
    np.testing.assert_array_equal(second.answers(texts("a", "bb", "a")), expected)
    assert model.asked == [] and second.remembered == 2


def test_a_job_can_log_what_it_asked_and_what_it_did_not(tmp_path, caplog):
    caplog.set_level("INFO", logger="distillens")
    for _ in range(2):
        box = BlackBox(recall(Model(), tmp_path), {"type": "classification", "labels": ["no", "yes"]})
        box.logits(texts("a", "bb"))
        note(box)
    assert [record.getMessage() for record in caplog.records] == [
        "2 texts asked, 0 answered by its journal",
        "0 texts asked, 2 answered by its journal",
    ]


def test_what_was_answered_before_a_failure_is_kept(tmp_path):
    def fails(rows, call):
        if call == FIRST + 3:
            raise ModelError("no more")
        return rows

    model = Model(fails)
    many = texts(*"abcdefghij")
    with pytest.raises(ModelError, match="no more"):
        recall(model, tmp_path).answers(many)  # 4 texts, 4 texts, and no more
    model.asked.clear()
    recall(model, tmp_path).answers(many)
    assert [len(asked) for asked in model.asked] == [len(FIXED), 2]


def test_a_model_that_has_changed_is_noticed_before_anything_is_paid(tmp_path):
    recall(Model(), tmp_path).answers(texts("a"))
    other = Model(lambda rows, call: rows[:, ::-1])
    changed = recall(other, tmp_path)
    assert changed.answers(texts("a")).tolist() == [[0.5, 0.5]]  # kept: nobody is asked
    with pytest.raises(
        ModelError, match="models.lengths: is another model .*delivery.* give it another version"
    ):
        changed.answers(texts("b", "c"))
    assert other.asked == [[(text,) for text in FIXED]]
    assert recall(other, tmp_path, version="2").answers(texts("bb")).tolist() == [[1 - 1 / 3, 1 / 3]]


def test_another_number_of_outputs_is_another_model(tmp_path):
    recall(Model(), tmp_path)
    other = Recall(Model(lambda rows, call: rows[:, :1]), tmp_path, "lengths", False, outputs=[2, 1])
    with pytest.raises(ModelError, match="gave 2 outputs, and gives 1 now"):
        other.answers(texts("a"))


def test_a_score_need_be_no_probability(tmp_path):
    stars = Model(lambda rows, call: 5 * rows[:, :1])
    assert Recall(stars, tmp_path, "stars", False, outputs=[1]).answers(texts("a")).tolist() == [[2.5]]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (np.nan, "models.lengths: its answer to the text 'a' is not finite"),
        (0.7, "models.lengths: its probabilities for the text 'a' sum to"),
    ],
)
def test_an_answer_that_is_none_is_not_kept(tmp_path, wrong, said):
    def breaks(rows, call):
        return np.where(call == FIRST + 1, [[wrong, wrong]], rows)

    model = Model(breaks)
    asked = recall(model, tmp_path)
    with pytest.raises(ModelError, match=said):
        asked.answers(texts("a"))
    assert asked.answers(texts("a")).tolist() == [[0.5, 0.5]]


def test_rounding_is_neither_noise_nor_another_model(tmp_path):
    def rounded(rows, call):
        return rows + 1e-7 * (call % 2)

    known = recall(Model(rounded), tmp_path).known
    assert 0 < known.noise < 1e-5 and known.repeatable
    recall(Model(rounded), tmp_path).answers(texts("a"))


def shaken(size):
    def shake(rows, call):
        shift = size * np.random.default_rng(call).uniform(-1, 1, (len(rows), 1))
        ones = np.clip(rows[:, :1] + shift, 0, 1)
        return np.hstack([ones, 1 - ones])

    return shake


def test_noise_is_measured_said_and_no_change(tmp_path, caplog):
    caplog.set_level("INFO")
    model = Model(shaken(0.02))
    noisy = recall(model, tmp_path)
    assert 0.005 < noisy.known.noise <= 0.04 and not noisy.known.repeatable
    assert noisy.identity()["noise"] == noisy.known.noise
    assert "models.lengths: does not answer the same twice" in caplog.text
    recall(model, tmp_path).answers(texts("a"))
    with pytest.raises(ModelError, match="is another model"):
        recall(Model(lambda rows, call: rows[:, ::-1]), tmp_path).answers(texts("b"))


def test_a_noisy_model_asked_again_does_not_repeat_itself_from_the_journal(tmp_path):
    model = Model(shaken(0.02))
    first = recall(model, tmp_path).answers(texts("a", "bb"))
    again = recall(model, tmp_path, "0-again")
    fresh = again.answers(texts("a", "bb"))
    assert again.asked == 2 and np.abs(fresh - first).max() > 1e-4
    np.testing.assert_array_equal(recall(model, tmp_path, "0-again").answers(texts("a", "bb")), fresh)
    np.testing.assert_array_equal(recall(model, tmp_path).answers(texts("a", "bb")), first)


def test_a_model_that_repeats_itself_is_not_paid_for_again(tmp_path):
    model = Model()
    recall(model, tmp_path).answers(texts("a"))
    model.asked.clear()
    assert recall(model, tmp_path, "0-again").answers(texts("a")).tolist() == [[0.5, 0.5]]
    assert model.asked == []


def test_answers_in_another_order_than_asked_are_refused(tmp_path):
    def in_order_of_size(rows, call):
        return rows[np.argsort(rows[:, 0])]

    with pytest.raises(ModelError, match="models.lengths: answers several texts in another order .*batch: 1"):
        recall(Model(in_order_of_size), tmp_path)


def test_a_model_whose_answers_depend_on_the_texts_beside_is_asked_one_at_a_time(tmp_path):
    def quantised_together(rows, call):
        return rows + 0.01 * np.array([1, -1]) * (len(rows) > 1)

    model = Model(quantised_together)
    asked = recall(model, tmp_path)
    assert asked.known.repeatable and not asked.known.alike
    assert asked.answers(texts("a", "bb")).tolist() == [[1 / 2, 1 / 2], [1 / 3, 1 - 1 / 3]]
    recall(model, tmp_path).answers(texts("ccc"))  # no other model, for all that
    assert recall(model, tmp_path, known=asked.identity()).at_once == 1


def test_pairs_have_a_journal_of_their_own(tmp_path):
    model = Model()
    single, pair = recall(model, tmp_path), recall(model, tmp_path, pairs=True)
    assert single.folder != pair.folder
    assert pair.answers([("a", "b")]).tolist() == [[1 / 3, 1 - 1 / 3]]
    assert all(len(text) == 2 for text in model.asked[FIRST])


def test_an_identity_is_its_model_s_answers_too(tmp_path):
    one = recall(Model(), tmp_path / "one").identity()
    same = recall(Model(), tmp_path / "same").identity()
    other = recall(Model(lambda rows, call: rows[:, ::-1]), tmp_path / "other").identity()
    assert one == same and one != other
    assert json.loads(json.dumps(one)) == one


def test_a_model_whose_journal_is_gone_is_still_known(tmp_path):
    known = recall(Model(), tmp_path / "gone").identity()
    assert recall(Model(), tmp_path / "new", known=known).identity() == known
    other = recall(Model(lambda rows, call: rows[:, ::-1]), tmp_path / "other", known=known)
    with pytest.raises(ModelError, match="is another model"):
        other.answers(texts("a"))
