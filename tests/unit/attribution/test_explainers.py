import shutil

import numpy as np
import pytest
import shap
import torch
from captum.attr import InputXGradient, LayerIntegratedGradients
from lime.lime_text import LimeTextExplainer
from transformers import AutoTokenizer

from distillens import registry
from distillens.attribution import gradients
from distillens.attribution.explain import seen_part
from distillens.attribution.explainers import attention_rollout
from distillens.attribution.explainers import lime as our_lime
from distillens.attribution.word_tree import tree
from distillens.data.segmentation import spans
from distillens.data.text import Example, seed_of
from distillens.metrics.explained_output import explained
from distillens.models import classifier
from distillens.models.engine import Engine
from tests.rounding import assert_same, slack
from tests.tiny import SENTENCES

EXAMPLES = [Example(str(number), sentence) for number, sentence in enumerate(SENTENCES)]
PAIRS = [
    Example(f"p{number}", a, b) for number, (a, b) in enumerate(zip(SENTENCES, SENTENCES[1:], strict=False))
]
OPTIONS = {
    "shap": {"max_evals": 20000},
    "lime": {"samples": 200, "kernel_width": 25},
    "integrated_gradients": {"steps": 32, "max_steps": 256, "tolerance": 0.02},
    "occlusion": {},
    "input_x_gradient": {},
    "attention_rollout": {},
    "random": {"draw": 0},
}


def run(method, examples, engine, output="margin", **options):
    explain = registry.load("explainer", method).explain
    kinds = [[one for one in examples if len(one.texts) == size] for size in (1, 2)]
    return [
        one for kind in kinds for one in explain(kind, engine, output, {**OPTIONS[method], **options}, seed=5)
    ]


def margins_of(engine):
    return lambda texts: explained(engine.logits([(str(text),) for text in texts]), "margin")


# shap drops the blank behind a removed word, which a byte-level vocabulary would see in the next word.
@pytest.mark.parametrize("family", ["bert", "distilbert"])
def test_shap_values_are_those_of_the_stock_library(family, request):
    engine = Engine(request.getfixturevalue(family), "cpu")

    def words(text, return_offsets_mapping=True):
        offsets = spans(text)
        return {"input_ids": [text[a:b] for a, b in offsets], "offset_mapping": offsets}

    masker = shap.maskers.Text(words, mask_token=engine.encoder.mask, collapse_mask_token=False)
    stock = shap.Explainer(margins_of(engine), masker, silent=True)
    expected = stock(SENTENCES[:5], max_evals=20000)
    for ours, values, base in zip(
        run("shap", EXAMPLES[:5], engine), expected.values, expected.base_values, strict=True
    ):
        assert_same(ours.values, values, base)
        assert_same(ours.base, base)


@pytest.mark.parametrize("family", ["bert", "distilbert"])
def test_shap_values_of_tokens_are_those_of_the_stock_library(family, request):
    folder = request.getfixturevalue(family)
    engine = Engine(folder, "cpu")
    tokens = [engine.encoder.in_tokens(example) for example in EXAMPLES]
    assert len(tokens[4].words) > len(EXAMPLES[4].words)  # "unsatisfying" is several pieces
    masker = shap.maskers.Text(AutoTokenizer.from_pretrained(folder))
    stock = shap.Explainer(margins_of(engine), masker, silent=True)
    expected = stock(SENTENCES, max_evals=20000)
    for ours, values, base, data in zip(
        run("shap", tokens, engine), expected.values, expected.base_values, expected.data, strict=True
    ):
        assert [word.text for word in ours.example.words] == [part.strip() for part in data[1:-1]]
        assert_same(ours.values, values[1:-1], base)
        assert_same(values[[0, -1]], 0, base)
        assert_same(ours.base, base)


