"""Join the parts of an explanation job."""

from distillens.runlog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.resuming import gather

    gather(snakemake.input, out=snakemake.output.explanations)
