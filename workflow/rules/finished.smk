"""Models that are taken as they are: folders, and what is only asked."""


rule import_model:
    input:
        checkpoint=checkpoint_of,
        checkpoint_card=checkpoint_card_of,
        adapter=from_outside(job_params.adapter_files),
    output:
        **MODEL,
    log:
        "<logs>/import_model/{task}/{model}/{seed}.log",
    benchmark:
        "<benchmarks>/import_model/{task}/{model}/{seed}.tsv"
    wildcard_constraints:
        model=one_of(
            [
                model
                for model in study.of_origin("imported")
                if model not in study.with_siblings()
            ]
        ),
    priority: 1
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=at_least(8000),
    params:
        settings=job_params.import_model,
        code=code("scripts/import_model.py"),
    script:
        "../../scripts/import_model.py"


if study.with_siblings():

    # A teacher with siblings: its own run is taken in, the others are trained.
    use rule import_model as import_teacher with:
        wildcard_constraints:
            model=one_of(study.with_siblings()),
            seed="0",

    use rule fine_tune as train_sibling with:
        wildcard_constraints:
            model=one_of(study.with_siblings()),
            seed="[1-9][0-9]*",


rule connect_model:
    input:
        test=rules.fetch_dataset.output.test,
        files=from_outside(job_params.asked_files),
    output:
        card=MODEL["card"],
    log:
        "<logs>/connect_model/{task}/{model}/{seed}.log",
    benchmark:
        "<benchmarks>/connect_model/{task}/{model}/{seed}.tsv"
    wildcard_constraints:
        model=one_of(study.of_origin("asked")),
    priority: 1
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=at_least(4000),
    params:
        settings=job_params.connect_model,
        code=job_code.connect_model,
    script:
        "../../scripts/connect_model.py"
