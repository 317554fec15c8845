"""Attributions that were computed elsewhere, from Parquet or JSON lines to the project's own table.

The form is described in ``docs/bring-your-own.md``. With ``unit: word`` values are summed
over the pieces of the shared words, so that they compare with any others; with ``unit:
token`` every stored position, special tokens included, stays what it is, so that a plain
cosine of what is stored comes out again.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distillens import tables
from distillens.attribution.counterpart import unlike
from distillens.attribution.explanation_file import plain, rows_about
from distillens.attribution.explanation_rows import SINGLE, UNDEFINED, Reader, Taken
from distillens.attribution.text_fit import misplaced
from distillens.data.read import DataError, listed
from distillens.data.text import Example, examples, unit_of
from distillens.provenance import ExplanationId, digest

_LOG = logging.getLogger("distillens")


@dataclass(frozen=True)
class ImportSettings:
    """What the config says of attributions from elsewhere.

    Attributes
    ----------
    name : str
        What the file calls the model.
    missing : str or None
        What a word without a value becomes: ``zero``, ``intersection``, ``teacher`` or, None, an error.
    unit : str
        ``word`` or ``token``; see above.
    task_settings : mapping
        The task's ``type`` and ``labels``.
    needed : sequence of str
        What rows must say besides: their ``task`` and ``seed``, where the study has several.
    numbered : bool
        Whether ids are the numbers of the data's rows, since the task names no column.
    by_class : bool
        Whether they are compared with attributions that are computed here, for each class.
    """

    name: str
    missing: str | None
    unit: str
    task_settings: Mapping[str, Any]
    needed: Sequence[str]
    numbered: bool = False
    by_class: bool = False

    @property
    def labels(self) -> Sequence[str] | None:
        """The classes; None for a regression."""
        task = self.task_settings
        return task["labels"] if task["type"] == "classification" else None


def import_explanations(
    run: ExplanationId,
    settings: ImportSettings,
    *,
    explained: str | Path,
    test: str | Path,
    file: str | Path,
    out: str | Path,
    predictions: str | Path | None = None,
    reference: str | Path | None = None,
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
    reference : str or Path, optional
        Attributions from elsewhere that these are compared with: of a student its teacher's, of a
        teacher's further run those of its first.

    Raises
    ------
    DataError
        If the file lacks an example, or for every row that is about none or about another text
        than it says, has another length than its words, a value that is no number, or words that
        the text lacks; or that cannot be compared with the reference.
    """
    chosen = {one.example_id: one for one in examples(tables.read(explained, "examples"))}
    every = {one.example_id: one for one in examples(tables.read(test, "examples"))}
    taken, problems = _taken(Path(file), run, settings, chosen, every, _answers(predictions))
    texts = {name: one.texts for name, one in every.items()}
    elsewhere = misplaced([one for one, _ in taken.values()], texts, settings.numbered)
    # Of a row that is about another text, nothing else needs saying.
    problems = [*elsewhere, *(one for one in problems if _row(one) not in {_row(two) for two in elsewhere})]
    rows = {name: row for name, (_, row) in taken.items() if row is not None}
    forms = {row.pieces.form for row in rows.values() if row.kind is not None}
    form = forms.pop() if len(forms) == 1 else None
    problems += _of_several_kinds(list(rows.values()), forms, run, settings)
    if reference is not None and not problems:
        problems = unlike(list(rows.values()), form, settings.unit, settings.missing, reference)
    absent = [name for name in chosen if name not in taken]
    if absent and not problems:
        problems = [
            f"no attributions of {settings.name!r} by {run.explainer!r} for {len(absent)} of {len(chosen)} "
            f"explained examples, such as {absent[0]!r}; add them, or choose others (tasks.*.explain); "
            + UNDEFINED
        ]
    undefined = sum(row.kind is None for row in rows.values())
    if undefined == len(rows) and not problems:
        problems = [f"no row of {settings.name!r} by {run.explainer!r} has a value"]
    if problems:
        raise DataError(listed(str(file), sorted(problems, key=_row)))
    _LOG.info("%s: %d examples by %s, of which %d undefined", file, len(rows), run.explainer, undefined)
    single = any(row.kind == SINGLE for row in rows.values())
    width = 1 if single or not settings.labels else len(settings.labels)
    provenance = {
        **run.provenance(),
        "settings": {"unit": settings.unit, "form": form, "missing": settings.missing},
        **unit_of(list(chosen.values())),
        "brought": True,
        "file_sha256": digest(file),
        "named": settings.name,
        "explained_sha256": digest(explained),
        "predictions_sha256": digest(predictions) if predictions else None,
        "reference_sha256": digest(reference) if reference else None,
    }
    tables.write(out, "explanations", [_stored(rows[name], width) for name in chosen], provenance)


