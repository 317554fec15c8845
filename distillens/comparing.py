"""From the explanations of a task to its tables of agreement and drift.

Both tables compare within one explainer, on the same words, the attributions to one
class: the one that the first seed of the teacher predicts (a regression has one output).
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from distillens import tables
from distillens.metrics import agreement, calibration
from distillens.metrics.statistics import summaries
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
            # One output, whatever the number of classes: there is no class to choose.
            result.append(values[:, reference.predicted[name] if values.shape[1] > 1 else 0])
        return result


@dataclass(frozen=True)
class Family:
    """A teacher and its students under one explainer: the attributions that are compared."""

    explainer: str
    first: Run
    teachers: list[Run]
    students: list[Run]
    ids: list[str]
    values: dict[Run, list[Array]]


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
            )


def score_agreement(explanations: Sequence[FilePath], *, out: FilePath, **settings: Any) -> None:
    """Agreement of each student with its teacher, and of each two seeds of a teacher."""
    s = Settings(**settings)
    metrics = agreement.grid(s.metrics["overlap_k"])
    blocks = [tables.SCHEMAS["scores"].empty_table()]
    for family in families(explanations, s):
        pairs = [(student, family.first) for student in family.students]
        pairs += [(later, earlier) for earlier, later in itertools.combinations(family.teachers, 2)]
        for run, against in pairs:
            scores = agreement.agreements(family.values[run], family.values[against], metrics)
            summary = summaries(scores, s.resampling("agreement", family.explainer, *run, *against))
            where = {
                "task": s.task,
                **dict(zip(("model", "seed", "against", "against_seed"), (*run, *against), strict=True)),
                "explainer": family.explainer,
            }
            names, ks = zip(*metrics, strict=True)
            blocks.append(_block(len(metrics), where, metric=names, k=ks, **summary._asdict()))
            for (metric, k), values in zip(metrics, scores, strict=True):
                what = {**where, "metric": metric, "k": k}
                blocks.append(_block(len(values), what, example_id=family.ids, value=values))
    s.write(out, "scores", pa.concat_tables(blocks), explanations)


def score_drift(
    performance: FilePath, explanations: Sequence[FilePath], *, out: FilePath, **settings: Any
) -> None:
    """How far each student has drifted from its teacher, calibrated by the teacher's seeds."""
    s = Settings(**settings)
    gates = _gates(performance, s)
    metrics = [
        ("cosine", None),
        (calibration.HEADLINE, None),
        *(("overlap", k) for k in s.metrics["overlap_k"]),
    ]
    found = []
    for family in families(explanations, s):
        # A seed that failed to train says nothing about how alike good ones are.
        trusted = [run for run in family.teachers if run == family.first or not gates[run]]
        first = family.values[family.first]
        seeds = np.array(
            [
                agreement.agreements(family.values[b], family.values[a], metrics)
                for a, b in itertools.combinations(trusted, 2)
            ]
        ).reshape(-1, len(metrics), len(first))
        for student in family.students:
            own = family.values[student]
            agreed = agreement.agreements(own, first, metrics)
            chance = agreement.chances(own, first, metrics)
            for i, (metric, k) in enumerate(metrics):
                row = {
                    **dict(zip(("model", "seed"), student, strict=True)),
                    "teacher": family.first[0],
                    "explainer": family.explainer,
                    "metric": metric,
                    "k": k,
                    "n_teacher_seeds": len(trusted),
                }
                found.append((row, gates[student] or gates[family.first], agreed[i], seeds[:, i], chance[i]))
    flips = calibration.permutations_for(len(found), s.metrics["confidence"])
    rows = []
    for row, _, agreed, seeds, chance in tracked(found, "calibrate", "row"):
        resampling = s.resampling(
            "drift", row["explainer"], row["model"], row["seed"], row["metric"], row["k"]
        )
        rows.append(row | calibration.calibrate(agreed, seeds, chance, resampling, flips))
    judged = calibration.judge(rows, [gate for _, gate, *_ in found], s.metrics["confidence"])
    s.write(out, "drift", judged, [performance, *explanations])


def _gates(path: FilePath, settings: Settings) -> dict[Run, bool]:
    """Whether each run is no better than a constant, from the table of performance."""
    rows = tables.read(path, "scores").to_pylist()
    majority = [row["value"] for row in rows if row["metric"] == "majority" and row["task"] == settings.task]
    if len(majority) != 1:
        raise tables.TableError(
            f"{path}: {len(majority)} rows 'majority' of task {settings.task!r} instead of one; "
            "give what score_performance wrote for this task"
        )
    low = {
        (row["model"], row["seed"]): np.nan if row["low"] is None else row["low"]
        for row in rows
        if row["metric"] == settings.lead and row["model"] is not None
    }
    gates = {}
    for model, seeds in settings.seeds.items():
        for run in [(model, seed) for seed in seeds]:
            if run not in low:
                raise tables.TableError(
                    f"{path}: no {settings.lead!r} of {run[0]!r}, seed {run[1]}; run score_performance again"
                )
            gates[run] = calibration.gated(low[run], majority[0])
    return gates


def _block(rows: int, constant: dict[str, Any], **columns: Sequence | Array) -> pa.Table:
    """Rows of the table of scores: constants repeated, columns as they are, the rest null."""
    arrays = []
    for field in tables.SCHEMAS["scores"]:
        if field.name in columns:
            values = columns[field.name]
            arrays.append(pa.array(values, type=field.type, from_pandas=True))
        else:
            arrays.append(pa.repeat(pa.scalar(constant.get(field.name), type=field.type), rows))
    return pa.table(arrays, schema=tables.SCHEMAS["scores"])
