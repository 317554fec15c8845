"""Train a checkpoint on a corpus: give it a head, or distil it from another."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens import registry
    from distillens.training.pretrain import pretrain

    method = registry.load("pretraining", snakemake.params.settings["settings"]["method"])
    pretrain(
        method.Pretraining,
        corpus=snakemake.input.corpus,
        start=snakemake.input.start,
        teacher=snakemake.input.get("teacher") or None,
        folder=snakemake.output.folder,
        card=snakemake.output.card,
        **snakemake.params.settings,
    )
