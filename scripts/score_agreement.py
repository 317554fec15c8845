"""How alike the attributions of the models of a task are."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.agreement import score_agreement
    from distillens.evaluation.inputs import Settings

    score_agreement(
        snakemake.input.explained,
        snakemake.input.explanations,
        out=snakemake.output[0],
        settings=Settings(**snakemake.params.settings),
    )
