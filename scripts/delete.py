"""Remove the words that explanations name, and ask the model again."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from pathlib import Path

    from distillens.attribution.delete import write_deletions

    write_deletions(
        explained=snakemake.input.explained,
        explanations=snakemake.input.explanations,
        teachers=snakemake.input.teachers,
        model=Path(snakemake.input.weights).parent,
        out=snakemake.output.deletions,
        curves=snakemake.output.curves,
        identity={**snakemake.wildcards, "seed": int(snakemake.wildcards.seed)},
        code=snakemake.params.code,
        **snakemake.params.settings,
    )
