"""Measure how large and how fast a finished model is."""

from distillens.runlog import logging_to

with logging_to(snakemake.log[0]):
    from pathlib import Path

    from distillens.costing import write_cost

    write_cost(
        test=snakemake.input.test,
        model=Path(snakemake.input.weights).parent,
        out=snakemake.output.cost,
        identity={**snakemake.wildcards, "seed": int(snakemake.wildcards.seed)},
        **snakemake.params.settings,
    )
