"""What `bench.detection` compares: a number for each text and each two runs, higher is more alike."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import log_softmax, softmax
from scipy.stats import rankdata

from bench.finished import score_settings, study_of
from distillens import tables
from distillens.evaluation.gates import gates_of
from distillens.evaluation.inputs import Run, Settings
from distillens.evaluation.run_agreement import RunAgreement
from distillens.evaluation.teacher_groups import teacher_groups
from distillens.metrics.run_pairs import RunPairs, mean_of_pairs
from distillens.report.results import Results

_METRICS = [("spearman", None), ("cosine", None), ("overlap_corrected", 3)]
_NEIGHBOURS = 10
Pairwise = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Measure:
    """How alike runs are, text by text.

    Attributes
    ----------
    students : dict of RunPairs
        Each student's runs with its teacher's.
    teachers : ndarray, shape (runs, runs, n)
        The teacher's runs with each other.
    """

    name: str
    students: dict[str, RunPairs]
    teachers: np.ndarray

    @property
    def texts(self) -> int:
        """How many."""
        return self.teachers.shape[-1]

    def drift(self, student: str) -> float:
        """C - S on all texts."""
        return float(np.nanmean(mean_of_pairs(self.teachers)) - np.nanmean(self.students[student].mean()))


def measures_of(results: Results, task: str) -> Iterator[Measure]:
    """All measures of a task: of explanations, then of what is cheaper."""
    own = score_settings(study_of(results), task)
    folder = results.folder
    files = sorted((folder / "explanations" / task).glob("*/*/[a-z]*.parquet"))
    gates = gates_of(folder / "metrics" / task / "performance.parquet", own)
    for group in teacher_groups(files, own):
        compared = RunAgreement.of(group, _METRICS, gates)
        of_students = {student: compared.of_student(student) for student in group.by_student}
        for place, (metric, k) in enumerate(_METRICS):
            pairs = {student: by_metric[place][0] for student, by_metric in of_students.items()}
            name = f"{group.explainer}, {metric}{f' {k}' if k else ''}"
            yield Measure(name, pairs, compared.between[:, :, place])
    yield from _of_answers(folder, task, own)


def _of_answers(folder: Path, task: str, s: Settings) -> Iterator[Measure]:
    texts = tables.read(folder / "data" / task / "explained.parquet", "examples").to_pandas()
    texts = texts.set_index("example_id")
    labels = np.array([s.task_settings["labels"].index(name) for name in texts["label_name"]])
    logits, edited = {}, {}
    for path in sorted((folder / "predictions" / task).glob("*/[0-9]*.parquet")):
        run = (path.parent.name, int(path.stem))
        frame = tables.read(path, "predictions").to_pandas()
        plain = frame["perturbation"] == "none"
        own = frame[plain].set_index("example_id")["logits"]
        logits[run] = np.stack(own[texts.index].to_list())
        if not plain.all():
            edited[run] = _answers(frame[~plain])
    right = {run: (own.argmax(1) == labels).astype(float) for run, own in logits.items()}
    briers = {
        run: -((softmax(own, axis=1) - np.eye(own.shape[1])[labels]) ** 2).sum(1)
        for run, own in logits.items()
    }
    yield _measure("accuracy", right, _first, s)
    yield _measure("Brier score", briers, _first, s)
    yield _measure("equal answers", logits, _equal, s)
    yield _measure("KL of answers", logits, _kl, s)
    yield _measure("distance of answers", logits, _distance, s)
    if edited:
        yield _measure("equal answers to edited texts", edited, _equal_where_edited, s)
    spaces = {
        (model, seed): _neighbours(folder / "models" / task / model / str(seed), texts["text_a"].tolist())
        for model, seed in logits
    }
    yield _measure("nearest neighbours", spaces, lambda a, b: (a & b).sum(1) / _NEIGHBOURS, s)


def _measure(name: str, of_runs: dict[Run, np.ndarray], pairwise: Pairwise, s: Settings) -> Measure:
    """A measure of what each run is by itself, one row for each text."""
    (teacher,) = set(s.teachers.values()) - {None}
    teachers = [run for run in of_runs if run[0] == teacher]
    n = len(next(iter(of_runs.values())))
    between = np.full((len(teachers), len(teachers), n), np.nan)
    for i, j in itertools.combinations(range(len(teachers)), 2):
        pair = of_runs[teachers[i]], of_runs[teachers[j]]
        between[i, j] = between[j, i] = (pairwise(*pair) + pairwise(*pair[::-1])) / 2
    students = {}
    for student in [one for one, of in s.teachers.items() if of == teacher]:
        runs = [run for run in of_runs if run[0] == student]
        values = np.array([[pairwise(of_runs[run], of_runs[one]) for one in teachers] for run in runs])
        paired = s.teacher_seeds.get(student)
        place = [teachers.index((teacher, seed)) for seed in paired] if paired else None
        students[student] = RunPairs.of(values, place)
    return Measure(name, students, between)


def _first(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What the first run is by itself: C - S is what it lacks beside its teacher's runs."""
    return a


def _equal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a.argmax(1) == b.argmax(1)).astype(float)


def _equal_where_edited(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Share of a text's edits; one that is not possible is NaN in both."""
    return ((a == b) | np.isnan(a)).mean(1)


def _kl(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Less both divergences."""
    one, other = log_softmax(a, axis=1), log_softmax(b, axis=1)
    return -((np.exp(one) - np.exp(other)) * (one - other)).sum(1)


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """One less the total variation."""
    return 1 - np.abs(softmax(a, axis=1) - softmax(b, axis=1)).sum(1) / 2


def _answers(frame: pd.DataFrame) -> np.ndarray:
    """Answers to the edits of each text, one row a text."""
    frame = frame.assign(answer=[int(np.argmax(row)) for row in frame["logits"]])
    wide = frame.pivot_table(index="example_id", columns=["perturbation", "repeat"], values="answer")
    return wide.sort_index().to_numpy()


def _neighbours(model: Path, texts: Sequence[str]) -> np.ndarray:
    """Which texts are among a text's nearest in the encoder's last layer, shape (texts, texts).

    How many two models share is a similarity of representations (mutual nearest neighbours; Huh et al. 2024).
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    encoder: Any = AutoModel.from_pretrained(model, local_files_only=True).eval()
    states = []
    with torch.inference_mode():
        for at in range(0, len(texts), 64):
            few = tokenizer(texts[at : at + 64], padding=True, truncation=True, return_tensors="pt")
            states.append(encoder(**few).last_hidden_state[:, 0].float().numpy())
    points = np.concatenate(states)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    near = points @ points.T
    np.fill_diagonal(near, -np.inf)
    return rankdata(-near, axis=1, method="ordinal") <= _NEIGHBOURS
