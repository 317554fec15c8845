"""Attributions that were computed elsewhere, from Parquet or JSON lines to the project's own table.

The form is described in ``docs/bring-your-own.md``. With ``unit: word`` values are summed
over the pieces of the shared words, so that they compare with any others; with ``unit:
token`` every stored position, special tokens included, stays what it is, so that a plain
cosine of what is stored comes out again.
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from distillens import tables
from distillens.attribution.token_alignment import NotFoundError, locate, occurrences
from distillens.data.labels import LabelRule
from distillens.data.read import DataError, listed, read_lines
from distillens.data.text import Example, Word, examples
from distillens.provenance import ExplanationId, digest

_LOG = logging.getLogger("distillens")
_NEEDED = ("example_id", "model", "explainer", "values")
_KNOWN = (*_NEEDED, "task", "seed", "words", "tokens", "spans", "target", "logits")
MAPPING = "mapping"

Row = dict[str, Any]


@dataclass(frozen=True)
class ImportSettings:
    """What the config says of attributions from elsewhere.

    Attributes
    ----------
    name : str
        What the file calls the model.
    missing : str or None
        What a word without a value becomes: ``zero``, ``intersection`` or, None, an error.
    unit : str
        ``word`` or ``token``; see above.
    task_settings : mapping
        The task's ``type`` and ``labels``.
    needed : sequence of str
        What rows must say besides: their ``task`` and ``seed``, where the study has several.
    """

    name: str
    missing: str | None
    unit: str
    task_settings: Mapping[str, Any]
    needed: Sequence[str]


def import_explanations(
    run: ExplanationId,
    settings: ImportSettings,
    *,
    explained: str | Path,
    test: str | Path,
    file: str | Path,
    out: str | Path,
    predictions: str | Path | None = None,
) -> None:
    """Write a model's attributions by one explainer as the table of kind ``explanations``.

    Parameters
    ----------
    run : ExplanationId
    settings : ImportSettings
    explained, test : str or Path
        The examples that the study explains, and all that the file may be about.
    file : str or Path
        The attributions.
    out : str or Path
        Target file.
    predictions : str or Path, optional
        What the model answers, where it can be asked: logits of rows that have none.

    Raises
    ------
    DataError
        If the file lacks an example, or for every row that is about none, has another
        length than its words, a value that is no number, or words that the text lacks.
    """
    chosen = {one.example_id: one for one in examples(tables.read(explained, "examples"))}
    others = set(tables.read(test, "examples")["example_id"].to_pylist())
    task, name = settings.task_settings, settings.name
    labels = task["labels"] if task["type"] == "classification" else None
    reader = _Reader(settings.unit, settings.missing, labels, _answers(predictions))
    by_example: dict[str, Row] = {}
    forms, problems = set(), []
    for number, row in _about(Path(file), run, settings):
        example_id = _plain(row["example_id"])
        try:
            if example_id not in chosen:
                if example_id not in others:
                    raise DataError(f"example {example_id!r} is not in the test split of {run.task!r}")
                continue
            if example_id in by_example:
                raise DataError(f"example {example_id!r} is explained twice by {run.explainer!r}")
            by_example[example_id], form = reader.row(row, chosen[example_id])
            forms.add(form)
        except DataError as error:
            problems.append(f"row {number}: {error}")
    absent = [one for one in chosen if one not in by_example]
    if absent and not problems:
        problems = [
            f"no attributions of {name!r} by {run.explainer!r} for {len(absent)} of {len(chosen)} "
            f"explained examples, such as {absent[0]!r}; add them, or choose others (tasks.*.explain)"
        ]
    if len(forms) > 1:
        problems.append(f"rows of {name!r} by {run.explainer!r} are of several forms: {sorted(forms)}")
    if problems:
        raise DataError(listed(str(file), problems))
    _LOG.info("%s: %d examples by %s", file, len(by_example), run.explainer)
    form = forms.pop() if forms else None
    provenance = {
        **run.provenance(),
        "settings": {"unit": settings.unit, "form": form, "missing": settings.missing},
        "brought": True,
        "file_sha256": digest(file),
        "named": name,
        "explained_sha256": digest(explained),
        "predictions_sha256": digest(predictions) if predictions else None,
    }
    tables.write(out, "explanations", [by_example[example_id] for example_id in chosen], provenance)


def _answers(predictions: str | Path | None) -> dict[str, list[float]]:
    """Logits of the unperturbed texts."""
    if predictions is None:
        return {}
    rows = tables.read(predictions, "predictions").to_pylist()
    return {row["example_id"]: row["logits"] for row in rows if row["perturbation"] == "none"}


def _about(path: Path, run: ExplanationId, settings: ImportSettings) -> Iterator[tuple[int, Row]]:
    """Rows of a file that are about a task, model, seed and explainer, with their numbers."""
    rows = _read(path)
    wanted = {"task": run.task, "model": settings.name, "seed": run.seed, "explainer": run.explainer}
    named: dict[str, set[str]] = {key: set() for key in wanted}
    any_of = False
    for number, row in enumerate(rows, start=1):
        row = {key: value for key, value in row.items() if value is not None}
        unknown = next((key for key in row if key not in _KNOWN), None)
        lacking = [key for key in (*_NEEDED, *settings.needed) if key not in row]
        if unknown or lacking:
            what = f"unknown key {unknown!r}" if unknown else f"no {lacking[0]!r}"
            raise DataError(f"{path}, row {number}: {what}; a row has {', '.join(_KNOWN)}")
        for key, values in named.items():
            values.add(_plain(row.get(key, wanted[key])))
        if all(_plain(row.get(key, wanted[key])) == str(wanted[key]) for key in wanted):
            any_of = True
            yield number, row
    if not any_of:
        there = "; ".join(f"{key}: {', '.join(sorted(values)) or 'none'}" for key, values in named.items())
        raise DataError(
            f"{path}: no rows of model {settings.name!r}, seed {run.seed}, by {run.explainer!r} "
            f"for task {run.task!r}; there are {there}; "
            f"set models.{run.model}.explanations.name, "
            "or call the study's explainers as the file does"
        )


def _plain(name: Any) -> str:
    """A name or number as text; a whole number that a table holds as 1.0 is 1."""
    return str(int(name)) if isinstance(name, float) and name.is_integer() else str(name)


def _read(path: Path) -> list[Row]:
    if path.suffix in (".json", ".jsonl"):
        try:
            return read_lines(path)
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: cannot be read: {error}") from error
    try:
        return pq.read_table(path, partitioning=None).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read as Parquet (or name it .jsonl): {error}") from error


@dataclass(frozen=True)
class _Reader:
    """Makes rows of the table of explanations."""

    unit: str
    missing: str | None
    labels: Sequence[str] | None
    answers: Mapping[str, list[float]]

    @property
    def outputs(self) -> int:
        return len(self.labels) if self.labels else 1

    def row(self, row: Row, example: Example) -> tuple[Row, str]:
        """The row of one example, and its form."""
        form, pieces, values = _form(row)
        target = self._target(row.get("target"))
        values = [self._by_class(value, target, piece) for piece, value in zip(pieces, values, strict=True)]
        widths = {len(value) for value in values}
        if len(widths) > 1:
            raise DataError("some positions have a value for each class, some have one value")
        if form == MAPPING:
            words, values = self._mapping(pieces, values, example)
        else:
            places = _places(row, pieces, example, strict=self.unit == "word")
            words = [Word(text, p.segment, p.start, p.end) for text, p in zip(pieces, places, strict=True)]
        if self.unit == "word":
            words, values = self._on_shared_words(words, values, example)
        width = max(map(len, values), default=1)
        logits = self._logits(row.get("logits", self.answers.get(example.example_id)))
        if width > 1 and target is None and logits is None:
            raise DataError("values for each class need logits, which say what class is compared")
        return {
            "example_id": example.example_id,
            "words": [word.text for word in words],
            "spans": [{"segment": w.segment, "start": w.start, "end": w.end} for w in words],
            "values": values,
            "base": [math.nan] * width,
            "output": [math.nan] * width,
            "logits": logits,
            "unseen": 0,
        }, form

    def _target(self, target: Any) -> int | None:
        """The class that single values are about, by name or number."""
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
            if isinstance(number, bool) or not isinstance(number, Real) or not math.isfinite(number):
                raise DataError(
                    f"the value of {piece!r} is {number!r}, not a finite number; compute it again or leave "
                    "the example out"
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
        if len(logits) != self.outputs or not all(
            isinstance(one, Real) and math.isfinite(one) for one in logits
        ):
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
        self, places: Sequence[Word], values: Sequence[list], example: Example
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
        if lacking and self.missing is None:
            raise DataError(
                f"{len(lacking)} words of the text have no value, such as {lacking[0]!r}; "
                "say explanations.missing: zero or intersection"
            )
        return list(example.words), sums


def _divided(value: float | None, by: int) -> float | None:
    return None if value is None else value / by


def _form(row: Row) -> tuple[str, list[str], list[Any]]:
    """What a row's positions are: words, tokens, or the words of a mapping; with their values."""
    columns = [key for key in ("words", "tokens") if key in row]
    values = row["values"]
    if isinstance(values, Mapping):
        values = list(values.items())
    pairs = bool(values) and all(
        isinstance(one, list | tuple) and len(one) == 2 and isinstance(one[0], str) for one in values
    )
    if pairs:
        if columns or "spans" in row:
            raise DataError(f"a word-to-value mapping has no {(columns or ['spans'])[0]!r} beside it")
        words = [word for word, _ in values]
        if len(set(words)) != len(words):
            raise DataError("a word stands twice in the mapping")
        return MAPPING, words, [value for _, value in values]
    if len(columns) != 1:
        raise DataError("needs either words or tokens, or values that are a word-to-value mapping")
    pieces = row[columns[0]]
    if len(pieces) != len(values):
        raise DataError(f"{len(pieces)} {columns[0]}, but {len(values)} values; give one for each")
    return columns[0], pieces, values


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
        segment, place, end = (0, *span) if len(span) == 2 else span
        if not (0 <= segment < len(example.texts) and 0 <= place <= end <= len(example.texts[segment])):
            raise DataError(f"the span of {piece!r}, {list(span)}, is outside the text")
        words.append(Word(example.texts[segment][place:end], segment, place, end))
        place = end
    return words
