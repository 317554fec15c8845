"""What a study is given, opened as its jobs would: data, checkpoints, attributions from elsewhere.

Nothing is downloaded, and nothing is left behind: what the jobs write goes to a temporary folder.
"""

import contextlib
import io
import itertools
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace as Wildcards
from typing import Any, NamedTuple

from distillens import registry, tables
from distillens.attribution.import_explanations import ImportSettings, import_explanations
from distillens.cli.text_lengths import Lengths, measure
from distillens.config import external, siblings
from distillens.config.files import refuse_missing
from distillens.config.job_params import JobParams
from distillens.config.study import Study
from distillens.data.corpus import fetch_corpus
from distillens.data.fetch import SPLITS, fetch_checkpoint, fetch_dataset
from distillens.data.repeats import said_of
from distillens.data.select import select_examples
from distillens.data.text import Example, examples
from distillens.models import classifier
from distillens.models.black_box import open_backend
from distillens.models.connect_model import connect_model
from distillens.models.import_model import import_model
from distillens.models.tokenizer import Encoder
from distillens.perturbations.perturb import fewer_than_asked
from distillens.provenance import ExplanationId, RunId
from distillens.training.soft_labels import SoftLabels

_TABLES = ("test", "explained")
_EVERY = (*SPLITS, "explained")


class Opened(NamedTuple):
    """What was found where everything was opened.

    Attributes
    ----------
    wrong : list of str
        A line for each thing that is wrong.
    closed : list of str
        What was not opened, since it is to be downloaded first.
    remarks : list of str
        What is not wrong, and makes results say less: texts that repeat, are cut off or left out.
    lengths : dict of Lengths
        How long texts are, by task.
    """

    wrong: list[str]
    closed: list[str]
    remarks: list[str]
    lengths: dict[str, Lengths]


def open_all(config: Mapping[str, Any], results: Path) -> Opened:
    """Open all that a complete config is given.

    Parameters
    ----------
    config : mapping
        Complete; see `distillens.config.validate.complete`.
    results : Path
        ``results/STUDY``: texts of data that would have to be downloaded are read there, if they are.
    """
    inputs = _Inputs(config, results)
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        # Progress bars and warnings of the libraries: what is wrong is said below.
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            inputs.open(Path(folder))
    finally:
        logging.disable(before)
    return Opened(inputs.wrong, inputs.closed, inputs.remarks, inputs.lengths)


