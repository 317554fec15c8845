"""The page, its tables and its figures."""

from distillens.config.job_params import workflow_code

PUBLISHED = study.config["published"]
BASELINES = study.config["baselines"]
REPORT = {
    "page": report(
        "<results>/report/index.html",
        caption="../report/report.rst",
        category="Report",
    ),
    "tables": directory("<results>/report/tables"),
    "figures": directory("<results>/report/figures"),
    "study": "<results>/report/study.yaml",
}
if PUBLISHED:
    REPORT["published"] = directory("<results>/report/published")


# It asks Snakemake in another process, which locks and changes nothing: where the run is, not on a node.
rule draw_workflow:
    output:
        graph="<results>/workflow/rulegraph.dot",
    log:
        "<logs>/draw_workflow.log",
    benchmark:
        "<benchmarks>/draw_workflow.tsv"
    localrule: True
    conda:
        "../../envs/workflow.yaml"
    params:
        shape=study.shape,
        code=workflow_code(),
    script:
        "../../scripts/draw_workflow.py"


rule report:
    input:
        splits=collect(list(rules.fetch_dataset.output), task=TASKS),
        explained=collect(rules.select_examples.output.explained, task=TASKS),
        explanations=collect(
            of_all_runs(EXPLANATIONS),
            task=TASKS,
        ),
        scores=collect(
            [
                rules.score_performance.output.scores,
                rules.score_robustness.output.scores,
                rules.score_stability.output.scores,
                rules.score_agreement.output.scores,
                rules.score_faithfulness.output.scores,
                rules.score_buckets.output.scores,
                rules.score_probes.output.scores,
            ],
            task=TASKS,
        ),
        drift=rules.judge.output.drift,
        closing=(
            collect(rules.score_closing.output.closing, task=TASKS)
            if BASELINES
            else []
        ),
        trainings=collect(of_runs(TRAINING, study.trained()), task=TASKS),
        shifts=collect(rules.score_shifts.output.shifts, task=TASKS),
        costs_of_runs=collect(
            of_runs(rules.measure_cost.output.cost, ASKED), task=TASKS
        ),
        probe_designs=of_all_probes(rules.build_probe.output.design),
        probe_sentences=of_all_probes(rules.build_probe.output.sentences),
        probe_explanations=of_all_probes(rules.explain_probe.output.explanations),
        workflow=[rules.draw_workflow.output.graph] if PUBLISHED else [],
        published=study.published_file,
    output:
        **REPORT,
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=at_least(4000),
        runtime=hours(1),
    params:
        settings=study.report,
        code=report_code(),
    script:
        "../../scripts/report.py"
