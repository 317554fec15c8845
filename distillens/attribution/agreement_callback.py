"""Agreement with a teacher's attributions while a student trains with ``transformers.Trainer``.

At each evaluation the student, as it is then, explains a few texts, and so did its teacher once. The mean
Spearman correlation of the words' attributions to the class that the teacher predicts is added to the
evaluation's metrics. A student chosen by it was trained towards these texts: judge it on others.
"""

import logging
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

from distillens.attribution.explain import seed_of_draws, seen_part
from distillens.attribution.explainer_settings import ExplainerSettings
from distillens.attribution.saturation import settled
from distillens.config import schema
from distillens.config.audit import task_of
from distillens.data.text import Example, Word
from distillens.metrics.agreement import spearman
from distillens.metrics.explained_output import towards
from distillens.models import model_folder
from distillens.models.engine import EngineOptions
from distillens.models.import_model import import_model
from distillens.models.removal import MASK, Rule
from distillens.provenance import ExplanationId, RunId

METRIC = "agreement"
"""The metric's name, behind the prefix of the evaluation (``eval_agreement``)."""

_LOG = logging.getLogger("distillens")
_TASK = "texts"

Explained = tuple[tuple[Word, ...], np.ndarray, int]
"""Of a text: the words that a model saw, their values (n_words, outputs), and the class that it predicts."""


class AgreementCallback(TrainerCallback):
    """Adds ``eval_agreement`` to the metrics of every evaluation.

    Parameters
    ----------
    teacher : str or Path
        Folder of the finished teacher, with its tokenizer.
    texts : sequence of str
        What is explained. Few are enough for a curve: each costs a forward pass per word and evaluation.
    tokenizer : PreTrainedTokenizerBase
        The student's.
    explainer : str
        ``occlusion``, ``input_x_gradient`` or another method.
    options : mapping, optional
        Of the explainer, as in a config (``unit``, ``examples`` and ``common_masks`` too); what is left
        out has its default.
    output : str
        The scalar per class that is explained; see `distillens.metrics.explained_output.explained`.
    device : str
        ``auto``, ``cpu`` or ``cuda``: where the copy runs that is explained.
    removal : str or mapping
        How both models read a removed word; ``delete`` where one has no mask token.

    Raises
    ------
    ConfigError
        If the teacher is no classifier, or the explainer or one of its options is not there.
    ValueError
        If there is no text with a word.

    Examples
    --------
    >>> AgreementCallback("nowhere", ["Not bad."], tokenizer=None)
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: nowhere: no such folder; give one that save_pretrained has written
    """

    def __init__(
        self,
        teacher: str | Path,
        texts: Sequence[str],
        tokenizer: PreTrainedTokenizerBase,
        explainer: str = "occlusion",
        options: Mapping[str, Any] | None = None,
        output: str = "margin",
        device: str = "auto",
        removal: Rule = MASK,
    ) -> None:
        self._task = task_of(model_folder.read(teacher))
        filled = schema.method("explainer", "options", {"method": explainer, **(options or {})})
        self._explainer, self._settings = explainer, ExplainerSettings.of(filled)
        self._examples = [Example(str(number), text) for number, text in enumerate(texts)]
        self._examples = [example for example in self._examples if example.words][: self._settings.most]
        if not self._examples:
            raise ValueError("texts: none of them has a word")
        self._teacher, self._tokenizer, self._output, self._device = teacher, tokenizer, output, device
        self._rule, self._reference = removal, None

    def on_evaluate(
        self,
        args: Any,
        state: Any,
        control: Any,
        model: PreTrainedModel | None = None,
        metrics: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Explain the student as it is, and add what was found to the metrics and to the last log."""
        if not state.is_world_process_zero or model is None or metrics is None:
            return
        # What is drawn while copies are loaded is not taken from the training's generator.
        with torch.random.fork_rng(), tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            if self._reference is None:
                self._reference = self._explain(self._teacher, place / "teacher")
            getattr(model, "module", model).save_pretrained(place / "saved")
            self._tokenizer.save_pretrained(place / "saved")
            own = self._explain(place / "saved", place / "student")
        values = [self._agreement(*pair) for pair in zip(own, self._reference, strict=True)]
        defined = [value for value in values if not math.isnan(value)]
        if len(defined) < len(values):
            _LOG.warning(
                "eval_%s: undefined for %d of %d texts", METRIC, len(values) - len(defined), len(values)
            )
        prefix = next((name.partition("_")[0] for name in metrics if name.endswith("_loss")), "eval")
        agreement = {f"{prefix}_{METRIC}": float(np.mean(defined)) if defined else math.nan}
        metrics.update(agreement)
        if state.log_history and state.log_history[-1].get("step") == state.global_step:
            state.log_history[-1].update(agreement)

    def _explain(self, checkpoint: str | Path, folder: Path) -> list[Explained]:
        """A checkpoint's explanations of the texts, in their order."""
        import_model(
            checkpoint=checkpoint,
            out=folder,
            run=RunId(_TASK, folder.name, 0),
            task=self._task,
            labels=None,
            max_length=None,
        )
        engine, own = EngineOptions(self._device, "torch", rule=self._rule).load(folder), self._settings
        seen = [seen_part(example, engine)[0] for example in self._examples]
        seen = [engine.encoder.in_tokens(example) for example in seen] if own.in_tokens else seen
        about = ExplanationId(_TASK, folder.name, 0, self._explainer)
        seed = seed_of_draws(0, about, own.common_masks)
        logits = engine.logits([example.texts for example in seen])
        attributions = own.method.explain(seen, engine, self._output, own.options, seed)
        return [
            (example.places, settled(one).values, int(answer.argmax()))
            for example, one, answer in zip(seen, attributions, logits, strict=True)
        ]

    @staticmethod
    def _agreement(own: Explained, reference: Explained) -> float:
        """Spearman's correlation; NaN where it is undefined, or one of them was cut off elsewhere."""
        if own[0] != reference[0]:
            return math.nan
        target = reference[2] if reference[1].shape[1] > 1 else None
        return float(spearman(towards(own[1], target), towards(reference[1], target)))
