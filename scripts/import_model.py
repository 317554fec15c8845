"""Take in a model that is already fine-tuned."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from pathlib import Path

    from distillens.models.import_model import import_model

    import_model(
        checkpoint=snakemake.input.checkpoint,
        out=Path(snakemake.output.card).parent,
        identity={**snakemake.wildcards, "seed": int(snakemake.wildcards.seed)},
        **snakemake.params.settings,
    )
