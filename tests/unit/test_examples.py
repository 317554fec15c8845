"""The examples of the docstrings: they run, and no public function lacks one."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

from distillens.provenance import ROOT

PACKAGE = ROOT / "distillens"

# Public functions that have none, and why.
WITHOUT = {
    "data.corpus.fetch_corpus": "takes a whole block of a config, and a file of texts",
    "data.fetch.fetch_checkpoint": "takes a checkpoint; `copy_checkpoint` shows what is left of it",
    "data.fetch.fetch_dataset": "takes a whole block of a config, and a file of texts",
    "cli.own_inputs.open_all": "takes a whole config, and opens all that it names",
    "data.packages.fetch_package": "downloads",
    "joblog.logging_to": "takes over the log of the whole process",
    "provenance.prefer_this_package": "changes the environment of the whole process",
}

# By reason: those that would need a whole study, or a model's folder.
NEEDS_MORE = {
    "reads and writes the files of a study": """
        attribution.delete.write_deletions attribution.explain.write_explanations
        attribution.explain_rungs.explain_rungs evaluation.place_students.place_students
        evaluation.place_students.rungs_of evaluation.place_students.students_of
        evaluation.plan_texts.plan_texts
        attribution.import_explanations.import_explanations attribution.rankings.stored_as_given
        evaluation.agreement.score_agreement evaluation.buckets.score_buckets
        evaluation.calibrate.calibrate evaluation.gates.gates_of
        evaluation.label_performance.score_label_performance
        evaluation.decide_verdicts.decide_verdicts evaluation.faithfulness.score_faithfulness
        evaluation.gap_closed.score_gap_closed evaluation.inputs.by_identity evaluation.inputs.edits_of
        evaluation.inputs.labels evaluation.performance.score_performance evaluation.probes.score_probes
        evaluation.robustness.score_robustness evaluation.stability.score_stability
        evaluation.teacher_groups.teacher_groups evaluation.word_shifts.score_word_shifts
        models.chunks.gather models.chunks.write_in_parts models.measure_cost.write_cost
        models.predict.write_predictions report.costs.read report.exhibits.published.write
        report.gap_closed.read report.label_counts.read report.material.gather report.page.write_report
        report.probe_data.read report.sentences.load report.take_along.write report.study_data.scores
        report.word_shifts.read training.compress.compress training.fine_tune.train
        training.fine_tune.write_cost training.pretrain.pretrain""",
    "reads or writes a model's folder, or asks a model that was read from one": """
        attribution.explainers.attention_rollout.explain attribution.explainers.input_x_gradient.explain
        attribution.explainers.integrated_gradients.explain attribution.explainers.random.explain
        models.classifier.export_onnx models.classifier.load_classifier models.tokenizer_files.load_tokenizer
        models.tokenizer_files.load_stock models.tokenizer_files.check_pieces
        models.classifier.new_classifier models.classifier.save models.classifier.save_tokenizer
        models.assembly.learn models.copies.sequences models.fields.pieces_in_place
        models.classifier.trim models.classifier.unlike_lengths models.connect_model.connect_model
        models.adapter.merged models.import_model.import_model
        models.measure_cost.latencies training.distillation.saliency.teacher_saliency
        training.distillation.saliency.ask_teacher training.distillation.saliency.share_columns
        training.distillation.integrated_gradients.teacher_path
        training.pretrain.load_masked training.batches.collate""",
    "starts processes, or is run by one": "models.workers.share_out models.workers.work",
    "takes a training's whole block of a config": "training.fine_tune.arguments",
    "shows a whole study's scores": """
        report.buckets.buckets report.case.answer report.case.case_of report.case.not_known
        report.cases.choose report.exemplars.group report.classes.of_task report.costs.records
        report.costs.tables_of report.several_labels.tables
        report.diagnostics.diagnostics_table report.diagnostics.records report.diagnostics.summary_table
        report.exhibits.bars.show report.exhibits.contrast_predictions.show
        report.exhibits.contrast_words.show report.exhibits.distribution.show report.exhibits.grid.fill
        report.exhibits.heatmap.show report.exhibits.probe_item.find_item report.exhibits.projection.show
        report.exhibits.table.show report.figures.draw report.gap_closed.tables_of report.probes.probes
        report.ladder_map.drawings report.ladder.lines report.ladder.tables_of
        report.sections.sections
        report.disagreements.gates_of report.disagreements.of_view report.viewer.viewer
        report.sentences.views
        report.tables.agreement report.tables.changes report.tables.curves report.tables.drift
        report.tables.drift_by_metric report.tables.explainers report.tables.faithfulness
        report.tables.performance report.tables.robustness report.tables.stability
        report.tolerance.verdicts
        report.verdict.records report.verdict.table report.verdict.of_study report.word_shifts.kinds
        report.word_shifts.words""",
    "a command's run on a study, see the package": """cli.audit.run cli.check.run cli.explain.run
        cli.compare.run cli.gate.run cli.gate.judge cli.verdict.run report.outcome.of
        report.outcome.record""",
    "runs Snakemake, or gets it ready": """cli.audit.prepare cli.audit.work cli.check.jobs
        cli.execute.execute cli.extend.run cli.pilot.until_told cli.pilot.wish cli.run.run""",
}
WITHOUT |= {name: reason for reason, names in NEEDS_MORE.items() for name in names.split()}

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules(room: str) -> dict[str, ast.Module]:
    """Syntax trees of a package's modules, or of the loose modules, by name without ``distillens.``."""
    folder = PACKAGE / room
    paths = sorted(folder.rglob("*.py") if room else folder.glob("*.py"))
    names = [".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in paths]
    return {
        name.removesuffix(".__init__"): ast.parse(path.read_text())
        for name, path in zip(names, paths, strict=True)
    }


def has_example(node: ast.AST) -> bool:
    documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    return documented and ">>>" in (ast.get_docstring(node) or "")


def public_functions(room: str) -> dict[str, ast.AST]:
    return {
        f"{module}.{node.name}": node
        for module, tree in modules(room).items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    }


def rooms() -> list[str]:
    """The packages; "" holds the modules that lie loose."""
    return ["", *sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))]


@pytest.mark.parametrize("room", rooms())
def test_the_examples_run(room: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = []
    for name, tree in modules(room).items():
        if any(map(has_example, ast.walk(tree))):
            module = importlib.import_module(f"distillens.{name}" if name != "__init__" else "distillens")
            report: list[str] = []
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            for test in doctest.DocTestFinder(exclude_empty=True).find(module):
                folder = tmp_path / test.name  # files of one docstring's examples are not another's
                folder.mkdir()
                monkeypatch.chdir(folder)
                runner.run(test, out=report.append)
            failed += report
    assert not failed, "".join(failed)


@pytest.mark.parametrize("room", rooms())
def test_every_public_function_has_an_example(room: str) -> None:
    missing = {name for name, node in public_functions(room).items() if not has_example(node)}
    assert not sorted(missing - WITHOUT.keys())


def test_the_exceptions_are_still_needed() -> None:
    functions = {name: node for room in rooms() for name, node in public_functions(room).items()}
    assert not [name for name in WITHOUT if name not in functions or has_example(functions[name])]
