"""Explain the chosen examples with one explainer."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from pathlib import Path

    from distillens.attribution.explain import write_explanations

    names = {**snakemake.wildcards}
    part = names.pop("scatteritem", "1-of-1")
    write_explanations(
        explained=snakemake.input.explained,
        model=Path(snakemake.input.weights).parent,
        out=snakemake.output.explanations,
        identity={**names, "seed": int(names["seed"])},
        code=snakemake.params.code,
        part=part,
        **snakemake.params.settings,
    )
