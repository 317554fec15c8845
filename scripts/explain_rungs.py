"""Explain damaged copies of a teacher's run with one explainer."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.attribution.explain import ExplanationPlan
    from distillens.attribution.explain_rungs import explain_rungs
    from distillens.models.job import ModelJob

    explain_rungs(
        ModelJob.of(snakemake),
        ExplanationPlan(**snakemake.params.settings),
        snakemake.params.ladder,
        explained=snakemake.input.explained,
        out=snakemake.output.rungs,
    )
