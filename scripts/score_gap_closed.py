"""How much of a baseline's drift the other students of its teacher close."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.gap_closed import score_gap_closed
    from distillens.evaluation.inputs import Settings

    score_gap_closed(
        snakemake.input.test,
        snakemake.input.predictions,
        snakemake.input.performance,
        snakemake.input.explanations,
        out=snakemake.output[0],
        settings=Settings(**snakemake.params.settings),
        baselines=snakemake.params.baselines,
        controls=snakemake.params.controls,
    )
