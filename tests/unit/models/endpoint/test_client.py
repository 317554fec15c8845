"""Bodies are filled and answers read, or refused with what is wrong."""

import numpy as np
import pytest

from distillens.models.endpoint import answer, body, label_tokens
from distillens.models.endpoint.budget import Budget
from distillens.models.endpoint.calls import Calls
from distillens.models.endpoint.client import Client
from distillens.models.errors import ModelError
from tests.loopback import serving

NAMES = ["no", "yes"]


def client(endpoint, folder, template, path, words=None):
    return Client(Calls(endpoint.url, {}, 5.0, Budget(folder, 99), 2, 0.001), template, path, NAMES, words)


def test_texts_go_in_and_numbers_come_out(tmp_path):
    def scores(asked):
        return {"predictions": [{"scores": [len(text), 1]} for text in asked["inputs"]]}

    with serving(scores) as endpoint:
        asked = client(
            endpoint, tmp_path, {"inputs": "{texts}", "options": {"wait": True}}, "predictions/*/scores"
        )
        assert asked.answers([("A film",), ('"{text}"\n',)]).tolist() == [[6, 1], [9, 1]]
        assert endpoint.bodies == [{"inputs": ["A film", '"{text}"\n'], "options": {"wait": True}}]


def test_a_pair_goes_in(tmp_path):
    with serving(lambda asked: [len(asked["a"]), len(asked["b"])]) as endpoint:
        asked = client(endpoint, tmp_path, {"a": "{text}", "b": "so: {text_b}"}, "")
        assert asked.answers([("abc", "d")]).tolist() == [[3, 5]]
        with pytest.raises(ModelError, match="single texts, but {text_b} asks for a second"):
            asked.answers([("abc",)])
        with pytest.raises(ModelError, match="no place for the second"):
            client(endpoint, tmp_path, {"a": "{text}"}, "").answers([("abc", "d")])
        assert len(endpoint) == 1


def test_outputs_in_another_order_are_put_into_the_model_s_by_their_names():
    by_label = [[{"label": "yes", "score": 0.75}, {"label": "no", "score": 0.25}]]
    by_key = [{"yes": 0.75, "no": 0.25}]
    for said in (by_label, by_key):
        assert answer.rows(said, "", 1, True, NAMES).tolist() == [[0.25, 0.75]]


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"other": []}, "nothing at 'scores/\\*'"),
        ({"": 1, "scores": [[0, 1]]}, "nothing at"),
        ({"scores": [[0.5, 0.5]]}, "1 answers at .* to 2 texts"),
        ({"scores": [[0.5, 0.5], [0.2, 0.3, 0.5]]}, "3 numbers to a text, but 2 outputs"),
        ({"scores": [[0.5, 0.5], ["a", 0.5]]}, "no list of numbers"),
        ({"scores": [[0.5, 0.5], [True, False]]}, "no list of numbers"),
        ({"scores": [[0.5, 0.5], None]}, "no list of numbers"),
        ({"scores": [{"no": 1, "yes": 0}, {"no": 1, "maybe": 0}]}, "names the outputs 'maybe', 'no', but"),
        ({"scores": [[{"label": "no", "score": 1}] * 2] * 2}, "names an output twice"),
        ({"scores": [[{"name": "no"}]] * 2}, "without a label or a score"),
        ("scores", "nothing at"),
        (None, "nothing at"),
    ],
)
def test_an_answer_that_is_none_is_refused(said, wrong):
    with pytest.raises(ModelError, match=wrong):
        answer.rows(said, "scores/*", 2, True, NAMES)


