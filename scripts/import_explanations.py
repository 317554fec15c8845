"""Take in attributions that were computed elsewhere."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.attribution.import_explanations import ImportSettings, import_explanations
    from distillens.provenance import RunId

    import_explanations(
        RunId.of(snakemake.wildcards),
        ImportSettings(**snakemake.params.settings),
        explained=snakemake.input.explained,
        test=snakemake.input.test,
        file=snakemake.input.file,
        predictions=snakemake.input.get("predictions") or None,
        reference=next(iter(snakemake.input.reference), None),
        out=snakemake.output.explanations,
    )
