"""The verdict of every student, on every task and by every explainer."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.decide_verdicts import decide_verdicts

    decide_verdicts(snakemake.input.calibrations, out=snakemake.output[0], **snakemake.params.settings)
