"""Explanations read for comparison: the same examples, the same words, one class."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from distillens import tables
from distillens.outputs import towards
from distillens.runlog import tracked
from distillens.scoring_inputs import FilePath, Run, Settings, by_identity

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Attributions:
    """What one file of explanations says of each example."""

    path: Path
    words: dict[str, list[str]]
    values: dict[str, Array]
    predicted: dict[str, int]
    incomparable: set[str]

    @classmethod
    def read(cls, path: Path) -> "Attributions":
        """Read a file; values have shape (n_words, outputs)."""
        words, values, predicted, incomparable = {}, {}, {}, set()
        columns = ["example_id", "words", "values", "logits", "unseen"]
        # Pieces of unlike tokenizers cannot be compared, any more than texts incomparable at unlike words.
        in_tokens = tables.provenance(path).get("settings", {}).get("unit") == "token"
        for row in tables.read(path, "explanations").select(columns).to_pylist():
            name = row["example_id"]
            if name in words:
                raise tables.TableError(
                    f"{path}: example {name!r} is explained twice; delete it and run again"
                )
            if len(row["words"]) != len(row["values"]):
                raise tables.TableError(
                    f"{path}: example {name!r} has {len(row['words'])} words and "
                    f"{len(row['values'])} values; delete it and run again"
                )
            words[name] = row["words"]
            # A text without words has values of no words, still one column.
            values[name] = np.array(row["values"], dtype=np.float64).reshape(
                len(row["words"]), -1 if row["words"] else 1
            )
            predicted[name] = int(np.argmax(row["logits"]))
            if row["unseen"] or in_tokens:
                incomparable.add(name)
        return cls(path, words, values, predicted, incomparable)

    def towards(self, reference: "Attributions") -> list[Array]:
        """Attributions to the class that the reference predicts, in the reference's order.

        Where one of the models was too short for the text and they saw different words,
        they cannot be compared: NaN, which makes every agreement undefined.

        Raises
        ------
        TableError
            If the two files are not about the same examples, words and outputs.
        """
        both = f"{self.path} and {reference.path}"
        if self.words.keys() != reference.words.keys():
            name = sorted(self.words.keys() ^ reference.words.keys())[0]
            raise tables.TableError(f"{both}: example {name!r} is in only one of them; run explain again")
        result = []
        for name, words in reference.words.items():
            values = self.values[name]
            if self.words[name] != words:
                if name not in self.incomparable | reference.incomparable:
                    raise tables.TableError(
                        f"{both}: different words for example {name!r}; explanations of one task "
                        "share their words, run explain again for both"
                    )
                values = np.full(reference.values[name].shape, np.nan)
            if values.shape != reference.values[name].shape:
                raise tables.TableError(
                    f"{both}: values of shapes {values.shape} and {reference.values[name].shape} for "
                    f"example {name!r}; explain both with the same outputs"
                )
            result.append(towards(values, reference.predicted[name]))
        return result


@dataclass(frozen=True)
class Family:
    """A teacher and its students under one explainer: the attributions that are compared.

    ``values`` are those of each run towards the class that ``first`` predicts, ``predicted``
    the class that the run itself does; both in the order of ``ids``.
    """

    explainer: str
    first: Run
    teachers: list[Run]
    students: list[Run]
    ids: list[str]
    values: dict[Run, list[Array]]
    predicted: dict[Run, list[int]]
    reference: Attributions

    @property
    def models(self) -> list[Run]:
        """The first run of the teacher and of each student."""
        firsts = {model: (model, seed) for model, seed in reversed(self.students)}
        return [self.first, *reversed(firsts.values())]


def families(paths: Iterable[FilePath], settings: Settings) -> Iterator[Family]:
    """Read the explanations, one explainer and one teacher at a time.

    Raises
    ------
    TableError
        If an explainer lacks one of the runs of the settings.
    """
    files = by_identity(paths, settings, "explainer")
    for explainer in tracked(sorted({identity[2] for identity in files}), "compare", "explainer"):
        for teacher in [model for model, of in settings.teachers.items() if of is None]:
            students = [model for model, of in settings.teachers.items() if of == teacher]
            runs = {
                model: [(model, seed) for seed in settings.seeds[model]] for model in (teacher, *students)
            }
            every = list(itertools.chain(*runs.values()))
            for model, seed in every:
                if (model, seed, explainer) not in files:
                    raise tables.TableError(
                        f"task {settings.task!r}: no explanations of {model!r}, seed {seed}, "
                        f"by {explainer!r} among the inputs; add the file"
                    )
            read = {run: Attributions.read(files[(*run, explainer)]) for run in every}
            reference = read[runs[teacher][0]]
            values = {run: attributions.towards(reference) for run, attributions in read.items()}
            yield Family(
                explainer,
                runs[teacher][0],
                runs[teacher],
                every[len(runs[teacher]) :],
                list(reference.words),
                values,
                {run: [read[run].predicted[name] for name in reference.words] for run in every},
                reference,
            )


def block(rows: int, constant: dict[str, Any], **columns: Sequence | Array) -> pa.Table:
    """Rows of the table of scores: constants repeated, columns as they are, the rest null."""
    arrays = []
    for field in tables.SCHEMAS["scores"]:
        if field.name in columns:
            values = columns[field.name]
            arrays.append(pa.array(values, type=field.type, from_pandas=True))
        else:
            arrays.append(pa.repeat(pa.scalar(constant.get(field.name), type=field.type), rows))
    return pa.table(arrays, schema=tables.SCHEMAS["scores"])
