"""Soft logits, and the teacher's saliency: which words its answer hangs on.

The loss adds ``saliency_weight`` times 1 - cos(s_student, s_teacher), where s has, for each word, the sum
over its pieces of gradient times input embedding of the margin of the class that the teacher
predicts (z_c less the mean of the others; a regression's score). Aligning input gradients is
due to Srinivas and Fleuret (2018, "Knowledge transfer with Jacobian matching") and, for
explanations of a teacher's, AD-KD (Wu et al. 2023). The student's gradient is
differentiated again, so its attention has to be eager. Dropout makes saliency noise:
without ``saliency_dropout`` the student is trained with none.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from distillens.distillation import soft_logits
from distillens.encoding import Encoder
from distillens.inference import Engine
from distillens.modeling import accepted_inputs, load_classifier, pick_device
from distillens.text import Example
from distillens.training import Source

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
        if self.model.config._attn_implementation == "sdpa":
            self.model.set_attn_implementation("eager")
        if not self.options["saliency_dropout"]:
            for module in self.model.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = 0.0

    @classmethod
    def features(cls, texts: Sequence[Example], source: Source) -> dict[str, Sequence[Any]]:
        """``teacher_saliency`` of each word, ``owners``: the word of each piece from 1, 0 for none."""
        found = super().features(texts, source)
        if not source.training:
            return found
        owners = [np.array(source.encoder.owners(text)) + 1 for text in texts]
        return {**found, "owners": owners, "teacher_saliency": teacher_saliency(texts, source)}

    def terms(
        self, model: torch.nn.Module, inputs: dict[str, Any], batch: dict[str, Any], answer: dict[str, Any]
    ) -> dict[str, torch.Tensor]:
        """The weighted terms of the loss; see the module."""
        found = super().terms(model, inputs, batch, answer)
        if not model.training:
            return found
        target = batch["teacher_logits"].argmax(dim=-1)
        teacher = batch["teacher_saliency"]
        own = saliency(model, inputs, batch["owners"], target, teacher.shape[1], differentiable=True)
        loss = (1 - F.cosine_similarity(own, teacher.to(own.dtype), dim=-1, eps=1e-8)).mean()
        return {**found, "saliency": self.options["saliency_weight"] * loss}


def saliency(
    model: torch.nn.Module,
    inputs: dict[str, torch.Tensor],
    owners: torch.Tensor,
    target: torch.Tensor,
    words: int,
    differentiable: bool = False,
) -> torch.Tensor:
    """Gradient times input of each word, towards a class.

    Parameters
    ----------
    model : Module
        A classifier that takes ``inputs_embeds``.
    inputs : dict of Tensor
        What it takes, with ``input_ids`` of shape (batch, pieces).
    owners : Tensor, shape (batch, pieces)
        The word of each piece, from 1; 0 for none.
    target : Tensor, shape (batch,)
        Class numbers.
    words : int
        Of the longest text.
    differentiable : bool
        Whether the result is itself to be differentiated.

    Returns
    -------
    Tensor, shape (batch, words)
    """
    embedded = model.get_input_embeddings()(inputs["input_ids"])
    if not differentiable:
        embedded = embedded.detach().requires_grad_()
    others = {name: value for name, value in inputs.items() if name != "input_ids"}
    margins = margin(model(inputs_embeds=embedded, **others).logits, target)
    (gradient,) = torch.autograd.grad(margins.sum(), embedded, create_graph=differentiable)
    pieces = (gradient * embedded).sum(dim=-1)
    of_words = torch.zeros(len(pieces), words + 1, dtype=pieces.dtype, device=pieces.device)
    return of_words.scatter_add(1, owners, pieces)[:, 1:]


def margin(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Logit of a class less the mean of the others, shape (batch,); one output: itself."""
    classes = logits.shape[-1]
    if classes == 1:
        return logits[:, 0]
    chosen = logits.gather(1, target[:, None])[:, 0]
    return (classes * chosen - logits.sum(dim=-1)) / (classes - 1)


def teacher_saliency(texts: Sequence[Example], source: Source) -> list[np.ndarray]:
    """The teacher's saliency of each text, through its own tokenizer, shape (words,) each."""
    device = pick_device(source.engine["device"])
    model = load_classifier(source.teacher).eval().to(device)
    encoder = Encoder(source.teacher, accepted_inputs(model))
    logits = Engine(source.teacher, **source.engine).logits([text.texts for text in texts])
    encoded = encoder.encode([text.texts for text in texts])
    # Texts of like length share a batch: little of it is padding.
    order = sorted(range(len(texts)), key=lambda number: len(encoded[number]["input_ids"]))
    found: list[np.ndarray] = [np.empty(0)] * len(texts)
    for start in range(0, len(texts), _BATCH):
        numbers = order[start : start + _BATCH]
        batch = [texts[number] for number in numbers]
        inputs = encoder.pad([encoded[number] for number in numbers])
        owners = np.zeros_like(inputs["input_ids"])
        for row, text in enumerate(batch):
            own = np.array(encoder.owners(text)) + 1
            owners[row, : len(own)] = own
        most = max(len(text.words) for text in batch)
        target = torch.from_numpy(logits[numbers].argmax(axis=-1)).to(device)
        tensors = {name: torch.from_numpy(values).to(device) for name, values in inputs.items()}
        values = saliency(model, tensors, torch.from_numpy(owners).to(device), target, most)
        for number, row in zip(numbers, values.detach().cpu().numpy(), strict=True):
            found[number] = row[: len(texts[number].words)]
    return found
