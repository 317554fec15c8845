"""The page, its tables and its figures."""

PUBLISHED = study.config["published"]
BASELINES = study.config["baselines"]
REPORT = {
    "page": report(
        "<results>/report/index.html",
        caption="../report/page.rst",
        category="Report",
        labels={"page": "verdicts, tables and figures"},
    ),
    "tables": report(
        directory("<results>/report/tables"),
        patterns=["{name}.csv"],
        caption="../report/table.rst",
        category="Tables",
        labels={"table": "{name}"},
    ),
    "figures": report(
        directory("<results>/report/figures"),
        patterns=["{name}.svg"],
        caption="../report/figure.rst",
        category="Figures",
        labels={"figure": "{name}"},
    ),
    "study": "<results>/report/study.yaml",
    "record": "<results>/report/verdict.json",
    "summary": "<results>/report/summary.md",
}
if PUBLISHED:
    REPORT["published"] = report(
        directory("<results>/report/published"),
        patterns=["{name}.{format}"],
        caption="../report/published.rst",
        category="Published exhibits",
        labels={"exhibit": "{name}", "format": "{format}"},
    )


rule report:
    input:
        splits=collect(list(rules.fetch_dataset.output), task=JUDGED),
        explained=collect(rules.select_examples.output.explained, task=JUDGED),
        explanations=collect(
            of_all_runs(EXPLANATIONS),
            task=JUDGED,
        ),
        scores=all_scores(),
        drift=rules.decide_verdicts.output.drift,
        text_agreement=collect(rules.calibrate.output.by_text, task=JUDGED),
        gap_closed=(
            collect(rules.score_gap_closed.output.gap_closed, task=JUDGED)
            if BASELINES
            else []
        ),
        placements=(
            collect(rules.place_students.output.placements, task=JUDGED)
            if LADDER["teachers"]
            else []
        ),
        ladders=(
            collect(rules.place_students.output.ladders, task=JUDGED)
            if LADDER["teachers"]
            else []
        ),
        trainings=collect(of_runs(TRAINING, study.made_here()), task=TASKS),
        word_shifts=collect(rules.score_word_shifts.output.word_shifts, task=JUDGED),
        costs=collect(of_runs(rules.measure_cost.output.cost, WITH_WEIGHTS), task=TASKS),
        probe_designs=of_all_probes(rules.build_probe.output.design),
        probe_sentences=of_all_probes(rules.build_probe.output.sentences),
        probe_explanations=of_all_probes(rules.explain_probe.output.explanations),
        predictions=collect(
            of_runs(rules.predict.output.predictions, WITH_WEIGHTS), task=JUDGED
        ),
        published=from_outside(job_params.published_file),
    output:
        **REPORT,
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.report,
        code=report_code(),
    script:
        "../../scripts/report.py"
