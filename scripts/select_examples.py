"""Choose the examples that are explained."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.data.select import select_examples

    select_examples(test=snakemake.input.test, out=snakemake.output.explained, **snakemake.params.settings)
