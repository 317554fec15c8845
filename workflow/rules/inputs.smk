"""Which files a rule reads, where that depends on the study."""


def from_outside(files):
    """Files that the study was given: a workflow that this one is a module of may not prefix their paths."""
    return lambda wildcards: local(files(wildcards))


def of_asked_task(wildcards):
    """The wildcards of the model that answers: of one label it is that of the task which has it."""
    return {**wildcards, "task": study.asked_task(wildcards.task)}


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
    if not study.has_graph(wildcards.model):
        return []
    return expand(MODEL["onnx"], **of_asked_task(wildcards))


def with_weights(pattern):
    """A file of a model that lies here; none of one that is only asked."""
    return lambda wildcards: (
        expand(pattern, **of_asked_task(wildcards))
        if wildcards.model in WITH_WEIGHTS
        else []
    )


# What a rule reads of a finished model. Of one that is only asked there is nothing but the card.
FINISHED = {
    **{name: with_weights(MODEL_WITHOUT_GRAPH[name]) for name in MODEL_WITHOUT_GRAPH},
    "card": lambda wildcards: expand(MODEL["card"], **of_asked_task(wildcards))[0],
    "onnx": graph_of,
}


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
        explainer=study.explainers_of(teacher[0]),
    )


def own_explanations(wildcards):
    """A model's explanations by every explainer that explains it."""
    return expand(
        EXPLANATIONS, **wildcards, explainer=study.explainers_of(wildcards.model)
    )


def teacher_model(wildcards):
    """The finished model that a student learns from; of one that is only asked the card, of attributions nothing."""
    teacher = study.config["models"][wildcards.model]["teacher"]
    files = MODEL.values() if teacher in WITH_WEIGHTS else [MODEL["card"]]
    return [
        path
        for pattern in files
        for path in of_teacher(pattern, wildcards)
        if teacher in CAN_ANSWER
    ]


def teacher_explanations(wildcards):
    """The teacher's explanations of the same texts, by every explainer."""
    return of_teacher(EXPLANATIONS, wildcards)


def own_predictions(wildcards):
    """What a model answers that brings its attributions; nothing where it cannot be asked."""
    return (
        expand(rules.predict.output.predictions, **wildcards)[0]
        if wildcards.model in CAN_ANSWER
        else []
    )


def all_scores():
    """The tables of scores of all tasks: of probes and stability only where somebody asked for them."""
    always = "performance robustness agreement faithfulness buckets".split()
    asked = {"stability": study.config["stability"]["explainers"]}
    return [
        expand(getattr(rules, f"score_{name}").output.scores, task=task)[0]
        for task in JUDGED
        for name in [
            *always,
            *(name for name, by in asked.items() if by),
            *(["probes"] if study.judged[task]["probes"] else []),
        ]
    ] + collect(rules.score_performance.output.scores, task=study.with_several_labels())
