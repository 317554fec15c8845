"""Students that are smaller copies of their teacher's runs."""


rule compress:
    input:
        train=if_recovering(rules.fetch_dataset.output.train),
        validation=if_recovering(rules.fetch_dataset.output.validation),
        teacher=teacher_model,
        corpus=corpus_beside,
    output:
        **MODEL,
        cost=TRAINING,
    log:
        "<logs>/compress/{task}/{model}/{seed}.log",
    benchmark:
        "<benchmarks>/compress/{task}/{model}/{seed}.tsv"
    wildcard_constraints:
        model=compressed_models(graph=study.exports_onnx),
    priority: 1
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=at_least(8000),
        runtime=hours(8),
    params:
        compression=job_params.compression,
        settings=job_params.train,
        engine=job_params.training_engine,
        code=job_code.compress,
    script:
        "../../scripts/compress.py"


if study.exports_onnx:

    # Those that run on torch only, whatever the study's other models run on.
    use rule compress as compress_for_torch with:
        output:
            **MODEL_WITHOUT_GRAPH,
            cost=TRAINING,
        wildcard_constraints:
            model=compressed_models(graph=False),
