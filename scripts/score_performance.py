"""Task metrics of all models of a task."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.inputs import Settings
    from distillens.evaluation.label_performance import score_label_performance
    from distillens.evaluation.performance import score_performance

    settings, files = Settings(**snakemake.params.settings), snakemake.input
    if settings.task_settings["type"] == "multi_label":
        score_label_performance(files.test, files.predictions, out=snakemake.output[0], settings=settings)
    else:
        score_performance(
            files.test, files.predictions, files.explanations, out=snakemake.output[0], settings=settings
        )
