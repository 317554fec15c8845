"""Which words students lean on more, or less, than their teachers."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.inputs import Settings
    from distillens.evaluation.word_shifts import score_word_shifts

    score_word_shifts(
        snakemake.input.explained,
        snakemake.input.explanations,
        out=snakemake.output[0],
        settings=Settings(**snakemake.params.settings),
    )
