"""Files that a command is given: where the study stands, and those that it cannot read or write."""

import pytest

from distillens.cli import compare, gate, main
from distillens.cli import run as run_command
from distillens.metrics.verdict import KEEPS
from distillens.report import outcome
from tests.unit.report.test_outcome import record


@pytest.mark.parametrize("given", ["-n {}", "--cores 2 {} --config seed=8", "--config seed=8 {}", "{} -n"])
def test_a_study_is_taken_wherever_it_stands(monkeypatch, tmp_path, given):
    study = tmp_path / "mine.yaml"
    study.write_text("study: mine\n")
    target = tmp_path / "study.yaml"
    target.write_text("name: mine\n")
    ran = []
    monkeypatch.setattr(run_command.os, "execve", lambda _, command, __: ran.extend(command))
    main(["run", *given.format(study).split(), str(target)])
    assert ran[ran.index("--configfile") + 1] == str(study) and ran.count(str(study)) == 1
    assert ran[-1] == str(target)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("mine.yaml --configfile other.yaml", "--configfile: the study is the config"),
        ("mine.yaml -n other.yaml", "mine.yaml, other.yaml: several studies; name one"),
        ("nowhere.yaml -n", "nowhere.yaml: no such file"),
    ],
)
def test_one_study_is_run_and_no_other_replaces_it(monkeypatch, tmp_path, capsys, given, said):
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "other"):
        (tmp_path / f"{name}.yaml").write_text(f"study: {name}\n")
    assert main(["run", *given.split()]) == 1
    assert said in " ".join(capsys.readouterr().err.split())


LATIN = "study: mine\n# Caf\u00e9\n".encode("latin-1")
NOT_READ = {
    "latin.yaml": "latin.yaml: line 2 is not UTF-8",
    "open.yaml": "open.yaml: is no YAML: while parsing",
}


@pytest.mark.parametrize("name", NOT_READ)
@pytest.mark.parametrize(
    "command",
    [
        ["run"],
        ["run", "-n"],
        ["check"],
        ["extend", "results/mine", "--config"],
    ],
    ids=" ".join,
)
def test_a_config_that_cannot_be_read_is_named_with_the_line(monkeypatch, tmp_path, capsys, command, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_command.os, "execve", lambda *_: None)
    (tmp_path / "results/mine").mkdir(parents=True)
    (tmp_path / "latin.yaml").write_bytes(LATIN)
    (tmp_path / "open.yaml").write_text("study: mine\ntasks: [")
    assert main([*command, name]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert NOT_READ[name] in said and "line 2" in said


@pytest.fixture
def judged(monkeypatch):
    """Any folder is a finished study with a verdict."""
    for module in (compare, gate):
        monkeypatch.setattr(module, "load", lambda folder: folder)
    monkeypatch.setattr(outcome, "of", lambda _: record(("tiny", KEEPS)))


@pytest.mark.parametrize(
    ("option", "place", "why"),
    [
        ("--json", "folder", "Is a directory"),
        ("--junit", "file/below.xml", "file"),
        ("--markdown", "folder", "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_named(judged, tmp_path, capsys, option, place, why):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    assert main(["gate", "results/mine", option, str(tmp_path / place)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {tmp_path}") and why in said and "give a path that can be" in said


def test_a_page_that_cannot_be_written_is_named(judged, tmp_path, capsys):
    assert main(["compare", "results/one", "results/two", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}: Is a directory; give a path")
