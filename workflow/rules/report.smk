"""The page, its tables and its figures."""


rule report:
    input:
        explained=collect(rules.select_examples.output.explained, task=config["tasks"]),
        explanations=collect(
            runs_and_explainers(rules.explain.output.explanations),
            task=config["tasks"],
        ),
        scores=collect(
            [
                rules.score_performance.output.scores,
                rules.score_robustness.output.scores,
                rules.score_agreement.output.scores,
                rules.score_faithfulness.output.scores,
            ],
            task=config["tasks"],
        ),
        drift=collect(rules.score_drift.output.scores, task=config["tasks"]),
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
        settings=report_settings,
        code=code("scripts/report.py"),
        page=page_digest(),
    script:
        "../../scripts/report.py"
