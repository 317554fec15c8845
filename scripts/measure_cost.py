"""Measure how large and how fast a finished model is."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.models.job import ModelJob
    from distillens.models.measure_cost import write_cost

    write_cost(
        ModelJob.of(snakemake),
        test=snakemake.input.test,
        out=snakemake.output.cost,
        **snakemake.params.settings,
    )
