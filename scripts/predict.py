"""Predict the test split and its perturbed copies."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.models.job import ModelJob
    from distillens.models.predict import write_predictions

    write_predictions(
        ModelJob.of(snakemake),
        test=snakemake.input.test,
        perturbed=snakemake.input.perturbed,
        out=snakemake.output.predictions,
    )
