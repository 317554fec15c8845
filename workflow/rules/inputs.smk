"""Which files a rule reads, where that depends on the study."""

from types import SimpleNamespace


def from_outside(files):
    """Files that the study was given: a workflow that this one is a module of may not prefix their paths."""
    return lambda wildcards: local(files(wildcards))


def checkpoint_of(wildcards):
    """The folder of the checkpoint that a run starts from."""
    return CHECKPOINT.replace("{checkpoint}", study.start(wildcards))


def checkpoint_card_of(wildcards):
    """The small file that changes with that folder."""
    return CHECKPOINT_CARD.replace("{checkpoint}", study.start(wildcards))


def pretrained_from(pattern, role):
    """A file of the checkpoint or corpus that a checkpoint is made from; none where it has no such role."""

    def file(wildcards):
        name = study.pretrained_from(wildcards.checkpoint, role)
        return (
            []
            if name is None
            else pattern.format(**{"checkpoint": name, "corpus": name})
        )

    return file


def corpus_beside(wildcards):
    """The corpus that a distillation reads beside its task's texts; nothing where it reads none."""
    corpus = study.corpus_beside(wildcards.model)
    return rules.fetch_corpus.output.corpus.format(corpus=corpus) if corpus else []


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
        pattern.format(task=wildcards.task) if study.recovers(wildcards.model) else []
    )


def of_teacher(pattern, wildcards):
    """The files of the teacher's run that a student's run belongs to; none for a teacher."""
    teacher = study.teacher(wildcards.model, int(wildcards.seed))
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


def of_runs(pattern, models=MODELS):
    """A file of every run of a task."""
    return [
        path
        for model, seed in study.runs()
        if model in models
        for path in expand(pattern, model=model, seed=seed, allow_missing=True)
    ]


def of_all_runs(pattern, models=MODELS):
    """A file of every run (and explainer, where the pattern has one) of a task."""
    return expand(of_runs(pattern, models), explainer=EXPLAINERS, allow_missing=True)


def of_first_seeds(pattern, models=MODELS, explainers=EXPLAINERS):
    """A file of the first seed of each model that is explained here, by every explainer that draws."""
    names = [name for name in explainers if name in study.drawing_explainers()]
    drawing = {"explainer": names, "allow_missing": True}
    return [
        path
        for model, seed in study.first_seeds()
        if model in models
        for path in expand(pattern, model=model, seed=seed, **drawing)
    ]


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
                of_runs(pattern, WITH_WEIGHTS) if "{model}" in pattern else pattern,
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
