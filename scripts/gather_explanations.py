"""Join the parts of an explanation job."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.models.chunks import gather

    gather(snakemake.input, out=snakemake.output.explanations)
