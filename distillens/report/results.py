"""A study's results as tidy frames, for whatever the page does not show."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import softmax

from distillens import tables
from distillens.config import yaml_file
from distillens.config.label_views import judged
from distillens.config.study import Study
from distillens.tables import TableError

_RUN = ["task", "model", "seed"]


def load(folder: str | Path) -> "Results":
    """Open the results of a study.

    Parameters
    ----------
    folder : str or Path
        ``results/STUDY``.

    Returns
    -------
    Results
        Frames are read when they are first asked for.

    Raises
    ------
    TableError
        If there is no such folder, or nothing of a study in it.

    Examples
    --------
    >>> load("nowhere")
    Traceback (most recent call last):
    distillens.tables.TableError: nowhere: no such folder; give results/STUDY
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise TableError(f"{folder}: no such folder; give results/STUDY")
    if not any(folder.glob("*/*/*.parquet")):
        raise TableError(
            f"{folder}: no tables of a study in it; give results/STUDY, once the workflow has run"
        )
    return Results(folder)


@dataclass(frozen=True)
class Results:
    """A study's tables as tidy frames: one observation per row, one variable per column.

    In every frame ``task``, ``model`` and ``seed`` say which run a row is about, or ``student``
    which model. What is not there (a study without perturbations, say) is a frame without rows.
    """

    folder: Path

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The study's config, its defaults filled in; its name is ``name``.

        A task with several labels is not among its ``tasks``, but each of its labels, as in all tables.
        """
        path = self.folder / "report" / "study.yaml"
        if not path.is_file():
            raise TableError(f"{path}: no such file; run the workflow up to its report")
        settings = yaml_file.read(path)
        return {**settings, "tasks": judged(settings["tasks"])}

    @cached_property
    def attributions(self) -> pd.DataFrame:
        """One row per word and class of an explained text.

        ``task model seed explainer example_id``; ``position`` of the word in the text, from 0;
        ``word`` (a sentence, say, if that is the study's unit);
        ``segment`` (0: the first text, 1: the second), ``start``, ``end`` (characters);
        ``label`` of the class (null for a regression's one output, and where attributions from
        elsewhere do not say for which class they are); ``value``, the attribution to it (null where
        there is none); ``output`` and ``base``, the explained output of the class for the whole text
        and for the text without words (null where the explainer has none).
        """
        return self._joined("explanations", "explanations/{task}/*/*/*.parquet", self._attributions)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per text, unchanged or perturbed, that a run has answered.

        ``task model seed example_id``; ``perturbation`` (``none``: unchanged) and ``repeat``;
        ``gold`` and ``predicted`` (names of classes; of a regression the scores);
        ``confidence``, the probability of the prediction (null for a regression); ``correct``
        (null for a regression). Without labels ``gold`` and ``correct`` are null.
        """
        return self._joined("predictions", "predictions/{task}/*/*.parquet", self._predictions)

    @cached_property
    def agreement(self) -> pd.DataFrame:
        """One row per explained text, pair of runs, explainer and metric.

        ``task model seed against against_seed``; ``explainer``; ``metric`` and ``k``;
        ``example_id``; ``value`` (null: undefined). Means over texts, with intervals, are in
        `scores`.
        """
        frame = self._scores[self._scores["example_id"].notna() & self._scores["against"].notna()]
        frame = frame[frame["explainer"].notna() & frame["probe"].isna() & frame["subset"].isna()]
        columns = [*_RUN, "against", "against_seed", "explainer", "metric", "k", "example_id", "value"]
        return frame[columns].reset_index(drop=True)

    @cached_property
    def drift(self) -> pd.DataFrame:
        """One row per student, explainer and metric: how far it is from its teacher.

        ``task student teacher explainer metric k``; ``agreement``, ``ceiling``, ``explainer_ceiling``,
        ``floor``, ``normalised`` and ``drift``, each with ``_low`` and ``_high``, the ends of its interval;
        ``student_explainer_ceiling``; ``margin``, what drift must be below for "no drift found"; ``n`` texts,
        ``n_undefined`` without a value, ``n_groups`` independent ones; ``n_runs`` and ``n_teacher_runs``
        that count, ``n_gated_runs`` that do not; ``p_drift``, ``p_no_drift``, ``p_adjusted`` (Holm);
        ``effect_size``; ``run_spread``, by how much runs differ; ``teacher_runs_missing`` and
        ``student_runs_missing`` for any verdict, and for a sure one ``texts_needed_drift``,
        ``texts_needed_no_drift``, likewise ``teacher_runs_needed_drift``, ``teacher_runs_needed_no_drift``,
        ``student_runs_needed_drift`` and ``student_runs_needed_no_drift``; ``p_drift_at`` and
        ``p_no_drift_at``, the p-values at other ``tolerances``; ``gated``; ``verdict``.
        """
        return self._joined("drift", "metrics/drift.parquet")

    @cached_property
    def text_agreement(self) -> pd.DataFrame:
        """One row per student, explainer and explained text: what ``agreement`` in `drift` is the mean of.

        ``task student teacher explainer example_id``; ``agreement`` (Spearman), over all pairs of runs that
        count; null where it is undefined.
        """
        return self._joined("text_agreement", "metrics/*/text_agreement.parquet")

    @cached_property
    def placements(self) -> pd.DataFrame:
        """One row per student, explainer, metric and kind of damage; none where there is no ladder.

        ``task student teacher explainer metric k``. Rows without a ``kind`` are over all kinds:
        ``agreement``, ``equal_answers`` and ``excess`` with bounds, the ``reference`` with the agreement that
        it has (``accepted``), ``p_drift``, ``p_no_drift``, ``p_chance``, ``p_adjusted`` and ``verdict``. Rows
        of a ``kind`` have the equivalent ``dose`` with bounds (null and ``beyond`` past the last rung) and
        the excess by that kind. A student that is the teacher stands for its own runs.
        """
        return self._joined("placements", "metrics/*/placements.parquet")

    @cached_property
    def ladders(self) -> pd.DataFrame:
        """One row per rung, explainer and metric: a damaged copy of a teacher.

        ``task teacher explainer metric k``; ``kind`` and ``dose`` of the damage, ``draws``;
        ``agreement`` with the teacher and share of ``equal_answers``, with bounds; ``n``, ``n_undefined``.
        """
        return self._joined("ladders", "metrics/*/ladders.parquet")

    @cached_property
    def plans(self) -> pd.DataFrame:
        """One row per student and explainer: how many texts a verdict needs, by the noise and not the effect.

        ``task student teacher explainer``; the ``reference``; the ``difference`` that shall be told, the
        ``spread`` of one text, ``n`` texts that are there and ``texts`` that are needed (null: no number of
        them is enough); ``gated``. None without ``explain.until``, before `distillens extend`.
        """
        return self._joined("plan", "metrics/*/plan.parquet")

    @cached_property
    def word_shifts(self) -> pd.DataFrame:
        """One row per student, explainer and group of words: how much more it leans on them.

        ``task student teacher explainer``; ``kind`` (``word``, ``part``, ``sense``) and ``name``;
        ``n`` texts, ``words``, ``groups`` compared at once; ``share_teacher``,
        ``share_student``; ``shift`` with ``shift_low`` and ``shift_high``.
        """
        return self._joined("word_shifts", "metrics/*/word_shifts.parquet")

    @cached_property
    def gap_closed(self) -> pd.DataFrame:
        """One row per task, baseline, other student, explainer and metric; none without baselines.

        ``task student baseline teacher explainer metric k``; ``gain`` in agreement with the teacher and the
        ``share`` of the baseline's drift that it closes, with bounds; ``p_value``, ``p_adjusted`` (Holm);
        ``n n_undefined n_runs n_baseline_runs gated``. Rows without an explainer compare the answers.
        """
        return self._joined("gap_closed", "metrics/*/gap_closed.parquet")

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per score over all texts of a task, of a bucket of it or of a probe.

        The columns are those of the kind ``scores`` (docs/tables.md), but for ``example_id``. Which are
        filled says what a row is about: ``perturbation`` robustness, ``ranking`` faithfulness,
        ``probe`` a probe, ``subset`` without a probe a bucket, ``against_explainer`` two
        explainers of one run, ``against`` with ``explainer`` two runs, none of them performance.
        """
        frame = self._scores[self._scores["example_id"].isna()]
        return frame.drop(columns="example_id").reset_index(drop=True)

    @cached_property
    def costs(self) -> pd.DataFrame:
        """One row per run: what it takes.

        ``task model seed``; ``parameters`` and how many are ``nonzero``; ``file_bytes`` of the
        weights, ``packed_bytes`` of the file compressed, ``graph_bytes`` of the ONNX graph;
        ``backend``, ``device`` and ``precision`` that it runs on; ``latency_ms`` (median over
        ``texts`` texts, one at a time on one thread) with its quartiles ``latency_low`` and
        ``latency_high``; null where the backend only simulates the model.
        """
        return self._joined("costs", "costs/*/*/*.parquet")

    @cached_property
    def trainings(self) -> pd.DataFrame:
        """One row per run that was trained or compressed: what that took.

        ``task model seed``; ``steps`` and ``epochs``; ``wall_seconds`` and ``cpu_seconds``, with what the
        teacher was asked before; ``device``.
        """
        return self._joined("trainings", "trainings/*/*/*.parquet")

    @cached_property
    def _scores(self) -> pd.DataFrame:
        others = (
            "calibration",
            "text_agreement",
            "word_shifts",
            "gap_closed",
            "placements",
            "ladders",
            "plan",
        )
        paths = [path for path in self.paths("metrics/*/*.parquet") if path.stem not in others]
        return _concatenated("scores", [tables.read(path, "scores") for path in paths])

    def paths(self, pattern: str) -> list[Path]:
        """Files of a pattern that the config names; ``{task}`` stands for each task that is judged.

        A config that was changed leaves files of what it named before: of other seeds, models or tasks, of a
        ladder, or of baselines. They are no part of the study.
        """
        tasks = self.settings["tasks"] if "{task}" in pattern else [""]
        files = (path for task in tasks for path in self.folder.glob(pattern.format(task=task)))
        return sorted(path for path in files if self._names(path))

    def _names(self, path: Path) -> bool:
        kind, *rest = path.relative_to(self.folder).with_suffix("").parts
        if len(rest) < 2:  # of the whole study
            return True
        task, *rest = rest
        if task not in self._named["tasks"]:
            return False
        if kind in ("data", "metrics"):
            return kind == "data" or self._asks(rest[0], task)
        return tuple(rest[:2]) in self._named["runs"] and (
            len(rest) < 3 or rest[2] in self._named["explainers"][rest[0]]
        )

    def _asks(self, table: str, task: str) -> bool:
        """Whether the config asks for a table of scores; most are always made."""
        settings = self.settings
        asked = {
            **dict.fromkeys(("placements", "ladders"), (settings.get("reference") or {}).get("ladder")),
            "gap_closed": settings.get("baselines"),
            "stability": (settings.get("stability") or {}).get("explainers"),
            "probes": settings["tasks"].get(task, {}).get("probes"),
        }
        return bool(asked.get(table, True))

    @cached_property
    def _named(self) -> dict[str, Any]:
        """The tasks, runs and explainers of each model, as they are called in paths."""
        study = Study(self.settings)
        return {
            "tasks": {name for task in self.settings["tasks"] for name in (task, study.asked_task(task))},
            "runs": {(model, str(seed)) for model, seed in study.runs()},
            "explainers": {model: study.explainers_of(model) for model in self.settings["models"]},
        }

    def _joined(
        self, kind: str, pattern: str, read: Callable[[Path, pa.Table], pd.DataFrame] | None = None
    ) -> pd.DataFrame:
        paths = self.paths(pattern)
        if read is None:
            return _concatenated(kind, [tables.read(path, kind) for path in paths])
        frames = [read(path, tables.read(path, kind)) for path in paths]
        empty = pd.DataFrame(columns=_COLUMNS[kind])
        return pd.concat(frames, ignore_index=True) if frames else empty

    def _attributions(self, path: Path, table: pa.Table) -> pd.DataFrame:
        source = tables.provenance(path)
        labels = self._labels[source["task"]] or [None]
        columns: dict[str, list[Any]] = {}
        for example in table.to_pylist():
            for name, values in _words(example, labels).items():
                columns.setdefault(name, []).append(values)
        frame = pd.DataFrame({name: np.concatenate(parts) for name, parts in columns.items()})
        frame = frame.assign(**{name: source[name] for name in (*_RUN, "explainer")})
        return frame.reindex(columns=_COLUMNS["explanations"])

    def _predictions(self, path: Path, table: pa.Table) -> pd.DataFrame:
        source = tables.provenance(path)
        frame = table.select(["example_id", "perturbation", "repeat"]).to_pandas()
        logits = _matrix(table["logits"])
        gold = self._gold[source["task"]].reindex(frame["example_id"])
        labels = self._labels[source["task"]]
        frame = frame.assign(**{name: source[name] for name in _RUN})
        if logits.shape[1] == 1:
            frame = frame.assign(gold=gold["label"].to_numpy(), predicted=logits[:, 0])
            frame = frame.assign(confidence=np.nan, correct=None)
        else:
            best = logits.argmax(1)
            frame["gold"] = [None if pd.isna(number) else labels[int(number)] for number in gold["label"]]
            frame["predicted"] = [labels[number] for number in best]
            frame["confidence"] = softmax(logits.astype(np.float64), axis=1).max(1)
            right = (frame["gold"] == frame["predicted"]).astype(object)
            frame["correct"] = right.where(frame["gold"].notna(), None)
        return frame[_COLUMNS["predictions"]]

    @cached_property
    def _labels(self) -> dict[str, list[str]]:
        return {name: task["labels"] for name, task in self.settings["tasks"].items()}

    @cached_property
    def _gold(self) -> dict[str, pd.DataFrame]:
        paths = {path.parent.name: path for path in self.paths("data/*/test.parquet")}
        read = {task: tables.read(path, "examples").to_pandas() for task, path in paths.items()}
        return {task: frame.set_index("example_id") for task, frame in read.items()}


_COLUMNS = {
    "explanations": [
        *_RUN, "explainer", "example_id", "position", "word", "segment", "start", "end",
        "label", "value", "output", "base",
    ],
    "predictions": [
        *_RUN, "example_id", "perturbation", "repeat", "gold", "predicted", "confidence", "correct",
    ],
}  # fmt: skip


def _words(example: dict[str, Any], labels: list[str | None]) -> dict[str, np.ndarray]:
    """The rows of an example, word by word and in it class by class; none for a text without words."""
    if len(example["base"]) != len(labels):  # from elsewhere, for a class that is not named
        labels = [None]
    words, outputs = len(example["words"]), len(labels)
    of_words = {"word": np.array(example["words"], dtype=object), "position": np.arange(words)}
    of_words |= {
        part: np.array([span[part] for span in example["spans"]], dtype=np.int64)
        for part in ("segment", "start", "end")
    }
    of_classes = {"label": np.array(labels, dtype=object)}
    of_classes |= {part: np.array(example[part], dtype=np.float64) for part in ("output", "base")}
    return {
        "example_id": np.array([example["example_id"]] * words * outputs, dtype=object),
        **{name: np.repeat(column, outputs) for name, column in of_words.items()},
        **{name: np.tile(column, words) for name, column in of_classes.items()},
        "value": np.asarray(example["values"], dtype=np.float64).reshape(words * outputs),
    }


def _matrix(column: pa.ChunkedArray) -> np.ndarray:
    whole = column.combine_chunks()
    return whole.flatten().to_numpy().reshape(len(whole), -1)


def _concatenated(kind: str, read: list[pa.Table]) -> pd.DataFrame:
    empty = tables.SCHEMAS[kind].empty_table()
    return pa.concat_tables([empty, *(t.replace_schema_metadata() for t in read)]).to_pandas(
        types_mapper={
            pa.int16(): pd.Int64Dtype(),
            pa.int32(): pd.Int64Dtype(),
            pa.int64(): pd.Int64Dtype(),
        }.get
    )
