"""How alike models' explanations are, by which of them are right."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.buckets import score_buckets
    from distillens.evaluation.inputs import Settings

    score_buckets(
        snakemake.input.explained,
        snakemake.input.explanations,
        out=snakemake.output[0],
        settings=Settings(**snakemake.params.settings),
    )
