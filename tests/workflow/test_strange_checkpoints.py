"""Checkpoints that are not what they seem: taken as they are, with the right answers, or refused by name."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, BertConfig, BertForMaskedLM

from distillens import registry, tables
from distillens.attribution import delete
from distillens.attribution.explain import seen_part
from distillens.attribution.rankings import Rankings
from distillens.data import fetch
from distillens.data.packages import FetchError
from distillens.data.text import Example
from distillens.evaluation.faithfulness import score_faithfulness
from distillens.evaluation.inputs import Settings
from distillens.metrics.agreement import spearman
from distillens.models.engine import Engine
from distillens.models.errors import ModelError
from distillens.models.import_model import import_model
from distillens.models.predict import write_predictions
from distillens.provenance import RunId
from distillens.report import diagnostics
from tests.families import family
from tests.jobs import explain, model_job
from tests.rounding import assert_same
from tests.workflow.documented import documents, names

TASK = {"type": "classification", "labels": ["good", "bad", "middling"]}
JOYFUL = 15  # its place in the vocabulary
TEXTS = [
    "In 2019 the film cost 1234567 dollars",
    "Café NAÏVE, the joyful PLOT is unsatisfying!",
    "🙂 电影不错 antidisestablishmentarianism",
    "The plot is dull, " * 20 + "but the ending was joyful",
]


def edit(folder, file, **changed):
    """Change keys of a JSON file; None removes one."""
    settings = json.loads((folder / file).read_text())
    settings = {key: value for key, value in {**settings, **changed}.items() if value is not None}
    (folder / file).write_text(json.dumps(settings))


def tokenizer(**changed):
    return lambda folder: edit(folder, "tokenizer.json", **changed)


def config(**changed):
    return lambda folder: edit(folder, "config.json", **changed)


def weights(change):
    """Change tensors by name, in place."""

    def apply(folder):
        tensors = load_file(folder / "model.safetensors")
        save_file(change(tensors) or tensors, folder / "model.safetensors", {"format": "pt"})

    return apply


def also(*changes):
    def apply(folder):
        for change in changes:
            change(folder)

    return apply


def named(*labels):
    return config(
        id2label={str(number): label for number, label in enumerate(labels)},
        label2id={label: number for number, label in enumerate(labels)},
    )


def adapter(folder):
    (folder / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": "org/base"})
    )
    save_file({"lora_A.weight": torch.zeros(2, 2)}, folder / "adapter_model.safetensors")


def adapter_alone(folder):
    adapter(folder)
    (folder / "model.safetensors").unlink()
    (folder / "config.json").unlink()


def nan_in_a_word(tensors):
    tensors["bert.embeddings.word_embeddings.weight"][7, 3] = torch.nan


def overflown(tensors):
    tensors["classifier.weight"][1, 2] = 7e4
    return {name: tensor.half() for name, tensor in tensors.items()}


def quantised(tensors):
    tensors["classifier.weight"] = (tensors["classifier.weight"] * 10).to(torch.int8)


def too_many(tensors):
    tensors["regression_head.weight"] = torch.zeros(1, 16)


def shared(tensors):
    del tensors["bert.encoder.layer.1.attention.self.key.weight"]


def old_names(tensors):
    renamed = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): one
        for name, one in tensors.items()
    }
    assert len(set(renamed) - set(tensors)) == 10
    return renamed


def left_over(tensors):
    tensors["bert.embeddings.position_ids"] = torch.arange(64)[None]
    tensors["cls.predictions.bias"] = torch.zeros(9)
    tensors["cls.seq_relationship.weight"] = torch.zeros(2, 16)


def in_precision(kind):
    return weights(lambda tensors: {name: tensor.to(kind) for name, tensor in tensors.items()})


def too_large(tensors):
    tensors["classifier.weight"][:] = 3e38


def too_large_for_one_word(tensors):
    # Finite, but their distance is not.
    tensors["bert.embeddings.word_embeddings.weight"][JOYFUL] = -3e38
    tensors["bert.embeddings.word_embeddings.weight"][JOYFUL, 0] = 3e38


def steep(tensors):
    tensors["classifier.weight"] *= 1e4
    tensors["classifier.bias"] *= 1e4


def certain(tensors):
    tensors["classifier.bias"][0] += 1e4


def headless(folder):
    BertForMaskedLM(BertConfig.from_pretrained(folder)).save_pretrained(folder)


def sharded(folder):
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="8KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 2


def shard_lost(folder):
    sharded(folder)
    sorted(folder.glob("model-*.safetensors"))[1].unlink()


def second_set(folder):
    shutil.copy(folder / "model.safetensors", folder / "model-00001-of-00001.safetensors")


def unlisted_mask(folder):
    listed = json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    edit(folder, "tokenizer.json", added_tokens=[one for one in listed if one["content"] != "[MASK]"])


DIGITS = {
    "type": "Sequence",
    "pretokenizers": [{"type": "Digits", "individual_digits": True}, {"type": "BertPreTokenizer"}],
}
CASED = {
    "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False,
    "strip_accents": False, "lowercase": False,
}  # fmt: skip
TWICE = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
               *[{"SpecialToken": {"id": "[SEP]", "type_id": 0}}] * 2],
    "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                       "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}},
}  # fmt: skip


def short_words(folder):
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    edit(folder, "tokenizer.json", model={**model, "max_input_chars_per_word": 10})


def of_class(name):
    return lambda folder: edit(folder, "tokenizer_config.json", tokenizer_class=name)


def cut_left(folder):
    edit(folder, "tokenizer_config.json", truncation_side="left")


TO_THE_LEFT = {"direction": "Left", "max_length": 512, "strategy": "LongestFirst", "stride": 0}
AS_FILE = "taken: the pieces are those of its `tokenizer.json`"
AS_BEFORE = "taken: the same answers"
# What is done to a checkpoint whose outputs are bad, middling, good; and what then happens.
TAKEN = {
    "digits split one by one": (tokenizer(pre_tokenizer=DIGITS), AS_FILE),
    "case and accents kept, though the class lowers them": (tokenizer(normalizer=CASED), AS_FILE),
    "no normaliser": (lambda folder: edit(folder, "tokenizer.json", normalizer=None), AS_FILE),
    "another post-processor: two [SEP]": (tokenizer(post_processor=TWICE), AS_FILE),
    "words of more than ten letters are unknown": (short_words, AS_FILE),
    "class RobertaTokenizer beside a WordPiece file": (of_class("RobertaTokenizer"), AS_FILE),
    "no tokenizer class, digits split": (also(tokenizer(pre_tokenizer=DIGITS), of_class(None)), AS_FILE),
    "a tokenizer class that is not there": (of_class("NobodysTokenizer"), AS_FILE),
    "truncation_side: left": (cut_left, "taken: long texts keep their end, words cut off are the first ones"),
    "direction Left in tokenizer.json": (
        tokenizer(truncation=TO_THE_LEFT),
        "taken: long texts keep their end, words cut off are the first ones",
    ),
    "padding_side: left": (
        lambda folder: edit(folder, "tokenizer_config.json", padding_side="left"),
        "taken: the answers of each text alone",
    ),
    "weights in several files": (sharded, AS_BEFORE),
    "weights in float16": (in_precision(torch.float16), "taken: computed in float32, and the log says so"),
    "weights in bfloat16": (in_precision(torch.bfloat16), "taken: computed in float32, and the log says so"),
    "weights in float64": (in_precision(torch.float64), "taken: computed in float32, and the log says so"),
    "old names of parameters (gamma, beta)": (weights(old_names), AS_BEFORE),
    "position ids and heads of pretraining left over": (weights(left_over), AS_BEFORE),
    "names in another case and order than the task's": (named("BAD", "Middling", "GOOD"), AS_BEFORE),
}
REFUSED = {
    "an adapter beside its base": (adapter, None),
    "an adapter alone": (adapter_alone, None),
    "fewer layers in its config than in its weights": (config(num_hidden_layers=1), None),
    "more layers in its config than in its weights": (config(num_hidden_layers=3), None),
    "wider layers in its config than in its weights": (config(intermediate_size=64), None),
    "a tensor that has no place": (weights(too_many), None),
    "no classifier, a masked-language head": (headless, None),
    "a parameter stored under another's name": (weights(shared), None),
    "NaN in the embedding of one word": (weights(nan_in_a_word), None),
    "a weight too large for float16": (weights(overflown), None),
    "weights in int8 without a word of it": (weights(quantised), None),
    "weights so large that answers overflow": (weights(too_large), None),
    "one of several files of weights is missing": (shard_lost, None),
    "two sets of weights": (second_set, None),
    "labels in another order than its own names": (lambda folder: None, ["good", "bad", "middling"]),
    "label2id contradicts id2label": (config(label2id={"bad": 1, "middling": 0, "good": 2}), None),
    "names LABEL_0, ... and no labels": (named("LABEL_0", "LABEL_1", "LABEL_2"), None),
    "labels for names that it does not have": (lambda folder: None, {"LABEL_0": "bad"}),
    "three sigmoid outputs (multi_label_classification)": (
        config(problem_type="multi_label_classification"),
        None,
    ),
    "three sigmoid outputs (sentence-transformers)": (
        config(sentence_transformers={"activation_fn": "torch.nn.modules.activation.Sigmoid"}),
        None,
    ),
    "three outputs of a regression": (config(problem_type="regression"), None),
    "truncation_side: middle": (
        lambda folder: edit(folder, "tokenizer_config.json", truncation_side="middle"),
        None,
    ),
    "a mask token that tokenizer.json does not list": (unlisted_mask, None),
}
ONE_LOGIT = "one output for a task of three labels"
BY_POSITION = "names LABEL_0, ... and labels in their order"
INSISTED = "names that are wrong, and labels that say so by name"
OVERFLOWS = "answers that overflow for the texts with one word"
STEEP = "weights x 10,000, explained_output: probability, Integrated Gradients"
CERTAIN = "a probability that is 1 whatever is removed, any explainer"
NAMES = [*TAKEN, BY_POSITION, INSISTED, *REFUSED, ONE_LOGIT, OVERFLOWS, STEEP, CERTAIN]


def take_in(checkpoint: Path, folder: Path, labels=None) -> Path:
    """As the workflow does: fetched, then imported."""
    fetch.fetch_checkpoint({"local": str(checkpoint)}, "mine", None, folder / "fetched", folder / "card.json")
    import_model(
        checkpoint=folder / "fetched", out=folder / "out", run=RunId("t", "mine", 0), task=TASK,
        labels=labels, max_length=None,
    )  # fmt: skip
    return folder / "out"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return family("bert", tmp_path_factory.mktemp("bert"))


@pytest.fixture
def copy(checkpoint, tmp_path):
    return Path(shutil.copytree(checkpoint, tmp_path / "checkpoint"))


def answers_of(folder, direction="right"):
    """Stock model on the pieces that the file itself gives, outputs in their own order."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    raw = Tokenizer.from_file(str(folder / "tokenizer.json"))
    raw.no_padding()
    raw.enable_truncation(60, direction=direction)
    ids = [raw.encode(text).ids for text in TEXTS]
    with torch.no_grad():
        logits = [model(torch.tensor([one])).logits[0] for one in ids]
    return ids, torch.stack(logits).numpy()


