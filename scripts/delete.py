"""Remove the words that explanations name, and ask the model again."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.attribution.delete import DeletionPlan, write_deletions
    from distillens.models.job import ModelJob

    write_deletions(
        ModelJob.of(snakemake),
        DeletionPlan(**snakemake.params.settings),
        explained=snakemake.input.explained,
        explanations=snakemake.input.explanations,
        teachers=snakemake.input.teachers,
        out=snakemake.output.deletions,
        curves=snakemake.output.curves,
    )
