"""Jobs as the workflow's scripts make them, out of plain dicts."""

from distillens.attribution.explain import ExplanationPlan, write_explanations
from distillens.models.engine import EngineOptions
from distillens.models.job import ModelJob
from distillens.provenance import RunId
from distillens.training import fine_tune
from distillens.training.job import TrainingJob, TrainingPlan


def model_job(identity, folder, engine, code=""):
    return ModelJob(RunId.of(identity), folder, EngineOptions(**engine), code)


def explain(explained, folder, out, identity, explainer, output, engine, seed, code="", part="1-of-1"):
    job, plan = model_job(identity, folder, engine, code), ExplanationPlan(explainer, output, seed)
    write_explanations(job, plan, explained, out, part)


def train(trainer, *, identity, engine, task, settings, layers=None, export_onnx=False, checkpoint, **files):
    job = TrainingJob(RunId.of(identity), checkpoint=checkpoint, engine=EngineOptions(**engine), **files)
    fine_tune.train(trainer, job, TrainingPlan(task, settings, layers, export_onnx))
