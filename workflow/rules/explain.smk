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
    wildcard_constraints:
        task=one_of(TASKS),
        model=one_of(study.computed_attributions()),
    conda:
        "../../envs/models.yaml"
    threads: WORKERS
    resources:
        gpu=gpu_of,
        mem_mb=at_least(5000 + 1000 * WORKERS),
        runtime=hours(8),
    params:
        settings=job_params.explain,
        engine=job_params.explaining,
        code=job_code.explain,
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
        wildcard_constraints:
            task=one_of(TASKS),
            model=one_of(study.computed_attributions()),
        conda:
            "../../envs/data.yaml"
        params:
            code=code("scripts/gather_explanations.py"),
        script:
            "../../scripts/gather_explanations.py"


# How well an explainer that draws agrees with itself, asked of the first seed of each model.
use rule explain as explain_again with:
    output:
        explanations=EXPLANATIONS_AGAIN,
    log:
        "<logs>/explain_again/{task}/{model}/{seed}/{explainer}.log",
    benchmark:
        "<benchmarks>/explain_again/{task}/{model}/{seed}/{explainer}.tsv"
    params:
        settings=job_params.explain_again,
        engine=job_params.explaining,
        code=job_code.explain,


rule import_explanations:
    input:
        explained=rules.select_examples.output.explained,
        test=rules.fetch_dataset.output.test,
        file=from_outside(job_params.explanations_file),
        predictions=own_predictions,
        reference=lambda wildcards: [
            EXPLANATIONS.format(**run) for run in study.imported_reference(wildcards)
        ],
    output:
        explanations=EXPLANATIONS,
    log:
        "<logs>/import_explanations/{task}/{model}/{seed}/{explainer}.log",
    benchmark:
        "<benchmarks>/import_explanations/{task}/{model}/{seed}/{explainer}.tsv"
    wildcard_constraints:
        task=one_of(TASKS),
        model=one_of(study.imported_attributions()),
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.import_explanations,
        code=code("scripts/import_explanations.py"),
    script:
        "../../scripts/import_explanations.py"


rule delete:
    input:
        **FINISHED,
        explained=rules.select_examples.output.explained,
        explanations=own_explanations,
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
    threads: WORKERS
    resources:
        gpu=gpu_of,
        mem_mb=at_least(5000 + 1000 * WORKERS),
        runtime=hours(2),
    params:
        settings=job_params.delete,
        engine=job_params.explaining,
        code=job_code.delete,
    script:
        "../../scripts/delete.py"