@pytest.mark.parametrize(
    ("template", "batch", "wrong"),
    [
        ({"inputs": "texts"}, 1, "no place for the texts"),
        ({"inputs": "{text}"}, 2, "batch is 2"),
        ({"inputs": "{text}", "all": ["{texts}"]}, 1, "one text and for several"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(template, batch, wrong):
    with pytest.raises(ModelError, match=wrong):
        body.check_template(template, batch)


def chat(tokens):
    return {"choices": [{"logprobs": {"content": [{"top_logprobs": tokens}]}}]}


PATH = "choices/0/logprobs/content/0/top_logprobs"


def test_a_language_model_s_tokens_are_probabilities_of_labels(tmp_path):
    said = chat([
        {"token": "Yes", "logprob": np.log(0.5)}, {"token": " yes", "logprob": np.log(0.1)},
        {"token": "The", "logprob": np.log(0.25)}, {"token": "No", "logprob": np.log(0.15)},
    ])  # fmt: skip
    with serving(lambda asked: said) as endpoint:
        asked = client(endpoint, tmp_path, {"messages": [{"content": "{labels}? {text}"}]}, PATH, NAMES)
        np.testing.assert_allclose(asked.answers([("A film",)]), [[0.2, 0.8]], rtol=1e-12)
        assert endpoint.bodies == [{"messages": [{"content": "no, yes? A film"}]}]


def test_a_label_that_is_not_among_the_tokens_has_the_least_that_is_seen():
    top = [{"token": "yes", "logprob": np.log(0.9)}, {"token": "well", "logprob": np.log(0.1)}]
    np.testing.assert_allclose(label_tokens.probabilities(top, NAMES), [0.1, 0.9], rtol=1e-12)


@pytest.mark.parametrize(
    "said", [{"choices": [{"logprobs": None}]}, {"choices": [{"message": {}}]}, chat([]), chat(None)]
)
def test_an_answer_without_logprobs_is_refused(tmp_path, said):
    with serving(lambda asked: said) as endpoint:
        asked = client(endpoint, tmp_path, "{text}", PATH, NAMES)
        with pytest.raises(ModelError, match="without log-probabilities.*asked about 'A film'"):
            asked.answers([("A film",)])


def test_a_model_that_spreads_over_spellings_is_read(tmp_path):
    spellings = {"Yes": 0.2, " yes": 0.2, "YES": 0.1, "No": 0.1, "The": 0.25, "Well": 0.15}
    top = [{"token": token, "logprob": np.log(chance)} for token, chance in spellings.items()]
    np.testing.assert_allclose(label_tokens.probabilities(top, NAMES), [1 / 6, 5 / 6], rtol=1e-12)


def test_an_answer_that_is_hardly_a_label_is_refused_by_its_text(tmp_path):
    said = chat([{"token": "The", "logprob": -0.01}, {"token": "yes", "logprob": -9}])
    with serving(lambda asked: said) as endpoint:
        asked = client(endpoint, tmp_path, "{text}", PATH, NAMES)
        with pytest.raises(ModelError, match="labels .* hold 0.00012 of .*asked about 'A film'"):
            asked.answers([("A film",)])


@pytest.mark.parametrize(
    ("tokens", "words", "wrong"),
    [
        ({"the": -0.1}, NAMES, "labels .no, yes. hold 0 of .* .'the'., which must be 0.1 or more"),
        (
            {"the": -0.01, "yes": -9, "x": -9.2},
            NAMES,
            "labels .no, yes. hold 0.00012 of .*'the', 'yes', 'x'",
        ),
        ({"yes": -3.0, "the": -0.1}, NAMES, "hold 0.052 of .* let the prompt ask for a label alone"),
        ({"yes": -np.inf}, NAMES, "hold 0 of"),
        ({"ne": -0.5, "pos": -1.0}, ["negative", "neutral", "positive"], "'ne' may begin several"),
        ({"no": "much"}, NAMES, "is no token with its logprob"),
    ],
)
def test_tokens_that_say_nothing_are_refused(tokens, words, wrong):
    top = [{"token": token, "logprob": logprob} for token, logprob in tokens.items()]
    with pytest.raises(ModelError, match=wrong):
        label_tokens.probabilities(top, words)


def test_an_unlikely_token_of_several_labels_is_left_out():
    top = [{"token": "neg", "logprob": -0.1}, {"token": "neu", "logprob": -3}, {"token": "ne", "logprob": -9}]
    probabilities = label_tokens.probabilities(top, ["negative", "neutral"])
    np.testing.assert_allclose(probabilities, np.exp([-0.1, -3]) / np.exp([-0.1, -3]).sum(), rtol=1e-12)
