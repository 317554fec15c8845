"""What a finished model takes: room, and time. Time is never the same twice, so no score depends on it."""


rule measure_cost:
    input:
        **FINISHED,
        test=rules.fetch_dataset.output.test,
    output:
        cost="<results>/costs/{task}/{model}/{seed}.parquet",
    log:
        "<logs>/measure_cost/{task}/{model}/{seed}.log",
    benchmark:
        "<benchmarks>/measure_cost/{task}/{model}/{seed}.tsv"
    conda:
        "../../envs/models.yaml"
    threads: every_core
    resources:
        gpu=GPU,
        mem_mb=at_least(6000),
    params:
        settings=job_params.measure_cost,
        engine=job_params.engine,
        code=code("scripts/measure_cost.py"),
    script:
        "../../scripts/measure_cost.py"
