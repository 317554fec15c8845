"""The file of each label, out of that of its task."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.cut_label import cut_label

    for out, (view, of) in zip(snakemake.output, snakemake.params.labels.items(), strict=True):
        cut_label(snakemake.input.whole, out, view=view, of=of)
