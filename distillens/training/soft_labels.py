"""Soft labels from a file, in place of a teacher that is asked: probabilities of each class, by the text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distillens.data.errors import DataError, listed
from distillens.data.read import check_column, read_frame
from distillens.joblog import Progress
from distillens.models.answers import as_logits, shown
from distillens.models.errors import ModelError
from distillens.models.masks import Masks


class SoftLabels:
    r"""What a teacher has answered to the texts of a file; asked as an `Engine` is.

    Parameters
    ----------
    options : mapping
        ``file``, ``text_a``, ``text_b`` (null for single texts) and ``probabilities``: the column of each
        label, of a regression that of the ``score``.
    labels : sequence of str
        The task's.
    several : bool
        Whether a text may have several of them, so that probabilities need not sum to one.

    Raises
    ------
    DataError
        If a column is not there; else for every row with a text or number missing, probabilities that
        do not sum to one, or a text that stands there twice with others.

    Examples
    --------
    >>> _ = Path("soft.csv").write_text("text,p_no,p_yes\nA film,0.25,0.75\n")
    >>> columns = {"file": "soft.csv", "text_a": "text", "text_b": None}
    >>> soft = SoftLabels({**columns, "probabilities": {"no": "p_no", "yes": "p_yes"}}, ["no", "yes"])
    >>> np.exp(soft.logits([("A film",)])).round(2).tolist()
    [[0.25, 0.75]]
    """

    def __init__(self, options: Mapping[str, Any], labels: Sequence[str], several: bool = False) -> None:
        self._file, self._several = Path(options["file"]), several
        names = list(labels) or ["score"]
        if sorted(options["probabilities"]) != sorted(names):
            raise DataError(
                f"soft_labels.probabilities: names {', '.join(options['probabilities'])}; give a column for "
                f"each of {', '.join(names)}"
            )
        frame = read_frame(self._file, None, "utf-8", None, None)
        texts = [options[key] for key in ("text_a", "text_b") if options.get(key)]
        columns = [options["probabilities"][name] for name in names]
        for column in (*texts, *columns):
            check_column(frame, column, "for soft_labels", str(self._file))
        self._logits: dict[tuple[str, ...], np.ndarray] = {}
        problems = []
        for row, record in enumerate(frame.to_dict("records"), start=1):
            try:
                text = tuple(record[column] for column in texts)
                self._add(text, [_number(record[column], column) for column in columns])
            except (DataError, ModelError) as error:
                problems.append(f"row {row}: {error}")
        if problems:
            raise DataError(listed(str(self._file), problems))

    def _add(self, text: tuple[Any, ...], numbers: list[float]) -> None:
        if not all(isinstance(part, str) and part for part in text):
            raise DataError("has no text")
        given = np.array([numbers])
        logits = (
            given[0]
            if len(numbers) == 1
            else as_logits(given, "probabilities", [text], "soft_labels", self._several)[0]
        )
        known = self._logits.setdefault(text, logits)
        if not np.array_equal(known, logits):
            raise DataError(f"{shown(text)} stands there twice, with unlike probabilities; keep one")

    def logits(self, texts: Sequence[tuple[str, ...]], progress: Progress | None = None) -> np.ndarray:
        """Logits of texts or pairs, shape (texts, outputs).

        Raises
        ------
        DataError
            If the file lacks one.
        """
        absent = [text for text in dict.fromkeys(texts) if text not in self._logits]
        if absent:
            raise DataError(
                f"{self._file}: no soft labels for {shown(absent[0])} ({len(absent)} of {len(texts)} texts); "
                "give them for all texts of the train and the validation split, written as they are there"
            )
        return np.array([self._logits[text] for text in texts], dtype=np.float32)

    def masked(self, asked: Sequence[Masks]) -> np.ndarray:
        """Refuse: a file has no answers to copies.

        Raises
        ------
        ModelError
            Always.
        """
        raise ModelError(
            "training.soft_labels: a file has no answers to texts with words masked; take soft_logits alone, "
            "or a teacher that can be asked"
        )

    def forget(self) -> None:
        """Nothing is remembered beside the file."""


def _number(cell: Any, column: str) -> float:
    try:
        value = float(cell)
    except (TypeError, ValueError):
        raise DataError(f"{column} is {cell!r}, no number") from None
    if not np.isfinite(value):
        raise DataError(f"{column} is {cell!r}, no number")
    return value
