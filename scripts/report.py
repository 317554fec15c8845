"""Write a study's report: the page, and its tables and figures beside it."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.report.material import ReportFiles
    from distillens.report.page import write_report

    settings = dict(snakemake.params.settings)
    name, tasks = settings.pop("study"), settings.pop("tasks")
    files = dict(snakemake.input.items())
    # The settings name it; as an input it makes an edit of it rerun this.
    files.pop("published")
    write_report({"name": name, **settings}, tasks, ReportFiles(**files), out=snakemake.output.page)
