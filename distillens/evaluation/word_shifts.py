"""From the explanations of a task to the words and kinds of words whose attribution moved."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from distillens import tables
from distillens.data.text import Example, examples
from distillens.evaluation.inputs import FilePath, Settings, TextGroups
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
        Table of kind ``word_shifts``: a row for each student, explainer and group of words; none where
        other units are explained.
    """
    texts = {example.example_id: example for example in examples(tables.read(explained, "examples"))}
    drawn = TextGroups(explained)
    rows: list[dict[str, Any]] = []
    words: list[list[str]] = []
    groups: Groups = {}
    ids: list[str] = []
    # Sentences have no parts of speech, and hardly one stands in many texts.
    of_words = all(example.unit == "word" for example in texts.values())
    for teacher_group in teacher_groups(explanations, settings) if of_words else ():
        if teacher_group.ids != ids:  # few explainers have texts of their own
            ids = teacher_group.ids
            named = [texts[name] for name in ids]
            words, groups = [[word.text for word in text.words] for text in named], _groups(named)
        rows += _of_teacher_group(teacher_group, groups, words, drawn.of(teacher_group.ids), settings)
    write_scores(out, "word_shifts", rows, settings, [explained, *explanations])


def _of_teacher_group(
    teacher_group: TeacherGroup, groups: Groups, words: list[list[str]], drawn: np.ndarray, s: Settings
) -> Iterator[dict[str, Any]]:
    about = [teacher_group.reference.words[name] for name in teacher_group.ids]
    shared = {
        run: [_fitting(*text) for text in zip(own_values, about, words, strict=True)]
        for run, own_values in teacher_group.values.items()
    }
    sizes = Counter(kind for kind, _ in groups)
    for (kind, name), members in groups.items():
        share = {run: word_shifts.of_group(own_values, members) for run, own_values in shared.items()}
        teachers = [share[run] for run in teacher_group.teachers]
        for student, runs in teacher_group.by_student.items():
            counted = teacher_group.counting(teacher_group.teachers, runs)
            own, theirs = (
                [np.where(counted, of_run, np.nan) for of_run in side]
                for side in ([share[run] for run in runs], teachers)
            )
            learned_from = teacher_group.learned_from(runs)
            level = s.metrics["confidence_level"]
            shift = word_shifts.shift(own, theirs, level, sizes[kind], learned_from, drawn)
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


def _fitting(values: np.ndarray, about: list[str], words: list[str]) -> np.ndarray:
    """Shares; NaN where values are not about all words of the text: of tokens, or of a part that was seen."""
    return word_shifts.shares(values) if about == words else np.full(len(words), np.nan)


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
