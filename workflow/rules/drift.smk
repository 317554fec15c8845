"""How far each student is from its teacher, which words that is about, and the verdicts."""


rule score_shifts:
    input:
        explained=rules.select_examples.output.explained,
        explanations=of_all_runs(EXPLANATIONS),
    output:
        shifts="<results>/metrics/{task}/shifts.parquet",
    log:
        "<logs>/score_shifts/{task}.log",
    benchmark:
        "<benchmarks>/score_shifts/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=at_least(4000),
        runtime=hours(1),
    params:
        settings=study.scoring,
        code=code("scripts/score_shifts.py"),
    script:
        "../../scripts/score_shifts.py"


rule calibrate:
    input:
        performance=rules.score_performance.output.scores,
        explanations=of_all_runs(EXPLANATIONS),
        again=of_first_seeds(EXPLANATIONS_AGAIN),
    output:
        calibration="<results>/metrics/{task}/calibration.parquet",
    log:
        "<logs>/calibrate/{task}.log",
    benchmark:
        "<benchmarks>/calibrate/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=at_least(4000),
        runtime=hours(1),
    params:
        settings=study.scoring,
        code=code("scripts/calibrate.py"),
    script:
        "../../scripts/calibrate.py"


rule score_closing:
    input:
        test=rules.fetch_dataset.output.test,
        predictions=of_all_runs(rules.predict.output.predictions, ASKED),
        performance=rules.score_performance.output.scores,
        explanations=of_all_runs(EXPLANATIONS),
    output:
        closing="<results>/metrics/{task}/closing.parquet",
    log:
        "<logs>/score_closing/{task}.log",
    benchmark:
        "<benchmarks>/score_closing/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=at_least(4000),
        runtime=hours(1),
    params:
        settings=study.closing,
        code=code("scripts/score_closing.py"),
    script:
        "../../scripts/score_closing.py"


rule judge:
    input:
        calibrations=collect(rules.calibrate.output.calibration, task=TASKS),
    output:
        drift="<results>/metrics/drift.parquet",
    log:
        "<logs>/judge.log",
    benchmark:
        "<benchmarks>/judge.tsv"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=at_least(4000),
        runtime=hours(1),
    params:
        settings=study.judging,
        code=code("scripts/judge.py"),
    script:
        "../../scripts/judge.py"
