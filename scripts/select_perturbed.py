"""Texts before and after each perturbation, to be explained."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.perturbations.select_perturbed import select_perturbed

    select_perturbed(
        snakemake.input.test,
        snakemake.input.perturbed,
        out=snakemake.output[0],
        **snakemake.params.settings,
    )
