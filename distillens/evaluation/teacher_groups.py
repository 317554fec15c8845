"""Explanations read for comparison: the same examples, the same words, one class.

How the attributions of several runs are put on common positions:

1. Each file is read: for each text its words and a value per word and output.
2. Mappings from word to value have no order. All runs get the union of their words, NaN where a
   run has no value (`on_common_words`).
3. Of each run one column is taken: the class that most of the teacher's runs predict
   (`Attributions.towards`). Texts that a model did not see whole are NaN, others must have the
   same words.
4. For each comparison, the runs that are compared, and no others, decide which positions count
   (`aligned`): those where one of them has a value. A word without a value is 0 or leaves the
   position out, as its run's ``missing`` says, or only the teacher's words count; without
   ``missing`` it stays NaN, and the agreement is undefined.
"""

import itertools
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distillens import tables
from distillens.evaluation.inputs import FilePath, Run, Settings, by_identity
from distillens.joblog import tracked
from distillens.metrics import explained_output

Array = NDArray[np.float64]
_LOG = logging.getLogger("distillens")


@dataclass(frozen=True)
class Attributions:
    """What one file of explanations says of each example.

    ``by_name`` says that positions are the words of a mapping, which are compared by name;
    ``missing`` what a position without a value is, ``zero``, ``intersection`` or ``teacher`` (see
    `aligned`; None: there is none). ``limited`` says that the explainer was asked for fewer examples than
    there are.
    """

    path: Path
    words: dict[str, list[str]]
    values: dict[str, Array]
    predicted: dict[str, int | None]
    incomparable: set[str]
    by_name: bool = False
    missing: str | None = None
    limited: bool = False

    @classmethod
    def read(cls, path: Path) -> "Attributions":
        """Read a file; values have shape (n_words, outputs).

        Raises
        ------
        TableError
            If an example is explained twice, or has more or fewer values than words.
        """
        words, values, predicted, incomparable = {}, {}, {}, set()
        columns = ["example_id", "words", "values", "logits", "unseen"]
        # Pieces of unlike tokenizers cannot be compared, any more than texts incomparable at unlike words.
        settings = tables.provenance(path).get("settings", {})
        in_tokens = settings.get("unit") == "token"
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
            predicted[name] = explained_output.predicted(row["logits"], values[name])
            if row["unseen"] or in_tokens:
                incomparable.add(name)
        by_name = in_tokens and settings.get("form") == "mapping"
        missing, limited = settings.get("missing"), "most" in tables.provenance(path)
        return cls(path, words, values, predicted, incomparable, by_name, missing, limited)

    def among(self, names: Collection[str]) -> "Attributions":
        """The same of some of the examples, in their own order."""
        parts = ("words", "values", "predicted")
        own = {part: {n: of for n, of in getattr(self, part).items() if n in names} for part in parts}
        return replace(self, **own)

    def spread(self, words: Mapping[str, list[str]]) -> "Attributions":
        """The same on other words, which contain its own; NaN where it has no value."""
        values = {}
        for name, own in self.values.items():
            values[name] = np.full((len(words[name]), own.shape[1]), np.nan)
            values[name][[words[name].index(word) for word in self.words[name]]] = own
        return replace(self, words=dict(words), values=values)

    def towards(self, reference: "Attributions") -> list[Array]:
        """Attributions to the class that the reference predicts, in the reference's order.

        NaN, which makes every agreement undefined, where they cannot be compared: one of the
        models was too short for the text and they saw different words; a text is without values;
        or values of a class stand beside values of which nobody says for which class they are.

        Raises
        ------
        TableError
            If the two files are not about the same examples and words.
        """
        both = f"{self.path} and {reference.path}"
        if self.words.keys() != reference.words.keys():
            name = sorted(self.words.keys() ^ reference.words.keys())[0]
            raise tables.TableError(f"{both}: example {name!r} is in only one of them; run explain again")
        result, of_no_class = [], 0
        for name, words in reference.words.items():
            values, theirs = self.values[name], reference.values[name]
            if self.words[name] != words:
                if name not in self.incomparable | reference.incomparable:
                    raise tables.TableError(
                        f"{both}: different words for example {name!r}; explanations of one task "
                        "share their words, run explain again for both"
                    )
                values = np.full(theirs.shape, np.nan)
            if np.isnan(values).all() or np.isnan(theirs).all() or values.shape != theirs.shape:
                of_no_class += values.shape[1] != theirs.shape[1]
                result.append(np.full(len(words), np.nan))
                continue
            try:
                result.append(explained_output.towards(values, reference.predicted[name]))
            except ValueError as error:
                raise tables.TableError(f"{reference.path}: example {name!r}: {error}") from error
        if of_no_class:
            _LOG.warning(
                "%s: %d texts are undefined: one has values of a class, the other values of no named class; "
                "say with target which class single values are about",
                both,
                of_no_class,
            )
        return result


