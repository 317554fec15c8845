"""Write a study's report: the page, and its tables and figures beside it."""

from distillens.runlog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.report.page import write_report

    settings = dict(snakemake.params.settings)
    name, tasks = settings.pop("study"), settings.pop("tasks")
    write_report(
        study={"name": name, **settings},
        tasks=tasks,
        explained=snakemake.input.explained,
        explanations=snakemake.input.explanations,
        scores=snakemake.input.scores,
        drift=snakemake.input.drift,
        out=snakemake.output.page,
    )
