"""Soft logits, on the text and on copies of it with words masked.

The student also has to answer as its teacher does where words are hidden, which is what
explainers ask that mask: occlusion, SHAP, LIME. Half of the copies hide one word, the
others up to half of the words. The loss adds ``masked_weight`` times the soft loss on a copy,
another one in each epoch. The teacher reads the copies with its own tokenizer and
mask token, once.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from distillens.distillation import soft_logits
from distillens.inference import Engine
from distillens.text import Example, seed_of
from distillens.training import Source

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
        "description": "Copies of each text; epochs take turns.",
    },
}

TRAINS_ON = ("occlusion", "shap", "lime")
"""Explainers that ask what is trained here: answers to texts with words masked."""


class Distillation(soft_logits.Distillation):
    """Soft logits whose loss adds the divergence on masked copies."""

    @classmethod
    def features(cls, texts: Sequence[Example], source: Source) -> dict[str, Sequence[Any]]:
        """``copy_0`` and so on: the student's inputs of a copy; ``copy_logits``: the teacher's answers.

        The logits have the shape (examples, copies, outputs).
        """
        found = super().features(texts, source)
        if not source.training:
            return found
        engine, answers = Engine(source.teacher, **source.engine), []
        for copy in range(source.options["masked_copies"]):
            kept = [
                kept_words(len(text.words), seed_of(source.seed, text.example_id, copy)) for text in texts
            ]
            pairs = list(zip(texts, kept, strict=True))
            found[f"copy_{copy}"] = source.encoder.encode(
                [text.masked(keep, source.encoder.mask) for text, keep in pairs]
            )
            answers.append(engine.logits([text.masked(keep, engine.encoder.mask) for text, keep in pairs]))
            engine.forget()
        return {**found, "copy_logits": np.stack(answers, axis=1)}

    def terms(
        self, model: torch.nn.Module, inputs: dict[str, Any], batch: dict[str, Any], answer: dict[str, Any]
    ) -> dict[str, torch.Tensor]:
        """The weighted terms of the loss; see the module."""
        found = super().terms(model, inputs, batch, answer)
        if not model.training:
            return found
        copy = int(self.state.epoch or 0) % self.options["masked_copies"]
        masked = model(**batch[f"copy_{copy}"]).logits
        loss = soft_logits.soft_loss(masked, batch["copy_logits"][:, copy], self.options["temperature"])
        return {**found, "masked": self.options["masked_weight"] * loss}


def kept_words(words: int, seed: int) -> list[bool]:
    """Which words of a text stay: all but one, or all but up to half of them; one word always goes."""
    rng = np.random.default_rng(seed)
    if words == 0:
        return []
    hidden = 1 if rng.random() < 0.5 else int(rng.integers(1, max(1, words // 2) + 1))
    gone = rng.choice(words, hidden, replace=False)
    return [number not in gone for number in range(words)]
