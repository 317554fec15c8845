"""What each job of a study depends on: the part of the config that it uses, and no more.

Snakemake reruns a job when its ``params`` change. Every method here that takes ``wildcards`` gives the params
of one rule as plain data, keys in order: an edit reruns what it touches, a reordered config nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distillens import registry
from distillens.config import black_box, label_views, ladder, model_kind, siblings
from distillens.config.study import Study
from distillens.provenance import files_of, project_file

Settings = dict[str, Any]


def ordered(block: Any) -> Any:
    """A config block with its keys in order, all the way down.

    Examples
    --------
    >>> ordered({"seed": 1, "read": {"quoted": True, "header": None}})
    {'read': {'header': None, 'quoted': True}, 'seed': 1}
    """
    if isinstance(block, Mapping):
        return {key: ordered(block[key]) for key in sorted(block)}
    return [ordered(item) for item in block] if isinstance(block, list) else block


class JobParams:
    """The params of every rule, by the rule's name."""

    def __init__(self, study: Study) -> None:
        self.study, self.config = study, study.config

    def fetch_dataset(self, wildcards: Any) -> Settings:
        """Settings of ``fetch_dataset``."""
        keys = ("source", "read", "columns", "type", "labels", "cut", "splits")
        task = self._part("tasks", wildcards.task, *keys)
        mirror = self._mirror(task["source"])
        return {"task": task, "name": wildcards.task, "mirror": mirror, "seed": self.config["seed"]}

    def fetch_checkpoint(self, wildcards: Any) -> Settings:
        """Settings of ``fetch_checkpoint``."""
        source = ordered(self._checkpoint(wildcards))
        return {"source": source, "name": wildcards.checkpoint, "mirror": self._mirror(source)}

    def pretrain(self, wildcards: Any) -> Settings:
        """Settings of ``pretrain``; the checkpoints and the corpus come otherwise."""
        block = ordered(self._checkpoint(wildcards)["pretrain"])
        layers = block.pop("layers")
        for role in ("start", "teacher", "corpus"):
            block.pop(role, None)
        return {
            "name": wildcards.checkpoint,
            "layers": layers,
            "settings": block,
            "device": self.config["device"],
            "seed": self.config["seed"],
        }

    def fetch_corpus(self, wildcards: Any) -> Settings:
        """Settings of ``fetch_corpus``."""
        corpus = self._part("corpora", wildcards.corpus)
        mirror = self._mirror(corpus["source"])
        return {"corpus": corpus, "name": wildcards.corpus, "mirror": mirror, "seed": self.config["seed"]}

    def _mirror(self, source: Mapping[str, Any]) -> str | None:
        """The folder that stands for the hub; to any other source it does nothing."""
        return self.config["mirror"] if "hub" in source else None

    def source_files(self, wildcards: Any) -> list[str]:
        """Files on this machine that a data set, corpus or checkpoint is read from; none for a download."""
        task, corpus = getattr(wildcards, "task", None), getattr(wildcards, "corpus", None)
        if task:
            source = self.config["tasks"][task]["source"]
        else:
            source = self.config["corpora"][corpus]["source"] if corpus else self._checkpoint(wildcards)
        if "local" in source:
            places = [source["local"]] if isinstance(source["local"], str) else list(source["local"].values())
        elif "hub" in source and self.config["mirror"]:
            below = [source["config"]] if task or corpus else []
            places = [str(Path(self.config["mirror"], source["hub"], *below))]
        else:
            return []
        return [
            file for place in map(Path, places) for file in _right_in(place, must_exist="local" in source)
        ]

    def _checkpoint(self, wildcards: Any) -> Settings:
        return self.config["checkpoints"][wildcards.checkpoint]

    def select_examples(self, wildcards: Any) -> Settings:
        """Settings of ``select_examples``."""
        of_sets = ["type"] if label_views.is_multi(self.config["tasks"][wildcards.task]) else []
        task = self._part("tasks", wildcards.task, "labels", "explain", *of_sets)
        task["explain"] = {key: own for key, own in task["explain"].items() if key not in ("until", "most")}
        if self.config["unit"] != "word":
            task["explain"]["unit"] = self.config["unit"]
        return {"task": task, "name": wildcards.task, "seed": self.config["seed"]}

    def plan_texts(self, wildcards: Any) -> Settings:
        """What `plan_texts` needs beside the settings of every ``score_*``."""
        return {
            "accept": self.config["reference"]["accept"],
            "tell": self.config["reference"]["tell"],
            "controls": self.controls,
        }

    def perturb(self, wildcards: Any) -> Settings:
        """Settings of ``perturb``."""
        options = self._part("perturbations", wildcards.perturbation)
        return {
            "name": wildcards.perturbation,
            "method": options.pop("method"),
            "options": options,
            "repeats": self.config["repeats"],
            "limit": self.config["tasks"][wildcards.task]["perturb"]["examples"],
            "seed": self.config["seed"],
        }

    def build_probe(self, wildcards: Any) -> Settings:
        """Settings of ``build_probe``; who explains its sentences does not change them."""
        options = self._part("probes", wildcards.probe)
        del options["explainers"]
        return {
            "task": wildcards.task,
            "name": wildcards.probe,
            "method": options.pop("method"),
            "options": options,
            "seed": self.config["seed"],
        }

    def train(self, wildcards: Any) -> Settings:
        """Settings of ``fine_tune``, ``distil`` and ``compress``; the teacher and the seed come otherwise."""
        model = self._part("models", wildcards.model)
        model = siblings.of(model, int(wildcards.seed)) if model["siblings"] else model
        return {
            "layers": model["layers"],
            "settings": model["training"],
            "task": self._part("tasks", wildcards.task, "type", "labels"),
            "export_onnx": self.study.has_graph(wildcards.model),
        }

    def training_engine(self, wildcards: Any) -> Settings:
        """Where a model is trained, and how its teacher is asked; fine-tuning asks none."""
        learns = self.study.learns_from_teacher(wildcards.model)
        if not learns:
            return {"device": self.config["device"]}
        # Where words are masked, that is what trainings have always done.
        rule = {} if self.config["removal"] == black_box.MASK else {"rule": self.config["removal"]}
        return {**self.study.engine, **rule}

    def soft_labels(self, wildcards: Any) -> list[str]:
        """The file of soft labels that a student learns from, if it does."""
        soft = self.config["models"][wildcards.model]["training"].get("soft_labels")
        return [soft["file"]] if soft else []

    def import_model(self, wildcards: Any) -> Settings:
        """Settings of ``import_model``; the checkpoint comes otherwise."""
        model = self._part("models", wildcards.model)
        return {
            "labels": model["labels"] or None,
            "max_length": model["training"]["max_length"],
            "adapter": model["adapter"],
            "task": self._part("tasks", wildcards.task, "type", "labels"),
            "export_onnx": self.study.exports_onnx,
        }

    def adapter_files(self, wildcards: Any) -> list[str]:
        """Files of the adapter that a model is merged with."""
        adapter = self.config["models"][wildcards.model]["adapter"]
        return [] if adapter is None else _below(adapter)

    def connect_model(self, wildcards: Any) -> Settings:
        """Settings of ``connect_model``; its files come otherwise."""
        model = self.config["models"][wildcards.model]
        kind = model_kind.kind_of(model)
        free = registry.literal("backend", kind, "FREE") or ()
        return {
            "kind": kind,
            # A limit of calls decides on no answer.
            "options": {key: value for key, value in ordered(model[kind]).items() if key not in free},
            "labels": model["labels"] or None,
            "task": self._part("tasks", wildcards.task, "type", "labels"),
        }

    def asked_files(self, wildcards: Any) -> list[str]:
        """Files on this machine that a model which is only asked depends on."""
        places = black_box.files(self.config["models"][wildcards.model])
        return [file for place in places for file in _below(place)]

    def explanations_file(self, wildcards: Any) -> str:
        """The file of a model's own attributions."""
        return self.config["models"][wildcards.model]["explanations"]["file"]

    def import_explanations(self, wildcards: Any) -> Settings:
        """Settings of ``import_explanations``; the file comes otherwise."""
        model = self.config["models"][wildcards.model]
        block = model["explanations"]
        several = {"task": self.config["tasks"], "seed": model["seeds"]}
        return {
            "name": block["name"] or wildcards.model,
            "missing": block["missing"],
            "unit": self.config["explainers"][wildcards.explainer]["unit"],
            "task_settings": self._part("tasks", wildcards.task, "type", "labels"),
            "needed": [key for key, values in several.items() if len(values) > 1],
            "numbered": self.config["tasks"][wildcards.task]["columns"]["example_id"] is None,
            "by_class": self.study.compared_with_computed(wildcards.model),
        }

    def compression(self, wildcards: Any) -> Settings:
        """How a model is made out of its teacher."""
        return self._part("models", wildcards.model, "compress")["compress"]

    def engine(self, wildcards: Any) -> dict[str, str]:
        """Where a finished model runs, and on what."""
        return {**self.study.engine_of(wildcards.model), **self.study.reading}

    def explaining(self, wildcards: Any) -> Settings:
        """The same, and how a removed word looks to it."""
        return {**self.engine(wildcards), "rule": self.config["removal"]}

    def measure_cost(self, wildcards: Any) -> Settings:
        """Settings of ``measure_cost``."""
        compress = self.config["models"][wildcards.model]["compress"]
        native = registry.literal("compression", compress["method"], "NATIVE") if compress else None
        return {"native": native}

    def explain(self, wildcards: Any) -> Settings:
        """Settings of ``explain``."""
        several = label_views.is_multi(self.config["tasks"][wildcards.task])
        output = "logit" if several else self.config["explained_output"]  # of 0 and z the margin is z
        explainer = self._part("explainers", wildcards.explainer)
        return {"explainer": explainer, "output": output, "seed": self.config["seed"]}

    def cut_labels(self, task: str) -> Settings:
        """Settings of ``cut_labels`` by label, in the order of its files."""
        return {name: ordered(self.study.judged[name]["of"]) for name in self.study.labels_of(task)}

    def select_perturbed(self, wildcards: Any) -> Settings:
        """Settings of ``select_perturbed``."""
        return {
            "name": wildcards.task,
            "count": self.config["stability"]["examples"],
            "max_words": self.config["tasks"][wildcards.task]["explain"]["max_words"],
            "seed": self.config["seed"],
        }

    def explain_again(self, wildcards: Any) -> Settings:
        """Settings of ``explain_again``: nothing but the random draws differ."""
        return self.explain(wildcards) | {"again": True}

    def ladder(self, wildcards: Any) -> Settings:
        """The rungs of ``explain_rungs``: kinds of damage with their doses."""
        return ordered(ladder.kinds(self.study.ladder))

    def delete(self, wildcards: Any) -> Settings:
        """Settings of ``delete``."""
        return {
            "ks": self.config["metrics"]["deletion_k"],
            "draws": self.config["metrics"]["random_draws"],
            "beam": self.config["metrics"]["aopc_beam"],
            "seed": self.config["seed"],
            **({"label": of["number"]} if (of := self.study.judged[wildcards.task].get("of")) else {}),
        }

    def score(self, wildcards: Any) -> Settings:
        """Settings of every ``score_*``."""
        models = self.config["models"]
        task = self.study.judged.get(wildcards.task) or self.config["tasks"][wildcards.task]
        used = ("type", "labels", "metrics", "flip", "of")
        return {
            "task": wildcards.task,
            "task_settings": ordered({key: task[key] for key in used if key in task}),
            "metrics": ordered(self.config["metrics"]),
            "teachers": ordered({name: model["teacher"] for name, model in models.items()}),
            "seeds": ordered({name: model["seeds"] for name, model in models.items()}),
            "teacher_seeds": ordered({name: model["teacher_seeds"] for name, model in models.items()}),
            "attributions_only": sorted(self.study.of_origin("attributions_only")),
            "not_explained": self.study.not_explained(),
            "labelled": task["columns"]["label"] is not None,
            "seed": self.config["seed"],
        }

    @property
    def decide_verdicts(self) -> Settings:
        """Settings of ``decide_verdicts``."""
        return {
            "confidence_level": self.config["metrics"]["confidence_level"],
            "controls": self.controls,
            **({"families": families} if (families := label_views.families(self.study.judged)) else {}),
        }

    @property
    def controls(self) -> list[str]:
        """Explainers that know nothing of the output."""
        explainers = self.config["explainers"]
        return sorted(name for name in explainers if explainers[name]["method"] in registry.controls())

    def published_file(self, wildcards: Any) -> list[str]:
        """The file that says what a published study shows; nothing where none is named."""
        published = self.config["published"]
        return [str(project_file(published["file"]))] if published else []

    def report(self, wildcards: Any) -> Settings:
        """Settings of ``report``: all of them, it shows them, but where files were looked for."""
        return ordered({key: block for key, block in self.config.items() if key != "mirror"})

    def _part(self, section: str, name: str, *keys: str) -> Settings:
        entry = self.config[section][name]
        return ordered({key: entry[key] for key in keys if key in entry} if keys else entry)


def _below(place: str | Path) -> list[str]:
    """A file, or all files of a folder that are digested. What is not there is Snakemake's to name."""
    return list(map(str, files_of(place)))


def _right_in(place: Path, must_exist: bool) -> list[str]:
    """The same of a source, of whose folders only files right below them are read."""
    if place.is_dir():
        return sorted(str(path) for path in place.iterdir() if path.is_file())
    return [str(place)] if must_exist else []