def on_common_texts(read: Mapping[Any, Attributions]) -> dict[Any, Attributions]:
    """Explainers on the texts that all of them explained, where one was asked for fewer than there are.

    Examples
    --------
    >>> few, every = (
    ...     Attributions(Path("x"), dict.fromkeys(names, ["not"]), {}, {}, set(), limited=names == "a")
    ...     for names in ("a", "ab")
    ... )
    >>> list(on_common_texts({"few": few, "every": every})["every"].words)
    ['a']
    """
    for limited in [one for one in read.values() if one.limited]:
        read = {key: one.among(limited.words) for key, one in read.items()}
    return dict(read)


def on_common_words(read: Mapping[Any, Attributions]) -> dict[Any, Attributions]:
    """Mappings on the union of their words, so that they can be compared by name; others as they are.

    Examples
    --------
    >>> one, other = (
    ...     Attributions(Path(word), {"a": [word]}, {"a": np.ones((1, 1))}, {"a": 0}, set(), by_name=True)
    ...     for word in ("not", "bad")
    ... )
    >>> on_common_words({"one": one, "other": other})["other"].values["a"].tolist()
    [[nan], [1.0]]
    """
    if not all(one.by_name for one in read.values()):
        return dict(read)
    union: dict[str, list[str]] = {}
    for one in read.values():
        for name, words in one.words.items():
            union[name] = list(dict.fromkeys([*union.get(name, ()), *words]))
    return {key: one.spread(union) for key, one in read.items()}


def aligned(
    values: Sequence[Sequence[Array]], missing: Sequence[str | None], teacher: Sequence[Array] | None = None
) -> list[list[Array]]:
    """Attributions of several runs on the positions where they are compared.

    Parameters
    ----------
    values : sequence (runs) of sequences (examples) of arrays, shape (n,)
        NaN where a run has no value.
    missing : sequence of str or None
        Of each run: None where it has all values.
    teacher : sequence (examples) of arrays, optional
        Attributions of the teacher, for runs with ``teacher``; without them, as between explainers
        of one student, it means ``zero``.

    Returns
    -------
    list (runs) of lists (examples) of arrays
        Positions where no run has a value are left out. Where others have one, a run with
        ``zero`` has 0; where one with ``intersection`` has none, the position is left out; that
        of a run which should have all values stays NaN, which makes its agreement undefined. Where
        a run has ``teacher``, only positions where the teacher has a value count, and the run has 0
        where it has none.

    Examples
    --------
    >>> student, teacher = [np.array([0.4, np.nan, 0.1])], [np.array([0.5, 0.2, 0.3])]
    >>> [of[0].tolist() for of in aligned([student, teacher], ["zero", None])]
    [[0.4, 0.0, 0.1], [0.5, 0.2, 0.3]]
    >>> [of[0].tolist() for of in aligned([student, teacher], ["intersection", None])]
    [[0.4, 0.1], [0.5, 0.3]]
    >>> student, teacher = [np.array([0.4, np.nan, 0.1])], [np.array([0.5, 0.2, np.nan])]
    >>> [of[0].tolist() for of in aligned([student, teacher], ["teacher", None], teacher)]
    [[0.4, 0.0], [0.5, 0.2]]
    """
    if not any(missing):
        return [list(one) for one in values]
    zero = np.array([mode in ("zero", "teacher") for mode in missing])[:, None]
    cut = np.array([mode == "intersection" for mode in missing])[:, None]
    by_teacher = teacher if "teacher" in missing else None
    result: list[list[Array]] = [[] for _ in values]
    for number, rows in enumerate(zip(*values, strict=True)):
        stacked = np.stack(rows)  # of one text: (runs, positions)
        has = ~np.isnan(stacked)
        filled = np.where(has | ~zero, stacked, 0.0)
        kept = has.any(axis=0) & ~(~has & cut).any(axis=0)
        if by_teacher is not None:
            kept &= ~np.isnan(by_teacher[number])
        for one, row in zip(result, filled[:, kept], strict=True):
            one.append(row)
    return result


