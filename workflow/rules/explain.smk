"""Attributions of every word, computed once; then the words that they name removed."""


rule explain:
    input:
        **MODEL,
        explained=rules.select_examples.output.explained,
    output:
        explanations="<results>/explanations/{task}/{model}/{seed}/{explainer}.parquet",
    log:
        "<logs>/explain/{task}/{model}/{seed}/{explainer}.log",
    benchmark:
        "<benchmarks>/explain/{task}/{model}/{seed}/{explainer}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=at_least(6000),
        runtime="8h",
    params:
        settings=study.explanation,
        code=study.explanation_code,
    script:
        "../../scripts/explain.py"


rule delete:
    input:
        **MODEL,
        explained=rules.select_examples.output.explained,
        explanations=collect(
            rules.explain.output.explanations,
            explainer=EXPLAINERS,
            allow_missing=True,
        ),
        teachers=teacher_explanations,
    output:
        deletions="<results>/deletions/{task}/{model}/{seed}.parquet",
    log:
        "<logs>/delete/{task}/{model}/{seed}.log",
    benchmark:
        "<benchmarks>/delete/{task}/{model}/{seed}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=at_least(6000),
        runtime="2h",
    params:
        settings=study.deletion,
        code=code("scripts/delete.py"),
    script:
        "../../scripts/delete.py"
