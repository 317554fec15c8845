"""What distillations add to soft logits: by hand, for a perfect copy, and through a whole training."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from distillens import tables
from distillens.config.validate import ConfigError, complete
from distillens.data.text import Example, seed_of
from distillens.models import classifier
from distillens.models.attention_scores import hand_out_scores
from distillens.models.engine import Engine, EngineOptions
from distillens.models.tokenizer import Encoder
from distillens.training import fine_tune
from distillens.training.batches import collate
from distillens.training.distillation import attention_maps, hidden_states, trainer
from distillens.training.distillation import integrated_gradients as along
from distillens.training.distillation import saliency as sal
from distillens.training.distillation.masked_consistency import has_turn, kept_words
from distillens.training.fine_tune import Source
from distillens.training.teacher_forward import layer_map
from tests import jobs, tiny
from tests.rounding import assert_same
from tests.tiny import SENTENCES

CPU = {"device": "cpu", "backend": "torch", "precision": "float32"}
TASK = {"labels": ["bad", "middling", "good"], "type": "classification"}
TEXTS = [Example(str(i), text, label=float(i % 3)) for i, text in enumerate(SENTENCES)]
METHODS = (
    "masked_consistency",
    "saliency",
    "integrated_gradients",
    "hidden_states",
    "attention_maps",
    "saliency+masked_consistency",
    "saliency+integrated_gradients",
    "hidden_states+attention_maps",
    "saliency+attention_maps",
)
TERMS = {
    "masked_consistency": "masked",
    "saliency": "saliency",
    "integrated_gradients": "path",
    "hidden_states": "hidden",
    "attention_maps": "attention",
}
# What a term does not look at. A gradient by the input does not know what is added to every class;
# hidden states and attention are below the head, attention scores below what the last layer makes of them.
HEAD = ("classifier.weight", "classifier.bias", "bert.pooler.dense.weight", "bert.pooler.dense.bias")
LAST = "bert.encoder.layer.1."
BEHIND_ATTENTION = ("attention.self.value", "attention.output", "intermediate", "output")


def settings(method, **given):
    models = {
        "teacher": {"checkpoint": "c", "training": {"method": "fine_tune"}},
        "m": {"checkpoint": "c", "teacher": "teacher", "training": {"method": method, **given}},
    }
    task = {
        "source": {"local": "x"},
        "columns": {"text_a": "a", "label": "b"},
        "labels": TASK["labels"],
        "splits": {split: {"from": "all"} for split in ("train", "validation", "test")},
    }
    config = {"study": "s", "tasks": {"t": task}, "checkpoints": {"c": {"local": "x"}}, "models": models}
    return complete(config)["models"]["m"]["training"]


def test_a_margin_by_hand():
    logits = torch.tensor([[1.0, 2.0, 6.0], [0.0, 3.0, 0.0]])
    assert sal.logit_contrast(logits, torch.tensor([2, 1])).tolist() == [6 - 1.5, 3.0]
    assert sal.logit_contrast(torch.tensor([[0.5], [2.0]]), torch.tensor([0, 0])).tolist() == [0.5, 2.0]


def test_saliency_of_a_sum_is_what_its_words_add():
    embedded = torch.tensor([[[0.0], [1.0], [2.0], [5.0]]], requires_grad=True)
    # Pieces 1 and 2 are one word; piece 0 is of none.
    owners = torch.tensor([[1, 2, 3]]), torch.tensor([[1, 1, 2]]), torch.ones(1, 3)
    assert sal.saliency(embedded.sum(dim=(1, 2)), embedded, owners, 2).tolist() == [[3.0, 5.0]]
    assert sal.saliency(-embedded.sum(dim=(1, 2)), embedded, owners, 2).tolist() == [[-3.0, -5.0]]
    assert sal.saliency((embedded**2).sum(dim=(1, 2)), embedded, owners, 2).tolist() == [[10.0, 50.0]]
    # The last piece is shared by both words.
    shared = torch.tensor([[1, 2, 3, 3]]), torch.tensor([[1, 1, 1, 2]]), torch.tensor([[1, 1, 0.4, 0.6]])
    assert sal.saliency(embedded.sum(dim=(1, 2)), embedded, shared, 2).tolist() == [[5.0, 3.0]]


def test_of_a_text_at_least_one_word_is_hidden_and_at_most_half():
    hidden = [kept_words(10, seed, 0.5, 0.5).count(False) for seed in range(300)]
    assert min(hidden) == 1 and max(hidden) == 5
    assert 0.5 < np.mean(np.array(hidden) == 1) < 0.7, "half of the copies, and a fifth of the others"
    assert kept_words(1, 0, 0.5, 0.5) == [False] and kept_words(0, 0, 0.5, 0.5) == []
    assert kept_words(10, 7, 0.5, 0.5) == kept_words(10, 7, 0.5, 0.5)


def test_how_much_is_hidden_is_a_matter_of_the_options():
    assert {kept_words(10, seed, 1.0, 1.0).count(False) for seed in range(50)} == {1}
    assert {kept_words(10, seed, 0.0, 1.0).count(False) for seed in range(200)} == set(range(1, 11))
    assert {kept_words(10, seed, 0.0, 0.2).count(False) for seed in range(50)} == {1, 2}


def test_a_share_of_the_batches_is_spread_evenly():
    assert [has_turn(step, 0.5) for step in range(4)] == [False, True, False, True]
    assert all(has_turn(step, 1.0) for step in range(9))
    assert sum(has_turn(step, 0.3) for step in range(1000)) == 300


def test_a_batch_without_a_turn_has_no_copy(copied):
    made, batch = copied("masked_consistency", masked_share=0.5)
    made.model.train()
    assert "masked" not in terms_of(made, batch)
    made.state.global_step = 1
    assert "masked" in terms_of(made, batch)


def test_copies_are_of_the_texts_and_then_of_the_corpus(copied, tmp_path):
    copied("masked_consistency")
    teacher, corpus = tmp_path / "teacher", tmp_path / "reviews.parquet"
    texts = [f"a film of {number} minutes" for number in range(2 * len(TEXTS))]
    rows = [{"split": "train", "text": text} for text in texts] + [{"split": "validation", "text": "no"}]
    tables.write(corpus, "corpus", rows, {})
    options = settings("masked_consistency", masked_copies=4)

    def features(corpus):
        return trainer("masked_consistency").features(
            TEXTS, Source(Encoder(teacher), teacher, EngineOptions(**CPU), options, 3, True, corpus)
        )

    plain, beside = features(None), features(corpus)
    assert plain["copy_0"] == beside["copy_0"]
    engine, number = Engine(teacher, **CPU), 4
    drawn = {copy: (copy - 1) * len(TEXTS) + number for copy in (1, 2)}
    of = {copy: Example(f"reviews:{row}", texts[row]) for copy, row in drawn.items()}
    # After the corpus's last text comes the first one again, with other words hidden.
    for copy, text in {**of, 3: TEXTS[number]}.items():
        kept = kept_words(len(text.words), seed_of(3, text.example_id, copy), 0.5, 0.5)
        asked = text.masked(kept, "[MASK]")
        assert beside[f"copy_{copy}"][number] == Encoder(teacher).encode([asked])[0]
        assert_same(beside["copy_logits"][number, copy], engine.logits([asked])[0])


@pytest.fixture
def copied(bert, tmp_path):
    """A teacher, and a trainer of its perfect copy with a batch."""

    def make(method, **given):
        teacher = tmp_path / "teacher"
        if not teacher.is_dir():
            model = classifier.new_classifier(bert, TASK, None)
            classifier.save_tokenizer(bert, tmp_path / "tokenizer", model, 32)
            classifier.save(model, tmp_path / "tokenizer", teacher, {}, False)
        options = settings(method, **given)
        encoder = Encoder(teacher)
        of = trainer(method)
        source = Source(encoder, teacher, EngineOptions(**CPU), options, 0, True)
        nothing_between = {"eval_strategy": "no", "save_strategy": "no", "load_best_model_at_end": False}
        features = of.features(TEXTS, source)
        arguments = fine_tune.arguments(tmp_path / "run", options, 0, torch.device("cpu"), **nothing_between)
        made = of(source, model=classifier.load_classifier(teacher), args=arguments)
        rows = [
            encoded | {"labels": text.label, "row": row} | {name: of[row] for name, of in features.items()}
            for row, (encoded, text) in enumerate(
                zip(encoder.encode([text.texts for text in TEXTS]), TEXTS, strict=True)
            )
        ]
        return made, collate(encoder, rows)

    return make


def terms_of(made, batch):
    inputs = {name: batch[name] for name in made.encoder.inputs}
    others = {name: value for name, value in batch.items() if name not in inputs}
    asked = made.asked()
    answer = {**asked, **made.model(**inputs, **asked)}
    told = (made.model, inputs, others, answer)
    return {**made.terms(*told), **made.hints(*told)}


@pytest.mark.parametrize("method", METHODS)
def test_a_perfect_copy_has_nothing_to_learn(copied, method):
    made, batch = copied(method)
    # Without dropout, so that the copy answers as its teacher did.
    for module in made.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    made.model.train()
    found = terms_of(made, batch)
    assert set(found) == {"gold", "soft"} | {TERMS[name] for name in method.split("+")}
    for name in found.keys() - {"gold"}:
        assert_same(found[name].item(), 0, 1)


@pytest.mark.parametrize("method", METHODS)
def test_every_parameter_gets_a_gradient_from_the_new_term_alone(copied, method):
    made, batch = copied(method, alpha=0.5)
    made.model.train()
    torch.manual_seed(1)
    for parameter in made.model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    found = terms_of(made, batch)
    torch.stack([found[name] for name in found.keys() - {"gold", "soft"}]).sum().backward()
    silent = {n for n, p in made.model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}
    parts = set(method.split("+"))
    if parts == {"masked_consistency"}:
        assert silent == set()
    elif parts & {"saliency", "integrated_gradients", "masked_consistency"}:
        assert silent <= {"classifier.bias"}
    elif "hidden_states" in parts:
        assert silent == set(HEAD)
    else:
        behind = {n for n, _ in made.model.named_parameters() if n.startswith(LAST)}
        behind = {n for n in behind if n.removeprefix(LAST).startswith(BEHIND_ATTENTION)}
        assert silent == set(HEAD) | behind


def test_the_saliency_term_is_one_less_the_cosine(copied):
    made, batch = copied("saliency", saliency_weight=0.5)
    made.model.train()
    batch["teacher_saliency"] = -batch["teacher_saliency"]
    assert_same(terms_of(made, batch)["saliency"].item(), 0.5 * 2)


def test_a_teacher_s_saliency_is_that_of_captum(copied, tmp_path):
    from captum.attr import LayerGradientXActivation

    copied("saliency")
    teacher = tmp_path / "teacher"
    model, encoder = classifier.load_classifier(teacher).eval(), Encoder(teacher)
    targets = Engine(teacher, **CPU).logits([text.texts for text in TEXTS]).argmax(axis=-1)
    source = Source(None, teacher, EngineOptions(**CPU), settings("saliency"), 0, True)
    found = sal.teacher_saliency(TEXTS, targets, source)
    largest = np.concatenate(found)
    for text, own, of in zip(TEXTS, found, targets, strict=True):
        inputs = {k: torch.from_numpy(v) for k, v in encoder.pad(encoder.encode([text.texts])).items()}
        target = torch.tensor([of])

        def forward(ids, others=inputs, target=target):
            return sal.logit_contrast(model(**{**others, "input_ids": ids}).logits, target)

        method = LayerGradientXActivation(forward, model.get_input_embeddings())
        pieces = method.attribute(inputs["input_ids"]).sum(dim=-1)[0].detach().numpy()
        owners = encoder.owners(text)
        expected = [sum(v for v, o in zip(pieces, owners, strict=True) if o == n) for n in range(len(own))]
        assert_same(own, expected, largest)


def test_a_teacher_s_path_is_that_of_captum_s_integrated_gradients(copied, tmp_path):
    from captum.attr import IntegratedGradients

    copied("integrated_gradients")
    teacher = tmp_path / "teacher"
    model, encoder = classifier.load_classifier(teacher).eval(), Encoder(teacher)
    sal.attend_eagerly(model)
    embed = model.get_input_embeddings()
    targets = Engine(teacher, **CPU).logits([text.texts for text in TEXTS]).argmax(axis=-1)
    source = Source(None, teacher, EngineOptions(**CPU), settings("integrated_gradients"), 0, True)
    paths = along.teacher_path(TEXTS, targets, source, points=5)
    for place, (text, of) in enumerate(zip(TEXTS, targets, strict=True)):
        inputs = {k: torch.from_numpy(v) for k, v in encoder.pad(encoder.encode([text.texts])).items()}
        ids, owners = inputs.pop("input_ids"), encoder.owners(text)
        # An owner below 0 is of no word.
        empty = torch.where(torch.tensor(owners)[None] >= 0, encoder.pad_id, ids)

        def forward(embedded, others=inputs, of=of):
            target = torch.tensor([of])
            rows = {name: values.expand(len(embedded), -1) for name, values in others.items()}
            logits = model(inputs_embeds=embedded, **rows).logits
            return sal.logit_contrast(logits, target.expand(len(embedded)))

        pieces = IntegratedGradients(forward).attribute(
            embed(ids), embed(empty), n_steps=5, method="riemann_middle"
        )
        pieces = pieces.sum(dim=-1)[0].detach().numpy()
        own = np.mean([of_point[place] for of_point in paths], axis=0)
        expected = [sum(v for v, o in zip(pieces, owners, strict=True) if o == n) for n in range(len(own))]
        assert_same(own, expected, np.abs(pieces).max())


def test_points_of_the_path_take_turns(copied):
    made, batch = copied("integrated_gradients", path_points=2)
    made.model.train()
    first = terms_of(made, batch)["path"].item()
    assert first == pytest.approx(0, abs=1e-5)
    # In the first epoch of a text whose turn is the other point, the other values count.
    batch["path_0"], batch["path_1"] = -batch["path_0"], batch["path_1"]
    away = (batch["path_turn"] == 0).float().mean().item()
    assert terms_of(made, batch)["path"].item() == pytest.approx(2 * away, abs=1e-4)
    made.state.epoch = 1.0
    assert terms_of(made, batch)["path"].item() == pytest.approx(2 * (1 - away), abs=1e-4)
    assert 0 < away < 1


def train_both(checkpoint, students, tmp_path, method, layers=None, **given):
    """A teacher, fine-tuned a little, and its student."""
    splits = {split: tmp_path / f"{split}.parquet" for split in ("train", "validation")}
    rows = [{"example_id": t.example_id, "text_a": t.text_a, "label": t.label} for t in TEXTS]
    for path in splits.values():
        tables.write(path, "examples", rows, {})
    common = {"splits": splits, "task": TASK, "engine": CPU}
    identity = {"task": "t", "model": "m", "seed": 2}
    jobs.train(
        fine_tune.FineTuning, out=tmp_path / "teacher", identity=identity, layers=None, checkpoint=checkpoint,
        settings=settings("fine_tune", epochs=3, learning_rate=1e-2), **common,
    )  # fmt: skip
    jobs.train(
        trainer(method), out=tmp_path / "student", identity={**identity, "model": "student"}, layers=layers,
        checkpoint=students,
        teacher=tmp_path / "teacher", cost=tmp_path / "cost.parquet",
        settings=settings(method, learning_rate=3e-3, batch_size=6, **given), **common,
    )  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_a_whole_training_lowers_every_term_and_logs_it(bert, tmp_path, method):
    train_both(bert, bert, tmp_path, method, layers=[0], epochs=30, early_stopping_patience=30)
    card = json.loads((tmp_path / "student" / "training.json").read_text())
    logged = [entry for entry in card["history"] if "loss" in entry]
    names = {"loss_gold", "loss_soft"} | {f"loss_{TERMS[name]}" for name in method.split("+")}
    assert names <= set(logged[0])
    for name in names - {"loss_gold"}:
        assert logged[-1][name] < logged[0][name], name


def test_combinations_are_checked():
    assert settings("saliency+masked_consistency")["masked_copies"] == 3
    with pytest.raises(ConfigError, match="no method 'salience'; did you mean 'saliency'"):
        settings("salience+masked_consistency")
    with pytest.raises(ConfigError, match="twice"):
        settings("saliency+saliency")
    with pytest.raises(ConfigError, match="unknown key 'masked_copies'"):
        settings("saliency", masked_copies=2)


def test_soft_loss_of_masked_copies_is_that_of_their_logits(copied):
    made, batch = copied("masked_consistency", masked_weight=2.0, temperature=1.0)
    made.model.train()
    for module in made.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    batch["copy_logits"] = batch["copy_logits"] + torch.tensor([1.0, 0.0, 0.0])
    teacher = F.log_softmax(batch["copy_logits"][:, 0], dim=-1)
    student = F.log_softmax(made.model(**batch["copy_0"]).logits, dim=-1)
    expected = 2 * (teacher.exp() * (teacher - student)).sum(dim=-1).mean()
    assert_same(terms_of(made, batch)["masked"].item(), expected.item())


def test_layers_are_put_beside_each_other_evenly_and_the_last_beside_the_last():
    assert layer_map(3, 6) == [0, 2, 4, 6]
    assert layer_map(4, 12) == [0, 3, 6, 9, 12]
    assert layer_map(6, 6) == list(range(7))
    assert layer_map(4, 6)[0] == 0 and layer_map(4, 6)[-1] == 6


def test_distance_of_hidden_states_by_hand():
    def states(*values):
        return [torch.tensor([[[v], [v + 100.0]]]) for v in values]

    mask = torch.tensor([[1, 0]])
    # Embeddings beside embeddings, the layer beside the second: (1 - 0)^2 + (2 - 5)^2, without the padding.
    assert hidden_states.distance(states(1.0, 2.0), states(0.0, 3.0, 5.0), mask).item() == 10


def test_distance_of_attention_scores_by_hand():
    mask = torch.tensor([[1, 1, 0]])
    own = torch.zeros(1, 2, 3, 3)
    of = torch.full((1, 2, 3, 3), 9.0)
    of[0, 0, :2, :2] = torch.tensor([[1.0, 1.0], [1.0, 3.0]])
    of[0, 1, :2, :2] = 0.0
    # Of eight scores between pieces that are no padding three differ by 1 and one by 3.
    assert attention_maps.distance([own], [own, of], mask).item() == pytest.approx(12 / 8)
    # One head beside two: their mean, 0.5 thrice and 1.5.
    assert attention_maps.distance([own[:, :1]], [own, of], mask).item() == pytest.approx(3 / 4)


def test_attention_scores_are_what_weights_are_the_softmax_of(bert):
    model = classifier.new_classifier(bert, TASK, None).eval()
    inputs = {"input_ids": torch.tensor([[2, 5, 6, 3]]), "attention_mask": torch.ones(1, 4, dtype=torch.long)}
    model.set_attn_implementation("eager")
    expected = model(**inputs, output_attentions=True)
    hand_out_scores(model)
    kept = []
    found = model(**inputs, kept_scores=kept)
    torch.testing.assert_close(found.logits, expected.logits)
    for scores, weights in zip(kept, expected.attentions, strict=True):
        torch.testing.assert_close(scores.softmax(-1), weights)


def test_a_narrower_student_is_projected_while_it_learns_and_not_afterwards(bert, tmp_path):
    train_both(bert, tiny.bert(tmp_path / "narrow", width=8), tmp_path, "hidden_states", epochs=1)
    weights = load_file(tmp_path / "student" / "model.safetensors")
    assert not [name for name in weights if "projection" in name]
    assert classifier.load_classifier(tmp_path / "student").config.hidden_size == 8


def test_a_student_without_token_types_learns_from_a_teacher_that_has_them(bert, distilbert, tmp_path):
    train_both(bert, distilbert, tmp_path, "hidden_states+attention_maps", epochs=1)
    (cost,) = tables.read(tmp_path / "cost.parquet", "trainings").to_pylist()
    assert (cost["model"], cost["steps"], cost["epochs"], cost["device"]) == ("student", 1, 1.0, "cpu")
    assert cost["wall_seconds"] > 0 and cost["cpu_seconds"] > 0


def test_a_teacher_that_reads_other_pieces_is_refused(bert, roberta, tmp_path):
    with pytest.raises(classifier.ModelError, match="other pieces than its student"):
        train_both(bert, roberta, tmp_path, "attention_maps", epochs=1)
