"""What perturbations do to all models of a task."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.inputs import Settings
    from distillens.evaluation.robustness import score_robustness

    score_robustness(
        snakemake.input.test,
        snakemake.input.perturbed,
        snakemake.input.predictions,
        out=snakemake.output[0],
        settings=Settings(**snakemake.params.settings),
    )
