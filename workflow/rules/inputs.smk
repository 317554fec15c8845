"""Which files a rule reads, where that depends on the study."""

from types import SimpleNamespace


def checkpoint_of(wildcards):
    """The folder of the checkpoint that a model starts from."""
    name = study.config["models"][wildcards.model]["checkpoint"]
    return CHECKPOINT.replace("{checkpoint}", name)


def checkpoint_card_of(wildcards):
    """The small file that changes with that folder."""
    name = study.config["models"][wildcards.model]["checkpoint"]
    return CHECKPOINT_CARD.replace("{checkpoint}", name)


def pretrained_from(pattern, role):
    """A file of the checkpoint or corpus that a checkpoint is made from; none where it has no such role."""

    def file(wildcards):
        name = study.pretrained_from(wildcards, role)
        return (
            []
            if name is None
            else pattern.format(**{"checkpoint": name, "corpus": name})
        )

    return file


def graph_of(wildcards):
    """The ONNX graph of a finished model; none where it runs on torch only."""
    return (
        expand(MODEL["onnx"], **wildcards) if study.has_graph(wildcards.model) else []
    )


# What a rule reads of a finished model.
FINISHED = {**MODEL_WITHOUT_GRAPH, "onnx": graph_of}


def if_recovering(pattern):
    """A split, for a compressed model that is trained after it; none for one that is not."""
    return lambda wildcards: (
        pattern.format(task=wildcards.task) if study.recovers(wildcards) else []
    )


def of_teacher(pattern, wildcards):
    """The files of a student's teacher (its first seed); none for a teacher."""
    teacher = study.teacher(wildcards.model)
    if teacher is None:
        return []
    return expand(
        pattern,
        task=wildcards.task,
        model=teacher[0],
        seed=teacher[1],
        explainer=EXPLAINERS,
    )


def teacher_model(wildcards):
    """The finished model that a student learns from."""
    return [
        path for pattern in MODEL.values() for path in of_teacher(pattern, wildcards)
    ]


def teacher_explanations(wildcards):
    """The teacher's explanations of the same texts, by every explainer."""
    return of_teacher(EXPLANATIONS, wildcards)


def of_runs(pattern):
    """A file of every run of a task."""
    models, seeds = zip(*study.runs())
    return expand(pattern, zip, model=models, seed=seeds, allow_missing=True)


def of_all_runs(pattern):
    """A file of every run (and explainer, where the pattern has one) of a task."""
    return expand(of_runs(pattern), explainer=EXPLAINERS, allow_missing=True)


def of_all_perturbations(pattern):
    """A file of every perturbation of a task."""
    return expand(pattern, perturbation=PERTURBATIONS, allow_missing=True)


def of_probes(pattern):
    """A file of every probe of a task, with every run and the probe's explainers where the pattern has them."""

    def files(wildcards):
        return [
            path
            for probe in study.config["tasks"][wildcards.task]["probes"]
            for path in expand(
                of_runs(pattern) if "{model}" in pattern else pattern,
                task=wildcards.task,
                probe=probe,
                explainer=study.config["probes"][probe]["explainers"],
            )
        ]

    return files


def of_all_probes(pattern):
    """A file of every probe of every task, likewise."""
    return [
        path
        for task in TASKS
        for path in of_probes(pattern)(SimpleNamespace(task=task))
    ]
