"""What removing words does to all models of a task."""

from distillens.runlog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.scoring import score_faithfulness

    score_faithfulness(
        snakemake.input.explained,
        snakemake.input.deletions,
        out=snakemake.output[0],
        **snakemake.params.settings,
    )
