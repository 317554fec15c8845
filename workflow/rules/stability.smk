"""Explanations of perturbed texts, beside those of the same texts as they were."""


rule select_perturbed:
    input:
        test=rules.fetch_dataset.output.test,
        perturbed=of_all_perturbations(rules.perturb.output.perturbed),
    output:
        texts="<results>/stability/{task}/texts.parquet",
    log:
        "<logs>/select_perturbed/{task}.log",
    benchmark:
        "<benchmarks>/select_perturbed/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.select_perturbed,
        code=code("scripts/select_perturbed.py"),
    script:
        "../../scripts/select_perturbed.py"


use rule explain as explain_perturbed with:
    input:
        **FINISHED,
        explained=rules.select_perturbed.output.texts,
    output:
        explanations="<results>/stability/{task}/{model}/{seed}/{explainer}.parquet",
    log:
        "<logs>/explain_perturbed/{task}/{model}/{seed}/{explainer}.log",
    benchmark:
        "<benchmarks>/explain_perturbed/{task}/{model}/{seed}/{explainer}.tsv"
    wildcard_constraints:
        model=one_of(CAN_ANSWER),


rule score_stability:
    input:
        test=rules.fetch_dataset.output.test,
        explanations=by_explainers(
            rules.explain_perturbed.output.explanations,
            CAN_ANSWER,
            study.config["stability"]["explainers"],
        ),
    output:
        scores="<results>/metrics/{task}/stability.parquet",
    log:
        "<logs>/score_stability/{task}.log",
    benchmark:
        "<benchmarks>/score_stability/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.score,
        code=code("scripts/score_stability.py"),
    script:
        "../../scripts/score_stability.py"
