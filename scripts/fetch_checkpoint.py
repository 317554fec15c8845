"""Fetch a pretrained encoder."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.data.fetch import fetch_checkpoint

    fetch_checkpoint(folder=snakemake.output.folder, card=snakemake.output.card, **snakemake.params.settings)
