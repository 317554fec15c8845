"""Distil a student from its teacher."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from pathlib import Path

    from distillens.training import distillation, fine_tune

    fine_tune.train(
        distillation.trainer(snakemake.params.settings["settings"]["method"]),
        splits={split: snakemake.input[split] for split in ("train", "validation")},
        checkpoint=snakemake.input.checkpoint,
        teacher=Path(snakemake.input.teacher[0]).parent,
        out=Path(snakemake.output.card).parent,
        corpus=snakemake.input.get("corpus") or None,
        cost=snakemake.output.cost,
        identity={**snakemake.wildcards, "seed": int(snakemake.wildcards.seed)},
        **snakemake.params.settings,
    )
