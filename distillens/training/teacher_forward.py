"""Runs the frozen teacher on every training batch; hidden states do not fit into a cache."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from distillens.data.text import Example
from distillens.models.classifier import ModelError, accepted_inputs, load_classifier
from distillens.models.tokenizer import Encoder
from distillens.training.fine_tune import FineTuning, Source

_OF_TEACHER = "teacher_"


class Alongside(FineTuning):
    """Fine-tuning that can ask the teacher what it asks the student.

    Both must read a text as the same pieces.

    Attributes
    ----------
    teacher : PreTrainedModel
        Frozen, without dropout.
    """

    def __init__(self, source: Source, **settings: Any) -> None:
        super().__init__(source, **settings)
        self.teacher = load_classifier(source.teacher).eval().requires_grad_(False).to(self.args.device)
        self._inputs = accepted_inputs(self.teacher)
        self._batch: dict[str, Any] = {}
        self._answer: dict[str, Any] = {}

    @classmethod
    def features(cls, texts: Sequence[Example], source: Source) -> dict[str, Sequence[Any]]:
        """What the teacher takes and the student does not, such as ``teacher_token_type_ids``.

        Raises
        ------
        ModelError
            If the teacher reads a text as other pieces than the student.
        """
        columns = super().features(texts, source)
        if not source.training:
            return columns
        segments = [text.texts for text in texts]
        teacher = Encoder(source.teacher)
        theirs = teacher.encode(segments)
        for text, one, other in zip(texts, source.encoder.encode(segments), theirs, strict=True):
            if one["input_ids"] != other["input_ids"]:
                raise ModelError(
                    f"{source.teacher}: reads example {text.example_id!r} as other pieces than its student; "
                    "layers are compared piece by piece: give both one vocabulary and max_length"
                )
        more = [name for name in teacher.inputs if name not in source.encoder.inputs]
        return {**columns, **{_OF_TEACHER + name: [np.array(one[name]) for one in theirs] for name in more}}

    def beside(self, inputs: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
        """The teacher's answer to what the student was `asked`; a batch is read once for all terms."""
        if self._batch is not batch:
            extras = self.asked()
            taken = {
                name: inputs[name] if name in inputs else batch[_OF_TEACHER + name]
                for name in self._inputs
                if name in inputs or _OF_TEACHER + name in batch
            }
            with torch.no_grad():
                self._answer = {**extras, **self.teacher(**taken, **extras)}
            self._batch = batch
        return self._answer


def layer_map(student: int, teacher: int) -> list[int]:
    """How many of the teacher's layers stand below the end of each of the student's, from none of both.

    Spread evenly, the last onto the last (TinyBERT's uniform strategy); where the depth does
    not divide, to the nearest.

    Parameters
    ----------
    student, teacher : int
        Numbers of layers.

    Returns
    -------
    list of int, shape (student + 1,)

    Examples
    --------
    >>> layer_map(3, 6), layer_map(2, 5)
    ([0, 2, 4, 6], [0, 2, 5])
    """
    return [round(layer * teacher / student) for layer in range(student + 1)]
