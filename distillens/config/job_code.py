"""What the code of each job depends on: a digest of its script, and of the methods that its config names.

Snakemake reruns a job when its ``params`` change, and knows nothing of modules that a script imports. Every
method here gives the digest of one rule; it changes with the methods that a job uses, and with no others.
"""

from collections.abc import Mapping
from typing import Any

from distillens import registry
from distillens.config import ladder, model_kind
from distillens.config.study import Study
from distillens.provenance import ROOT, code, digest


class JobCode:
    """The digests of the code of every rule whose methods are plug-ins, by the rule's name."""

    def __init__(self, study: Study) -> None:
        self.study, self.config = study, study.config

    def perturb(self, wildcards: Any) -> str:
        """Digest of the code of a perturbation."""
        method = self.config["perturbations"][wildcards.perturbation]["method"]
        return code("scripts/perturb.py", registry.module_name("perturbation", method))

    def build_probe(self, wildcards: Any) -> str:
        """Digest of the code of a probe, and of its templates and words."""
        method = self.config["probes"][wildcards.probe]["method"]
        words = ROOT / "resources" / "probes" / f"{method}.yaml"
        code_digest = code("scripts/build_probe.py", registry.module_name("probe", method))
        return code_digest + digest(words)[:16] if words.is_file() else code_digest

    def explain(self, wildcards: Any) -> str:
        """Digest of the code of an explainer, and of what opens a model that is only asked."""
        method = self.config["explainers"][wildcards.explainer]["method"]
        backend = self._backend(wildcards.model)
        return code("scripts/explain.py", registry.module_name("explainer", method), *backend)

    def fetch_dataset(self, wildcards: Any) -> str:
        """Digest of the code of ``fetch_dataset``, and of what a split plants."""
        splits = self.config["tasks"][wildcards.task]["splits"].values()
        return code("scripts/fetch_dataset.py", *registry.plant_modules(*splits))

    def fine_tune(self, wildcards: Any) -> str:
        """Digest of the code of fine-tuning, and of what it plants."""
        training = self.config["models"][wildcards.model]["training"]
        return code("scripts/fine_tune.py", *registry.plant_modules(training))

    def distil(self, wildcards: Any) -> str:
        """Digest of the code of a distillation."""
        model = self.config["models"][wildcards.model]
        return code("scripts/distil.py", *self._learning(model))

    def compress(self, wildcards: Any) -> str:
        """Digest of the code of a compression, and of the distillation that may follow it."""
        model = self.config["models"][wildcards.model]
        method = registry.module_name("compression", model["compress"]["method"])
        learns = self.study.learns_from_teacher(wildcards.model)
        then = self._learning(model) if learns else registry.plant_modules(model["training"])
        return code("scripts/compress.py", method, *then)

    def pretrain(self, wildcards: Any) -> str:
        """Digest of the code of a method of pretraining."""
        method = self.config["checkpoints"][wildcards.checkpoint]["pretrain"]["method"]
        return code("scripts/pretrain.py", registry.module_name("pretraining", method))

    def connect_model(self, wildcards: Any) -> str:
        """Digest of the code that opens a model which is only asked."""
        return code("scripts/connect_model.py", *self._backend(wildcards.model))

    def explain_rungs(self, wildcards: Any) -> str:
        """Digest of the code of an explainer, and of the kinds of damage."""
        method = self.config["explainers"][wildcards.explainer]["method"]
        damage = [registry.module_name("damage", kind) for kind in ladder.kinds(self.study.ladder)]
        return code("scripts/explain_rungs.py", registry.module_name("explainer", method), *damage)

    def predict(self, wildcards: Any) -> str:
        """Digest of the code of predictions, and of what opens a model that is only asked."""
        return code("scripts/predict.py", *self._backend(wildcards.model))

    def delete(self, wildcards: Any) -> str:
        """Digest of the code of deletions, and of what opens a model that is only asked."""
        return code("scripts/delete.py", *self._backend(wildcards.model))

    def _backend(self, name: str) -> list[str]:
        kind = model_kind.kind_of(self.config["models"][name])
        return [registry.module_name("backend", kind)] if kind else []

    def _learning(self, model: Mapping[str, Any]) -> list[str]:
        """What a student learns by, from what, and what its texts carry."""
        training = model["training"]
        methods = [registry.module_name("distillation", part) for part in registry.parts(training["method"])]
        return [*methods, *registry.plant_modules(training), *self._backend(model["teacher"])]


def report_code() -> str:
    """Digest of the code of the report, its kinds of exhibits, its page's template, style and script.

    Examples
    --------
    >>> len(report_code())
    32
    """
    kinds = (registry.module_name("exhibit", kind) for kind in registry.options("exhibit"))
    return code("scripts/report.py", *kinds) + digest(ROOT / "resources" / "page")[:16]
