"""From predictions, explanations and deletions to numbers with intervals; torch is not needed."""


rule score_performance:
    input:
        test=rules.fetch_dataset.output.test,
        predictions=of_all_runs(rules.predict.output.predictions, CAN_ANSWER),
        explanations=of_all_runs(EXPLANATIONS, ATTRIBUTIONS_ONLY),
    output:
        scores="<results>/metrics/{task}/performance.parquet",
    log:
        "<logs>/score_performance/{task}.log",
    benchmark:
        "<benchmarks>/score_performance/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.score,
        code=code("scripts/score_performance.py"),
    script:
        "../../scripts/score_performance.py"


rule score_robustness:
    input:
        test=rules.fetch_dataset.output.test,
        perturbed=of_all_perturbations(rules.perturb.output.perturbed),
        predictions=of_all_runs(rules.predict.output.predictions, CAN_ANSWER),
    output:
        scores="<results>/metrics/{task}/robustness.parquet",
    log:
        "<logs>/score_robustness/{task}.log",
    benchmark:
        "<benchmarks>/score_robustness/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.score,
        code=code("scripts/score_robustness.py"),
    script:
        "../../scripts/score_robustness.py"


rule score_agreement:
    input:
        explained=rules.select_examples.output.explained,
        explanations=of_all_runs(EXPLANATIONS),
    output:
        scores="<results>/metrics/{task}/agreement.parquet",
    log:
        "<logs>/score_agreement/{task}.log",
    benchmark:
        "<benchmarks>/score_agreement/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.score,
        code=code("scripts/score_agreement.py"),
    script:
        "../../scripts/score_agreement.py"


rule score_faithfulness:
    input:
        explained=rules.select_examples.output.explained,
        deletions=of_all_runs(rules.delete.output.deletions, WORDS_REMOVED),
        curves=of_all_runs(rules.delete.output.curves, WORDS_REMOVED),
        explanations=of_all_runs(EXPLANATIONS),
    output:
        scores="<results>/metrics/{task}/faithfulness.parquet",
    log:
        "<logs>/score_faithfulness/{task}.log",
    benchmark:
        "<benchmarks>/score_faithfulness/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.score,
        code=code("scripts/score_faithfulness.py"),
    script:
        "../../scripts/score_faithfulness.py"


rule score_buckets:
    input:
        explained=rules.select_examples.output.explained,
        explanations=of_all_runs(EXPLANATIONS),
    output:
        scores="<results>/metrics/{task}/buckets.parquet",
    log:
        "<logs>/score_buckets/{task}.log",
    benchmark:
        "<benchmarks>/score_buckets/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.score,
        code=code("scripts/score_buckets.py"),
    script:
        "../../scripts/score_buckets.py"
