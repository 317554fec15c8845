"""Attributions of every word, computed once; then the words that they name removed."""


rule explain:
    input:
        explained=rules.select_examples.output.explained,
        weights="<results>/models/{task}/{model}/{seed}/model.safetensors",
        card="<results>/models/{task}/{model}/{seed}/training.json",
    output:
        explanations="<results>/explanations/{task}/{model}/{seed}/{explainer}.parquet",
    log:
        "<logs>/explain/{task}/{model}/{seed}/{explainer}.log",
    benchmark:
        "<benchmarks>/explain/{task}/{model}/{seed}/{explainer}.tsv"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=at_least(6000),
        runtime="8h",
    params:
        settings=explanation_settings,
        code=explanation_code,
    conda:
        "../../envs/models.yaml"
    script:
        "../../scripts/explain.py"


rule delete:
    input:
        explained=rules.select_examples.output.explained,
        explanations=rules.explain.output.explanations,
        teacher=teacher_explanations,
        weights="<results>/models/{task}/{model}/{seed}/model.safetensors",
        card="<results>/models/{task}/{model}/{seed}/training.json",
    output:
        deletions="<results>/deletions/{task}/{model}/{seed}/{explainer}.parquet",
    log:
        "<logs>/delete/{task}/{model}/{seed}/{explainer}.log",
    benchmark:
        "<benchmarks>/delete/{task}/{model}/{seed}/{explainer}.tsv"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=at_least(6000),
        runtime="2h",
    params:
        settings=deletion_settings,
        code=code("scripts/delete.py"),
    conda:
        "../../envs/models.yaml"
    script:
        "../../scripts/delete.py"
