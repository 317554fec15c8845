"""How alike the attributions of the models of a task are."""

from distillens.runlog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.comparing import score_agreement

    score_agreement(
        snakemake.input.explanations,
        out=snakemake.output[0],
        **snakemake.params.settings,
    )
