"""Predict the test split and its perturbed copies."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from pathlib import Path

    from distillens.models.predict import write_predictions

    write_predictions(
        test=snakemake.input.test,
        perturbed=snakemake.input.perturbed,
        model=Path(snakemake.input.weights).parent,
        out=snakemake.output.predictions,
        identity={**snakemake.wildcards, "seed": int(snakemake.wildcards.seed)},
        code=snakemake.params.code,
        **snakemake.params.settings,
    )
