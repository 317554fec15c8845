"""Make a student out of its teacher by a compression."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.training.compress import compress
    from distillens.training.job import TrainingJob, TrainingPlan

    compress(
        snakemake.params.compression,
        TrainingJob.of(snakemake),
        TrainingPlan(**snakemake.params.settings),
    )
