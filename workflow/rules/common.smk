"""Reads the study's config; what the rules ask of it."""

import re

from snakemake.exceptions import WorkflowError

from distillens.config import ConfigError, complete
from distillens.provenance import ROOT, code, digest

try:
    config.update(complete(config))
except ConfigError as error:
    raise WorkflowError(f"config: {error}") from None


# Only GPU jobs are tagged; where the study keeps to the CPU there are none.
GPU = 0 if config["device"] == "cpu" else 1
SPLITS = ("train", "validation", "test")


def at_least(megabytes):
    """Memory that grows with each attempt."""
    return lambda wildcards, attempt: megabytes * attempt


def checkpoint_of(wildcards):
    """The folder of the checkpoint that a model starts from."""
    name = config["models"][wildcards.model]["checkpoint"]
    return rules.fetch_checkpoint.output.folder.replace("{checkpoint}", name)


def checkpoint_card_of(wildcards):
    """The digest of the checkpoint that a model starts from."""
    name = config["models"][wildcards.model]["checkpoint"]
    return rules.fetch_checkpoint.output.card.replace("{checkpoint}", name)


def one_of(names):
    """A pattern for just these names; for none, one that matches nothing."""
    return "|".join(map(re.escape, names)) or "(?!)"


def ordered(block):
    """A config block with its keys in order, so that a reordered YAML reruns nothing."""
    if isinstance(block, dict):
        return {key: ordered(block[key]) for key in sorted(block)}
    return [ordered(item) for item in block] if isinstance(block, list) else block


def part(section, name, *keys):
    """Some keys of one entry of a section: what a rule depends on, and no more."""
    entry = config[section][name]
    return ordered({key: entry[key] for key in keys} if keys else entry)


def dataset_settings(wildcards):
    """What the splits of a task depend on."""
    keys = ("source", "read", "columns", "type", "labels", "cut", "splits")
    task = part("tasks", wildcards.task, *keys)
    return {
        "task": task,
        "name": wildcards.task,
        "mirror": config["mirror"],
        "seed": config["seed"],
    }


def checkpoint_settings(wildcards):
    """Where a checkpoint comes from."""
    source = part("checkpoints", wildcards.checkpoint)
    return {"source": source, "name": wildcards.checkpoint, "mirror": config["mirror"]}


def selection_settings(wildcards):
    """What the choice of the explained texts depends on."""
    task = part("tasks", wildcards.task, "labels", "explain")
    return {"task": task, "name": wildcards.task, "seed": config["seed"]}


def perturbation_settings(wildcards):
    """What the perturbed texts depend on."""
    return {
        "name": wildcards.perturbation,
        "folds": config["folds"],
        "limit": config["tasks"][wildcards.task]["perturb"]["examples"],
        "seed": config["seed"],
        **chosen_method("perturbations", wildcards.perturbation),
    }


def training_settings(wildcards):
    """What a run of a model depends on, apart from its inputs."""
    model = part("models", wildcards.model, "layers", "training")
    return {
        "layers": model["layers"],
        "settings": model["training"],
        "task": part("tasks", wildcards.task, "type", "labels"),
        "device": config["device"],
    }


def prediction_settings(wildcards):
    """What predictions depend on, apart from their inputs."""
    return {"device": config["device"]}


def explanation_settings(wildcards):
    """What explanations depend on, apart from their inputs."""
    return {
        "explainer": part("explainers", wildcards.explainer),
        "output": config["explained_output"],
        "device": config["device"],
        "seed": config["seed"],
    }


def deletion_settings(wildcards):
    """What deletions depend on, apart from their inputs."""
    return {
        "ks": config["metrics"]["deletion_k"],
        "draws": config["metrics"]["random_draws"],
        "device": config["device"],
        "seed": config["seed"],
    }


def page_digest():
    """Digest of the page's template, style and script."""
    return digest(ROOT / "resources" / "page")


def report_settings(wildcards):
    """The whole config: the report shows it."""
    return ordered(config)


def chosen_method(section, name):
    """A method and its options apart."""
    options = part(section, name)
    return {"method": options.pop("method"), "options": options}


def perturbation_code(wildcards):
    """Digest of the script and of the perturbation that it loads."""
    return method_code(
        "scripts/perturb.py",
        "perturb",
        config["perturbations"][wildcards.perturbation]["method"],
    )


def explanation_code(wildcards):
    """Digest of the script and of the explainer that it loads."""
    return method_code(
        "scripts/explain.py",
        "explain",
        config["explainers"][wildcards.explainer]["method"],
    )


def distillation_code(wildcards):
    """Digest of the script and of the distillation that it loads."""
    return method_code(
        "scripts/distil.py",
        "distillation",
        config["models"][wildcards.model]["training"]["method"],
    )


def method_code(script, kind, method):
    """Digest of a script and of the one method that it will load."""
    return code(script, f"distillens.{kind}.{method}")


def with_training(distilled):
    """Models that are distilled, or those that are not."""
    return [
        name
        for name, model in config["models"].items()
        if (model["training"]["method"] != "fine_tune") == distilled
    ]


def teacher_of(model):
    """The teacher of a student and its first seed; None for a teacher."""
    teacher = config["models"][model]["teacher"]
    return teacher and (teacher, config["models"][teacher]["seeds"][0])


def teacher_file(pattern, wildcards, **others):
    """The teacher's counterpart of a student's file; nothing for a teacher."""
    teacher = teacher_of(wildcards.model)
    if teacher is None:
        return []
    fields = {
        **dict(wildcards.items()),
        **others,
        "model": teacher[0],
        "seed": teacher[1],
    }
    return pattern.format(**fields)


def teacher_weights(wildcards):
    """Weights of the first seed of a student's teacher."""
    return teacher_file(rules.fine_tune.output.weights, wildcards)


def teacher_card(wildcards):
    """The small file that changes with those weights."""
    return teacher_file(rules.fine_tune.output.card, wildcards)


def teacher_explanations(wildcards):
    """The teacher's explanations of the same texts, by every explainer."""
    pattern = teacher_file(
        rules.explain.output.explanations, wildcards, explainer="{explainer}"
    )
    return pattern and [
        pattern.replace("{explainer}", name) for name in config["explainers"]
    ]


def runs(pattern):
    """A file of every run (model and seed), other wildcards left as they are."""
    return [
        pattern.replace("{model}", name).replace("{seed}", str(seed))
        for name, model in config["models"].items()
        for seed in model["seeds"]
    ]


def runs_and_explainers(pattern):
    """A file of every run and explainer, other wildcards left as they are."""
    return [
        path.replace("{explainer}", name)
        for path in runs(pattern)
        for name in config["explainers"]
    ]


def scoring(wildcards):
    """What the metrics of a task depend on."""
    return ordered(
        {
            "task": wildcards.task,
            "task_settings": part("tasks", wildcards.task, "type", "labels", "metrics"),
            "metrics": config["metrics"],
            "teachers": {
                name: model["teacher"] for name, model in config["models"].items()
            },
            "seeds": {name: model["seeds"] for name, model in config["models"].items()},
            "seed": config["seed"],
        }
    )


wildcard_constraints:
    task=one_of(config["tasks"]),
    model=one_of(config["models"]),
    checkpoint=one_of(config["checkpoints"]),
    perturbation=one_of(config["perturbations"]),
    explainer=one_of(config["explainers"]),
    seed=r"\d+",


pathvars:
    results=f"results/{config['study']}",
    logs=f"logs/{config['study']}",
    benchmarks=f"benchmarks/{config['study']}",
