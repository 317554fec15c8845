"""The page, its tables and its figures."""

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
        drift=rules.decide_verdicts.output.drift,
        gap_closed=(
            collect(rules.score_gap_closed.output.gap_closed, task=TASKS)
            if BASELINES
            else []
        ),
        trainings=collect(of_runs(TRAINING, study.made_here()), task=TASKS),
        word_shifts=collect(rules.score_word_shifts.output.word_shifts, task=TASKS),
        costs=collect(of_runs(rules.measure_cost.output.cost, WITH_WEIGHTS), task=TASKS),
        probe_designs=of_all_probes(rules.build_probe.output.design),
        probe_sentences=of_all_probes(rules.build_probe.output.sentences),
        probe_explanations=of_all_probes(rules.explain_probe.output.explanations),
        published=job_params.published_file,
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
        settings=job_params.report,
        code=report_code(),
    script:
        "../../scripts/report.py"
