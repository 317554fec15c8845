"""What a report is made from: a study's tables, read once, and what all parts of it need."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from distillens import tables
from distillens.config import validate
from distillens.data.repeats import said_of
from distillens.report import (
    classes,
    costs,
    diagnostics,
    disagreements,
    figures,
    gap_closed,
    label_counts,
    ladder,
    ladder_map,
    probe_data,
    sentences,
    several_labels,
    study_data,
    verdict,
    word_shifts,
)
from distillens.report.exhibits import published
from distillens.report.exhibits.source import Source
from distillens.tables import TableError

Paths = Sequence[str | Path]


@dataclass(frozen=True)
class ReportFiles:
    """The tables of a study that its report is made from.

    What each is about is read from its columns and provenance, never from its name.

    Attributes
    ----------
    explained, explanations, scores : sequences of paths
        Tables of the kinds ``examples``, ``explanations`` and ``scores``.
    drift : path
        The study's table of kind ``drift``.
    word_shifts, gap_closed, placements, ladders, trainings, costs, text_agreement : sequences of paths
        Tables of these kinds.
    splits : sequence of paths
        Tables of kind ``examples``: all splits of all tasks.
    probe_designs, probe_sentences, probe_explanations : sequences of paths
        Tables of the kinds ``probes``, ``examples`` and ``explanations``.
    predictions : sequence of paths
        Tables of this kind: what runs answer.
    """

    explained: Paths
    explanations: Paths
    scores: Paths
    drift: str | Path
    word_shifts: Paths = ()
    gap_closed: Paths = ()
    placements: Paths = ()
    ladders: Paths = ()
    trainings: Paths = ()
    costs: Paths = ()
    text_agreement: Paths = ()
    splits: Paths = ()
    probe_designs: Paths = ()
    probe_sentences: Paths = ()
    probe_explanations: Paths = ()
    predictions: Paths = ()

    def beside(self, folder: Path) -> list[str]:
        """Every file, as a link from a folder names it."""
        paths = [path for of in vars(self).values() for path in ([of] if isinstance(of, (str, Path)) else of)]
        return sorted(Path(os.path.relpath(path, folder)).as_posix() for path in paths)

    def origins(self) -> list[tuple[str, dict[str, Any]]]:
        """The kind and the provenance of every file that results rest on."""
        paths = {"texts": self.explained, "explanations": self.explanations, "scores": self.scores}
        paths |= {"drift": [self.drift], "word_shifts": self.word_shifts, "gap_closed": self.gap_closed}
        paths |= {"placements": self.placements, "ladders": self.ladders}
        paths |= {"splits": self.splits, "probes": self.probe_designs}
        paths |= {"explanations of probes": self.probe_explanations}
        return [(kind, tables.provenance(path)) for kind, of_kind in paths.items() for path in of_kind]


@dataclass(frozen=True)
class Material:
    """A study's results as the page and the files beside it use them.

    Attributes
    ----------
    settings, tasks : mapping
        The config, but for its tasks, and their blocks.
    files : ReportFiles
    outline : Outline
        Who is compared with whom.
    aggregates : DataFrame
        All scores that are not about single examples; ``subjects`` and ``examples``: those and the others by
        what they are about.
    drifts, shifts, closings, trained, text_agreement : DataFrame
        Tables of the kinds ``drift``, ``word_shifts``, ``gap_closed``, ``trainings`` and ``text_agreement``.
    attributions, texts, probes : mapping
        Of all runs; the explained texts of each task; sentences made for a purpose.
    splits, answers, by_class : mapping
        Texts of each split; what runs answer; scores of each class.
    repeated : sequence of str
        What is to be said of texts that occur twice, for each task.
    verdicts : sequence of Verdict
    ladders : Ladders
    drawings : sequence of Drawing
    costs, gates : mapping
        What runs cost; which of them count, by task.
    diagnosed, undefined, origins : sequence
        What is odd about attributions, how many scores are undefined, and what all results rest on.
    paper : mapping or None
        The published study beside this one.
    """

    settings: Mapping[str, Any]
    tasks: Mapping[str, Mapping[str, Any]]
    files: ReportFiles
    outline: study_data.Outline
    aggregates: pd.DataFrame
    subjects: Mapping[str, pd.DataFrame]
    examples: Mapping[str, pd.DataFrame]
    drifts: pd.DataFrame
    shifts: pd.DataFrame
    closings: pd.DataFrame
    trained: pd.DataFrame
    text_agreement: pd.DataFrame
    attributions: list[sentences.Explained]
    texts: dict[str, list[dict[str, Any]]]
    probes: dict[tuple[str, str], probe_data.Probe]
    splits: dict[tuple[str, str], list[dict[str, Any]]]
    answers: classes.Answers
    by_class: dict[str, classes.Classes]
    repeated: Sequence[str]
    verdicts: Sequence[verdict.Verdict]
    ladders: ladder.Ladders
    drawings: Sequence[figures.Drawing]
    costs: costs.Costs
    gates: disagreements.Gates
    diagnosed: list[dict[str, Any]]
    undefined: list[tuple[str, int, int]]
    origins: list[tuple[str, str, int]]
    paper: dict[str, Any] | None

    @property
    def config(self) -> dict[str, Any]:
        """The whole config."""
        return {**self.settings, "tasks": self.tasks}

    @property
    def unit(self) -> str:
        """What gets a value: words, or sentences, say."""
        return self.settings.get("unit", "word")

    @property
    def shows_texts(self) -> bool:
        """Whether the page may show texts that it did not make itself."""
        return bool(self.settings.get("show_texts", True))


def gather(
    settings: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]], files: ReportFiles
) -> Material:
    """Read a study's tables.

    Raises
    ------
    TableError
        If a table is not what it is given as.
    """
    outline = study_data.study_of(settings, tasks)
    aggregates, singles = study_data.scores(files.scores)
    subjects, examples = study_data.by_subject(aggregates), study_data.by_subject(singles)
    drifts, shifts = study_data.frame_of([files.drift], "drift"), word_shifts.read(files.word_shifts)
    attributions, texts = sentences.load(files.explanations), _texts(files.explained)
    probes = probe_data.read(files.probe_designs, files.probe_sentences, files.probe_explanations)
    splits, answers = label_counts.read(files.splits), classes.read(files.predictions)
    repeated = [
        said
        for name in tasks
        for said in said_of(
            name,
            {split: rows for (task, split), rows in splits.items() if task == name}
            | {"explained": texts.get(name, [])},
        )
    ]
    by_text = study_data.frame_of(files.text_agreement, "text_agreement")
    by_class = {task: classes.of_task(outline, task, answers, splits, by_text) for task in tasks}
    if not settings.get("show_texts", True):
        texts, probes = {}, {key: probe for key, probe in probes.items() if probe.built}
        shifts = shifts[shifts["kind"] != "word"]
    closings, trained = gap_closed.read(files.gap_closed, files.trainings)
    ladders = ladder.Ladders.read(files.placements, files.ladders)
    drawings = figures.draw(outline, {**subjects, "gap_closed": closings}, drifts)
    return Material(
        settings=settings,
        tasks=tasks,
        files=files,
        outline=outline,
        aggregates=aggregates,
        subjects=subjects,
        examples=examples,
        drifts=drifts,
        shifts=shifts,
        closings=closings,
        trained=trained,
        text_agreement=by_text,
        attributions=attributions,
        texts=texts,
        probes=probes,
        splits=splits,
        answers=answers,
        by_class=by_class,
        repeated=repeated,
        verdicts=verdict.of_study(outline, subjects["performance"], drifts, ladders.placements),
        ladders=ladders,
        drawings=drawings + ladder_map.drawings(outline, ladders),
        costs=several_labels.costs_of_each(costs.read(files.costs), tasks),
        gates=disagreements.gates_of(outline, subjects["performance"]),
        diagnosed=diagnostics.diagnostics(attributions),
        undefined=diagnostics.undefined([*subjects.values()], drifts),
        origins=diagnostics.origins(files.origins()),
        paper=_paper(outline, subjects, examples, splits, texts, probes),
    )


def _paper(study: study_data.Outline, *inputs: Any) -> dict[str, Any] | None:
    """The published study beside this one, where one is named: title, source, models and exhibits."""
    settings = study.settings.get("published")
    if settings is None:
        return None
    content = validate.published(settings["file"])
    source = Source(
        study, settings["task"], settings["models"], settings["explainers"], content["names"], *inputs
    )
    return {
        **content,
        "roles": published.roles(settings, content["names"]),
        "exhibits": published.exhibits(content, source),
    }


def _texts(paths: Paths) -> dict[str, list[dict[str, Any]]]:
    """The explained texts of each task."""
    texts = {}
    for path in paths:
        source = tables.provenance(path)
        if "task" not in source:
            raise TableError(f"{path}: its provenance does not name its task")
        texts[source["task"]] = tables.read(path, "examples").to_pylist()
    return texts
