"""distillens: does a distilled or compressed text classifier still reason like its teacher?"""

from snakemake.utils import min_version

min_version("9.12")


# A study given by --configfile replaces the quickstart; it is not merged into it.
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/files.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/finished.smk"
include: "workflow/rules/compress.smk"
include: "workflow/rules/perturb.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/explain.smk"
include: "workflow/rules/probe.smk"
include: "workflow/rules/stability.smk"
include: "workflow/rules/cost.smk"
include: "workflow/rules/metrics.smk"
include: "workflow/rules/drift.smk"
include: "workflow/rules/ladder.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/labels.smk"
include: "workflow/rules/kept.smk"


rule all:
    default_target: True
    input:
        rules.report.output,
        # A job that fails has lost its output. Were that not asked for by name, what was made
        # from the lost file would be taken for up to date.
        kept_files(),
