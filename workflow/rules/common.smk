"""Checks the study's config; names, patterns and resources that the rules share."""

import os
import re

from snakemake.exceptions import WorkflowError

from distillens.config.validate import ConfigError, complete
from distillens.config.command_line import retype
from distillens.config.texts import with_planned_texts
from distillens.config.files import refuse_duplicates, refuse_missing, refuse_patterns
from distillens.provenance import ROOT, code, prefer_this_package
from distillens.config.job_code import JobCode, report_code
from distillens.config.job_params import JobParams
from distillens.config.study import Study

prefer_this_package()
try:
    refuse_duplicates(workflow.configfiles)
    retype(config, workflow.config_settings.config_args or [])
    study = Study(with_planned_texts(complete(config)))
    refuse_missing(study.config)
    refuse_patterns(
        study.config,
        {"the folder that you are in": os.getcwd(), "the project's folder": ROOT},
    )
except ConfigError as error:
    raise WorkflowError(f"config: {error}") from None

job_params = JobParams(study)
job_code = JobCode(study)
TASKS, MODELS, CHECKPOINTS, EXPLAINERS, PERTURBATIONS, PROBES, CORPORA = (
    list(study.config[section])
    for section in (
        "tasks",
        "models",
        "checkpoints",
        "explainers",
        "perturbations",
        "probes",
        "corpora",
    )
)
# What verdicts are about: of a task with several labels each of these, which is judged as a task of its own.
JUDGED = list(study.judged)
LABELS = [task for task in JUDGED if task not in TASKS]
# Models that have weights, those that can be asked, and those of which only attributions are known.
WITH_WEIGHTS = study.with_weights()
CAN_ANSWER = study.can_answer()
ATTRIBUTIONS_ONLY = study.of_origin("attributions_only")
# Of which words are removed.
WORDS_REMOVED = CAN_ANSWER if study.config["metrics"]["faithfulness"] else []
CHECKPOINT = "<results>/checkpoints/{checkpoint}"
# The small file that changes with it.
CHECKPOINT_CARD = "<results>/checkpoints/{checkpoint}.json"
_RUN = "<results>/models/{task}/{model}/{seed}"
# A run's finished model; the card is written last.
MODEL = {
    "weights": f"{_RUN}/model.safetensors",
    "config": f"{_RUN}/config.json",
    "tokenizer": f"{_RUN}/tokenizer.json",
    "tokenizer_config": f"{_RUN}/tokenizer_config.json",
    "card": f"{_RUN}/training.json",
}
# What it took to make it; nothing that is made of the model depends on it.
TRAINING = "<results>/trainings/{task}/{model}/{seed}.parquet"
MODEL_WITHOUT_GRAPH = dict(MODEL)
if study.exports_onnx:
    MODEL["onnx"] = f"{_RUN}/model.onnx"
EXPLANATIONS = "<results>/explanations/{task}/{model}/{seed}/{explainer}.parquet"
EXPLANATIONS_AGAIN = (
    "<results>/explanations_again/{task}/{model}/{seed}/{explainer}.parquet"
)
PARTS = study.config["parts"]
# Only GPU jobs are tagged; where the study keeps to the CPU there are none.
GPU = 0 if study.config["device"] == "cpu" else 1
# Processes that prepare what one GPU computes; jobs on the CPU keep to one core each.
WORKERS = 4 if study.config["device"] == "cuda" else 1


def gpu_of(wildcards):
    """What a job of a finished model asks for: no GPU where the model answers over a network."""
    return 0 if study.answers_elsewhere(wildcards.model) else GPU


def part_of(path):
    """The file of one part of an explanation job; the whole file where it is not cut."""
    return (
        path if PARTS == 1 else path.replace("{explainer}", "{explainer}.{scatteritem}")
    )


def kept_until_gathered(path):
    """Parts are not needed once they are joined."""
    return path if PARTS == 1 else temp(part_of(path))


def every_core(wildcards):
    """All cores of this machine, so that nothing runs beside a job that measures time; on a cluster one."""
    # Without --cores, which a cluster does not need, `workflow.cores` is an error.
    return (workflow.resource_settings.cores or 1) if workflow.local_exec else 1


def at_least(megabytes):
    """Memory that grows with each attempt."""
    return lambda wildcards, attempt: megabytes * attempt


def hours(number):
    """Minutes of run time that grow with each attempt."""
    return lambda wildcards, attempt: 60 * number * attempt


def one_of(names):
    """A pattern for just these names; for none, one that matches nothing."""
    return "|".join(map(re.escape, names)) or "(?!)"


def compressed_models(graph):
    """A pattern for the compressed models with an ONNX graph, or for those that never run on one."""
    return one_of(
        [
            model
            for model in study.of_origin("compressed")
            if study.has_graph(model) == graph
        ]
    )


wildcard_constraints:
    task=one_of([*TASKS, *LABELS]),
    model=one_of(MODELS),
    checkpoint=one_of(CHECKPOINTS),
    corpus=one_of(CORPORA),
    perturbation=one_of(PERTURBATIONS),
    explainer=one_of(EXPLAINERS),
    probe=one_of(PROBES),
    seed=r"\d+",


pathvars:
    results=f"results/{study.config['study']}",
    logs=f"logs/{study.config['study']}",
    benchmarks=f"benchmarks/{study.config['study']}",