class _Inputs:
    def __init__(self, config: Mapping[str, Any], results: Path) -> None:
        self.config, self.results, self.folder = config, results, Path()
        self.study = Study(config)
        self.params = JobParams(self.study)
        self.wrong: list[str] = []
        self.closed: list[str] = []
        self.remarks: list[str] = []
        self.lengths: dict[str, Lengths] = {}
        # Where the texts of each task are; none of tasks that cannot be read.
        self.texts: dict[str, dict[str, Path]] = {}
        self.read: dict[str, tuple[list[Example], list[Example]]] = {}
        self.measured: dict[str, set[str]] = {}
        self.copy, self.origin = "", ""

    def open(self, folder: Path) -> None:
        """Open everything; ``folder`` takes what that writes."""
        self.folder = folder
        if self.config["mirror"] is not None:
            nothing = {"tasks": {}, "corpora": {}, "checkpoints": {}}
            self._try("", refuse_missing, {"mirror": self.config["mirror"], **nothing})
        for name, task in self.config["tasks"].items():
            self._open_task(name, task["source"])
        for name, files in self.texts.items():
            self._read_texts(name, files)
        for name, corpus in self.config["corpora"].items():
            if self._at_hand(f"corpora.{name}", corpus["source"]):
                settings = self.params.fetch_corpus(Wildcards(corpus=name))
                self._try(f"corpora.{name}", fetch_corpus, out=self.folder / "corpus", **settings)
        for name in self.study.used_checkpoints():
            self._open_checkpoint(name)
        for name in self.study.of_origin("asked"):
            self._open_asked(name)
        for name in self.study.of_origin("distilled"):
            self._open_soft_labels(name)
        for run in self._brought():
            self._open_attributions(run)

    def _try(self, where: str, job: Callable[..., object], *given: Any, **named: Any) -> bool:
        """Whether a job ends well; what it says otherwise is kept as one line."""
        try:
            job(*given, **named)
        except Exception as error:  # libraries that open checkpoints raise anything
            said, *others = [line.strip() for line in str(error).splitlines()] or [type(error).__name__]
            if others and said.endswith("problems"):
                said = f"{said}; the first: {others[0]}"
            said = said.replace(self.copy, self.origin) if self.copy else said
            self.wrong.append(said if not where or where in said else f"{where}: {said}")
            return False
        return True

    def _at_hand(self, where: str, source: Mapping[str, Any]) -> bool:
        mirror = self.config["mirror"]
        there = "local" in source or (
            "hub" in source and mirror is not None and Path(mirror, source["hub"]).is_dir()
        )
        if not there:
            self.closed.append(where)
        return there

    def _open_task(self, name: str, source: Mapping[str, Any]) -> None:
        made = {table: self.results / "data" / name / f"{table}.parquet" for table in _EVERY}
        if not self._at_hand(f"tasks.{name}", source):
            if all(made[table].is_file() for table in _TABLES):
                self.texts[name] = made
            return
        files = {split: self.folder / f"{name}-{split}.parquet" for split in _EVERY}
        wildcards, where = Wildcards(task=name), f"tasks.{name}"
        splits = {split: files[split] for split in SPLITS}
        settings = self.params.fetch_dataset(wildcards)
        if self._try(where, lambda: self.remarks.extend(fetch_dataset(out=splits, **settings))):
            chosen = {"test": files["test"], "out": files["explained"]}
            if self._try(where, select_examples, **chosen, **self.params.select_examples(wildcards)):
                self.texts[name] = files

    def _read_texts(self, name: str, files: Mapping[str, Path]) -> None:
        """Read a task's tables of examples, and remark on what is odd about them."""
        read = {table: tables.read(path, "examples") for table, path in files.items() if path.is_file()}
        tested, explained = (read[table] for table in _TABLES)
        self.remarks += said_of(name, {table: rows.to_pylist() for table, rows in read.items()})
        if self.config["perturbations"]:
            limit = self.config["tasks"][name]["perturb"]["examples"]
            self.remarks += filter(None, [fewer_than_asked(name, limit, len(tested))])
        self.read[name] = examples(tested), examples(explained)
        self.lengths[name] = Lengths([len(example.words) for example in self.read[name][1]])

    def _open_checkpoint(self, name: str) -> None:
        source, where = self.config["checkpoints"][name], f"checkpoints.{name}"
        if "pretrain" in source or not self._at_hand(where, source):
            return
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            folder = Path(place, "checkpoint")
            self.copy, self.origin = str(folder), source.get("local", source.get("hub"))
            settings = self.params.fetch_checkpoint(Wildcards(checkpoint=name))
            files = {"folder": folder, "card": Path(place, "card.json")}
            if not self._try(where, fetch_checkpoint, **files, **settings):
                return
            for task, model in itertools.product(self.config["tasks"], self.config["models"]):
                for run in self._runs_from(name, task, model):
                    if not self._open_run(run, folder, Path(place, "model")):
                        break  # of another task it would be said again

    def _runs_from(self, checkpoint: str, task: str, model: str) -> Iterator[RunId]:
        """The runs of a model that start from a checkpoint, or are it; of those that are trained one."""
        settings = self.config["models"][model]
        if settings["siblings"] and settings["siblings"]["checkpoint"] == checkpoint:
            yield RunId(task, model, settings["seeds"][-1])
        if settings["checkpoint"] == checkpoint:
            yield RunId(task, model, settings["seeds"][0])
        elif isinstance(settings["checkpoint"], list):
            for named, seed in zip(settings["checkpoint"], settings["seeds"], strict=True):
                if named == checkpoint:
                    yield RunId(task, model, seed)

    def _open_run(self, run: RunId, checkpoint: Path, out: Path) -> bool:
        wildcards, where = Wildcards(**run.provenance()), f"models.{run.model}"
        model = self.config["models"][run.model]
        if not external.trains(model) and siblings.of(model, run.seed) is None:
            settings = self.params.import_model(wildcards) | {"export_onnx": False}
            made = self._try(where, import_model, run=run, checkpoint=checkpoint, out=out, **settings)
        else:
            made = self._try(where, _start, checkpoint, out, **self.params.train(wildcards))
        return made and self._try(where, self._measure, run, lambda: Encoder(out))

    def _measure(self, run: RunId, encoder: Callable[[], Encoder]) -> None:
        """Say what becomes of texts that a model does not see whole; once for all of its runs."""
        if run.task not in self.read or run.model in self.measured.setdefault(run.task, set()):
            return
        self.measured[run.task].add(run.model)
        about = (self.config["windows"], self.read[run.task], self.lengths[run.task])
        self.remarks += filter(None, [measure(run.model, run.task, encoder(), *about)])

    def _open_asked(self, name: str) -> None:
        """Open a model that is only asked; where an answer costs nothing, ask it as its job would."""
        for task in self.config["tasks"]:
            run = RunId(task, name, self.config["models"][name]["seeds"][0])
            settings = self.params.connect_model(Wildcards(**run.provenance()))
            where, priced = f"models.{name}", registry.literal("backend", settings["kind"], "PRICED")
            if priced or task not in self.texts:
                labels = settings["task"]["labels"]
                if not self._try(where, open_backend, settings["kind"], settings["options"], labels):
                    return
                continue
            texts = {"test": self.texts[task]["test"], "card": self.folder / "card.json"}
            if not self._try(where, connect_model, run=run, **texts, **settings):
                return
            if registry.literal("backend", settings["kind"], "TOKENIZED"):
                asked = (settings["kind"], settings["options"], settings["task"]["labels"])
                self._try(where, self._measure, run, lambda asked=asked: open_backend(*asked).encoder)

    def _open_soft_labels(self, name: str) -> None:
        """Read what a student learns from in place of its teacher; texts that are there need a row."""
        soft = self.config["models"][name]["training"]["soft_labels"]
        for task, settings in self.config["tasks"].items() if soft else ():
            files = [self.folder / f"{task}-{split}.parquet" for split in ("train", "validation")]
            tables_there = [tables.read(file, "examples") for file in files if file.is_file()]
            texts = [example.texts for table in tables_there for example in examples(table)]
            if not self._try(
                f"models.{name}.training.soft_labels",
                lambda texts=texts, task=settings: SoftLabels(
                    soft, task["labels"], task["type"] == "multi_label"
                ).logits(texts),
            ):
                return

    def _brought(self) -> Iterator[ExplanationId]:
        """Runs with attributions from elsewhere; those that others are compared with come first."""
        brought, models = self.study.imported_attributions(), self.config["models"]
        teachers_first = sorted(brought, key=lambda name: models[name]["teacher"] is not None)
        for task, explainer in itertools.product(self.config["tasks"], self.config["explainers"]):
            for model in teachers_first:
                for seed in models[model]["seeds"]:
                    yield ExplanationId(task, model, seed, explainer)

    def _open_attributions(self, run: ExplanationId) -> None:
        wildcards = Wildcards(**run.provenance())
        file = Path(self.params.explanations_file(wildcards))
        if not file.is_file():
            said = f"models.{run.model}.explanations.file: no file {file}"
            self.wrong += [said] if said not in self.wrong else []
            return
        if run.task not in self.texts:
            said = f"models.{run.model}.explanations (no texts of {run.task})"
            self.closed += [said] if said not in self.closed else []
            return
        texts = self.texts[run.task]
        references = [self._imported(**reference) for reference in self.study.imported_reference(wildcards)]
        self._try(
            "",
            import_explanations,
            run,
            ImportSettings(**self.params.import_explanations(wildcards)),
            explained=texts["explained"],
            test=texts["test"],
            file=file,
            out=self._imported(**run.provenance()),
            predictions=self._answers(run) if run.model in self.study.can_answer() else None,
            reference=next((path for path in references if path.is_file()), None),
        )

    def _imported(self, task: str, model: str, seed: int, explainer: str) -> Path:
        return self.folder / f"{task}-{model}-{seed}-{explainer}.parquet"

    def _answers(self, run: ExplanationId) -> Path:
        """That the model will have answered, whatever: an import needs logits, and looks at no number."""
        out = self.folder / "answers.parquet"
        outputs = max(len(self.config["tasks"][run.task]["labels"]), 1)
        names = tables.read(self.texts[run.task]["explained"], "examples")["example_id"].to_pylist()
        row = {"perturbation": "none", "repeat": 0, "logits": [0.0] * outputs}
        tables.write(out, "predictions", [{"example_id": name, **row} for name in names], {})
        return out


def _start(
    checkpoint: Path, out: Path, *, layers: list[int] | None, task: dict[str, Any], settings: dict, **_: Any
) -> None:
    """Load what a training starts from, and its tokenizer, as training does."""
    model = classifier.new_classifier(checkpoint, task, layers)
    classifier.save_tokenizer(checkpoint, out, model, settings["max_length"])
    Encoder(out, classifier.accepted_inputs(model)).require_mask(checkpoint)
