"""Which models a study has, where each comes from, and what it runs on."""

from collections.abc import Mapping
from typing import Any

from distillens import registry
from distillens.config import black_box, external, label_views, model_kind, siblings

ORIGINS = ("fine_tuned", "distilled", "compressed", "imported", "asked", "attributions_only")
"""Where a model comes from: trained here on gold labels, or by a teacher; made out of its teacher;
taken in finished; only asked; or known by its attributions only, so that it cannot be asked."""


def origin(model: Mapping[str, Any]) -> str:
    """Where a model of a complete config comes from: one of `ORIGINS`.

    Examples
    --------
    >>> origin({"checkpoint": "bert", "compress": None, "training": {"method": "soft_logits"}})
    'distilled'
    >>> origin({"checkpoint": None, "compress": None, "training": None})
    'attributions_only'
    """
    if model_kind.kind_of(model):
        return "asked"
    if not external.has_weights(model):
        return "attributions_only"
    if model["compress"] is not None:
        return "compressed"
    if not external.trains(model):
        return "imported"
    return "fine_tuned" if model["training"]["method"] == "fine_tune" else "distilled"


class Study:
    """A complete config (see `distillens.config.validate`), and the questions that rules ask of it."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config

    # ---- tasks ----

    @property
    def judged(self) -> dict[str, Mapping[str, Any]]:
        """What verdicts are about: the tasks, of one with several labels these; see `label_views`."""
        return label_views.judged(self.config["tasks"])

    def with_several_labels(self) -> list[str]:
        """The tasks whose texts may have several labels."""
        return list(label_views.of_labels(self.judged))

    def labels_of(self, task: str) -> list[str]:
        """The judged tasks that are labels of a task with several."""
        return label_views.of_labels(self.judged).get(task, [])

    def asked_task(self, task: str) -> str:
        """The task that models are made for and asked: of one label that which has it."""
        return label_views.families(self.judged).get(task, task)

    # ---- models ----

    def of_origin(self, *origins: str) -> list[str]:
        """The models that come from one of these origins."""
        return [name for name, model in self.config["models"].items() if origin(model) in origins]

    def can_answer(self) -> list[str]:
        """The models that can be asked."""
        return self.of_origin(*(one for one in ORIGINS if one != "attributions_only"))

    def with_weights(self) -> list[str]:
        """Those of them that lie here with their weights."""
        return self.of_origin(*(one for one in ORIGINS if one not in ("asked", "attributions_only")))

    def explainers_of(self, model: str) -> list[str]:
        """The explainers that explain a model, or that it brings attributions by."""
        return [
            name for name in self.config["explainers"] if black_box.why_not(self.config, name, model) is None
        ]

    def not_explained(self) -> dict[str, list[str]]:
        """The explainers that do not apply to a model, by model; those without any are left out."""
        explained = {model: set(self.explainers_of(model)) for model in self.config["models"]}
        every = self.config["explainers"]
        return {model: sorted(set(every) - own) for model, own in explained.items() if set(every) - own}

    def made_here(self) -> list[str]:
        """The models that a training or a compression makes, of which it is known what that took."""
        return self.of_origin("fine_tuned", "distilled", "compressed")

    def computed_attributions(self) -> list[str]:
        """The models that the study's explainers explain."""
        return [name for name, model in self.config["models"].items() if model["explanations"] is None]

    def imported_attributions(self) -> list[str]:
        """The models that bring their attributions."""
        return [name for name, model in self.config["models"].items() if model["explanations"] is not None]

    def compared_with_computed(self, model: str) -> bool:
        """Whether a model's attributions are held against some that the study's explainers compute."""
        models = self.config["models"]
        teacher = models[model]["teacher"]
        others = [teacher] if teacher else [name for name, one in models.items() if one["teacher"] == model]
        return any(models[other]["explanations"] is None for other in others)

    def recovers(self, model: str) -> bool:
        """Whether a compressed model is trained after it."""
        return self.config["models"][model]["training"] is not None

    def learns_from_teacher(self, model: str) -> bool:
        """Whether a model's training asks its teacher for anything."""
        training = self.config["models"][model]["training"]
        return training is not None and training["method"] not in ("fine_tune", "none")

    def drawing_explainers(self) -> list[str]:
        """The explainers that draw at random: another run of them gives other values."""
        explainers = self.config["explainers"]
        return [
            name for name in explainers if registry.literal("explainer", explainers[name]["method"], "DRAWS")
        ]

    def explainers_again(self, model: str) -> list[str]:
        """The explainers that explain a model twice: those that draw; all, if the model itself is noisy."""
        again = self.drawing_explainers()
        if model_kind.is_noisy(self.config["models"][model]):
            explainers = self.config["explainers"]
            again = [name for name in explainers if explainers[name]["method"] != external.ELSEWHERE]
        return [name for name in self.explainers_of(model) if name in again]

    # ---- runs ----

    def runs(self) -> list[tuple[str, int]]:
        """Every model with each of its seeds."""
        return [(name, seed) for name, model in self.config["models"].items() for seed in model["seeds"]]

    def first_seeds(self) -> list[tuple[str, int]]:
        """The first run of each model that the study's explainers explain."""
        models = self.config["models"]
        return [(name, models[name]["seeds"][0]) for name in self.computed_attributions()]

    def imported_reference(self, wildcards: Any) -> list[dict[str, Any]]:
        """The run whose attributions from elsewhere a run's are compared with, if there is one.

        Of a student it is its teacher's first, of a teacher's further run its first.
        """
        own = (wildcards.model, int(wildcards.seed))
        reference = self.teacher(*own) or (own[0], self.config["models"][own[0]]["seeds"][0])
        if reference == own or self.config["models"][reference[0]]["explanations"] is None:
            return []
        where = {"task": wildcards.task, "explainer": wildcards.explainer}
        return [{**where, "model": reference[0], "seed": reference[1]}]

    @property
    def ladder(self) -> dict[str, Any]:
        """The study's ladder of damaged copies; one without teachers where there is none."""
        return self.config["reference"]["ladder"] or {"teachers": [], "explainers": []}

    def start(self, wildcards: Any) -> str:
        """The checkpoint that a run starts from, or is."""
        model = self.config["models"][wildcards.model]
        if (sibling := siblings.of(model, int(wildcards.seed))) is not None:
            return sibling["checkpoint"]
        if isinstance(model["checkpoint"], str):
            return model["checkpoint"]
        return model["checkpoint"][model["seeds"].index(int(wildcards.seed))]

    def teacher(self, model: str, seed: int) -> tuple[str, int] | None:
        """The teacher of a student and the seed of the run that a run belongs to; None for a teacher.

        Of a student that belongs to none it is the lowest seed: where one run must stand for all.
        """
        student = self.config["models"][model]
        name, paired = student["teacher"], student["teacher_seeds"]
        if name is None:
            return None
        own = paired[student["seeds"].index(seed)] if paired else self.config["models"][name]["seeds"][0]
        return name, own

    def with_siblings(self) -> list[str]:
        """The finished teachers that have further runs, which are trained here."""
        return [name for name, model in self.config["models"].items() if model["siblings"] is not None]

    def pilots(self) -> list[str]:
        """The tasks whose number of texts is planned by the first ones."""
        return [name for name, task in self.config["tasks"].items() if task["explain"]["until"]]

    # ---- what models run on ----

    @property
    def engine(self) -> dict[str, str]:
        """Where models run, and on what."""
        return {key: self.config[key] for key in ("device", "backend", "precision")}

    def engine_of(self, model: str) -> dict[str, str]:
        """Where a model runs, and on what: a compression may need other than the study's."""
        compress = self.config["models"][model]["compress"]
        needs = registry.literal("compression", compress["method"], "ENGINE") if compress else None
        return {**self.engine, **(needs or {})}

    @property
    def reading(self) -> dict[str, Any]:
        """How finished models read texts beyond their longest input; nothing where those are cut off."""
        windows = self.config.get("windows")
        return {"windows": windows} if windows else {}

    @property
    def exports_onnx(self) -> bool:
        """Whether a job may choose ONNX Runtime, and so every finished model has a graph for it."""
        return self.config["backend"] != "torch" and self.config["device"] != "cuda"

    def has_graph(self, model: str) -> bool:
        """Whether a finished model has an ONNX graph."""
        has_weights = origin(self.config["models"][model]) != "asked"
        return has_weights and self.exports_onnx and self.engine_of(model)["backend"] != "torch"

    def answers_elsewhere(self, model: str) -> bool:
        """Whether a model is asked over a network, so that nothing of it is computed here."""
        kind = model_kind.kind_of(self.config["models"][model])
        return bool(kind and registry.literal("backend", kind, "PRICED"))

    # ---- checkpoints and corpora ----

    def checkpoints(self, *, pretrained: bool) -> list[str]:
        """Checkpoints that are made by training on a corpus, or those that are fetched."""
        return [
            name
            for name, source in self.config["checkpoints"].items()
            if ("pretrain" in source) == pretrained
        ]

    def used_checkpoints(self) -> list[str]:
        """Checkpoints that models start from, and those that they are made from."""
        models = self.config["models"].values()
        named = [model["checkpoint"] or [] for model in models]
        named += [model["siblings"]["checkpoint"] for model in models if model["siblings"]]
        used = sorted({name for one in named for name in ([one] if isinstance(one, str) else one)})
        for name in used:  # grows as it goes
            source = self.config["checkpoints"][name].get("pretrain", {})
            others = {source.get("start"), source.get("teacher")} - {None, *used}
            used += sorted(others)
        return used

    def used_corpora(self) -> list[str]:
        """Corpora that checkpoints and runs are trained on."""
        pretrained = (
            self.config["checkpoints"][name].get("pretrain", {}) for name in self.used_checkpoints()
        )
        beside = map(self.corpus_beside, self.config["models"])
        return sorted({*(block.get("corpus") for block in pretrained), *beside} - {None})

    def pretrained_from(self, checkpoint: str, role: str) -> str | None:
        """The ``start``, ``teacher`` or ``corpus`` of a checkpoint that is made here."""
        return self.config["checkpoints"][checkpoint]["pretrain"].get(role)

    def corpus_beside(self, model: str) -> str | None:
        """The corpus that a run is trained on beside its task, if there is one."""
        return (self.config["models"][model]["training"] or {}).get("corpus")
