"""Fine-tune a classifier on gold labels."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.training.fine_tune import FineTuning, train
    from distillens.training.job import TrainingJob, TrainingPlan

    train(FineTuning, TrainingJob.of(snakemake), TrainingPlan(**snakemake.params.settings))
