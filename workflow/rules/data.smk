"""Data sets and checkpoints, from where the config says, as the project's own files."""


rule fetch_dataset:
    input:
        from_outside(job_params.source_files),
    output:
        train="<results>/data/{task}/train.parquet",
        validation="<results>/data/{task}/validation.parquet",
        test="<results>/data/{task}/test.parquet",
    log:
        "<logs>/fetch_dataset/{task}.log",
    benchmark:
        "<benchmarks>/fetch_dataset/{task}.tsv"
    wildcard_constraints:
        task=one_of(TASKS),
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.fetch_dataset,
        code=job_code.fetch_dataset,
    script:
        "../../scripts/fetch_dataset.py"


rule fetch_checkpoint:
    input:
        from_outside(job_params.source_files),
    output:
        folder=directory(CHECKPOINT),
        card=CHECKPOINT_CARD,
    log:
        "<logs>/fetch_checkpoint/{checkpoint}.log",
    benchmark:
        "<benchmarks>/fetch_checkpoint/{checkpoint}.tsv"
    wildcard_constraints:
        checkpoint=one_of(study.checkpoints(pretrained=False)),
    conda:
        "../../envs/models.yaml"
    params:
        settings=job_params.fetch_checkpoint,
        code=code("scripts/fetch_checkpoint.py"),
    script:
        "../../scripts/fetch_checkpoint.py"


rule fetch_corpus:
    input:
        from_outside(job_params.source_files),
    output:
        corpus="<results>/corpora/{corpus}.parquet",
    log:
        "<logs>/fetch_corpus/{corpus}.log",
    benchmark:
        "<benchmarks>/fetch_corpus/{corpus}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.fetch_corpus,
        code=code("scripts/fetch_corpus.py"),
    script:
        "../../scripts/fetch_corpus.py"


rule select_examples:
    input:
        test=rules.fetch_dataset.output.test,
    output:
        explained="<results>/data/{task}/explained.parquet",
    log:
        "<logs>/select_examples/{task}.log",
    benchmark:
        "<benchmarks>/select_examples/{task}.tsv"
    wildcard_constraints:
        task=one_of(TASKS),
    # What is wrong with the texts is said before anything is trained.
    priority: 3
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.select_examples,
        code=code("scripts/select_examples.py"),
    script:
        "../../scripts/select_examples.py"
