"""Write a study's report: the page, and its tables and figures beside it."""

from distillens.runlog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.report.page import write_report

    write_report(
        study=snakemake.params.settings["study"],
        tasks=snakemake.params.settings["tasks"],
        explained=snakemake.input.explained,
        explanations=snakemake.input.explanations,
        scores=snakemake.input.scores,
        drift=snakemake.input.drift,
        out=snakemake.output.page,
    )
