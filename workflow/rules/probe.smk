"""Probes: sentences of which the right reading is known, explained and scored."""


rule build_probe:
    input:
        test=rules.fetch_dataset.output.test,
    output:
        sentences="<results>/probes/{task}/{probe}/sentences.parquet",
        design="<results>/probes/{task}/{probe}/design.parquet",
    log:
        "<logs>/build_probe/{task}/{probe}.log",
    benchmark:
        "<benchmarks>/build_probe/{task}/{probe}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.build_probe,
        code=job_code.build_probe,
    script:
        "../../scripts/build_probe.py"


# In one job each, whatever `parts`: the sentences are few and short.
use rule explain as explain_probe with:
    input:
        **FINISHED,
        explained=rules.build_probe.output.sentences,
    output:
        explanations="<results>/probes/{task}/{probe}/{model}/{seed}/{explainer}.parquet",
    log:
        "<logs>/explain_probe/{task}/{probe}/{model}/{seed}/{explainer}.log",
    benchmark:
        "<benchmarks>/explain_probe/{task}/{probe}/{model}/{seed}/{explainer}.tsv"
    wildcard_constraints:
        model=one_of(MODELS),


rule score_probes:
    input:
        sentences=of_probes(rules.build_probe.output.sentences),
        designs=of_probes(rules.build_probe.output.design),
        explanations=of_probes(rules.explain_probe.output.explanations),
    output:
        scores="<results>/metrics/{task}/probes.parquet",
    log:
        "<logs>/score_probes/{task}.log",
    benchmark:
        "<benchmarks>/score_probes/{task}.tsv"
    conda:
        "../../envs/data.yaml"
    params:
        settings=job_params.score,
        code=code("scripts/score_probes.py"),
    script:
        "../../scripts/score_probes.py"
