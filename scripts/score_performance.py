"""Task metrics of all models of a task."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.inputs import Settings
    from distillens.evaluation.performance import score_performance

    score_performance(
        snakemake.input.test,
        snakemake.input.predictions,
        snakemake.input.explanations,
        out=snakemake.output[0],
        settings=Settings(**snakemake.params.settings),
    )
