"""Explain the chosen examples with one explainer."""

from distillens.runlog import logging_to

with logging_to(snakemake.log[0]):
    from pathlib import Path

    from distillens.explanation import write_explanations

    write_explanations(
        explained=snakemake.input.explained,
        model=Path(snakemake.input.weights).parent,
        out=snakemake.output.explanations,
        identity={**snakemake.wildcards, "seed": int(snakemake.wildcards.seed)},
        **snakemake.params.settings,
    )
