"""Take in a model that is only asked."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.models.asking import Asking
    from distillens.models.connect_model import connect_model
    from distillens.provenance import RunId

    run = RunId.of(snakemake.wildcards)
    connect_model(
        run=run,
        test=snakemake.input.test,
        card=snakemake.output.card,
        asking=Asking.of(snakemake.config, run.model, str(run.seed)),
        **snakemake.params.settings,
    )
