"""Attributions of every word, computed once; then the words that they name removed."""

if PARTS > 1:

    scattergather:
        explain=PARTS,


rule explain:
    input:
        **FINISHED,
        explained=rules.select_examples.output.explained,
    output:
        explanations=kept_until_gathered(EXPLANATIONS),
    log:
        part_of("<logs>/explain/{task}/{model}/{seed}/{explainer}.log"),
    benchmark:
        part_of("<benchmarks>/explain/{task}/{model}/{seed}/{explainer}.tsv")
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


if PARTS > 1:

    rule gather_explanations:
        input:
            gather.explain(part_of(EXPLANATIONS), allow_missing=True),
        output:
            explanations=EXPLANATIONS,
        log:
            "<logs>/gather_explanations/{task}/{model}/{seed}/{explainer}.log",
        benchmark:
            "<benchmarks>/gather_explanations/{task}/{model}/{seed}/{explainer}.tsv"
        conda:
            "../../envs/data.yaml"
        params:
            code=code("scripts/gather_explanations.py"),
        script:
            "../../scripts/gather_explanations.py"


rule delete:
    input:
        **FINISHED,
        explained=rules.select_examples.output.explained,
        explanations=collect(
            EXPLANATIONS,
            explainer=EXPLAINERS,
            allow_missing=True,
        ),
        teachers=teacher_explanations,
    output:
        deletions="<results>/deletions/{task}/{model}/{seed}.parquet",
        curves="<results>/curves/{task}/{model}/{seed}.parquet",
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
