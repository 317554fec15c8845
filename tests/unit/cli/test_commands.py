"""The command line: what it prints, and what it says where something is wrong."""

import html
import io
import re
import shutil

import numpy as np
import pytest
import yaml
from rich.console import Console

from distillens import registry
from distillens.cli import check, main, terminal
from distillens.cli import run as run_command
from distillens.cli.cost_estimate import passes
from distillens.config.validate import complete
from distillens.data.text import Example, seed_of
from distillens.metrics.explained_output import towards
from distillens.models.engine import Engine
from distillens.provenance import ROOT
from distillens.report.formatting import Cell, Head, Table
from tests.fixtures import made_up_results, made_up_study
from tests.tiny import bert

TEXT = "A dull film, but the ending was joyful."
LABELS = ["bad", "middling", "good"]


def config(**study):
    task = {
        "source": {"local": "x"},
        "columns": {"text_a": "a", "label": "b"},
        "labels": LABELS,
        "splits": {split: {"from": "all", "examples": 50} for split in ("train", "validation", "test")},
        "explain": {"per_class": 4, "max_words": 10},
        "perturb": {"examples": 5},
    }
    models = {
        "teacher": {"checkpoint": "c", "training": {"method": "fine_tune", "epochs": 2}, "seeds": [1, 2]},
        "student": {
            "checkpoint": "c",
            "teacher": "teacher",
            "training": {"method": "fine_tune"},
            "seeds": [1],
        },
    }
    given = {
        "study": "s",
        "seed": 3,
        "device": "cpu",
        "backend": "torch",
        "tasks": {"t": task},
        "checkpoints": {"c": {"local": "x"}},
        "models": models,
        "explainers": {"occlusion": None, "random": None},
        "perturbations": {"swap": None},
        "repeats": 3,
        "metrics": {"deletion_k": [3, 20], "random_draws": 2, "aopc_beam": 0},
    }
    return complete({**given, **study})


@pytest.fixture(scope="module")
def results(tmp_path_factory, bert, distilbert):
    """A study of two models, as far as `explain` looks at it."""
    folder = tmp_path_factory.mktemp("study") / "results" / "s"
    settings = config()
    settings["name"] = settings.pop("study")
    (folder / "report").mkdir(parents=True)
    (folder / "report/study.yaml").write_text(yaml.safe_dump(settings))
    for model, source in {"teacher": bert, "student": distilbert}.items():
        shutil.copytree(source, folder / "models/t" / model / "1")
    (folder / "data/t").mkdir(parents=True)
    (folder / "data/t/any.parquet").touch()
    return folder


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    return made_up_results.write(tmp_path_factory.mktemp("results"))


def said(capsys, *arguments, code=0):
    assert main([str(argument) for argument in arguments]) == code
    found = capsys.readouterr()
    return found.err if code else found.out


def test_a_text_is_explained_by_teacher_and_student_with_the_study_s_settings(results, capsys):
    out = said(capsys, "explain", "--study", results, "--text", TEXT)
    engine = Engine(results / "models/t/teacher/1", "cpu", "torch")
    (attribution,) = registry.load("explainer", "occlusion").explain(
        [Example("text", TEXT)], engine, "margin", {}, 0
    )
    target = int(engine.logits([(TEXT,)])[0].argmax())
    values = towards(attribution.values, target)
    lines = out.splitlines()
    assert any(line.startswith(f"teacher · seed 1  {LABELS[target]} (0.") for line in lines)
    assert any(
        re.match(r"student  (bad|middling|good) \(.*Spearman [+-]\d\.\d\d with teacher · seed 1", line)
        for line in lines
    )
    rows = {line.split()[0]: line.split()[1:] for line in lines if len(line.split()) == 3}
    for word, value in zip(Example("text", TEXT).words, values, strict=True):
        assert rows[word.text][0] == f"{value:+.3f}"
    assert out.count(f"for {LABELS[target]}") == 2


def test_the_random_control_has_the_seed_of_the_study_and_the_run(results, capsys):
    out = said(
        capsys, "explain", "--study", results, "--text", TEXT, "--explainer", "random", "--model", "teacher"
    )
    engine = Engine(results / "models/t/teacher/1", "cpu", "torch")
    (expected,) = registry.load("explainer", "random").explain(
        [Example("text", TEXT)], engine, "margin", {"draw": 0}, seed_of(3, "t", "random", "teacher", 1)
    )
    target = int(engine.logits([(TEXT,)])[0].argmax())
    assert f"{expected.values[0, target]:+.3f}" in out
    assert "student" not in out


