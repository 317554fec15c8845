"""Teachers and students: fine-tuned on gold labels, or distilled from a teacher's run."""


rule pretrain:
    input:
        corpus=pretrained_from(rules.fetch_corpus.output.corpus, "corpus"),
        start=pretrained_from(CHECKPOINT, "start"),
        start_card=pretrained_from(CHECKPOINT_CARD, "start"),
        teacher=pretrained_from(CHECKPOINT, "teacher"),
        teacher_card=pretrained_from(CHECKPOINT_CARD, "teacher"),
    output:
        folder=directory(CHECKPOINT),
        card=CHECKPOINT_CARD,
    log:
        "<logs>/pretrain/{checkpoint}.log",
    benchmark:
        "<benchmarks>/pretrain/{checkpoint}.tsv"
    wildcard_constraints:
        checkpoint=one_of(study.checkpoints(pretrained=True)),
    priority: 2
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=at_least(12000),
        runtime=hours(72),
    params:
        settings=job_params.pretrain,
        code=job_code.pretrain,
    script:
        "../../scripts/pretrain.py"


rule fine_tune:
    input:
        train=rules.fetch_dataset.output.train,
        validation=rules.fetch_dataset.output.validation,
        checkpoint=checkpoint_of,
        checkpoint_card=checkpoint_card_of,
    output:
        **MODEL,
        cost=TRAINING,
    log:
        "<logs>/fine_tune/{task}/{model}/{seed}.log",
    benchmark:
        "<benchmarks>/fine_tune/{task}/{model}/{seed}.tsv"
    wildcard_constraints:
        model=one_of(study.of_origin("fine_tuned")),
    priority: 1
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=at_least(8000),
        runtime=hours(8),
    params:
        settings=job_params.train,
        engine=job_params.training_engine,
        code=job_code.fine_tune,
    script:
        "../../scripts/fine_tune.py"


rule distil:
    input:
        train=rules.fetch_dataset.output.train,
        validation=rules.fetch_dataset.output.validation,
        checkpoint=checkpoint_of,
        checkpoint_card=checkpoint_card_of,
        teacher=teacher_model,
        corpus=corpus_beside,
        soft_labels=from_outside(job_params.soft_labels),
    output:
        **MODEL,
        cost=TRAINING,
    log:
        "<logs>/distil/{task}/{model}/{seed}.log",
    benchmark:
        "<benchmarks>/distil/{task}/{model}/{seed}.tsv"
    wildcard_constraints:
        model=one_of(study.of_origin("distilled")),
    priority: 1
    conda:
        "../../envs/models.yaml"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=at_least(8000),
        runtime=hours(8),
    params:
        settings=job_params.train,
        engine=job_params.training_engine,
        code=job_code.distil,
    script:
        "../../scripts/distil.py"
