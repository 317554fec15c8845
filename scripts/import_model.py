"""Take in a model that is already fine-tuned."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from pathlib import Path

    from distillens.models.import_model import import_model
    from distillens.provenance import RunId

    import_model(
        run=RunId.of(snakemake.wildcards),
        checkpoint=snakemake.input.checkpoint,
        out=Path(snakemake.output.card).parent,
        **snakemake.params.settings,
    )
