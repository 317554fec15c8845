"""How far each student is from its teacher, which words that is about, and the verdicts."""


rule score_word_shifts:
    input:
        explained=rules.select_examples.output.explained,
        explanations=of_all_runs(EXPLANATIONS),
    output:
        word_shifts="<results>/metrics/{task}/word_shifts.parquet",
    log:
        "<logs>/score_word_shifts/{task}.log",
    benchmark:
        "<benchmarks>/score_word_shifts/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.score,
        code=code("scripts/score_word_shifts.py"),
    script:
        "../../scripts/score_word_shifts.py"


rule calibrate:
    input:
        explained=rules.select_examples.output.explained,
        performance=rules.score_performance.output.scores,
        explanations=of_all_runs(EXPLANATIONS),
        again=of_first_seeds(EXPLANATIONS_AGAIN),
    output:
        calibration="<results>/metrics/{task}/calibration.parquet",
        by_text="<results>/metrics/{task}/text_agreement.parquet",
    log:
        "<logs>/calibrate/{task}.log",
    benchmark:
        "<benchmarks>/calibrate/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.score,
        code=code("scripts/calibrate.py"),
    script:
        "../../scripts/calibrate.py"


rule score_gap_closed:
    input:
        test=rules.fetch_dataset.output.test,
        predictions=of_all_runs(rules.predict.output.predictions, CAN_ANSWER),
        performance=rules.score_performance.output.scores,
        explanations=of_all_runs(EXPLANATIONS),
    output:
        gap_closed="<results>/metrics/{task}/gap_closed.parquet",
    log:
        "<logs>/score_gap_closed/{task}.log",
    benchmark:
        "<benchmarks>/score_gap_closed/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.score,
        baselines=study.config["baselines"],
        controls=job_params.controls,
        code=code("scripts/score_gap_closed.py"),
    script:
        "../../scripts/score_gap_closed.py"


rule decide_verdicts:
    input:
        calibrations=collect(rules.calibrate.output.calibration, task=JUDGED),
    output:
        drift="<results>/metrics/drift.parquet",
    log:
        "<logs>/decide_verdicts.log",
    benchmark:
        "<benchmarks>/decide_verdicts.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.decide_verdicts,
        code=code("scripts/decide_verdicts.py"),
    script:
        "../../scripts/decide_verdicts.py"
