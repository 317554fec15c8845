"""Measure how large and how fast a finished model is."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from pathlib import Path

    from distillens.models.measure_cost import write_cost

    write_cost(
        test=snakemake.input.test,
        model=Path(snakemake.input.weights).parent,
        out=snakemake.output.cost,
        identity={**snakemake.wildcards, "seed": int(snakemake.wildcards.seed)},
        **snakemake.params.settings,
    )
