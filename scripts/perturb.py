"""Perturb the texts of a task: one file for all repeats and every model."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.perturbations.perturb import PerturbationPlan, write_perturbed

    write_perturbed(
        examples=snakemake.input.examples,
        out=snakemake.output.perturbed,
        task=snakemake.wildcards.task,
        plan=PerturbationPlan(**snakemake.params.settings),
    )
