"""Explain the chosen examples with one explainer."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.attribution.explain import ExplanationPlan, write_explanations
    from distillens.models.job import ModelJob

    write_explanations(
        ModelJob.of(snakemake),
        ExplanationPlan(**snakemake.params.settings),
        explained=snakemake.input.explained,
        out=snakemake.output.explanations,
        part=snakemake.wildcards.get("scatteritem", "1-of-1"),
    )
