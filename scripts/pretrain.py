"""Train a checkpoint on a corpus: give it a head, or distil it from another."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens import registry
    from distillens.training.pretrain import PretrainingPlan, pretrain

    plan = PretrainingPlan(**snakemake.params.settings)
    pretrain(
        registry.load("pretraining", plan.settings["method"]).Pretraining,
        plan,
        corpus=snakemake.input.corpus,
        start=snakemake.input.start,
        teacher=snakemake.input.get("teacher") or None,
        folder=snakemake.output.folder,
        card=snakemake.output.card,
    )