@pytest.mark.parametrize("name", TAKEN)
def test_a_strange_checkpoint_is_taken_as_it_is(name, copy, tmp_path, caplog):
    change, said = TAKEN[name]
    change(copy)
    with caplog.at_level("INFO", "distillens"):
        engine = Engine(take_in(copy, tmp_path), "cpu")
    direction = "left" if "end" in said else "right"
    ids, logits = answers_of(copy, direction)
    own = [name.lower() for name in json.loads((copy / "config.json").read_text())["id2label"].values()]
    expected = logits[:, [own.index(label) for label in TASK["labels"]]]
    assert [one["input_ids"] for one in engine.encoder.encode([(text,) for text in TEXTS])] == ids
    assert_same(engine.logits([(text,) for text in TEXTS]), expected)
    example = Example("long", TEXTS[-1])
    part, unseen = seen_part(example, engine)
    assert unseen == len(example.words) - len(part.words) > 0
    kept = example.words[unseen:] if direction == "left" else example.words[:-unseen]
    assert [word.text for word in part.words] == [word.text for word in kept]
    assert_same(engine.logits([part.texts]), expected[-1:])
    owned = sorted(set(engine.encoder.owners(example)) - {-1})
    assert [example.words[number].text for number in owned] == [word.text for word in kept]
    assert ("computed in float32" in caplog.text) == ("float32" in said)
    documents("checkpoints", NAMES, name, said)


