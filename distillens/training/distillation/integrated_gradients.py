"""Soft logits, and the teacher's gradients along the path of Integrated Gradients.

Integrated Gradients is the mean, over the path from an empty text to the text, of the gradient times what
the text adds to the embeddings (Sundararajan, Taly and Yan 2017, eq. 1); AD-KD (Wu et al. 2023) distils
it. Few points give a noisy mean, so here student and teacher have to agree at each of ``path_points``
points of the path, which they then do in the mean:

1. The path leads from the embeddings b of the text with padding for each piece of a word, to those of the
   text, e. The points are the middles of equal parts of it.
2. At a point x the teacher's values are, for each word, the sum over its share of the pieces of (e - b) times
   the gradient at x of the contrast that `distillens.training.distillation.saliency` uses. They are
   computed once.
3. A text stands at one point in each epoch, another in the next one, and so do the texts of a batch.
4. The loss adds ``path_weight`` times 1 - cos of the student's values and the teacher's at that point.

As with saliency attention is eager, and without ``path_dropout`` there is no dropout.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from distillens.data.text import Example, seed_of
from distillens.training.distillation import soft_logits
from distillens.training.distillation.saliency import (
    angle,
    ask_teacher,
    attend_eagerly,
    logit_contrast,
    saliency,
    share_columns,
    shares_in,
    switch_dropout_off,
)
from distillens.training.fine_tune import Source

OPTIONS = {
    "path_weight": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 1.0,
        "description": "Weight of the gradients along the path.",
    },
    "path_points": {
        "type": "integer",
        "minimum": 1,
        "default": 4,
        "description": "Points of the path; epochs take turns.",
    },
    "path_dropout": {
        "type": "boolean",
        "default": False,
        "description": "Whether the student is trained with dropout.",
    },
}

TRAINS_ON = ("integrated_gradients",)
"""The explainer that is the mean of what is trained here."""


class Distillation(soft_logits.Distillation):
    """Soft logits whose loss adds the angle between gradients along the path to the text."""

    def __init__(self, source: Source, **settings: Any) -> None:
        super().__init__(source, **settings)
        attend_eagerly(self.model)
        if not self.options["path_dropout"]:
            switch_dropout_off(self.model)

    @classmethod
    def features(cls, texts: Sequence[Example], source: Source) -> dict[str, Sequence[Any]]:
        """``path_0`` and so on: the teacher's values of each word; ``path_turn``: where a text begins.

        And how pieces are shared out among words, counted from 1.
        """
        columns = super().features(texts, source)
        if not source.training:
            return columns
        points = source.options["path_points"]
        paths = teacher_path(texts, columns["teacher_logits"].argmax(axis=-1), source, points)
        return {
            **columns,
            **share_columns(texts, source),
            "path_turn": [seed_of(source.seed, text.example_id, "path") % points for text in texts],
            **{f"path_{point}": values for point, values in enumerate(paths)},
        }

    def hints(
        self, model: torch.nn.Module, inputs: dict[str, Any], batch: dict[str, Any], answer: dict[str, Any]
    ) -> dict[str, torch.Tensor]:
        """The weighted term of the loss; see the module."""
        terms = super().hints(model, inputs, batch, answer)
        points = self.options["path_points"]
        turns = (batch["path_turn"].long() + int(self.state.epoch or 0)) % points
        paths = torch.stack([batch[f"path_{point}"] for point in range(points)])
        teacher = paths[turns, torch.arange(len(turns), device=turns.device)]
        shares = shares_in(batch)
        others = {name: values for name, values in inputs.items() if name != "input_ids"}
        embed, ids = self.model.get_input_embeddings(), inputs["input_ids"]
        text, empty = embed(ids), embed(without_words(ids, shares, self.encoder.pad_id))
        at = empty + middles(turns, points)[:, None, None].to(text.dtype) * (text - empty)
        contrasts = logit_contrast(
            model(inputs_embeds=at, **others).logits, batch["teacher_logits"].argmax(dim=-1)
        )
        own = saliency(contrasts, at, shares, teacher.shape[1], differentiable=True, times=text - empty)
        return {**terms, "path": self.options["path_weight"] * angle(own, teacher)}


def middles(turns: torch.Tensor, points: int) -> torch.Tensor:
    """Where on the path each point is, 0 the empty text and 1 the text.

    Examples
    --------
    >>> middles(torch.tensor([0, 1]), points=2).tolist()
    [0.25, 0.75]
    """
    return (turns + 0.5) / points


def without_words(ids: torch.Tensor, shares: Sequence[torch.Tensor], pad: int) -> torch.Tensor:
    """The pieces of a batch of texts, padding for those of words.

    Examples
    --------
    >>> shares = torch.tensor([[1, 2]]), torch.tensor([[1, 1]]), torch.tensor([[1.0, 1.0]])
    >>> without_words(torch.tensor([[101, 7, 8, 102]]), shares, pad=0).tolist()
    [[101, 0, 0, 102]]
    """
    pieces, owners, _ = shares
    of_words = torch.zeros_like(ids).scatter_add(1, pieces, (owners > 0).to(ids.dtype)) > 0
    return ids.masked_fill(of_words, pad)


def teacher_path(
    texts: Sequence[Example], targets: np.ndarray, source: Source, points: int
) -> list[list[np.ndarray]]:
    """The teacher's values at each point of the path, of each text, shape (words,).

    Parameters
    ----------
    texts : sequence of Example
    targets : array, shape (texts,)
        The class that each is asked about.
    source : Source
    points : int
    """
    paths: list[list[np.ndarray]] = [[np.empty(0)] * len(texts) for _ in range(points)]
    for asked in ask_teacher(texts, targets, source):
        text, empty = asked.embed(asked.ids), asked.embed(without_words(asked.ids, asked.shares, asked.pad))
        for point, of_texts in enumerate(paths):
            where = float(middles(torch.tensor(point), points))
            at = (empty + where * (text - empty)).requires_grad_()
            for number, values in zip(asked.numbers, asked.values(at, text - empty), strict=True):
                of_texts[number] = values
    return paths