def test_a_student_alone_is_read_beside_its_teacher(results, capsys):
    out = said(capsys, "explain", "--study", results, "--text", TEXT, "--model", "student")
    assert "with teacher" in out


def test_the_page_has_the_text_and_nothing_of_it_runs(results, capsys, tmp_path):
    page = tmp_path / "one.html"
    hostile = "a <script>alert(1)</script> film [bold]not[/bold] dull"
    out = said(capsys, "explain", "--study", results, "--text", hostile, "--html", page)
    assert "[bold]not[/bold]" in out
    content = page.read_text()
    assert "<script>" not in content
    assert "&lt;" in content


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--text", " "], "--text: there is no word in it"),
        (["--text", "a", "--explainer", "occlusoin"], "no 'occlusoin'; did you mean 'occlusion'?"),
        (["--text", "a", "--task", "u"], "--task: no 'u'"),
        (["--text", "a", "--text-b", "b"], "--text-b: t is a task of single texts"),
        (["--text", "a", "--model", "studnt"], "no 'studnt'; did you mean 'student'?"),
    ],
)
def test_explain_says_what_is_wrong_in_a_line(results, capsys, more, message):
    assert message in said(capsys, "explain", "--study", results, *more, code=1)


def test_a_model_that_is_not_there_is_named(results, capsys, tmp_path):
    copy = shutil.copytree(results, tmp_path / "copy")
    shutil.rmtree(copy / "models/t/student")
    message = said(capsys, "explain", "--study", copy, "--text", "a", code=1)
    assert "models/t/student/1: no model; run the workflow" in message.replace("\n", "")


def test_words_for_and_against_are_told_apart_without_colour():
    shown = terminal.coloured(Example("x", "not bad, fun", "b"), [-1.0, 0.5, 0.0, 1.0, 0.0])
    assert shown.plain == "not bad, fun | b"
    styles = {shown.plain[span.start : span.end]: str(span.style) for span in shown.spans}
    assert "underline" in styles["not"]
    assert "underline" not in styles["bad"] + styles["fun"]
    assert "rgb(213,94,0)" in styles["not"]
    assert "rgb(0,114,178)" in styles["fun"]


def test_the_verdict_is_that_of_the_page(made_up, capsys):
    out = said(capsys, "verdict", made_up)
    page = (made_up / "report/index.html").read_text()
    answer = re.search(r'<p class="answer">(.*?)</p>', page, re.DOTALL).group(1)
    words = re.sub(r"<[^>]+>", "", answer).split()
    assert out.split()[: len(words)] == words
    for cell in ("drift found", "gated", "no drift found"):
        assert cell in out


def test_texts_that_repeat_are_said_on_the_page_and_in_the_terminal(tmp_path, monkeypatch, capsys):
    drawn = made_up_study._texts

    def texts(task, count):
        first, second, *others = drawn(task, count)
        return [first, second | {"text_a": f" {first['text_a'].upper()}"}, *others]

    monkeypatch.setattr(made_up_study, "_texts", texts)
    results = made_up_results.write(tmp_path)
    terminal = " ".join(said(capsys, "verdict", results).split())
    page = html.unescape(re.sub(r"<[^>]+>", "", (results / "report/index.html").read_text()))
    for text in (terminal, " ".join(page.split())):
        assert re.search(r"sst5: 2 of (\d+) tested texts are there more than once \(1 different\)", text)
        assert text.count("and name it (tasks.sst5.columns.group).") == 1
        assert re.search(
            r"sst5: 3 of (\d+) texts of test are in validation, too \(the first is example", text
        )


def test_permuted_names_and_saturated_texts_are_said_on_the_page_and_in_the_terminal(
    tmp_path, monkeypatch, capsys
):
    scored, made = made_up_study._performance, made_up_study._explanations

    def performance(task, options, settings):
        labels = options["labels"][::-1]
        row = made_up_study._row(task, "tiny", 1, metric="permuted", value=0.861, half=0.03, n=872)
        return [*scored(task, options, settings), *([row | {"outputs": labels}] if labels else [])]

    def explanations(task, options, texts, explainer, model, seed):
        rows = made(task, options, texts, explainer, model, seed)
        if (model, explainer) == ("tiny", "lime"):
            rows = [row | {"values": (0 * np.array(row["values"])).tolist()} for row in rows]
        return rows

    monkeypatch.setattr(made_up_study, "_performance", performance)
    monkeypatch.setattr(made_up_study, "_explanations", explanations)
    results = made_up_results.write(tmp_path)
    terminal = " ".join(said(capsys, "verdict", results).split())
    page = html.unescape(re.sub(r"<[^>]+>", "", (results / "report/index.html").read_text()))
    labels = ", ".join(made_up_study.tasks()["sst5"]["labels"][::-1])
    question = f"ames permuted? with its outputs in the order {labels} tiny would score 0.86 on sst5"
    zeros = re.compile(r"Attributions are all zero in (\d+) of (\d+) explanations by lime")
    for text in (terminal, " ".join(page.split())):
        assert text.count(question) == 2  # in the answer, and in the student's own line
        zero, total = map(int, zeros.search(text).groups())
        assert 0 < zero < total


