"""Soft logits, on the text and on copies of it with words masked.

The student also has to answer as its teacher does where words are hidden, which is what
explainers ask that mask: occlusion, SHAP, LIME. The loss adds ``masked_weight`` times the soft loss on a
copy, another one in each epoch. The teacher reads the copies with its own tokenizer and mask token,
once. As copies need no label, they can be of further texts: of those of a ``corpus``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from distillens.data.text import Example, seed_of
from distillens.models.masks import Masks
from distillens.training.distillation import soft_logits
from distillens.training.fine_tune import Source

OPTIONS = {
    "masked_weight": {
        "type": "number",
        "exclusiveMinimum": 0,
        "default": 1.0,
        "description": "Weight of the soft loss on masked copies.",
    },
    "masked_copies": {
        "type": "integer",
        "minimum": 1,
        "default": 3,
        "description": "Copies for each text; epochs take turns.",
    },
    "masked_single": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.5,
        "description": "Share of the copies that hide one word only.",
    },
    "masked_most": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "default": 0.5,
        "description": "Share of its words that any other copy hides at most.",
    },
    "masked_share": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "default": 1.0,
        "description": "Share of the batches that have a copy.",
    },
    "corpus": {
        "type": ["string", "null"],
        "default": None,
        "description": "Copies are of the task's own texts first, then of this corpus's.",
    },
}

TRAINS_ON = ("occlusion", "shap", "lime")
"""Explainers that ask what is trained here: answers to texts with words masked."""


class Distillation(soft_logits.Distillation):
    """Soft logits whose loss adds the divergence on masked copies."""

    @classmethod
    def features(cls, texts: Sequence[Example], source: Source) -> dict[str, Sequence[Any]]:
        """``copy_0`` and so on: the student's inputs of a copy; ``copy_logits``: the teacher's answers.

        The logits have the shape (examples, copies, outputs). Copy k of example r is of text r + k n of
        all, which are the n examples and the corpus's texts after them, and the first again after the last.
        """
        columns = super().features(texts, source)
        if not source.training:
            return columns
        engine, answers, options = source.opened(), [], source.options
        every, hidden = [*texts, *source.unlabelled()], (options["masked_single"], options["masked_most"])
        for copy in range(options["masked_copies"]):
            first = copy * len(texts)
            originals = [every[number % len(every)] for number in range(first, first + len(texts))]
            asked = []
            for text in originals:
                seed = seed_of(source.seed, text.example_id, copy)
                keep = kept_words(len(text.words), seed, *hidden)
                asked.append(Masks(text, np.array([keep], dtype=bool)))
            columns[f"copy_{copy}"] = source.encoder.encode(
                [text for one in asked for text in source.encoder.without(one.example, one.keep)]
            )
            answers.append(engine.masked(asked))
            engine.forget()
        return {**columns, "copy_logits": np.stack(answers, axis=1)}

    def hints(
        self, model: torch.nn.Module, inputs: dict[str, Any], batch: dict[str, Any], answer: dict[str, Any]
    ) -> dict[str, torch.Tensor]:
        """The weighted term of the loss; see the module."""
        terms = super().hints(model, inputs, batch, answer)
        if not has_turn(self.state.global_step, self.options["masked_share"]):
            return terms
        copy = int(self.state.epoch or 0) % self.options["masked_copies"]
        masked = model(**batch[f"copy_{copy}"]).logits
        teacher, temperature = batch["copy_logits"][:, copy], self.options["temperature"]
        loss = soft_logits.soft_loss(masked, teacher, temperature, self.several)
        return {**terms, "masked": self.options["masked_weight"] * loss}


def has_turn(step: int, share: float) -> bool:
    """Whether a step is among a share of all, spread evenly.

    Examples
    --------
    >>> [has_turn(step, 0.5) for step in range(4)]
    [False, True, False, True]
    """
    return int((step + 1) * share) > int(step * share)


def kept_words(words: int, seed: int, single: float, most: float) -> list[bool]:
    """Which words of a text stay.

    Parameters
    ----------
    words : int
        How many it has. At least one goes.
    seed : int
    single : float
        How often just one goes.
    most : float
        The share that goes at most, otherwise.

    Examples
    --------
    >>> kept_words(4, seed=1, single=1.0, most=0.5).count(False)
    1
    """
    rng = np.random.default_rng(seed)
    if words == 0:
        return []
    hidden = 1 if rng.random() < single else int(rng.integers(1, max(1, int(words * most)) + 1))
    gone = rng.choice(words, hidden, replace=False)
    return [number not in gone for number in range(words)]
