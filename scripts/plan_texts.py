"""How many texts the verdicts of a task need."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.inputs import Settings
    from distillens.evaluation.place_students import LadderFiles
    from distillens.evaluation.plan_texts import plan_texts

    plan_texts(
        LadderFiles(**dict(snakemake.input.items())),
        settings=Settings(**snakemake.params.settings),
        out=snakemake.output.plan,
        **snakemake.params.plan,
    )