@pytest.mark.parametrize("name", REFUSED)
def test_a_checkpoint_that_is_not_what_it_says_is_refused(name, copy, tmp_path):
    change, labels = REFUSED[name]
    change(copy)
    with pytest.raises((ModelError, FetchError)) as caught:
        take_in(copy, tmp_path, labels)
    assert not (tmp_path / "out").exists()
    message = str(caught.value).replace(f"{tmp_path}/", "")
    documents("checkpoints", NAMES, name, f"refused: `{message}`")


def test_one_output_is_refused(tmp_path):
    with pytest.raises(ModelError) as caught:
        take_in(family("bert", tmp_path, labels=("positive",)), tmp_path)
    documents("checkpoints", NAMES, ONE_LOGIT, f"refused: `{caught.value}`")


@pytest.mark.parametrize(
    ("name", "own", "labels", "order"),
    [
        (BY_POSITION, ("LABEL_0", "LABEL_1", "LABEL_2"), ["middling", "good", "bad"], [1, 2, 0]),
        (INSISTED, TASK["labels"], {"good": "bad", "bad": "good", "middling": "middling"}, [1, 0, 2]),
    ],
)
def test_what_the_config_says_of_outputs_is_taken_and_said_aloud(
    name, own, labels, order, copy, tmp_path, caplog
):
    named(*own)(copy)
    with caplog.at_level("INFO", "distillens"):
        out = take_in(copy, tmp_path, labels)
    _, logits = answers_of(copy)
    assert_same(Engine(out, "cpu").logits([(text,) for text in TEXTS]), logits[:, order])
    assert "outputs go by the config's labels" in caplog.text
    documents("checkpoints", NAMES, name, "taken: outputs go by the config, and the log says so")


