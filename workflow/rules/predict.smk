"""Predictions of every run on the test split and its perturbed copies."""


rule predict:
    input:
        **FINISHED,
        test=rules.fetch_dataset.output.test,
        perturbed=of_all_perturbations(rules.perturb.output.perturbed),
    output:
        predictions="<results>/predictions/{task}/{model}/{seed}.parquet",
    log:
        "<logs>/predict/{task}/{model}/{seed}.log",
    benchmark:
        "<benchmarks>/predict/{task}/{model}/{seed}.tsv"
    wildcard_constraints:
        task=one_of(TASKS),
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        gpu=gpu_of,
        mem_mb=at_least(6000),
        runtime=hours(2),
    params:
        engine=job_params.engine,
        code=job_code.predict,
    script:
        "../../scripts/predict.py"
