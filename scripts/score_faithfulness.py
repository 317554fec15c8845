"""What removing words does to all models of a task."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.faithfulness import score_faithfulness
    from distillens.evaluation.inputs import Settings

    score_faithfulness(
        snakemake.input.explained,
        snakemake.input.deletions,
        snakemake.input.curves,
        snakemake.input.explanations,
        out=snakemake.output[0],
        settings=Settings(**snakemake.params.settings),
    )
