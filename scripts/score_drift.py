"""How far the students of a task have drifted from their teachers."""

from distillens.runlog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.comparing import score_drift

    score_drift(
        snakemake.input.performance,
        snakemake.input.explanations,
        out=snakemake.output[0],
        **snakemake.params.settings,
    )
