"""Ask Snakemake for the graph of the study's rules."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.report.graph import write_graph

    write_graph(snakemake.config, snakemake.output.graph)
