"""Make a student out of its teacher by a compression."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from pathlib import Path

    from distillens.training.compress import compress

    compress(
        teacher=Path(snakemake.input.teacher[0]).parent,
        out=Path(snakemake.output.card).parent,
        corpus=snakemake.input.get("corpus") or None,
        cost=snakemake.output.cost,
        identity={**snakemake.wildcards, "seed": int(snakemake.wildcards.seed)},
        splits={split: snakemake.input.get(split) for split in ("train", "validation")},
        **snakemake.params.settings,
    )
