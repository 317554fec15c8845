"""Checks the study's config; what the rules ask of it and of each other."""

import re

from snakemake.exceptions import WorkflowError

from distillens.config import ConfigError, complete
from distillens.provenance import code
from distillens.study import Study, report_code

try:
    study = Study(complete(config))
except ConfigError as error:
    raise WorkflowError(f"config: {error}") from None

TASKS, MODELS, CHECKPOINTS, EXPLAINERS, PERTURBATIONS = (
    list(study.config[section])
    for section in ("tasks", "models", "checkpoints", "explainers", "perturbations")
)
_RUN = "<results>/models/{task}/{model}/{seed}"
# A run's finished model; the card is written last.
MODEL = {
    "weights": f"{_RUN}/model.safetensors",
    "config": f"{_RUN}/config.json",
    "tokenizer": f"{_RUN}/tokenizer.json",
    "tokenizer_config": f"{_RUN}/tokenizer_config.json",
    "card": f"{_RUN}/training.json",
}
if study.exports_onnx:
    MODEL["onnx"] = f"{_RUN}/model.onnx"
EXPLANATIONS = "<results>/explanations/{task}/{model}/{seed}/{explainer}.parquet"
PARTS = study.config["parts"]
# Only GPU jobs are tagged; where the study keeps to the CPU there are none.
GPU = 0 if study.config["device"] == "cpu" else 1


def part_of(path):
    """The file of one part of an explanation job; the whole file where it is not cut."""
    return (
        path if PARTS == 1 else path.replace("{explainer}", "{explainer}.{scatteritem}")
    )


def kept_until_gathered(path):
    """Parts are not needed once they are joined."""
    return path if PARTS == 1 else temp(part_of(path))


def at_least(megabytes):
    """Memory that grows with each attempt."""
    return lambda wildcards, attempt: megabytes * attempt


def one_of(names):
    """A pattern for just these names; for none, one that matches nothing."""
    return "|".join(map(re.escape, names)) or "(?!)"


def checkpoint_of(wildcards):
    """The folder of the checkpoint that a model starts from."""
    name = study.config["models"][wildcards.model]["checkpoint"]
    return rules.fetch_checkpoint.output.folder.replace("{checkpoint}", name)


def checkpoint_card_of(wildcards):
    """The small file that changes with that folder."""
    name = study.config["models"][wildcards.model]["checkpoint"]
    return rules.fetch_checkpoint.output.card.replace("{checkpoint}", name)


def of_teacher(pattern, wildcards):
    """The files of a student's teacher (its first seed); none for a teacher."""
    teacher = study.teacher(wildcards.model)
    if teacher is None:
        return []
    return expand(
        pattern,
        task=wildcards.task,
        model=teacher[0],
        seed=teacher[1],
        explainer=EXPLAINERS,
    )


def teacher_model(wildcards):
    """The finished model that a student learns from."""
    return [
        path for pattern in MODEL.values() for path in of_teacher(pattern, wildcards)
    ]


def teacher_explanations(wildcards):
    """The teacher's explanations of the same texts, by every explainer."""
    return of_teacher(EXPLANATIONS, wildcards)


def of_all_runs(pattern):
    """A file of every run (and explainer, where the pattern has one) of a task."""
    models, seeds = zip(*study.runs())
    runs = expand(pattern, zip, model=models, seed=seeds, allow_missing=True)
    return expand(runs, explainer=EXPLAINERS, allow_missing=True)


def of_all_perturbations(pattern):
    """A file of every perturbation of a task."""
    return expand(pattern, perturbation=PERTURBATIONS, allow_missing=True)


wildcard_constraints:
    task=one_of(TASKS),
    model=one_of(MODELS),
    checkpoint=one_of(CHECKPOINTS),
    perturbation=one_of(PERTURBATIONS),
    explainer=one_of(EXPLAINERS),
    seed=r"\d+",


pathvars:
    results=f"results/{study.config['study']}",
    logs=f"logs/{study.config['study']}",
    benchmarks=f"benchmarks/{study.config['study']}",
