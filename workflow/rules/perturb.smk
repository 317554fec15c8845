"""Random edits of the test texts: one file for all repeats and for every model."""


rule perturb:
    input:
        examples=rules.fetch_dataset.output.test,
    output:
        perturbed="<results>/perturbed/{task}/{perturbation}.parquet",
    log:
        "<logs>/perturb/{task}/{perturbation}.log",
    benchmark:
        "<benchmarks>/perturb/{task}/{perturbation}.tsv"
    wildcard_constraints:
        task=one_of(TASKS),
    conda:
        "../../envs/perturb.yaml"
    threads: 1
    params:
        settings=job_params.perturb,
        code=job_code.perturb,
    script:
        "../../scripts/perturb.py"
