"""What all models of a task answer to its probes, and why."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.inputs import Settings
    from distillens.evaluation.probes import score_probes

    score_probes(
        snakemake.input.sentences,
        snakemake.input.designs,
        snakemake.input.explanations,
        out=snakemake.output[0],
        settings=Settings(**snakemake.params.settings),
    )
