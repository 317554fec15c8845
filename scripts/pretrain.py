"""Train a checkpoint on a corpus: give it a head, or distil it from another."""

from distillens.runlog import logging_to

with logging_to(snakemake.log[0]):
    from distillens import methods
    from distillens.corpus_training import pretrain

    method = methods.load("pretraining", snakemake.params.settings["settings"]["method"])
    pretrain(
        method.Pretraining,
        corpus=snakemake.input.corpus,
        start=snakemake.input.start,
        teacher=snakemake.input.get("teacher") or None,
        folder=snakemake.output.folder,
        card=snakemake.output.card,
        **snakemake.params.settings,
    )