@pytest.mark.parametrize("unit", ["word", "token"])
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_lime_values_are_those_of_the_stock_library(family, unit, request):
    engine = Engine(request.getfixturevalue(family), "cpu")
    given = EXAMPLES if unit == "word" else [engine.encoder.in_tokens(example) for example in EXAMPLES]
    for example, ours in zip(given, run("lime", given, engine), strict=True):
        stock = LimeTextExplainer(
            split_expression=lambda text, example=example: [word.text for word in example.words],
            bow=False,
            mask_string=engine.encoder.mask,
            random_state=np.random.RandomState(seed_of(5, example.example_id)),
        )
        n = len(example.words)
        result = stock.explain_instance(
            example.text_a, margins_of(engine), labels=range(3), num_features=n, num_samples=200
        )
        for column in range(3):
            expected = dict(result.local_exp[column])
            assert_same(ours.values[:, column], [expected[i] for i in range(n)], ours.output)
        assert_same(ours.diagnostics["lime_r2"][-1], result.score, 1)


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_integrated_gradients_are_those_of_a_stock_captum_loop(family, request):
    engine = Engine(request.getfixturevalue(family), "cpu")
    engine.backend.model.double()  # else rounding alone, with weights this large, would hide an error
    ours = run("integrated_gradients", [*EXAMPLES, *PAIRS], engine, steps=20, max_steps=20)

    def forward(ids, *rest):
        return gradients.explained_tensor(
            engine.backend.model(ids, **dict(zip(names, rest, strict=True))).logits, "margin"
        )

    stock = LayerIntegratedGradients(forward, engine.backend.model.get_input_embeddings())
    for example, attribution in zip([*EXAMPLES, *PAIRS], ours, strict=True):
        inputs = engine.backend.tensors(engine.encoder.pad(engine.encoder.encode([example.texts])))
        ids = inputs.pop("input_ids")
        names = list(inputs)
        owner = np.array(engine.encoder.owners(example))
        baseline = torch.where(torch.tensor(owner) >= 0, engine.encoder.pad_id, ids)
        for column in range(3):
            values = stock.attribute(
                ids, baseline, target=column, additional_forward_args=tuple(inputs.values()), n_steps=20
            )
            pieces = values.sum(-1)[0].detach().numpy()
            expected = [pieces[owner == word].sum() for word in range(len(example.words))]
            assert_same(attribution.values[:, column], expected, attribution.output)


@pytest.mark.parametrize("output", ["margin", "logit", "probability"])
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_input_x_gradient_is_that_of_a_stock_captum_loop(family, output, request):
    engine = Engine(request.getfixturevalue(family), "cpu")
    engine.backend.model.double()  # as above
    whole = classifier.load_classifier(engine.folder).eval().double()
    for example, ours in zip(
        [*EXAMPLES, *PAIRS], run("input_x_gradient", [*EXAMPLES, *PAIRS], engine, output), strict=True
    ):
        inputs = engine.backend.tensors(engine.encoder.pad(engine.encoder.encode([example.texts])))
        embedded = whole.get_input_embeddings()(inputs.pop("input_ids")).detach().requires_grad_()
        stock = InputXGradient(
            lambda embedded, inputs=inputs: gradients.explained_tensor(
                whole(inputs_embeds=embedded, **inputs).logits, output
            )
        )
        owner = np.array(engine.encoder.owners(example))
        for column in range(3):
            pieces = stock.attribute(embedded, target=column).sum(-1)[0].detach().numpy()
            expected = [pieces[owner == word].sum() for word in range(len(example.words))]
            assert_same(ours.values[:, column], expected)


def test_attention_rollout_is_the_product_of_the_layers(bert):
    engine = Engine(bert, "cpu")
    model = classifier.load_classifier(bert, attn_implementation="eager").eval()
    for example, ours in zip(
        [*EXAMPLES, *PAIRS], run("attention_rollout", [*EXAMPLES, *PAIRS], engine), strict=True
    ):
        inputs = engine.backend.tensors(engine.encoder.pad(engine.encoder.encode([example.texts])))
        flow = np.eye(inputs["input_ids"].shape[1])
        for layer in model(**inputs, output_attentions=True).attentions:
            mean = layer[0].detach().numpy().mean(0)
            flow = (0.5 * mean + 0.5 * np.eye(len(mean))) @ flow
        owner = np.array(engine.encoder.owners(example))
        expected = [flow[0, owner == word].sum() for word in range(len(example.words))]
        for column in range(3):
            assert_same(ours.values[:, column], expected)
        assert np.isnan(ours.base).all()


def test_attention_rollout_by_hand():
    uniform, first = torch.full((1, 1, 2, 2), 0.5), torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]])
    # Halves of identity and attention: [[.75,.25],[.25,.75]], then [[1,0],[.5,.5]] applied to it.
    expected = [[[0.75, 0.25], [0.5, 0.5]]]
    np.testing.assert_allclose(attention_rollout.rollout([uniform, first]).numpy(), expected)


@pytest.mark.parametrize("method", sorted(OPTIONS))
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_tokens_get_values_too(method, family, request):
    engine = Engine(request.getfixturevalue(family), "cpu")
    examples = [engine.encoder.in_tokens(example) for example in [*EXAMPLES, *PAIRS]]
    for example, one in zip(examples, run(method, examples, engine), strict=True):
        assert one.values.shape == (len(example.words), 3)
        assert np.isfinite(one.values).all()


