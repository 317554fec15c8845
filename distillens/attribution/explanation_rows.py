"""Rows of attributions from elsewhere, checked and in the form of the project's own table."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from distillens.attribution.explanation_file import MAPPING, Row, positions
from distillens.attribution.text_fit import Pieces
from distillens.attribution.token_alignment import NotFoundError, locate, occurrences
from distillens.data.labels import LabelRule
from distillens.data.read import DataError
from distillens.data.text import Example, Word
from distillens.data.units import noun

SINGLE, OF_A_CLASS, PER_CLASS = "single values", "values of a class", "values for each class"
UNDEFINED = (
    "if the text cannot be explained, give null for the values of its whole row: it is then undefined, "
    "and counted"
)
"""The one way to say that an explainer has nothing to say about a text."""


@dataclass(frozen=True)
class Taken:
    """A row as it was read.

    Attributes
    ----------
    number : int
        Of the row in its file.
    pieces : Pieces
    kind : str or None
        `SINGLE`, `OF_A_CLASS` or `PER_CLASS`; None where it says that the text is undefined.
    stored : dict
        The row of the table of explanations; of an undefined text its values are nulls.
    """

    number: int
    pieces: Pieces
    kind: str | None
    stored: Row


@dataclass(frozen=True)
class Reader:
    """Makes rows of the table of explanations.

    Attributes
    ----------
    unit : str
        ``word``: values are summed over the pieces of the shared words; ``token``: every stored
        position stays what it is.
    missing : str or None
        Whether words may lack a value, and what that means.
    labels : sequence of str or None
        None for a regression.
    answers : mapping
        Logits of examples whose rows have none.
    """

    unit: str
    missing: str | None
    labels: Sequence[str] | None
    answers: Mapping[str, list[float]]

    @property
    def outputs(self) -> int:
        """Number of classes; 1 for a regression."""
        return len(self.labels) if self.labels else 1

    def pieces(self, row: Row, number: int, example: Example) -> Pieces:
        """The words or tokens of a row, and what stands at their spans.

        Raises
        ------
        DataError
            If they are not as many as the values or spans, or a span is outside the text.
        """
        form, pieces, _ = positions(row)
        spans = _stated_places(row["spans"], pieces, example) if "spans" in row else None
        texts = None if spans is None else [place.text for place in spans]
        return Pieces(number, example.example_id, form, pieces, texts)

    def row(self, row: Row, pieces: Pieces, example: Example) -> Taken:
        """The row of one example.

        Raises
        ------
        DataError
            If a value or logit is no finite number, or words are not where they should be.
        """
        form, names, given = positions(row)
        target = self._target(row.get("target"))
        if all(_is_nothing(value) for value in given):
            kind, values = None, [[None]] * len(given)
        else:
            values = [self._by_class(value, target, name) for name, value in zip(names, given, strict=True)]
            if len({len(value) for value in values}) > 1:
                raise DataError("some positions have a value for each class, some have one value")
            kind = SINGLE if len(values[0]) < self.outputs else PER_CLASS if target is None else OF_A_CLASS
            kind = kind if self.labels else PER_CLASS
        if form == MAPPING:
            words, values = self._mapping(names, values, example)
        else:
            places = _places(row, names, example, strict=self.unit == "word")
            words = [Word(text, p.segment, p.start, p.end) for text, p in zip(names, places, strict=True)]
        if self.unit == "word":
            words, values = self._on_shared_words(words, values, example, needed=kind is not None)
        logits = self._logits(row.get("logits", self.answers.get(example.example_id)))
        if kind == PER_CLASS and self.labels and logits is None:
            raise DataError("values for each class need logits, which say what class is compared")
        stored = {
            "example_id": example.example_id,
            "words": [word.text for word in words],
            "spans": [{"segment": w.segment, "start": w.start, "end": w.end} for w in words],
            "values": values,
            "logits": logits,
            "unseen": 0,
        }
        return Taken(pieces.number, pieces, kind, stored)

    def _target(self, target: Any) -> int | None:
        """The class that single values are about, by the rule for labels."""
        if target is None:
            return None
        if not self.labels:
            raise DataError("target: a regression has no classes; leave it out")
        task = {"type": "classification", "labels": self.labels, "cut": None}
        try:
            return int(LabelRule(task, [target]).read(target).number)
        except DataError as error:
            raise DataError(str(error).replace("label", "target", 1)) from error

    def _by_class(self, value: Any, target: int | None, piece: str) -> list[float | None]:
        """The value of a position for every class; of one class only where a target says which."""
        numbers = value if isinstance(value, list) else [value]
        for number in numbers:
            if not _is_finite(number):
                raise DataError(
                    f"the value of {piece!r} is {number!r}, not a finite number; compute it again, or, "
                    + UNDEFINED
                )
        if isinstance(value, list):
            if len(value) != self.outputs:
                raise DataError(f"{piece!r} has {len(value)} values, the task has {self.outputs} outputs")
            return [float(number) for number in value]
        if target is None:
            return [float(value)]
        return [float(value) if number == target else None for number in range(self.outputs)]

    def _logits(self, logits: Any) -> list[float] | None:
        if logits is None:
            return None
        if len(logits) != self.outputs or not all(map(_is_finite, logits)):
            raise DataError(f"logits {logits!r} are not {self.outputs} finite numbers")
        return [float(one) for one in logits]

    def _mapping(
        self, pieces: Sequence[str], values: Sequence[list], example: Example
    ) -> tuple[list[Word], list[list]]:
        """A mapping's words in the order of the text; for shared words each place, its value divided."""
        placed = []
        for piece, value in zip(pieces, values, strict=True):
            places = occurrences(example.texts, piece)
            if not places and self.unit == "word":
                raise DataError(f"{piece!r} is not a word of the text")
            if self.unit == "word":
                placed += [(place, [_divided(one, len(places)) for one in value]) for place in places]
            else:
                end = len(example.texts[-1])
                place = places[0] if places else Word("", len(example.texts) - 1, end, end)
                placed.append((Word(piece, place.segment, place.start, place.end), value))
        placed.sort(key=lambda pair: (pair[0].segment, pair[0].start, pair[0].end, pair[0].text))
        return [word for word, _ in placed], [value for _, value in placed]

    def _on_shared_words(
        self, places: Sequence[Word], values: Sequence[list], example: Example, needed: bool
    ) -> tuple[list[Word], list[list]]:
        """Sums over the pieces of each shared word; a piece of several belongs to the first."""
        width = max(map(len, values), default=1)
        sums: list[list[float | None]] = [[None] * width for _ in example.words]
        covered = [False] * len(sums)
        at = {
            (word.segment, place): number
            for number, word in enumerate(example.words)
            for place in range(word.start, word.end)
        }
        for place, value in zip(places, values, strict=True):
            here = [at[place.segment, n] for n in range(place.start, place.end) if (place.segment, n) in at]
            for number in here:
                covered[number] = True
                # A word whose characters all belong to another's piece adds nothing.
                sums[number] = [
                    one if new is None else one or 0.0 for one, new in zip(sums[number], value, strict=True)
                ]
            if here:
                sums[here[0]] = [
                    one if new is None else one + new for one, new in zip(sums[here[0]], value, strict=True)
                ]
        lacking = [word.text for word, is_there in zip(example.words, covered, strict=True) if not is_there]
        if lacking and needed and self.missing is None:
            raise DataError(
                f"{len(lacking)} {noun(example.unit)} of the text have no value, such as {lacking[0]!r}; "
                "say explanations.missing: zero, intersection or, of a student, teacher"
            )
        return list(example.words), sums


