"""Who is who in a study: which models learn, are compressed, come finished or are only told of."""

from collections.abc import Mapping
from typing import Any

from distillens import registry
from distillens.config import external


class Cast:
    """A complete config (see `distillens.config.validate.complete`), asked for its models and their parts."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config

    @property
    def engine(self) -> dict[str, str]:
        """Where models run, and on what."""
        return {key: self.config[key] for key in ("device", "backend", "precision")}

    @property
    def _device(self) -> dict[str, str]:
        return {"device": self.config["device"]}

    @property
    def exports_onnx(self) -> bool:
        """Whether a job may choose ONNX Runtime, and so every finished model has a graph for it."""
        return self.config["backend"] != "torch" and self.config["device"] != "cuda"

    def models(self, *, distilled: bool) -> list[str]:
        """Models that learn from a teacher's outputs, or from gold labels; compressed ones are neither."""
        return [
            name
            for name, model in self.config["models"].items()
            if model["compress"] is None
            and external.trains(model)
            and (model["training"]["method"] != "fine_tune") == distilled
        ]

    def finished(self) -> list[str]:
        """Models that are already fine-tuned."""
        models = self.config["models"]
        return [
            name
            for name in self.asked()
            if models[name]["compress"] is None and not external.trains(models[name])
        ]

    def trained(self) -> list[str]:
        """Models that a training or a compression makes, of which it is known what that took."""
        return [name for name in self.asked() if name not in self.finished()]

    def explained(self, *, here: bool) -> list[str]:
        """Models that the study's explainers explain, or those that bring their attributions."""
        return [
            name for name, model in self.config["models"].items() if (model["explanations"] is None) == here
        ]

    def asked(self) -> list[str]:
        """Models that have weights, so that they can be asked."""
        return [name for name, model in self.config["models"].items() if external.has_weights(model)]

    def told(self) -> list[str]:
        """Models of which only attributions are known."""
        return [name for name, model in self.config["models"].items() if not external.has_weights(model)]

    def compressed(self, *, graph: bool) -> list[str]:
        """Compressed models with an ONNX graph, or those that never run on one."""
        return [
            name
            for name, model in self.config["models"].items()
            if model["compress"] is not None and self.has_graph(name) == graph
        ]

    def has_graph(self, model: str) -> bool:
        """Whether a finished model has an ONNX graph."""
        return self.exports_onnx and self.engine_of(model)["backend"] != "torch"

    def engine_of(self, model: str) -> dict[str, str]:
        """Where a model runs, and on what: a compression may need other than the study's."""
        compress = self.config["models"][model]["compress"]
        needs = registry.literal("compression", compress["method"], "ENGINE") if compress else None
        return {**self.engine, **(needs or {})}

    def runs(self) -> list[tuple[str, int]]:
        """Every model with each of its seeds."""
        return [(name, seed) for name, model in self.config["models"].items() for seed in model["seeds"]]

    def first_seeds(self) -> list[tuple[str, int]]:
        """The first run of each teacher that the study's explainers explain."""
        models = self.config["models"]
        return [
            (name, models[name]["seeds"][0])
            for name in self.explained(here=True)
            if models[name]["teacher"] is None
        ]

    def start(self, wildcards: Any) -> str:
        """The checkpoint that a run starts from, or is."""
        model = self.config["models"][wildcards.model]
        if isinstance(model["checkpoint"], str):
            return model["checkpoint"]
        return model["checkpoint"][model["seeds"].index(int(wildcards.seed))]

    def teacher(self, model: str) -> tuple[str, int] | None:
        """The teacher of a student and its first seed; None for a teacher."""
        name = self.config["models"][model]["teacher"]
        return name and (name, self.config["models"][name]["seeds"][0])

    def checkpoints(self, *, pretrained: bool) -> list[str]:
        """Checkpoints that are made by training on a corpus, or those that are fetched."""
        return [
            name
            for name, source in self.config["checkpoints"].items()
            if ("pretrain" in source) == pretrained
        ]

    def used_checkpoints(self) -> list[str]:
        """Checkpoints that models start from, and those that they are made from."""
        external = [model["checkpoint"] or [] for model in self.config["models"].values()]
        used = sorted({name for one in external for name in ([one] if isinstance(one, str) else one)})
        for name in used:  # grows as it goes
            made = self.config["checkpoints"][name].get("pretrain", {})
            others = {made.get("start"), made.get("teacher")} - {None, *used}
            used += sorted(others)
        return used