@dataclass(frozen=True)
class TeacherGroup:
    """A teacher and its students under one explainer: the attributions that are compared.

    ``values`` are those of each run towards the class that most of the teacher's runs predict, ``predicted``
    the class that the run itself does; both in the order of ``ids``. ``references`` are the teacher's runs
    that each run of a student is compared with; ``first`` is its lowest seed. ``says_yes``: where one label
    of several is explained, to which texts each run gives it; see `counting`.
    """

    explainer: str
    first: Run
    teachers: list[Run]
    students: list[Run]
    ids: list[str]
    values: dict[Run, list[Array]]
    predicted: dict[Run, list[int | None]]
    reference: Attributions
    missing: dict[Run, str | None]
    references: dict[Run, list[Run]]
    paths: dict[Run, Path]
    says_yes: dict[Run, NDArray[np.bool_]] | None = None

    def counting(self, *models: Sequence[Run]) -> NDArray[np.bool_]:
        """Which texts count where some models, each with some of its runs, are compared; shape (n,).

        All do, but where one label of several is explained: then those to which one of the models gives it,
        by at least half of its runs. What speaks for a label in a text that nobody gives it to is no reason
        of anybody's.

        Examples
        --------
        >>> group = TeacherGroup("shap", *[None] * 3, ["a", "b"], *[None] * 6)
        >>> group.counting().tolist()
        [True, True]
        >>> one, other = np.array([True, False]), np.array([False, False])
        >>> replace(group, says_yes={"one": one, "other": other}).counting(["one"], ["other"]).tolist()
        [True, False]
        """
        if self.says_yes is None:
            return np.ones(len(self.ids), dtype=bool)
        said = [np.mean([self.says_yes[run] for run in runs], axis=0) for runs in models]
        return np.any(np.array(said) >= 0.5, axis=0)

    @property
    def models(self) -> list[Run]:
        """The first run of the teacher and of each student."""
        firsts = {model: (model, seed) for model, seed in reversed(self.students)}
        return [self.first, *reversed(firsts.values())]

    @property
    def by_student(self) -> dict[str, list[Run]]:
        """The runs of each student."""
        runs: dict[str, list[Run]] = {}
        for run in self.students:
            runs.setdefault(run[0], []).append(run)
        return runs

    def learned_from(self, runs: Sequence[Run]) -> list[int] | None:
        """The position of the teacher's run that each of a student's runs belongs to; None if to none."""
        if all(len(self.references[run]) == len(self.teachers) for run in runs):
            return None
        return [self.teachers.index(self.references[run][0]) for run in runs]

    def aligned(self, *runs: Run) -> list[list[Array]]:
        """Attributions of some runs on the positions where they are compared; see `aligned`."""
        values, missing = [self.values[run] for run in runs], [self.missing[run] for run in runs]
        return aligned(values, missing, self.values[self.first])


def teacher_groups(paths: Iterable[FilePath], settings: Settings) -> Iterator[TeacherGroup]:
    """Read the explanations, one explainer and one teacher at a time.

    Raises
    ------
    TableError
        If an explainer lacks one of the runs of the settings.
    """
    files = by_identity(paths, settings, "explainer")
    for explainer in tracked(sorted({identity[2] for identity in files}), "compare", "explainer"):
        explained = {
            model: of for model, of in settings.teachers.items() if settings.explains(explainer, model)
        }
        for teacher in [model for model, its_teacher in explained.items() if its_teacher is None]:
            students = [model for model, its_teacher in explained.items() if its_teacher == teacher]
            runs = {model: settings.runs(model) for model in (teacher, *students)}
            every = list(itertools.chain(*runs.values()))
            for model, seed in every:
                if (model, seed, explainer) not in files:
                    raise tables.TableError(
                        f"task {settings.task!r}: no explanations of {model!r}, seed {seed}, "
                        f"by {explainer!r} among the inputs; add the file"
                    )
            read = on_common_words({run: Attributions.read(files[(*run, explainer)]) for run in every})
            predicted = explained_output.majority([read[run].predicted for run in runs[teacher]])
            reference = replace(read[runs[teacher][0]], predicted=predicted)
            values = {run: attributions.towards(reference) for run, attributions in read.items()}
            answers = {run: [read[run].predicted[name] for name in reference.words] for run in every}
            several = settings.labels_together > 1
            yield TeacherGroup(
                explainer,
                runs[teacher][0],
                runs[teacher],
                every[len(runs[teacher]) :],
                list(reference.words),
                values,
                answers,
                reference,
                {run: read[run].missing for run in every},
                {run: settings.references(*run) for run in every},
                {run: read[run].path for run in every},
                {run: np.array(given) == 1 for run, given in answers.items()} if several else None,
            )
