"""Take in a model that is only asked."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.models.connect_model import connect_model
    from distillens.provenance import RunId

    connect_model(
        run=RunId.of(snakemake.wildcards),
        test=snakemake.input.test,
        card=snakemake.output.card,
        **snakemake.params.settings,
    )
