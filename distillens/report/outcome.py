"""A study's verdicts as one small record, for builds: what was decided, by which reference, about what.

Its keys are those of ``workflow/schemas/outcome.schema.yaml``.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from distillens import registry, tables
from distillens.data import repeats
from distillens.evaluation.inputs import TextGroups
from distillens.metrics.calibration import HEADLINE
from distillens.metrics.verdict import GATED, deciding, is_dose, overall
from distillens.provenance import digest
from distillens.report.results import Results
from distillens.report.study_data import by_subject

Row = Mapping[str, Any]

FORMAT = 2
"""Version of the record."""
SEEDS = "runs of the teacher"
_FEW = 20
_NEARLY_ALL = 0.95
NOTHING = "nothing measured"
"""Of a student that is gated, or not compared at all."""


@dataclass(frozen=True)
class Evidence:
    """What a record is made of: frames as of `Results`, and files.

    ``answers`` are the classes that the first run of each (task, teacher) predicts; ``explained`` the tables
    of texts by task, ``explanations`` those of attributions; ``repeated`` says which texts repeat.
    """

    drift: pd.DataFrame
    placements: pd.DataFrame
    scores: pd.DataFrame
    text_agreement: pd.DataFrame
    answers: Mapping[tuple[str, str], Sequence[Any]]
    explained: Mapping[str, str | Path]
    explanations: Sequence[str | Path]
    repeated: Sequence[str] = ()


def of(results: Results) -> dict[str, Any]:
    """The record of a finished study.

    Raises
    ------
    TableError
        If a table of it is missing or damaged.
    """
    settings, folder = results.settings, results.folder
    for task in set(results.drift["task"]):
        if not (path := folder / "metrics" / task / "text_agreement.parquet").is_file():
            raise tables.TableError(
                f"{path}: no such file; an earlier release did not make it: run the study again"
            )
    evidence = Evidence(
        results.drift,
        results.placements,
        results.scores,
        results.text_agreement,
        _answers(results),
        {task: folder / "data" / task / "explained.parquet" for task in settings["tasks"]},
        results.paths("explanations/{task}/*/*/*.parquet"),
        [said for task in settings["tasks"] for said in repeats.in_folder(task, folder / "data" / task)],
    )
    return record(settings, evidence)


def record(settings: Mapping[str, Any], evidence: Evidence) -> dict[str, Any]:
    """The record of a study with these settings.

    Raises
    ------
    TableError
        If a file is missing or damaged.
    """
    explainers = settings["explainers"]
    controls = [name for name, options in explainers.items() if options["method"] in registry.controls()]
    drift, placements = (frame.to_dict("records") for frame in (evidence.drift, evidence.placements))
    students = {name: model["teacher"] for name, model in settings["models"].items() if model["teacher"]}
    expected = {(task, student): of for task in settings["tasks"] for student, of in students.items()}
    decided = decisions(drift, placements, controls, expected)
    groups = {task: numbers for task, path in evidence.explained.items() if (numbers := _groups(path))}
    performance = by_subject(evidence.scores)["performance"]
    for one in decided:
        one["performance"] = _performance(performance, settings, one)
        for row in one["explainers"]:
            row["by_text"] = _by_text(evidence.text_agreement, one, row["explainer"])
    return {
        "format": FORMAT,
        "study": settings["name"],
        "about": {
            "teachers": _teachers(settings, evidence.explanations),
            "texts": {task: _texts(path) for task, path in evidence.explained.items()},
            **({"groups": groups} if groups else {}),
            **({"labels": labels} if (labels := _labels(settings["tasks"])) else {}),
            "labelled": {
                task: block["columns"]["label"] is not None for task, block in settings["tasks"].items()
            },
            "explainers": explainers,
            "explained_output": settings["explained_output"],
            "seed": settings["seed"],
            "confidence_level": settings["metrics"]["confidence_level"],
            "accept": (settings.get("reference") or {}).get("accept"),
        },
        "students": decided,
        "remarks": [
            *(
                f"{one['task']}: nothing is measured of {one['student']}: "
                "no explainer that counts explains it"
                for one in decided
                if not one["explainers"]
            ),
            *remarks([row for row in drift if row["explainer"] not in controls], evidence.answers),
            *evidence.repeated,
        ],
    }


def remarks(drift: Sequence[Row], answers: Mapping[tuple[str, str], Sequence[Any]]) -> list[str]:
    """What makes a verdict say little: few texts, one answer to nearly all, no agreement beyond chance.

    Parameters
    ----------
    drift : sequence of mappings
        Rows of the table of this kind.
    answers : mapping
        What each (task, teacher) answers.

    Examples
    --------
    >>> row = {"task": "films", "student": "tiny", "explainer": "shap", "metric": "spearman", "n": 2}
    >>> row |= {"agreement_low": -0.1, "floor": 0.0, "n_undefined": 0}
    >>> for remark in remarks([row], {("films", "bert"): ["good", "good"]}):
    ...     print(remark)
    films: 2 texts were compared, which is few: little can be told
    films: bert gives one answer (good) to 100 % of the texts, so equal answers say little
    films: by shap tiny is not shown to agree with its teacher beyond chance
    """
    headline = [row for row in drift if row["metric"] == HEADLINE]
    said = []
    for task in dict.fromkeys(row["task"] for row in headline):
        most = max(row["n"] + row["n_undefined"] for row in headline if row["task"] == task)
        if most < _FEW:
            said.append(f"{task}: {most} texts were compared, which is few: little can be told")
    for (task, teacher), given in answers.items():
        ((answer, count),) = Counter(given).most_common(1) or [("", 0)]
        if given and count / len(given) >= _NEARLY_ALL:
            share = f"{100 * count / len(given):.0f} %"
            said.append(
                f"{task}: {teacher} gives one answer ({answer}) to {share} of the texts, so equal answers "
                "say little"
            )
    for row in headline:
        # Comparisons with NaN are false: what is undefined is not beyond chance either.
        if not row["agreement_low"] > row["floor"]:
            said.append(
                f"{row['task']}: by {row['explainer']} {row['student']} is not shown to agree with its "
                "teacher beyond chance"
            )
    return said


def _answers(results: Results) -> dict[tuple[str, str], list[Any]]:
    """The classes that the first run of each teacher predicts; nothing of a regression."""
    frame, answers = results.predictions, {}
    for task, block in results.settings["tasks"].items():
        for name, model in results.settings["models"].items():
            if model["teacher"] is None and block["type"] == "classification":
                rows = frame[(frame["task"] == task) & (frame["model"] == name)]
                rows = rows[(rows["perturbation"] == "none") & (rows["seed"] == min(model["seeds"]))]
                answers[task, name] = rows["predicted"].tolist()
    return answers


def decisions(
    drift: Sequence[Row],
    placements: Sequence[Row],
    controls: Iterable[str] = (),
    expected: Mapping[tuple[str, str], str] | None = None,
) -> list[dict[str, Any]]:
    """A verdict per task and student, by the reference that there is.

    Without a reference (`distillens.metrics.verdict.deciding`) it stays open.

    Parameters
    ----------
    drift, placements : sequences of mappings
        Rows of the tables of these kinds.
    controls : iterable of str
        Explainers that do not count.
    expected : mapping, optional
        The teacher of each (task, student) of the study: of one that no explainer that counts explains,
        nothing is measured.

    Examples
    --------
    >>> row = {"task": "films", "student": "tiny", "teacher": "bert", "explainer": "shap"}
    >>> row |= {"metric": "spearman"}
    >>> row |= {"agreement": 0.5, "agreement_low": 0.4, "agreement_high": 0.6, "n": 80, "n_undefined": 0}
    >>> without = row | {"teacher_runs_missing": 2, "verdict": "not decided", "gated": False}
    >>> placed = row | {"kind": None, "reference": "prune 0.3", "verdict": "drift found", "gated": False}
    >>> [(one["verdict"], one["reference"]) for one in decisions([without], [placed])]
    [('drift found', 'prune 0.3')]
    >>> [(one["verdict"], one["reference"]) for one in decisions([without], [])]
    [('not decided', None)]
    >>> [one["verdict"] for one in decisions([without], [], ["shap"], {("films", "tiny"): "bert"})]
    ['nothing measured']
    """
    controls = set(controls)
    headline = [row for row in drift if row["metric"] == HEADLINE and row["explainer"] not in controls]
    result = []
    teachers = {(row["task"], row["student"]): row["teacher"] for row in headline}
    for (task, student), teacher in {**teachers, **(expected or {})}.items():
        own, on_ladder = (
            [row for row in rows if (row["task"], row["student"]) == (task, student)]
            for rows in (headline, placements)
        )
        judged, by_ladder = deciding(own, on_ladder)
        alone = not own or any(row["teacher_runs_missing"] for row in own)
        reference: str | None = None if alone else SEEDS
        if by_ladder:
            reference = judged[0]["reference"]
        word = overall(judged) if own else GATED
        verdicts = {row["explainer"]: row["verdict"] for row in judged}
        result.append(
            {
                "task": task,
                "student": student,
                "teacher": teacher,
                "verdict": NOTHING if word == GATED else word,
                "reference": reference,
                "explainers": [_of_explainer(row, verdicts.get(row["explainer"])) for row in own],
                "doses": [_dose(row) for row in on_ladder if is_dose(row) and row["metric"] == HEADLINE],
            }
        )
    return result


def _of_explainer(row: Row, verdict: str | None) -> dict[str, Any]:
    bounds = {name: _number(row[name]) for name in ("agreement", "agreement_low", "agreement_high")}
    counts = {name: int(row[name]) for name in ("n", "n_undefined")}
    return {"explainer": row["explainer"], "verdict": verdict, **bounds, **counts}


def _dose(row: Row) -> dict[str, Any]:
    """How much damage does as much to the teacher's reasons."""
    doses = {name: _number(row[name]) for name in ("dose", "dose_low", "dose_high")}
    return {"explainer": row["explainer"], "kind": row["kind"], **doses, "beyond": bool(row["beyond"])}


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) or not math.isfinite(value) else float(value)


