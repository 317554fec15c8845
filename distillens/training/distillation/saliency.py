"""Soft logits, and the teacher's saliency: which words its answer hangs on.

The loss adds ``saliency_weight`` times 1 - cos(s_student, s_teacher), where s has, for each word, the sum
over its share of the pieces of gradient times input embedding of the contrast of the class that the teacher
predicts (z_c less the mean of the others; a regression's score). Aligning input gradients is
due to Srinivas and Fleuret (2018, "Knowledge transfer with Jacobian matching") and, for
explanations of a teacher's, AD-KD (Wu et al. 2023). The student's gradient is
differentiated again, so its attention has to be eager. Dropout makes saliency noise:
without ``saliency_dropout`` the student is trained with none.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F
from transformers import PreTrainedModel

from distillens.data.text import Example
from distillens.models.classifier import accepted_inputs, load_classifier, pick_device
from distillens.models.tokenizer import Encoder, Shares
from distillens.training.batches import stacked
from distillens.training.distillation import soft_logits
from distillens.training.fine_tune import Source

OPTIONS = {
    "saliency_weight": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 0.3,
        "description": "Weight of the saliency.",
    },
    "saliency_dropout": {
        "type": "boolean",
        "default": False,
        "description": "Whether the student is trained with dropout.",
    },
}

TRAINS_ON = ("input_x_gradient", "integrated_gradients")
"""Explainers that are made of what is trained here: gradients by the input."""

_BATCH = 32


class Distillation(soft_logits.Distillation):
    """Soft logits whose loss adds the angle between the saliencies of student and teacher."""

    def __init__(self, source: Source, **settings: Any) -> None:
        super().__init__(source, **settings)
        attend_eagerly(self.model)
        if not self.options["saliency_dropout"]:
            switch_dropout_off(self.model)
        self._embedded = torch.empty(0)
        self.model.get_input_embeddings().register_forward_hook(self._keep)

    def _keep(self, module: torch.nn.Module, inputs: Any, embedded: torch.Tensor) -> None:
        """Keep the embeddings of the forward that the loss is made of: saliency needs no other one."""
        self._embedded = embedded

    @classmethod
    def features(cls, texts: Sequence[Example], source: Source) -> dict[str, Sequence[Any]]:
        """``teacher_saliency`` of each word; how pieces are shared out among words, counted from 1."""
        columns = super().features(texts, source)
        if not source.training:
            return columns
        saliencies = teacher_saliency(texts, columns["teacher_logits"].argmax(axis=-1), source)
        return {**columns, **share_columns(texts, source), "teacher_saliency": saliencies}

    def hints(
        self, model: torch.nn.Module, inputs: dict[str, Any], batch: dict[str, Any], answer: dict[str, Any]
    ) -> dict[str, torch.Tensor]:
        """The weighted term of the loss; see the module."""
        embedded = self._embedded  # before another term reads a copy
        terms = super().hints(model, inputs, batch, answer)
        contrasts = logit_contrast(answer["logits"], batch["teacher_logits"].argmax(dim=-1))
        teacher = batch["teacher_saliency"]
        own = saliency(contrasts, embedded, shares_in(batch), teacher.shape[1], differentiable=True)
        return {**terms, "saliency": self.options["saliency_weight"] * angle(own, teacher)}


def share_columns(texts: Sequence[Example], source: Source) -> dict[str, Sequence[Any]]:
    """How the student's pieces are shared out among words, counted from 1; see `Shares`."""
    shares = [source.encoder.shares(text) for text in texts]
    return {
        "share_pieces": [own.pieces for own in shares],
        "share_words": [own.words + 1 for own in shares],
        "share_weights": [own.weights for own in shares],
    }


def shares_in(batch: dict[str, Any]) -> list[torch.Tensor]:
    """The same of a batch, as `saliency` takes it.

    Examples
    --------
    >>> batch = {"share_weights": [[1.0]], "share_pieces": [[1]], "share_words": [[1]], "labels": [0]}
    >>> shares_in(batch)
    [[[1]], [[1]], [[1.0]]]
    """
    return [batch[f"share_{name}"] for name in Shares._fields]


