"""Damaged copies of teachers, and where students stand among them."""

RUNGS = "<results>/rungs/{task}/{model}/{seed}/{explainer}.parquet"


rule explain_rungs:
    input:
        **FINISHED,
        explained=rules.select_examples.output.explained,
    output:
        rungs=RUNGS,
    log:
        "<logs>/explain_rungs/{task}/{model}/{seed}/{explainer}.log",
    benchmark:
        "<benchmarks>/explain_rungs/{task}/{model}/{seed}/{explainer}.tsv"
    wildcard_constraints:
        task=one_of(TASKS),
        model=one_of(LADDER["teachers"]),
        explainer=one_of(LADDER["explainers"]),
    # Often the longest job of an audit.
    priority: 1
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=at_least(6000),
        runtime=hours(8),
    params:
        settings=job_params.explain,
        ladder=job_params.ladder,
        engine=job_params.explaining,
        code=job_code.explain_rungs,
    script:
        "../../scripts/explain_rungs.py"


rule place_students:
    input:
        explained=rules.select_examples.output.explained,
        performance=rules.score_performance.output.scores,
        explanations=of_ladder(EXPLANATIONS),
        again=of_first_seeds(
            EXPLANATIONS_AGAIN, LADDER["teachers"], LADDER["explainers"]
        ),
        rungs=of_ladder(RUNGS, LADDER["teachers"]),
    output:
        placements="<results>/metrics/{task}/placements.parquet",
        ladders="<results>/metrics/{task}/ladders.parquet",
    log:
        "<logs>/place_students/{task}.log",
    benchmark:
        "<benchmarks>/place_students/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.score,
        accept=study.config["reference"]["accept"],
        code=code("scripts/place_students.py"),
    script:
        "../../scripts/place_students.py"


# How many texts the verdicts of a task need, by the noise of those that there are.
rule plan_texts:
    input:
        explained=rules.select_examples.output.explained,
        performance=rules.score_performance.output.scores,
        explanations=of_all_runs(EXPLANATIONS),
        again=of_first_seeds(EXPLANATIONS_AGAIN),
        rungs=of_ladder(RUNGS, LADDER["teachers"]),
    output:
        plan="<results>/metrics/{task}/plan.parquet",
    log:
        "<logs>/plan_texts/{task}.log",
    benchmark:
        "<benchmarks>/plan_texts/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.score,
        plan=job_params.plan_texts,
        code=code("scripts/plan_texts.py"),
    script:
        "../../scripts/plan_texts.py"
