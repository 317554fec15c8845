"""Files of many jobs: of every run, explainer, perturbation, probe or damaged copy."""

from types import SimpleNamespace

LADDER = study.ladder


def of_runs(pattern, models=MODELS):
    """A file of every run of a task."""
    return [
        path
        for model, seed in study.runs()
        if model in models
        for path in expand(pattern, model=model, seed=seed, allow_missing=True)
    ]


def of_all_runs(pattern, models=MODELS):
    """A file of every run (and explainer that explains it, where the pattern has one) of a task."""
    return list(dict.fromkeys(by_explainers(pattern, models, EXPLAINERS)))


def by_explainers(pattern, models, explainers):
    """A file of every run by each of some explainers that explains its model."""
    return [
        path
        for model in models
        for path in expand(
            of_runs(pattern, [model]),
            explainer=[one for one in explainers if one in study.explainers_of(model)],
            allow_missing=True,
        )
    ]


def of_first_seeds(pattern, models=MODELS, explainers=EXPLAINERS):
    """A file of the first seed of each model that is explained here, by every explainer that explains it twice."""
    return [
        path
        for model, seed in study.first_seeds()
        if model in models
        for path in expand(
            pattern,
            model=model,
            seed=seed,
            explainer=[
                name for name in explainers if name in study.explainers_again(model)
            ],
            allow_missing=True,
        )
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
                (
                    by_explainers(
                        pattern, CAN_ANSWER, study.config["probes"][probe]["explainers"]
                    )
                    if "{model}" in pattern
                    else pattern
                ),
                task=wildcards.task,
                probe=probe,
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


def of_ladder(pattern, models=MODELS, explainers=LADDER["explainers"]):
    """A file of every run of some models by each explainer of the ladder."""
    return by_explainers(pattern, models, explainers)
