"""What removing words does to all models of a task."""

from distillens.runlog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.faithfulness_scoring import score_faithfulness

    score_faithfulness(
        snakemake.input.explained,
        snakemake.input.deletions,
        snakemake.input.curves,
        snakemake.input.explanations,
        out=snakemake.output[0],
        **snakemake.params.settings,
    )
