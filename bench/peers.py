"""The stock libraries, as a user would write them: no cache, no sorting, one sentence after another.

Every peer takes `Stock`, examples and options, and yields an array a sentence: a row
for each word (or token) and a column for each class. What is explained is the margin.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shap
import torch
from captum.attr import LayerIntegratedGradients
from lime.lime_text import LimeTextExplainer
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from bench.plan import OUTPUT, SEED
from distillens.attribution.gradients import explained_tensor
from distillens.data.segmentation import spans
from distillens.data.text import Example, seed_of
from distillens.metrics.explained_output import explained
from distillens.models.tokenizer import Encoder

_BATCH = 64
Values = Iterator[np.ndarray]


class Stock:
    """A model and its tokenizer, as `transformers` loads them."""

    def __init__(self, folder: str | Path, device: str = "cpu") -> None:
        self.folder, self.device = folder, device
        model = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True)
        self.model = model.eval().to(device)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """Logits in batches of 64, each padded to its longest text."""
        logits = []
        with torch.inference_mode():
            for start in range(0, len(texts), _BATCH):
                batch = [str(text) for text in texts[start : start + _BATCH]]
                inputs = self.tokenizer(batch, padding=True, truncation=True, return_tensors="pt")
                logits.append(self.model(**inputs.to(self.device)).logits.cpu().numpy())
        return np.concatenate(logits)

    def margins(self, texts: Sequence[str]) -> np.ndarray:
        """What is explained, in batches of 64."""
        return explained(self.logits(texts), OUTPUT)


def shap_pipeline(stock: Stock, examples: Sequence[Example], options: dict[str, Any]) -> Values:
    """Stock shap on a text-classification pipeline, in tokens."""
    classify = pipeline(
        "text-classification",
        model=stock.model,
        tokenizer=stock.tokenizer,
        top_k=None,
        function_to_apply="none",
        device=stock.device,
    )
    raw = shap.models.TransformersPipeline(classify, rescale_to_logits=False)
    yield from _shap(lambda texts: explained(raw(texts), OUTPUT), stock, examples, options)


def shap_batched(stock: Stock, examples: Sequence[Example], options: dict[str, Any]) -> Values:
    """Stock shap on a careful function, in tokens."""
    yield from _shap(stock.margins, stock, examples, options)


def _shap(
    function: Callable[[Sequence[str]], np.ndarray],
    stock: Stock,
    examples: Sequence[Example],
    options: dict[str, Any],
) -> Values:
    explainer = shap.Explainer(function, shap.maskers.Text(stock.tokenizer), silent=True)
    for example in examples:
        # The first and the last token are special.
        yield explainer([example.text_a], **options).values[0][1:-1]


def shap_words(stock: Stock, examples: Sequence[Example], options: dict[str, Any]) -> Values:
    """Stock shap on a careful function, in the words that we use."""

    def words(text: str, return_offsets_mapping: bool = True) -> dict[str, list[Any]]:
        offsets = spans(text)
        return {"input_ids": [text[start:end] for start, end in offsets], "offset_mapping": offsets}

    masker = shap.maskers.Text(words, mask_token=stock.tokenizer.mask_token, collapse_mask_token=False)
    explainer = shap.Explainer(stock.margins, masker, silent=True)
    for example in examples:
        yield explainer([example.text_a], **options).values[0]


def lime(stock: Stock, examples: Sequence[Example], options: dict[str, Any]) -> Values:
    """Stock lime on word positions; the same words, mask and random state as ours."""
    classes = stock.model.config.num_labels
    for example in examples:
        words = [word.text for word in example.words]
        explainer = LimeTextExplainer(
            kernel_width=options["kernel_width"],
            split_expression=lambda text, words=words: words,
            bow=False,
            mask_string=stock.tokenizer.mask_token,
            random_state=np.random.RandomState(seed_of(SEED, example.example_id)),
        )
        result = explainer.explain_instance(
            example.text_a,
            stock.margins,
            labels=range(classes),
            num_features=len(words),
            num_samples=options["samples"],
        )
        weights = [dict(result.local_exp[column]) for column in range(classes)]
        yield np.array([[own[position] for own in weights] for position in range(len(words))])


def captum(stock: Stock, examples: Sequence[Example], options: dict[str, Any]) -> Values:
    """Stock captum on the word embeddings, a sentence and a class at a time."""
    encoder = Encoder(stock.folder)

    def forward(ids: torch.Tensor, types: torch.Tensor | None, mask: torch.Tensor) -> torch.Tensor:
        given = {} if types is None else {"token_type_ids": types}
        return explained_tensor(stock.model(ids, attention_mask=mask, **given).logits, OUTPUT)

    explainer = LayerIntegratedGradients(forward, stock.model.get_input_embeddings())
    for example in examples:
        inputs = stock.tokenizer(example.text_a, truncation=True, return_tensors="pt").to(stock.device)
        owner = np.array(encoder.owners(example))
        ids = inputs["input_ids"]
        baseline = torch.where(torch.tensor(owner, device=ids.device) >= 0, stock.tokenizer.pad_token_id, ids)
        values = np.zeros((len(example.words), stock.model.config.num_labels))
        for column in range(values.shape[1]):
            pieces = explainer.attribute(
                ids,
                baseline,
                target=column,
                additional_forward_args=(inputs.get("token_type_ids"), inputs["attention_mask"]),
                n_steps=options["steps"],
                internal_batch_size=options.get("internal_batch_size"),
            )
            pieces = pieces.sum(-1)[0].detach().cpu().numpy()
            np.add.at(values[:, column], owner[owner >= 0], pieces[owner >= 0])
        yield values


def occlusion(stock: Stock, examples: Sequence[Example], options: dict[str, Any]) -> Values:
    """A loop over sentences: the whole text and the text without each word, in one batch."""
    mask = stock.tokenizer.mask_token
    for example in examples:
        texts = [example.text_a]
        for word in example.words:
            texts.append(example.text_a[: word.start] + mask + example.text_a[word.end :])
        outputs = stock.margins(texts)
        yield outputs[0] - outputs[1:]


def predict(stock: Stock, examples: Sequence[Example], options: dict[str, Any]) -> Values:
    """Logits of every text, in batches of 64."""
    for start in range(0, len(examples), _BATCH):
        yield from stock.logits([one.text_a for one in examples[start : start + _BATCH]])[:, None]
