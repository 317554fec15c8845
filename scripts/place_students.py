"""Where the students of a task stand among damaged copies of their teachers."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.inputs import Settings
    from distillens.evaluation.place_students import LadderFiles, place_students

    place_students(
        LadderFiles(**dict(snakemake.input.items())),
        settings=Settings(**snakemake.params.settings),
        accept=snakemake.params.accept,
        placements=snakemake.output.placements,
        ladders=snakemake.output.ladders,
    )