def test_token_values_of_integrated_gradients_add_up_to_those_of_words(bert):
    engine = Engine(bert, "cpu")
    words = run("integrated_gradients", EXAMPLES, engine)
    tokens = run("integrated_gradients", [engine.encoder.in_tokens(one) for one in EXAMPLES], engine)
    for by_word, by_token in zip(words, tokens, strict=True):
        for word, value in zip(by_word.example.words, by_word.values, strict=True):
            own = [word.start <= token.start < word.end for token in by_token.example.words]
            assert_same(by_token.values[own].sum(0), value, by_word.values)


@pytest.mark.parametrize("method", sorted(OPTIONS))
def test_the_cost_is_what_is_asked_of_the_model(method, bert, monkeypatch):
    engine, asked, passes = Engine(bert, "cpu"), [], [0, 0]
    logits, masked = engine.logits, engine.masked
    monkeypatch.setattr(engine, "logits", lambda texts: asked.extend(texts) or logits(texts))
    monkeypatch.setattr(
        engine,
        "masked",
        lambda copies: asked.extend(row for one in copies for row in one.keep) or masked(copies),
    )

    def count(module, given, named):
        rows = named["inputs_embeds"] if "inputs_embeds" in named else named["input_ids"]
        passes[0] += len(rows)
        if rows.requires_grad:
            rows.register_hook(lambda _: passes.__setitem__(1, passes[1] + len(rows)))

    for backend in (engine.differentiable, engine.attentive):
        backend.model.register_forward_pre_hook(count, with_kwargs=True)
    options = {**OPTIONS[method], "tolerance": 1e-9} if method == "integrated_gradients" else OPTIONS[method]
    (one,) = run(method, EXAMPLES[:1], engine, **options)
    cost = registry.load("explainer", method).cost(len(one.values), 3, options)
    if method in ("lime", "occlusion", "random"):
        assert cost == len(asked)
    elif method == "shap":  # neighbours in the tree share some of their masks
        assert 0.5 * cost <= len(asked) <= cost + len(one.values)
    elif method == "attention_rollout":
        assert cost == passes[0]
    else:  # one backward pass less than outputs; the ends of the integral are looked at too
        assert 0.7 * cost <= sum(passes) <= 1.1 * cost


@pytest.mark.parametrize("method", ["shap", "integrated_gradients"])
@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_values_add_up_to_the_change_of_the_output(method, family, request):
    engine = Engine(request.getfixturevalue(family), "cpu")
    for one in run(method, [*EXAMPLES, *PAIRS], engine):
        gap = np.abs(one.values.sum(0) + one.base - one.output)
        mass = np.abs(one.values).sum(0)
        stored = np.array(one.diagnostics.get("ig_delta", 0.0))
        assert np.all(gap <= stored * mass + slack(one.output, one.base, mass))
    whole = explained(engine.logits([example.texts for example in PAIRS]), "margin")
    assert_same(run(method, PAIRS, engine)[-1].output, whole[-1])


class BagOfWords(torch.nn.Module):
    """Logits are sums of fixed weights of the pieces; masks and padding weigh nothing."""

    def __init__(self, vocabulary, silent):
        super().__init__()
        weights = torch.randn(vocabulary, 3, generator=torch.Generator().manual_seed(3))
        weights[silent] = 0
        self.embed = torch.nn.Embedding.from_pretrained(weights)

    def get_input_embeddings(self):
        return self.embed

    def forward(self, input_ids=None, inputs_embeds=None, attention_mask=None, token_type_ids=None):
        embedded = self.embed(input_ids) if inputs_embeds is None else inputs_embeds
        logits = (embedded * attention_mask.unsqueeze(-1)).sum(1)
        return type("Output", (), {"logits": logits})


