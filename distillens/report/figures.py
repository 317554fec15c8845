"""The figures of the page: one function per question."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from distillens.data.units import noun
from distillens.metrics.calibration import HEADLINE
from distillens.metrics.verdict import GATED
from distillens.report import plot
from distillens.report.formatting import capitalised, metric_name
from distillens.report.plot import Key, Look, Row
from distillens.report.probes import VARIANTS, variant_name, variants
from distillens.report.study_data import Outline, Run, ordered
from distillens.report.svg import INK

_PANELS = ("confidence_drop", "flip_rate")
_RANKINGS = {
    "own": ("its own {}", "-"),
    "teacher": ("the teacher’s {}", (0, (4, 1.6))),
    "random": ("random {}", (0, (1, 1.6))),
}

_CUES = {
    "post_cue_ratio": ("share of the attribution behind “but”", "Does the clause behind “but” weigh more?"),
    "cue_direction": ("share of negators with the expected sign", "Does the negator pull the right way?"),
}


@dataclass(frozen=True)
class Drawing:
    """A figure of the page: where it belongs, its name, what it shows, and its SVG."""

    section: str
    task: str
    name: str
    title: str
    svg: str


def draw(study: Outline, scores: Mapping[str, pd.DataFrame], drift: pd.DataFrame) -> list[Drawing]:
    """Draw every figure that there are numbers for."""
    drawings = []
    for task in study.tasks:
        part = {name: frame[frame["task"] == task].to_dict("records") for name, frame in scores.items()}
        part["drift"] = drift[(drift["task"] == task) & (drift["metric"] == HEADLINE)].to_dict("records")
        with mpl.rc_context(plot.STYLE):
            for section, suffix, title, figure in _Task(study, task, part).figures():
                name = f"{section}-{task}{suffix}"
                drawings.append(Drawing(section, task, name, title, plot.svg(figure, name, title)))
    return drawings


class _Task:
    """The figures of one task; all show its models in the same look."""

    def __init__(self, study: Outline, task: str, rows: Mapping[str, Sequence[Row]]) -> None:
        self._study, self._task, self._rows = study, task, rows
        self._lead = study.lead(task)
        gated = {row["student"] for row in rows["drift"] if row["verdict"] == GATED}
        self._looks: dict[Key, Look] = plot.looks(study, gated)
        self._units = noun(study.settings.get("unit", "word"))

    def figures(self) -> Iterator[tuple[str, str, str, Figure]]:
        """Yield section, suffix of the name, title and figure of each."""
        lead, task = metric_name(self._lead), self._task
        titles = {
            "performance": (f"{capitalised(lead)} of each model on {task}", self._performance()),
            "robustness": (f"Change of {lead} on {task} under each perturbation", self._robustness()),
            "agreement": (
                f"Agreement with the teacher on {task}, beside ceiling and chance",
                self._agreement(),
            ),
        }
        for section, (title, figure) in titles.items():
            if figure is not None:
                yield section, "", title, figure
        for baseline in self._study.settings.get("baselines", ()):
            figure = self._closing(baseline)
            if figure is not None:
                yield "gap_closed", f"-{baseline}", f"Agreement gained over {baseline} on {task}", figure
        for explainer in self._explainers(row["explainer"] for row in self._rows["faithfulness"]):
            figure = self._faithfulness(explainer)
            if figure is not None:
                title = f"What hiding the {self._units} named by {explainer} does on {task}"
                yield "faithfulness", f"-{explainer}", title, figure
        for probe in ordered(
            (row["probe"] for row in self._rows["probes"]), list(self._study.settings["probes"])
        ):
            yield from self._probe(probe)

    def _runs(self, keys: Sequence[Key]) -> list[Run]:
        return [run for run in self._study.runs if (run.model, run.seed) in keys]

    def _explainers(self, names: Iterator[str]) -> list[str]:
        return ordered(names, list(self._study.settings["explainers"]))

    def _named(self, explainer: str) -> str:
        return f"{explainer} (control)" if explainer in self._study.controls else explainer

    def _point(self, axes: Axes, run: Run, row: Row | None, height: float, name: str = "value") -> None:
        if row is not None:
            low, high = ("low", "high") if name == "value" else (f"{name}_low", f"{name}_high")
            plot.point(axes, self._looks[run.model, run.seed], row[name], row[low], row[high], height)

    def _performance(self) -> Figure | None:
        rows = [row for row in self._rows["performance"] if row["against"] is None]
        scores = {
            (row["model"], row["seed"]): row
            for row in rows
            if row["metric"] == self._lead and not math.isnan(row["value"])
        }
        runs = self._runs(list(scores))
        if not runs:
            return None
        figure, axes = plot.axes(0.75 + 0.2 * len(runs))
        for place, run in enumerate(runs):
            self._point(axes, run, scores[run.model, run.seed], place)
        majority = next((row["value"] for row in rows if row["metric"] == "majority"), math.nan)
        if not math.isnan(majority):
            axes.axvline(majority, color=INK, alpha=0.55, linestyle=(0, (2, 2)), linewidth=1)
            place = {"textcoords": "offset points", "va": "center", "fontsize": 7.5}
            axes.annotate("majority", (majority, -0.62), (3, 0), **place)
        plot.rows(axes, [run.label for run in runs], lines=False)
        axes.set_ylim(len(runs) - 0.4, -1)
        axes.set_xlabel(metric_name(self._lead))
        return figure

    def _robustness(self) -> Figure | None:
        relabels = self._study.relabels(self._task)
        rows = [
            row
            for row in self._rows["robustness"]
            if row["metric"] == f"{self._lead}_change" and row["perturbation"] not in relabels
        ]
        scores = {(row["perturbation"], row["model"], row["seed"]): row for row in rows}
        runs = self._runs([key[1:] for key in scores])
        if not runs:
            return None
        perturbations = ordered((key[0] for key in scores), list(self._study.settings["perturbations"]))
        figure, axes = plot.axes(0.9 + len(perturbations) * (0.14 + 0.1 * len(runs)), legend=len(runs))
        for place, perturbation in enumerate(perturbations):
            for offset, run in zip(plot.offsets(len(runs)), runs, strict=True):
                self._point(axes, run, scores.get((perturbation, run.model, run.seed)), place + offset)
        axes.axvline(0, color=INK, alpha=0.55, linewidth=0.8)
        plot.rows(axes, perturbations)
        axes.set_xlabel(f"change of {metric_name(self._lead)}")
        plot.legend(figure, self._looks, runs)
        return figure

    def _agreement(self) -> Figure | None:
        scores = {(row["explainer"], row["student"]): row for row in self._rows["drift"]}
        # A student's runs are one point; it has the look of the first.
        students = {key[1] for key in scores}
        runs = [runs[0] for name, runs in self._study.runs_of_students.items() if name in students]
        if not runs:
            return None
        explainers = self._explainers(key[0] for key in scores)
        height = 1.0 + len(explainers) * (0.28 + 0.12 * len(runs))
        figure, axes = plot.axes(height, legend=len(runs) + 2)
        for place, explainer in enumerate(explainers):
            first, *others = plot.offsets(len(runs) + 1)
            self._ceiling(axes, explainer, place, place + first)
            for offset, run in zip(others, runs, strict=True):
                self._point(axes, run, scores.get((explainer, run.model)), place + offset, "agreement")
        plot.rows(axes, [self._named(explainer) for explainer in explainers])
        axes.set_xlabel(f"{metric_name(HEADLINE)} rank correlation of attributions")
        ceiling = Line2D([], [], color=INK, marker="o", label="ceiling: the teacher’s own runs")
        chance = Line2D([], [], color=INK, alpha=0.6, linestyle=plot.CHANCE, label="chance")
        plot.legend(figure, self._looks, runs, [ceiling, chance])
        return figure

    def _closing(self, baseline: str) -> Figure | None:
        """Draw what each student gains over a baseline, and how much there is to gain."""
        rows = {
            (row["explainer"], row["student"]): row
            for row in self._rows["gap_closed"]
            if (row["baseline"], row["metric"]) == (baseline, HEADLINE) and row["explainer"]
        }
        students = {key[1] for key in rows}
        runs = [runs[0] for name, runs in self._study.runs_of_students.items() if name in students]
        if not runs:
            return None
        explainers = self._explainers(key[0] for key in rows)
        gaps = {row["explainer"]: row for row in self._rows["drift"] if row["student"] == baseline}
        height = 1.0 + len(explainers) * (0.28 + 0.12 * len(runs))
        figure, axes = plot.axes(height, legend=len(runs) + 1)
        for place, explainer in enumerate(explainers):
            first, *others = plot.offsets(len(runs) + 1)
            teacher = self._study.first(runs[0].teacher or "")
            if teacher is not None:
                self._point(axes, teacher, gaps.get(explainer), place + first, "drift")
            for offset, run in zip(others, runs, strict=True):
                self._point(axes, run, rows[explainer, run.model], place + offset, "gain")
        axes.axvline(0, color=INK, alpha=0.55, linewidth=0.8)
        plot.rows(axes, explainers)
        axes.set_xlabel(f"rank correlation above {baseline}’s")
        gap = Line2D([], [], color=INK, marker="o", label="all there is to gain: the baseline’s drift D")
        plot.legend(figure, self._looks, runs, [gap])
        return figure

    def _ceiling(self, axes: Axes, explainer: str, place: int, height: float) -> None:
        """Draw what each teacher's own runs reach, pair by pair and on average, and chance."""
        rows = [row for row in self._rows["drift"] if row["explainer"] == explainer]
        for row in {row["teacher"]: row for row in rows}.values():
            pairs = [
                pair["value"]
                for pair in self._rows["agreement"]
                if (pair["explainer"], pair["metric"]) == (explainer, HEADLINE)
                and pair["model"] == pair["against"] == row["teacher"]
            ]
            axes.plot(
                pairs, [height] * len(pairs), "o", color=INK, alpha=0.35, markersize=2.5, linestyle="none"
            )
            first = self._study.first(row["teacher"])
            if first is not None:
                self._point(axes, first, row, height, "ceiling")
        floors = [row["floor"] for row in rows if not math.isnan(row["floor"])]
        if floors:
            plot.chance(axes, sum(floors) / len(floors), place)

    def _faithfulness(self, explainer: str) -> Figure | None:
        rows = [row for row in self._rows["faithfulness"] if row["explainer"] == explainer]
        panels = [metric for metric in _PANELS if any(row["metric"] == metric for row in rows)]
        # One run per model: the curves of seeds lie on top of each other.
        every_run = self._runs([(row["model"], row["seed"]) for row in rows])
        runs = list({run.model: run for run in reversed(every_run)}.values())[::-1]
        if not panels or not runs:
            return None
        entries = max(len(runs), len(_RANKINGS))
        figure = Figure(figsize=(plot.WIDTH, 2.3 + 0.17 * entries), layout="constrained")
        figure.suptitle(self._named(explainer), fontsize=9, fontweight="bold")
        for axes, metric in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            for run in runs:
                self._curves(axes, run, [row for row in rows if row["metric"] == metric])
            axes.set_title(metric_name(metric), loc="left")
            axes.set_xlabel(f"{self._units} hidden")
            axes.set_xticks(sorted({row["k"] for row in rows if row["metric"] == metric}))
            axes.margins(x=0.08)
            axes.set_ylim(*self._range(metric))
        used = [name for name in _RANKINGS if any(row["ranking"] == name for row in rows)]
        keys = [
            Line2D([], [], color=INK, label=_RANKINGS[n][0].format(self._units), linestyle=_RANKINGS[n][1])
            for n in used
        ]
        plot.legend(figure, self._looks, runs, keys)
        return figure

    def _probe(self, probe: str) -> Iterator[tuple[str, str, str, Figure]]:
        """Where attributions lie by each explainer, and whether answers go the expected way."""
        own = [row for row in self._rows["probes"] if row["probe"] == probe]
        for metric, (label, title) in _CUES.items():
            rows = [row for row in own if row["metric"] == metric]
            # The first variant that has it; the others and their halves are in the table.
            rows = [row for row in rows if row["subset"] == variants(rows)[0]]
            if rows:
                explainers = self._explainers(row["explainer"] for row in rows)
                named = [self._named(explainer) for explainer in explainers]
                figure = self._dots(rows, "explainer", explainers, named, label)
                yield "probes", f"-{probe}-{metric}", f"{title} Probe {probe} on {self._task}", figure
        rows = [row for row in own if row["metric"] == "expected_direction" and row["subset"] in VARIANTS]
        if rows:
            subsets = variants(rows)
            label = "share of predictions in the expected direction"
            figure = self._dots(rows, "subset", subsets, [variant_name(name) for name in subsets], label)
            title = f"Answers that go the way the sentence asks for: probe {probe} on {self._task}"
            yield "probes", f"-{probe}-direction", title, figure

    def _dots(
        self, rows: Sequence[Row], column: str, names: Sequence[str], titles: Sequence[str], label: str
    ) -> Figure:
        """Draw a row for each name of a column, with a point for each run, and chance."""
        by_key = {(row[column], row["model"], row["seed"]): row for row in rows}
        runs = self._runs([key[1:] for key in by_key])
        figure, axes = plot.axes(0.9 + len(names) * (0.14 + 0.1 * len(runs)), legend=len(runs) + 1)
        for place, name in enumerate(names):
            for offset, run in zip(plot.offsets(len(runs)), runs, strict=True):
                self._point(axes, run, by_key.get((name, run.model, run.seed)), place + offset)
            levels = [row["chance"] for row in rows if row[column] == name and not math.isnan(row["chance"])]
            if levels:
                plot.chance(axes, sum(levels) / len(levels), place)
        plot.rows(axes, titles)
        axes.set_xlabel(label)
        key = Line2D([], [], color=INK, alpha=0.6, linestyle=plot.CHANCE, label="chance")
        has_chance = any(not math.isnan(row["chance"]) for row in rows)
        plot.legend(figure, self._looks, runs, [key] if has_chance else [])
        return figure

    def _curves(self, axes: Axes, run: Run, rows: Sequence[Row]) -> None:
        for ranking, (_, style) in _RANKINGS.items():
            points = sorted(
                (row["k"], row["value"], row["low"], row["high"])
                for row in rows
                if (row["model"], row["seed"], row["ranking"]) == (run.model, run.seed, ranking)
            )
            # A teacher's own words are the teacher's words.
            if points and (ranking, run.teacher) != ("teacher", None):
                plot.curve(axes, self._looks[run.model, run.seed], points, style, strong=ranking == "own")

    def _range(self, metric: str) -> tuple[float, float]:
        """One range for all explainers, so that their figures can be compared."""
        rows = [row for row in self._rows["faithfulness"] if row["metric"] == metric]
        ends = [end for row in rows for end in plot.bounds(row["value"], row["low"], row["high"])]
        ends = [end for end in ends if not math.isnan(end)] or [0.0]
        low, high = min(0.0, *ends, 0.0), max(0.01, *ends, 0.01)
        return low - 0.03 * (high - low), high + 0.03 * (high - low)