@pytest.fixture
def explained(tmp_path):
    rows = [{"example_id": f"e{number}", "text_a": text, "label": 0.0} for number, text in enumerate(TEXTS)]
    tables.write(tmp_path / "test.parquet", "examples", rows, {})
    return tmp_path / "test.parquet"


ENGINE = {"device": "cpu", "backend": "torch"}
RUN = {"task": "t", "model": "mine", "seed": 0}


def test_answers_that_are_no_numbers_are_never_predictions(copy, tmp_path, explained):
    weights(too_large_for_one_word)(copy)
    out = take_in(copy, tmp_path)
    job = model_job(RUN, out, ENGINE)
    with pytest.raises(ModelError, match=r"its answer to text 'e1' is not finite \(1 of 4 texts\)") as caught:
        write_predictions(job, explained, [], tmp_path / "predictions.parquet")
    assert not (tmp_path / "predictions.parquet").exists()
    with pytest.raises(ModelError, match="'e1' is not finite"):
        explain_by("occlusion", out, explained, tmp_path, "margin")
    message = str(caught.value).replace(f"{tmp_path}/", "")
    documents("checkpoints", NAMES, OVERFLOWS, f"refused when it predicts: `{message}`")


def explain_by(method, out, explained, folder, output):
    options = {
        name: option["default"]
        for name, option in registry.options("explainer")[method].items()
        if name != "unit"
    }
    options |= {"samples": 50} if method == "lime" else {}
    path = folder / f"{method}.parquet"
    settings = {"method": method, **options}
    explain(explained, out, path, {**RUN, "explainer": method}, settings, output, ENGINE, 0)
    return path


def test_a_gradient_that_vanishes_certifies_nothing(copy, tmp_path, explained):
    weights(steep)(copy)
    out = take_in(copy, tmp_path)
    rows = tables.read(
        explain_by("integrated_gradients", out, explained, tmp_path, "probability"), "explanations"
    ).to_pylist()
    vanished = [row for row in rows if not np.any(row["values"])]
    assert vanished
    for row in vanished:
        moves = np.abs(np.subtract(row["output"], row["base"])) > 0
        assert row["ig_steps"] == 400
        assert [np.isinf(one) for one in row["ig_delta"]] == moves.tolist()
        assert not np.any(np.array(row["ig_delta"]) <= 0.05)
    (found,) = diagnostics.diagnostics([({"explainer": "ig"}, rows)])
    assert found["saturated"] == len(vanished)
    documents(
        "checkpoints", NAMES, STEEP, "steps go on to the last; texts of zeros are undefined, and counted"
    )


@pytest.mark.parametrize("method", ["shap", "lime", "occlusion", "integrated_gradients", "input_x_gradient"])
def test_a_saturated_output_has_no_attributions_and_is_counted(method, copy, tmp_path, explained):
    weights(certain)(copy)
    out = take_in(copy, tmp_path)
    path = explain_by(method, out, explained, tmp_path, "probability")
    source, rows = tables.provenance(path), tables.read(path, "explanations").to_pylist()
    assert not any(np.any(row["values"]) for row in rows)
    (found,) = diagnostics.diagnostics([(source, rows)])
    assert (found["saturated"], found["undefined"], found["explanations"]) == (4, 0, 4)
    assert f"all zero in 4 of 4 explanations by {method}" in diagnostics.warning([found])
    assert all(np.isnan(spearman(*[np.array(row["values"])[:, 0]] * 2)) for row in rows)
    assert Rankings.read(path).words == {f"e{number}": [] for number in range(4)}
    deletions, curves, out_of_them = (tmp_path / f"{name}.parquet" for name in ("gone", "curves", "scores"))
    plan = delete.DeletionPlan([1], 2, 1, 3)
    delete.write_deletions(model_job(RUN, out, ENGINE), plan, explained, [path], [], deletions, curves)
    assert set(tables.read(deletions, "deletions")["explainer"].to_pylist()) == {None}
    limits = {"deletion_k": [1], "random_draws": 2, "resamples": 100, "confidence_level": 0.95}
    settings = Settings("t", {**TASK, "metrics": ["accuracy"]}, limits, {"mine": None}, {"mine": [0]}, 0)
    score_faithfulness(explained, [deletions], [curves], [path], settings=settings, out=out_of_them)
    scores = tables.read(out_of_them, "scores").to_pylist()
    assert {row["explainer"] for row in scores} == {method}
    assert {(row["value"], row["n"], row["n_undefined"]) for row in scores} == {(None, 0, 4)}
    documents("checkpoints", NAMES, CERTAIN, "texts of zeros are undefined; page and terminal count them")


def test_the_table_of_checkpoints_has_these_rows():
    assert names("checkpoints") == NAMES
