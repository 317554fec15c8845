"""Teachers and students: fine-tuned on gold labels, or distilled from a teacher's first seed."""


rule fine_tune:
    input:
        train=rules.fetch_dataset.output.train,
        validation=rules.fetch_dataset.output.validation,
        checkpoint=checkpoint_of,
        checkpoint_card=checkpoint_card_of,
    output:
        **MODEL,
    log:
        "<logs>/fine_tune/{task}/{model}/{seed}.log",
    benchmark:
        "<benchmarks>/fine_tune/{task}/{model}/{seed}.tsv"
    wildcard_constraints:
        model=one_of(study.models(distilled=False)),
    priority: 1
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=at_least(8000),
        runtime="8h",
    params:
        settings=study.training,
        code=code("scripts/fine_tune.py"),
    script:
        "../../scripts/fine_tune.py"


rule distil:
    input:
        train=rules.fetch_dataset.output.train,
        validation=rules.fetch_dataset.output.validation,
        checkpoint=checkpoint_of,
        checkpoint_card=checkpoint_card_of,
        teacher=teacher_model,
    output:
        **MODEL,
    log:
        "<logs>/distil/{task}/{model}/{seed}.log",
    benchmark:
        "<benchmarks>/distil/{task}/{model}/{seed}.tsv"
    wildcard_constraints:
        model=one_of(study.models(distilled=True)),
    priority: 1
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=at_least(8000),
        runtime="8h",
    params:
        settings=study.training,
        code=study.distillation_code,
    script:
        "../../scripts/distil.py"
