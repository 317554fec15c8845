"""Fetch a corpus: plain text, from where the config says."""

from distillens.runlog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.datasets.corpora import fetch_corpus

    fetch_corpus(out=snakemake.output.corpus, **snakemake.params.settings)
