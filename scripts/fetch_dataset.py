"""Fetch a data set and write the three splits of a task."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.data.fetch import fetch_dataset

    fetch_dataset(out=dict(snakemake.output.items()), **snakemake.params.settings)