def test_a_folder_that_is_no_study_is_named(capsys, tmp_path):
    assert "give results/STUDY" in said(capsys, "verdict", tmp_path, code=1)


def test_a_cell_s_note_stands_below_it():
    console = Console(file=io.StringIO(), width=60)
    table = Table(
        "t", "caption", [Head("a", numeric=False), Head("b")], [[Cell("x"), Cell("0.5", note="[0, 1]")]]
    )
    console.print(terminal.table(table, console))
    assert "0.5" in console.file.getvalue()
    assert "[0, 1]" in console.file.getvalue()


def test_help_has_examples_and_says_what_a_command_does(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    for words in ("examples:", "check mine.yaml", "run mine.yaml", "explain --study", "distillens.load"):
        assert words in out
    for command in ("run", "check", "explain", "verdict"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert len(capsys.readouterr().out.splitlines()) > 8


# running a study


@pytest.mark.parametrize(
    ("given", "cores"),
    [
        ("", ["--cores", "all"]),
        ("-n --config cores=3", ["--cores", "all"]),
        ("--cores 2", []),
        ("-c2 -n", []),
        ("--jobs=4", []),
        ("--executor slurm", []),
        ("--workflow-profile slurm", []),
    ],
)
def test_all_cores_are_used_unless_something_says_how_many(monkeypatch, given, cores):
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)
    monkeypatch.setattr(run_command, "sees_a_gpu", lambda: True)
    ran = []
    monkeypatch.setattr(run_command.os, "execve", lambda program, command, _: ran.append((program, command)))
    main(["run", *given.split()])
    ((program, command),) = ran
    before = ["-m", "snakemake", "--configfile", f"{ROOT}/config.yaml", "--snakefile", f"{ROOT}/Snakefile"]
    assert command == [program, *before, *cores, *given.split()]


def test_a_machine_s_profile_says_how_many(monkeypatch):
    monkeypatch.setenv("SNAKEMAKE_PROFILE", "machine")
    monkeypatch.setattr(run_command.os, "execve", lambda _, command, __: ran.extend(command))
    ran = []
    main(["run"])
    assert "--cores" not in ran


# what a config would cost


def by(rows):
    return {(row.rule, row.what): row for row in rows}


def test_passes_are_counted_by_hand(tmp_path):
    found = by(passes(config(), tmp_path))
    # 4 texts of each of 3 classes, of 10 words: occlusion asks n + 2 times, random once; 3 runs.
    assert found["explain", "occlusion"].passes == 12 * 12 * 3
    assert found["explain", "random"].passes == 12 * 1 * 3
    # 50 texts and 5 edited ones, 3 times; 3 runs.
    assert found["predict", "test split and its edits"].passes == (50 + 5 * 3) * 3
    # 50 texts, 2 epochs, 2 seeds; 3 epochs, one seed.
    assert found["train", "teacher"].passes == 50 * 2 * 2
    assert found["train", "student"].passes == 50 * 3
    # Of 10 words only k = 3: 2 explainers' own and teacher's order, 2 random; their curves, each word.
    assert found["delete", "all explainers"].passes == 12 * ((2 * 2 + 2) + (2 * 2 * 10 + 2 * 10 + 10)) * 3


def test_a_compressed_student_without_training_has_no_training_to_count(tmp_path):
    given = config()
    given["models"]["student"] |= {"compress": {"method": "int8"}, "training": None}
    assert ("train", "student") not in by(passes(given, tmp_path))


def test_words_can_be_said_and_an_unknown_number_of_texts_stays_open(tmp_path):
    assert by(passes(config(), tmp_path, words=5))["explain", "occlusion"].passes == 12 * 7 * 3
    given = config()
    given["tasks"]["t"]["explain"]["per_class"] = None
    given["tasks"]["t"]["splits"]["test"]["examples"] = None
    assert by(passes(given, tmp_path))["explain", "occlusion"].passes is None


def test_texts_that_are_there_are_counted(tmp_path):
    from distillens import tables

    rows = [{"example_id": str(n), "text_a": "one two three"[: 3 + 4 * n], "label": 0.0} for n in range(3)]
    tables.write(tmp_path / "data/t/explained.parquet", "examples", rows, {})
    found = by(passes(config(), tmp_path))["explain", "occlusion"].passes
    assert found == sum(len(Example("", row["text_a"]).words) + 2 for row in rows) * 3


def test_the_bound_holds_for_what_deleting_really_asks(results, tmp_path, monkeypatch):
    from distillens.attribution.delete import _deletions
    from distillens.attribution.rankings import Rankings, ranking
    from distillens.attribution.removal_curves import trace

    engine = Engine(results / "models/t/teacher/1", "cpu", "torch")
    example = Example("0", TEXT)
    order = ranking(np.arange(len(example.words) * 3.0).reshape(-1, 3), np.eye(3)[0])
    rankings = {("occlusion", "own"): Rankings(False, {"0": [example.words[n] for n in order]})}
    rankings["random", "own"] = rankings["occlusion", "teacher"] = rankings["random", "teacher"] = rankings[
        "occlusion", "own"
    ]
    asked = []
    logits = engine.logits
    monkeypatch.setattr(engine, "logits", lambda texts, *_: asked.extend(texts) or logits(texts))
    for beam in (0, 3):
        asked.clear()
        list(_deletions([example], rankings, [3, 20], 2, engine, 0))
        list(trace([example], rankings, 2, beam, engine, 0))
        given = config(metrics={"deletion_k": [3, 20], "random_draws": 2, "aopc_beam": beam})
        given["tasks"]["t"]["explain"] |= {"per_class": 1, "max_words": len(example.words)}
        bound = by(passes(given, tmp_path))["delete", "all explainers"].passes / (3 * 3)
        whole = 2  # both first ask for the whole text, which `explain` has counted
        assert len(asked) - whole <= bound


def test_check_prints_jobs_and_passes(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"film number {n},{LABELS[n % 3]}\n" for n in range(150))
    (tmp_path / "data.csv").write_text(f"a,b\n{rows}")
    bert(tmp_path / "checkpoint")
    study = {
        "study": "s",
        "device": "cpu",
        "tasks": {
            "t": {
                "source": {"local": "data.csv"},
                "columns": {"text_a": "a", "label": "b"},
                "labels": LABELS,
                "splits": {
                    split: {"from": "all", "examples": 50} for split in ("train", "validation", "test")
                },
                "explain": {"per_class": 4},
            }
        },
        "checkpoints": {"c": {"local": "checkpoint"}},
        "models": {
            "teacher": {"checkpoint": "c", "training": {"method": "fine_tune"}, "seeds": [1, 2]},
            "small": {"teacher": "teacher", "compress": {"method": "half"}},
        },
        "explainers": {"occlusion": None},
    }
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(study))
    out = said(capsys, "check", path, "--words", "8")
    rows = [line.split() for line in out.splitlines()]
    assert ["fine_tune", "2", "2"] in rows
    assert ["explain", "4", "4"] in rows  # the student has a run out of each of its teacher's
    assert ["compress_for_torch", "2", "2"] in rows
    assert ["explain", "occlusion", "t", "4", f"{12 * 10 * 4}"] in rows
    assert not (tmp_path / "results").exists()
    assert "more than once" not in out
    rows = "".join(f"film number {n % 50},{LABELS[n % 3]}\n" for n in range(150))
    (tmp_path / "data.csv").write_text(f"a,b\n{rows}")
    out = said(capsys, "check", path, "--words", "8")
    assert "tested texts are there more than once" in out and "texts of test are in train, too" in out
    (tmp_path / "data.csv").unlink()
    assert "data.csv" in said(capsys, "check", path, code=1)


def test_check_refuses_a_wrong_config_in_a_line(capsys, tmp_path):
    path = tmp_path / "study.yaml"
    for content, message in {
        "study: s\nmodle: {}\n": "unknown key 'modle'",
        "[]": "not a config",
        "a: [": "expected the node content",
    }.items():
        path.write_text(content)
        assert message in said(capsys, "check", path, code=1).replace("\n", " ")
    assert "no such file" in said(capsys, "check", tmp_path / "none.yaml", code=1)
    assert check.HELP
