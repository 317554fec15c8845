"""Tasks with several labels: the files of each label, cut from those of its task."""


def file_of(task):
    """A file of a task, whatever kind it is of."""
    return f"<results>/{{kind}}/{task}/{{file}}" + ".parquet"


for whole in study.with_several_labels():

    rule:
        name:
            f"cut_labels_of_{whole}"
        input:
            whole=file_of(whole),
        output:
            [file_of(label) for label in study.labels_of(whole)],
        log:
            f"<logs>/cut_labels/{{kind}}/{whole}/{{file}}.log",
        benchmark:
            f"<benchmarks>/cut_labels/{{kind}}/{whole}/{{file}}.tsv"
        wildcard_constraints:
            kind="data|perturbed|predictions|explanations|explanations_again|rungs",
            file=r"[^.]+",
        conda:
            "../../envs/data.yaml"
        params:
            labels=job_params.cut_labels(whole),
            code=code("scripts/cut_labels.py"),
        script:
            "../../scripts/cut_labels.py"
