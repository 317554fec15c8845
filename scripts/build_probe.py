"""Build the sentences of a probe."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.probes.build_probe import build_probe

    build_probe(
        test=snakemake.input.test,
        sentences=snakemake.output.sentences,
        design=snakemake.output.design,
        **snakemake.params.settings,
    )
