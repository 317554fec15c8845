"""Distil a student from its teacher."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.training.distillation import trainer
    from distillens.training.fine_tune import train
    from distillens.training.job import TrainingJob, TrainingPlan

    plan = TrainingPlan(**snakemake.params.settings)
    train(trainer(plan.settings["method"]), TrainingJob.of(snakemake), plan)
