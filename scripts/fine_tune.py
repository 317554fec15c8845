"""Fine-tune a classifier on gold labels."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from pathlib import Path

    from distillens.training.fine_tune import FineTuning, train

    train(
        FineTuning,
        splits={split: snakemake.input[split] for split in ("train", "validation")},
        checkpoint=snakemake.input.checkpoint,
        out=Path(snakemake.output.card).parent,
        cost=snakemake.output.cost,
        identity={**snakemake.wildcards, "seed": int(snakemake.wildcards.seed)},
        **snakemake.params.settings,
    )