@pytest.mark.parametrize("method", ["shap", "integrated_gradients", "occlusion", "lime"])
def test_on_a_linear_bag_of_words_every_explainer_gives_the_weights(method, bert):
    engine = Engine(bert, "cpu")
    mask = engine.encoder.encode([(engine.encoder.mask,)])[0]["input_ids"][1]
    silent = [mask, engine.encoder.pad_id]
    config = engine.backend.model.config
    engine.backend.model = BagOfWords(config.vocab_size, silent)
    engine.backend.model.config = config
    weights = engine.backend.model.embed.weight.numpy()
    # LIME's ridge shrinks its weights: much for one word, little for many samples of several.
    options, tolerance = ({"samples": 4000}, 0.03) if method == "lime" else ({}, 1e-4)
    examples = [one for one in [*EXAMPLES, *PAIRS] if method != "lime" or len(one.words) > 4]
    for example, one in zip(examples, run(method, examples, engine, "logit", **options), strict=True):
        owner = np.array(engine.encoder.owners(example))
        ids = np.array(engine.encoder.encode([example.texts])[0]["input_ids"])
        expected = np.array([weights[ids[owner == word]].sum(0) for word in range(len(example.words))])
        np.testing.assert_allclose(one.values, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("backend", ["torch", "onnxruntime"])
@pytest.mark.parametrize("method", sorted(OPTIONS))
def test_values_do_not_depend_on_order_or_on_how_many_run_at_once(
    method, backend, bert, tmp_path, monkeypatch
):
    folder = shutil.copytree(bert, tmp_path / "model")
    classifier.export_onnx(classifier.load_classifier(folder), folder)
    found = []
    for lanes, at_once, tokens, order in (("3", 16, 1024, 1), ("1", 1, 64, -1)):
        monkeypatch.setenv("OMP_NUM_THREADS", lanes)
        engine = Engine(folder, "cpu", backend)
        engine.at_once, engine.tokens = at_once, tokens
        # Else rounding alone, with weights this large, would hide an error.
        engine.differentiable.model.double()
        values = {one.example.example_id: one.values for one in run(method, EXAMPLES[::order], engine)}
        found.append([values[example.example_id] for example in EXAMPLES])
    for one, other in zip(*found, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("method", sorted(OPTIONS))
def test_the_same_run_twice_gives_the_same_numbers(method, bert):
    first, second = (run(method, [*EXAMPLES, *PAIRS], Engine(bert, "cpu")) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.values, other.values)


@pytest.mark.parametrize("method", sorted(OPTIONS))
def test_a_text_of_one_word_is_explained(method, bert):
    (one,) = run(method, [Example("1", "Fun")], Engine(bert, "cpu"))
    assert one.values.shape == (1, 3)
    assert np.isfinite(one.values).all()


@pytest.mark.parametrize("output", ["logit", "probability"])
def test_other_outputs_can_be_explained(output, bert):
    engine = Engine(bert, "cpu")
    for method in ("shap", "integrated_gradients"):
        one = run(method, EXAMPLES[:1], engine, output)[0]
        assert_same(one.output, explained(engine.logits([EXAMPLES[0].texts]), output)[0])
        np.testing.assert_allclose(one.values.sum(0) + one.base, one.output, atol=0.02)


@pytest.mark.parametrize("method", sorted(OPTIONS))
def test_a_text_without_tokens_has_no_values(method, bert):
    engine = Engine(bert, "cpu")
    empty = engine.encoder.in_tokens(Example("1", "\ue000"))
    assert empty.words == ()
    (one,) = run(method, [empty], engine, **OPTIONS[method])
    assert one.values.shape == (0, 3)
    assert_same(one.output, explained(engine.logits([empty.texts]), "margin")[0])


def test_too_few_evaluations_are_marked(bert):
    engine = Engine(bert, "cpu")
    assert run("shap", EXAMPLES[:1], engine, max_evals=10)[0].diagnostics["truncated"]
    assert not run("shap", EXAMPLES[:1], engine)[0].diagnostics["truncated"]


@pytest.mark.parametrize("method", sorted(OPTIONS))
def test_what_calls_itself_a_control_is_one(method):
    explainer = registry.load("explainer", method)
    assert ("control" in explainer.__doc__.lower()) == (method in registry.controls())


@pytest.mark.parametrize("spare", [0, 1])
def test_exact_values_that_take_all_evaluations_are_not_marked(spare, bert):
    """Four words in two pairs: both ends, two of the pairs, and two of either pair in two contexts."""
    engine, example = Engine(bert, "cpu"), Example("1", "not bad at all")
    (exact,) = run("shap", [example], engine)
    (at_the_bound,) = run("shap", [example], engine, max_evals=12 + spare)
    assert at_the_bound.diagnostics == {"evals": 12, "truncated": False}
    np.testing.assert_array_equal(at_the_bound.values, exact.values)
    assert run("shap", [example], engine, max_evals=10)[0].diagnostics == {"evals": 10, "truncated": True}


@pytest.mark.parametrize("most", [4, 5, 9])
def test_shap_never_asks_more_than_its_limit_says_it_costs(most, bert):
    cost = registry.load("explainer", "shap").cost(len(EXAMPLES[0].words), 3, {"max_evals": most})
    (one,) = run("shap", EXAMPLES[:1], Engine(bert, "cpu"), max_evals=most)
    assert most <= one.diagnostics["evals"] == cost <= most + 1


def test_steps_are_doubled_until_the_integral_adds_up(bert):
    engine = Engine(bert, "cpu")
    rough = run("integrated_gradients", EXAMPLES, engine, steps=2, max_steps=2)
    fine = run("integrated_gradients", EXAMPLES, engine, steps=2, max_steps=256)
    assert max(max(one.diagnostics["ig_delta"]) for one in rough) > 0.02
    assert max(max(one.diagnostics["ig_delta"]) for one in fine) <= 0.02
    assert {one.diagnostics["ig_steps"] for one in rough} == {2}


def test_two_models_share_no_random_values(bert, distilbert):
    one, other = (run("random", EXAMPLES[:1], Engine(folder, "cpu"))[0] for folder in (bert, distilbert))
    assert not np.allclose(one.values, other.values)


def test_the_margin_is_the_log_odds():
    logits = np.log([[0.5, 0.3, 0.2]])  # odds: 0.5/0.5, 0.3/0.7, 0.2/0.8
    np.testing.assert_allclose(explained(logits, "margin"), [[0.0, np.log(3 / 7), np.log(1 / 4)]])
    np.testing.assert_allclose(
        gradients.explained_tensor(torch.tensor(logits), "margin"), explained(logits, "margin")
    )
    np.testing.assert_allclose(explained([[2.5]], "margin"), [[2.5]])  # regression


def test_the_segments_of_a_pair_meet_only_at_the_top_of_the_tree():
    for example in PAIRS:
        first = sum(word.segment == 0 for word in example.words)
        links, n = tree(example), len(example.words)
        leaves = {number: {number} for number in range(n)}
        for row, (left, right, _, size) in enumerate(links):
            leaves[n + row] = leaves[left] | leaves[right]
            assert len(leaves[n + row]) == size
        assert {frozenset(leaves[int(child)]) for child in links[-1, :2]} == {
            frozenset(range(first)),
            frozenset(range(first, n)),
        }


def test_what_the_model_does_not_see_is_not_explained(bert):
    engine = Engine(bert, "cpu")
    long = Example("1", "A film. " * 60)
    seen, unseen = seen_part(long, engine)
    assert len(seen.words) + unseen == len(long.words)
    assert unseen > 0
    assert_same(engine.logits([seen.texts]), engine.logits([long.texts]))
    (one,) = run("occlusion", [seen], engine)
    assert np.abs(one.values).min() > 0


def test_a_character_that_the_tokenizer_drops_is_not_cut_off(bert):
    assert seen_part(Example("1", "The film \u200b is bad \u200b"), Engine(bert, "cpu"))[1] == 0


def test_gradients_keep_to_the_budget_of_tokens(bert, monkeypatch):
    engine, sizes = Engine(bert, "cpu"), []
    tensors = engine.backend.tensors
    monkeypatch.setattr(
        engine.backend, "tensors", lambda batch: sizes.append(batch["input_ids"].size) or tensors(batch)
    )
    engine.tokens = 100
    texts = [Example(str(n), " ".join(["fun"] * n)) for n in range(1, 40)]
    run("integrated_gradients", texts, engine, steps=2, max_steps=2)
    assert max(sizes) <= 100


@pytest.mark.parametrize("method", ["integrated_gradients", "input_x_gradient"])
def test_gradients_that_do_not_fit_in_memory_are_taken_in_smaller_batches(method, bert, monkeypatch):
    engine, sizes = Engine(bert, "cpu"), []
    expected = run(method, EXAMPLES, engine)

    def small(model, given, named):
        pieces = named["inputs_embeds"].shape[:2].numel()
        if pieces > 40:
            raise torch.cuda.OutOfMemoryError("out of memory")
        sizes.append(pieces)

    engine.differentiable.model.register_forward_pre_hook(small, with_kwargs=True)
    for one, other in zip(run(method, EXAMPLES, engine), expected, strict=True):
        assert_same(one.values, other.values)
    assert max(sizes) <= 40


def test_an_example_that_does_not_fit_at_all_is_an_error(bert, monkeypatch):
    engine = Engine(bert, "cpu")

    def full(*_):
        raise torch.cuda.OutOfMemoryError("out of memory")

    engine.differentiable.model.register_forward_pre_hook(full)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        run("input_x_gradient", EXAMPLES, engine)


def test_lime_reports_how_well_it_fits_each_class(bert):
    assert len(run("lime", EXAMPLES[:1], Engine(bert, "cpu"))[0].diagnostics["lime_r2"]) == 3
    assert our_lime.OPTIONS["samples"]["default"] == 5000
