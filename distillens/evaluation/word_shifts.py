"""From the explanations of a task to the words and kinds of words whose attribution moved."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from distillens import tables
from distillens.data.text import Example, examples
from distillens.evaluation.inputs import FilePath, Settings
from distillens.evaluation.rows import write_scores
from distillens.evaluation.teacher_groups import TeacherGroup, teacher_groups
from distillens.evaluation.word_classes import kinds
from distillens.metrics import word_shifts

Groups = dict[tuple[str, str], list[np.ndarray]]
"""From (teacher_group, name) to flags of each text's words."""


def score_word_shifts(
    explained: FilePath, explanations: Sequence[FilePath], *, settings: Settings, out: FilePath
) -> None:
    """Write how the shares of words, parts of speech and senses differ between students and teachers.

    Parameters
    ----------
    explained : path
        The texts.
    explanations : sequence of paths
        Explanations of all runs.
    settings : Settings
    out : path
        Table of kind ``word_shifts``: a row for each student, explainer and group of words.
    """
    texts = {example.example_id: example for example in examples(tables.read(explained, "examples"))}
    rows: list[dict[str, Any]] = []
    lengths: list[int] = []
    groups: Groups = {}
    for teacher_group in teacher_groups(explanations, settings):
        if not lengths:
            named = [texts[name] for name in teacher_group.ids]
            lengths, groups = [len(text.words) for text in named], _groups(named)
        rows += _of_teacher_group(teacher_group, groups, lengths, settings)
    write_scores(out, "word_shifts", rows, settings, [explained, *explanations])


def _of_teacher_group(
    teacher_group: TeacherGroup, groups: Groups, lengths: list[int], s: Settings
) -> Iterator[dict[str, Any]]:
    shared = {
        run: [_fitting(values, words) for values, words in zip(own_values, lengths, strict=True)]
        for run, own_values in teacher_group.values.items()
    }
    sizes = Counter(kind for kind, _ in groups)
    for (kind, name), members in groups.items():
        share = {run: word_shifts.of_group(own_values, members) for run, own_values in shared.items()}
        teachers = [share[run] for run in teacher_group.teachers]
        for student, runs in teacher_group.by_student.items():
            own = [share[run] for run in runs]
            shift = word_shifts.shift(own, teachers, s.metrics["confidence_level"], sizes[kind])
            yield {
                "student": student,
                "teacher": teacher_group.first[0],
                "explainer": teacher_group.explainer,
                "kind": kind,
                "name": name,
                "words": int(sum(flags.sum() for flags in members)),
                "groups": sizes[kind],
                **shift,
            }


def _fitting(values: np.ndarray, words: int) -> np.ndarray:
    """Shares; NaN where a model did not see all words of the text."""
    return word_shifts.shares(values) if len(values) == words else np.full(words, np.nan)


def _groups(texts: Sequence[Example]) -> Groups:
    """The parts of speech, senses and words that stand in enough texts."""
    named = [
        [
            {"part": part, "sense": sense, "word": word.text.lower()}
            for word, (part, sense) in zip(text.words, kinds(text.texts, text.words), strict=True)
        ]
        for text in texts
    ]
    counts = Counter(key for words in named for key in {item for word in words for item in word.items()})
    frequent = sorted(key for key, count in counts.items() if count >= word_shifts.LEAST_TEXTS)
    return {
        (kind, name): [np.array([word[kind] == name for word in words], dtype=bool) for words in named]
        for kind, name in frequent
    }
