"""How far the students of a task have drifted from their teachers, on the scale of the teacher's seeds."""

from distillens.joblog import logging_to

with logging_to(snakemake.log[0]):
    from distillens.evaluation.calibrate import calibrate
    from distillens.evaluation.inputs import Settings

    calibrate(
        snakemake.input.performance,
        snakemake.input.explanations,
        snakemake.input.again,
        snakemake.input.explained,
        out=snakemake.output.calibration,
        by_text=snakemake.output.by_text,
        settings=Settings(**snakemake.params.settings),
    )
