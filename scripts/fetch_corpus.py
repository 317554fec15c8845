"""Fetch a corpus: plain text, from where the config says."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.data.corpus import fetch_corpus

    fetch_corpus(out=snakemake.output.corpus, **snakemake.params.settings)
