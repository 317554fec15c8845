"""The page, its tables and its figures."""


rule report:
    input:
        explained=collect(rules.select_examples.output.explained, task=TASKS),
        explanations=collect(
            of_all_runs(EXPLANATIONS),
            task=TASKS,
        ),
        scores=collect(
            [
                rules.score_performance.output.scores,
                rules.score_robustness.output.scores,
                rules.score_agreement.output.scores,
                rules.score_faithfulness.output.scores,
            ],
            task=TASKS,
        ),
        drift=collect(rules.score_drift.output.scores, task=TASKS),
    output:
        page=report(
            "<results>/report/index.html",
            caption="../report/report.rst",
            category="Report",
        ),
        tables=directory("<results>/report/tables"),
        figures=directory("<results>/report/figures"),
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=study.report,
        code=report_code(),
    script:
        "../../scripts/report.py"