def angle(own: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """One less the cosine of a student's values and its teacher's, mean over the batch.

    Examples
    --------
    >>> angle(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])).item()
    1.0
    """
    return (1 - F.cosine_similarity(own, teacher.to(own.dtype), dim=-1, eps=1e-8)).mean()


def attend_eagerly(model: PreTrainedModel) -> None:
    """The attention that can be differentiated twice; of short texts also the faster one backwards.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> model = BertModel(BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2))
    >>> attend_eagerly(model)
    >>> model.config._attn_implementation
    'eager'
    """
    if model.config._attn_implementation == "sdpa":
        model.set_attn_implementation("eager")


def switch_dropout_off(model: PreTrainedModel) -> None:
    """Without it two forwards of a text are one function, whose gradients can be compared.

    Examples
    --------
    >>> layer = torch.nn.Dropout(0.1)
    >>> switch_dropout_off(layer)
    >>> layer.p
    0.0
    """
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def saliency(
    contrasts: torch.Tensor,
    embedded: torch.Tensor,
    shares: Sequence[torch.Tensor],
    words: int,
    differentiable: bool = False,
    times: torch.Tensor | None = None,
) -> torch.Tensor:
    """Gradient times input of each word; or times something else, of the same shape.

    Parameters
    ----------
    contrasts : Tensor, shape (batch,)
        Of the logits, see `logit_contrast`.
    embedded : Tensor, shape (batch, pieces, width)
        The input embeddings that they were computed from.
    shares : three Tensors, shape (batch, shares)
        See `distillens.models.tokenizer.Shares`; words count from 1, 0 fills up.
    words : int
        Of the longest text.
    differentiable : bool
        Whether the result is itself to be differentiated.
    times : Tensor, shape (batch, pieces, width), optional
        Instead of the embeddings.

    Returns
    -------
    Tensor, shape (batch, words)

    Examples
    --------
    >>> embedded = torch.tensor([[[1.0], [2.0], [3.0]]], requires_grad=True)
    >>> contrasts = (embedded * 2).sum(dim=(1, 2))
    >>> shares = torch.tensor([[1, 2]]), torch.tensor([[1, 1]]), torch.tensor([[1.0, 1.0]])
    >>> saliency(contrasts, embedded, shares, words=1).tolist()  # 2 x 2 + 3 x 2
    [[10.0]]
    """
    (gradient,) = torch.autograd.grad(contrasts.sum(), embedded, create_graph=differentiable)
    of_pieces = (gradient * (embedded if times is None else times)).sum(dim=-1)
    pieces, owners, weights = shares
    parts = of_pieces.gather(1, pieces) * weights.to(of_pieces.dtype)
    of_words = torch.zeros(len(parts), words + 1, dtype=parts.dtype, device=parts.device)
    return of_words.scatter_add(1, owners, parts)[:, 1:]


def logit_contrast(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Logit of a class less the mean of the others, shape (batch,); one output: itself.

    Examples
    --------
    >>> logit_contrast(torch.tensor([[3.0, 1.0, 0.0]]), torch.tensor([0])).item()
    2.5
    """
    classes = logits.shape[-1]
    if classes == 1:
        return logits[:, 0]
    chosen = logits.gather(1, target[:, None])[:, 0]
    return (classes * chosen - logits.sum(dim=-1)) / (classes - 1)


class Asked(NamedTuple):
    """A batch of texts that a teacher is asked about.

    Attributes
    ----------
    numbers : list of int
        Their places among all texts.
    ids : Tensor, shape (batch, pieces)
    pad : int
        The piece that fills up.
    embed : Module
        From pieces to embeddings.
    contrasts : callable
        From embeddings to the contrast of the class that is asked about, shape (batch,).
    shares : list of three Tensors
    words : list of int
        Of each text.
    """

    numbers: list[int]
    ids: torch.Tensor
    pad: int
    embed: torch.nn.Module
    contrasts: Callable[[torch.Tensor], torch.Tensor]
    shares: list[torch.Tensor]
    words: list[int]

    def values(self, embedded: torch.Tensor, times: torch.Tensor | None = None) -> Iterator[np.ndarray]:
        """The saliency of each text, shape (words,); parameters are those of `saliency`."""
        rows = saliency(self.contrasts(embedded), embedded, self.shares, max(self.words), times=times)
        return (row[:own] for row, own in zip(rows.detach().cpu().numpy(), self.words, strict=True))


def teacher_saliency(texts: Sequence[Example], targets: np.ndarray, source: Source) -> list[np.ndarray]:
    """The teacher's saliency of each text, through its own tokenizer, shape (words,) each.

    It is computed in the precision of the training, as the student's is.

    Parameters
    ----------
    texts : sequence of Example
    targets : array, shape (texts,)
        The class that each is asked about.
    source : Source
    """
    saliencies: list[np.ndarray] = [np.empty(0)] * len(texts)
    for asked in ask_teacher(texts, targets, source):
        embedded = asked.embed(asked.ids).requires_grad_()
        for number, values in zip(asked.numbers, asked.values(embedded), strict=True):
            saliencies[number] = values
    return saliencies


def ask_teacher(texts: Sequence[Example], targets: np.ndarray, source: Source) -> Iterator[Asked]:
    """Batches of texts, with what asks the teacher; parameters are those of `teacher_saliency`."""
    device, half = pick_device(source.engine.device), source.options["precision"] == "bfloat16"
    model = load_classifier(source.teacher).eval().requires_grad_(False).to(device)
    attend_eagerly(model)
    encoder = Encoder(source.teacher, accepted_inputs(model))
    encoded = encoder.encode([text.texts for text in texts])
    # Texts of like length share a batch: little of it is padding.
    order = sorted(range(len(texts)), key=lambda number: len(encoded[number]["input_ids"]))
    for start in range(0, len(texts), _BATCH):
        numbers = order[start : start + _BATCH]
        inputs = encoder.pad([encoded[number] for number in numbers])
        own = [encoder.shares(texts[number]) for number in numbers]
        own = [Shares(one.pieces, one.words + 1, one.weights) for one in own]
        shares = [torch.from_numpy(stacked(arrays)).to(device) for arrays in zip(*own, strict=True)]
        words = [len(texts[number].words) for number in numbers]
        tensors = {name: torch.from_numpy(values).to(device) for name, values in inputs.items()}
        ids, target = tensors.pop("input_ids"), torch.from_numpy(targets[numbers]).to(device)

        def contrasts(
            embedded: torch.Tensor,
            others: dict[str, torch.Tensor] = tensors,
            target: torch.Tensor = target,
        ) -> torch.Tensor:
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                logits = model(inputs_embeds=embedded, **others).logits
            return logit_contrast(logits.float(), target)

        yield Asked(numbers, ids, encoder.pad_id, model.get_input_embeddings(), contrasts, shares, words)