def _taken(
    path: Path,
    run: ExplanationId,
    settings: ImportSettings,
    chosen: Mapping[str, Example],
    every: Mapping[str, Example],
    answers: Mapping[str, list[float]],
) -> tuple[dict[str, tuple[Any, Taken | None]], list[str]]:
    """The words of each example's row, and the row where it could be read; what is wrong with others."""
    reader = Reader(settings.unit, settings.missing, settings.labels, answers)
    taken: dict[str, tuple[Any, Taken | None]] = {}
    problems = []
    for number, row in rows_about(path, run, settings.name, settings.needed):
        example_id = plain(row["example_id"])
        try:
            if example_id not in every:
                from_one = "; ids of data without an id column are the numbers of its rows, from 1"
                raise DataError(
                    f"example {example_id!r} is not in the test split of {run.task!r}"
                    + (from_one if settings.numbered else "")
                )
            if example_id not in chosen:
                continue
            if example_id in taken:
                raise DataError(f"example {example_id!r} is explained twice by {run.explainer!r}")
            pieces = reader.pieces(row, number, chosen[example_id])
            taken[example_id] = (pieces, None)
            taken[example_id] = (pieces, reader.row(row, pieces, chosen[example_id]))
        except DataError as error:
            problems.append(f"row {number}: {error}")
    return taken, problems


def _of_several_kinds(
    rows: Sequence[Taken], forms: set[str], run: ExplanationId, settings: ImportSettings
) -> list[str]:
    """Rows of one explainer that are not of one form, or do not all say which class they are about."""
    problems = []
    if len(forms) > 1:
        whose = f"rows of {settings.name!r} by {run.explainer!r}"
        problems.append(f"{whose} are of several forms: {sorted(forms)}")
    defined = [row for row in rows if row.kind is not None]
    single = [row for row in defined if row.kind == SINGLE]
    say = "say with target which class single values are about"
    if single and settings.by_class:
        problems.append(
            f"row {single[0].number}: its values are for no class, and those that are computed here are for "
            f"each; {say}"
        )
    elif single and len(single) < len(defined):
        other = next(row for row in defined if row.kind != SINGLE)
        problems.append(
            f"row {single[0].number}: its values are for no class, those of row {other.number} are "
            f"{other.kind}; {say}, in all rows or in none"
        )
    bare = [row for row in defined if row.stored["logits"] is None]
    if bare and len(bare) < len(defined):
        problems.append(
            f"row {bare[0].number}: it has no logits and others have; give them in all rows or in none"
        )
    return problems


def _row(problem: str) -> int:
    """The number of the row that a line is about; 0 for the whole file."""
    first, _, rest = problem.partition(" ")
    return int(rest.partition(":")[0]) if first == "row" else 0


def _stored(row: Taken, width: int) -> dict[str, Any]:
    nothing = [None] * width
    values = row.stored["values"] if row.kind is not None else [nothing] * len(row.stored["values"])
    return {**row.stored, "values": values, "base": [math.nan] * width, "output": [math.nan] * width}


def _answers(predictions: str | Path | None) -> dict[str, list[float]]:
    """Logits of the unperturbed texts."""
    if predictions is None:
        return {}
    rows = tables.read(predictions, "predictions").to_pylist()
    return {row["example_id"]: row["logits"] for row in rows if row["perturbation"] == "none"}
