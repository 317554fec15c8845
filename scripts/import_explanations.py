"""Take in attributions that were computed elsewhere."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.attribution.import_explanations import import_explanations

    import_explanations(
        explained=snakemake.input.explained,
        test=snakemake.input.test,
        file=snakemake.input.file,
        predictions=snakemake.input.get("predictions") or None,
        out=snakemake.output.explanations,
        identity={**snakemake.wildcards, "seed": int(snakemake.wildcards.seed)},
        **snakemake.params.settings,
    )
