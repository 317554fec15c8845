"""Checks a study's config and fills its defaults, before any rule is looked at.

Whatever is wrong is said in one line: where it stands, what is wrong and, for a
misspelt name, the nearest right one.
"""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from distillens.config import black_box, label_views, ladder, plants, reading, siblings, texts, yaml_file
from distillens.config import external as bring
from distillens.config import schema as schemas
from distillens.config.errors import ConfigError, nearest
from distillens.config.models import check_model, check_pretraining
from distillens.config.runs import pair_runs
from distillens.provenance import ROOT, project_file

__all__ = ["ConfigError", "complete", "nearest", "published"]

_OF_CLASSES = ("accuracy", "macro_f1", "weighted_f1", "f1", "matthews")
_OF_SCORES, _OF_QUERIES = ("pearson", "spearman"), ("ndcg", "pair_agreement")
_PUBLISHED = ROOT / "workflow" / "schemas" / "published.schema.yaml"


def complete(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config with its defaults filled in.

    Parameters
    ----------
    config : mapping
        What the YAML file says.

    Raises
    ------
    ConfigError
        For the first thing that is wrong: an unknown or missing key, a wrong type or
        value, a name that refers to nothing, a combination that makes no sense.

    Examples
    --------
    >>> config = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    >>> del config["repeats"]
    >>> complete(config)["repeats"]
    10
    >>> complete(config | {"sead": 1})
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: top level: unknown key 'sead'; did you mean 'seed'?
    """
    schema = schemas.of_study()
    full = copy.deepcopy(dict(config))
    bring.spell_out(full)
    label_views.spell_out(full)
    schemas.refuse_endless(full)
    schemas.check(full, schema)
    schemas.fill(full, schema, schema)
    _check_backend(full)
    for kind, section in (
        ("explainer", "explainers"),
        ("perturbation", "perturbations"),
        ("probe", "probes"),
    ):
        full[section] = {
            name: schemas.method(kind, f"{section}.{name}", {"method": name, **(options or {})})
            for name, options in full[section].items()
        }
    check_pretraining(full)
    siblings.add_seeds(full)
    pair_runs(full)
    for name, model in full["models"].items():
        check_model(full, name, model)
        siblings.check(full, name, model)
    plants.check(full)
    for name, task in full["tasks"].items():
        label_views.check_task(name, task)
        _check_task(name, task)
        texts.check(name, task)
    if any(task["explain"]["until"] for task in full["tasks"].values()):
        texts.check_explainers(full["explainers"])
    label_views.check(full)
    bring.check_tasks(full)
    bring.check_explainers(full)
    black_box.check_explainers(full)
    black_box.complete_removal(full)
    reading.check(full)
    _check_relabels(full)
    _check_probes(full)
    _check_stability(full)
    _check_baselines(full)
    ladder.complete(full)
    if full["published"] is not None:
        _check_published(full, full["published"])
    return full


def published(file: str) -> dict[str, Any]:
    """Read what a published study shows: title, source, names, and its exhibits by number.

    Parameters
    ----------
    file : str
        Below this folder or the project, or absolute.

    Raises
    ------
    ConfigError
        For the first thing that is wrong with it.

    Examples
    --------
    >>> sorted(published("resources/published/sst5.yaml")["names"])
    ['bert', 'distilbert', 'kd-tinybert']
    """
    path = project_file(file)
    if not path.is_file():
        raise ConfigError(f"published.file: no file {file} (below {Path.cwd()} or the project, or absolute)")
    content, schema = yaml_file.read(path), yaml.safe_load(_PUBLISHED.read_text("utf-8"))
    schemas.check(content, schema, file)
    for number, exhibit in content["exhibits"].items():
        kind = {"kind": exhibit["kind"]}
        options = {key: value for key, value in exhibit.items() if key not in kind}
        try:
            filled = schemas.method(
                "exhibit", f"{file}.exhibits.{number}", {"method": exhibit["kind"], **options}
            )
        except ConfigError as error:
            raise ConfigError(str(error).replace("no method", "no kind")) from None
        filled.pop("method")
        content["exhibits"][number] = {**kind, **filled}
    return content


def _check_backend(config: Mapping[str, Any]) -> None:
    if config["backend"] == "onnxruntime" and config["device"] != "cpu":
        raise ConfigError("backend: onnxruntime runs on the CPU; set device: cpu, or backend: auto")
    if config["backend"] == "onnxruntime" and config["precision"] != "float32":
        raise ConfigError(f"precision: {config['precision']} needs torch; set backend: auto or torch")
    if config["precision"] == "tf32" and config["device"] == "cpu":
        raise ConfigError("precision: tf32 is a GPU's; set device: auto or cuda, or precision: float32")


def _check_published(config: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    parts = (
        ("models", settings["models"]),
        ("explainers", settings["explainers"]),
        ("tasks", {"": settings["task"]}),
    )
    for section, names in parts:
        for role, name in names.items():
            if name is not None and name not in config[section]:
                where = f"published.{section}.{role}" if role else "published.task"
                raise ConfigError(f"{where}: no {section[:-1]} {name!r}{nearest(name, config[section])}")
    names = published(settings["file"])["names"]
    for role in settings["models"]:
        if role not in names:
            raise ConfigError(
                f"published.models: {settings['file']} has no model {role!r}{nearest(role, names)}"
            )


def _check_stability(config: Mapping[str, Any]) -> None:
    explainers = config["explainers"]
    for explainer in config["stability"]["explainers"]:
        if explainer not in explainers:
            raise ConfigError(
                f"stability.explainers: no explainer {explainer!r}{nearest(explainer, explainers)}"
            )
    if config["stability"]["explainers"] and not config["perturbations"]:
        raise ConfigError("stability.explainers: needs perturbations; name some, or no explainers here")


def _check_baselines(config: Mapping[str, Any]) -> None:
    students = {name: model["teacher"] for name, model in config["models"].items() if model["teacher"]}
    for name in config["baselines"]:
        if name not in config["models"]:
            raise ConfigError(f"baselines: no model {name!r}{nearest(name, students)}")
        if name not in students:
            raise ConfigError(f"baselines: {name!r} is a teacher; name one of its students")
        if list(students.values()).count(students[name]) < 2:
            raise ConfigError(f"baselines: {name!r} is the only student of its teacher; add one to compare")


def _check_probes(config: Mapping[str, Any]) -> None:
    explainers = config["explainers"]
    for name, probe in config["probes"].items():
        where = f"probes.{name}.explainers"
        if "explainers" not in probe:
            raise ConfigError(f"{where}: say which explainers explain it{nearest('', explainers)}")
        for explainer in probe["explainers"]:
            if explainer not in explainers:
                raise ConfigError(f"{where}: no explainer {explainer!r}{nearest(explainer, explainers)}")
    for name, task in config["tasks"].items():
        where = f"tasks.{name}.probes"
        for probe in task["probes"]:
            if probe not in config["probes"]:
                raise ConfigError(f"{where}: no probe {probe!r}{nearest(probe, config['probes'])}")
        if task["probes"] and task["type"] != "classification":
            what = "several labels are none" if label_views.is_multi(task) else "a regression has none"
            raise ConfigError(f"{where}: probes ask for a sentiment class; {what}")
        if task["probes"] and task["columns"]["text_b"] is not None:
            raise ConfigError(f"{where}: probes are single texts; this task has pairs (columns.text_b)")


def _check_relabels(config: Mapping[str, Any]) -> None:
    if "none" in config["perturbations"]:
        raise ConfigError("perturbations.none: `none` stands for the text as it is; use another name")
    for name, task in config["tasks"].items():
        for perturbation in task["perturb"]["relabels"]:
            if perturbation not in config["perturbations"]:
                near = nearest(perturbation, config["perturbations"])
                raise ConfigError(f"tasks.{name}.perturb.relabels: no perturbation {perturbation!r}{near}")


def _check_task(name: str, task: Mapping[str, Any]) -> None:
    where = f"tasks.{name}"
    classes, several = task["type"] == "classification", label_views.is_multi(task)
    if classes and not task["labels"]:
        raise ConfigError(f"{where}.labels: a classification names its classes")
    if not (classes or several) and (task["labels"] or task["cut"]):
        raise ConfigError(f"{where}: a regression has neither labels nor cut")
    if (classes or several) and "flip" in task:
        raise ConfigError(f"{where}.flip: a class changes or does not; only a regression has it")
    cut = task["cut"]
    if cut is not None:
        if len(cut) != len(task["labels"]) - 1:
            raise ConfigError(
                f"{where}.cut: {len(task['labels'])} labels need {len(task['labels']) - 1} thresholds"
            )
        if any(a >= b for a, b in zip(cut, cut[1:], strict=False)):
            raise ConfigError(f"{where}.cut: thresholds must increase")
    _check_metrics(where, task)


def _check_metrics(where: str, task: Mapping[str, Any]) -> None:
    allowed = {
        "classification": _OF_CLASSES,
        "regression": (*_OF_SCORES, *_OF_QUERIES),
        label_views.MULTI_LABEL: label_views.METRICS,
    }[task["type"]]
    for metric in task["metrics"]:
        if metric not in allowed:
            raise ConfigError(
                f"{where}.metrics: {metric!r} does not suit a {task['type']}; there are: {', '.join(allowed)}"
            )
        if metric in _OF_QUERIES and task["columns"]["group"] is None:
            raise ConfigError(
                f"{where}.metrics: {metric} compares the documents of a query; name the column that says "
                f"which query a row is of ({where}.columns.group)"
            )
    if "f1" in task["metrics"] and len(task["labels"]) != 2:
        raise ConfigError(f"{where}.metrics: f1 is for two classes; use macro_f1")