def _is_finite(number: Any) -> bool:
    return isinstance(number, Real) and not isinstance(number, bool) and math.isfinite(number)


def _is_nothing(value: Any) -> bool:
    """Whether a position has null or NaN, for every class where it has values for each."""
    numbers = value if isinstance(value, list) and value else [value]
    return all(number is None or (isinstance(number, float) and math.isnan(number)) for number in numbers)


def _divided(value: float | None, by: int) -> float | None:
    return None if value is None else value / by


def _places(row: Row, pieces: Sequence[str], example: Example, strict: bool) -> list[Word]:
    """Where the pieces stand: as the row says, or as they are found."""
    if "spans" in row:
        return _stated_places(row["spans"], pieces, example)
    try:
        return locate(example.texts, pieces)
    except NotFoundError as error:
        if strict:
            raise DataError(f"{error}; give spans, or the text that the attributions are about") from error
        return [Word("", 0, 0, 0)] * len(pieces)


def _stated_places(spans: Sequence[Any], pieces: Sequence[str], example: Example) -> list[Word]:
    if len(spans) != len(pieces):
        raise DataError(f"{len(pieces)} positions, but {len(spans)} spans; give one for each")
    words, segment, place = [], 0, 0
    for piece, span in zip(pieces, spans, strict=True):
        if span is None:  # a special token
            words.append(Word("", segment, place, place))
            continue
        if isinstance(span, Mapping):
            span = [span.get("segment", 0), span.get("start"), span.get("end")]
        if len(span) not in (2, 3) or not all(isinstance(one, int) for one in span):
            raise DataError(f"the span of {piece!r} is {span!r}; it is [start, end] or [segment, start, end]")
        if len(span) == 2 and len(example.texts) > 1:
            raise DataError(
                f"the span of {piece!r} is {span!r}; of a pair of texts it is [segment, start, end]"
            )
        segment, place, end = (0, *span) if len(span) == 2 else span
        if not (0 <= segment < len(example.texts) and 0 <= place <= end <= len(example.texts[segment])):
            raise DataError(f"the span of {piece!r}, {list(span)}, is outside the text")
        words.append(Word(example.texts[segment][place:end], segment, place, end))
        place = end
    return words