def _performance(rows: pd.DataFrame, settings: Mapping[str, Any], one: Row) -> dict[str, Any] | None:
    """The leading metric of student and teacher, each the mean of its runs; None where it is not known."""
    metric = settings["tasks"][one["task"]]["metrics"][0]
    rows = rows[(rows["task"] == one["task"]) & (rows["metric"] == metric)]
    rows = rows[rows["perturbation"].isna() & rows["against"].isna()]
    rows = rows.sort_values("seed")  # a sum depends on its order
    means = {
        role: _number(rows.loc[rows["model"] == one[role], "value"].mean()) for role in ("student", "teacher")
    }
    return None if None in means.values() else {"metric": metric, **means}


def _by_text(agreement: pd.DataFrame, one: Row, explainer: str) -> dict[str, float | None]:
    """What the student's agreement is the mean of."""
    about = {name: one[name] for name in ("task", "student", "teacher")} | {"explainer": explainer}
    rows = agreement[(agreement[list(about)] == list(about.values())).all(axis=1)].sort_values("example_id")
    return {
        str(name): _number(value) for name, value in zip(rows["example_id"], rows["agreement"], strict=True)
    }


def _labels(tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Of each task that is one label of several, which: only texts count to which a model gives it."""
    return {name: task["of"]["label"] for name, task in tasks.items() if task.get("of")}


def _texts(path: str | Path) -> dict[str, Any]:
    """The explained texts of a task: how many, and a digest of what they say."""
    rows = tables.read(path, "examples").to_pylist()
    said = [[row["example_id"], row["text_a"], row["text_b"]] for row in rows]
    whole = json.dumps(sorted(said), ensure_ascii=False)
    return {"n": len(rows), "sha256": hashlib.sha256(whole.encode()).hexdigest()}


def _groups(path: str | Path) -> dict[str, int]:
    """The number of each text's group; nothing where all texts are of their own."""
    names = tables.read(path, "examples")["example_id"].to_pylist()
    numbers = TextGroups(path).of(names).tolist()
    return dict(zip(names, numbers, strict=True)) if len(set(numbers)) < len(names) else {}


def _teachers(settings: Mapping[str, Any], explanations: Sequence[str | Path]) -> dict[str, str | None]:
    """A digest of the weights of each teacher's runs; of one without, of its attributions.

    None where its explanations are not there, such as on a page that is made of kept tables.
    """
    by_teacher: dict[str, set[str]] = {
        name: set() for name, model in settings["models"].items() if model["teacher"] is None
    }
    for path in explanations:
        source = tables.provenance(path)
        if source["model"] in by_teacher:
            weights = source.get("model_sha256") or digest(path)
            by_teacher[source["model"]].add(f"{source['task']} {source['seed']} {weights}")
    return {
        name: hashlib.sha256("\n".join(sorted(runs)).encode()).hexdigest() if runs else None
        for name, runs in by_teacher.items()
    }
