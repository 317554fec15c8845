"""The loop of pilot, plan and more texts: what it asks for, writes and says, and when it ends."""

import pytest
import yaml
from rich.console import Console

from distillens import tables
from distillens.cli import extend, main, pilot, run
from distillens.cli.errors import CommandError
from distillens.config import texts

TASK = {"explain": {"examples": 10, "per_class": 30, "until": "told", "most": 50, "max_words": None}}
ROW = {
    "task": "films",
    "student": "kd",
    "teacher": "bert",
    "explainer": "occlusion",
    "reference": "prune 0.3",
}
ROW |= {"difference": 0.08, "spread": 0.3, "n": 10, "texts": 30.0, "gated": False}


class Workflow:
    """What Snakemake would make: texts as many as are planned, and a plan that asks for so many."""

    def __init__(self, results, asks, there=100, **row):
        self.results, self.asks, self.there, self.row, self.calls = results, asks, there, row, []

    def __call__(self, targets):
        self.calls.append(list(targets))
        planned = texts.read(self.results).get("films")
        after = planned.after if planned else {"examples": 10}
        now = after.get("examples") or 5 * after["per_class"]  # of five classes
        rows = [{"example_id": f"e{n}", "text_a": "A film"} for n in range(self.there)]
        tables.write(self.results / "data/films/test.parquet", "examples", rows, {})
        tables.write(self.results / "data/films/explained.parquet", "examples", rows[:now], {})
        row = {**ROW, "n": now, "texts": self.asks(now), **self.row}
        tables.write(self.results / "metrics/films/plan.parquet", "plan", [row], {})


@pytest.fixture
def file(tmp_path):
    explain = {"examples": 10, "until": "told", "most": 50}
    task = {"source": {"local": "x"}, "columns": {"text_a": "a", "label": None}, "labels": ["a", "b"]}
    models = {"bert": {"checkpoint": {"local": "x"}, "training": "none"}}
    config = {"study": "toy", "tasks": {"films": {**task, "explain": explain}}, "models": models}
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def extended(file, capsys, asks, **workflow):
    go = Workflow(file.parent / "results/toy", asks, **workflow)
    pilot.until_told(file, file.parent, go, Console(width=200))
    return go, texts.read(go.results), capsys.readouterr().out


def test_it_goes_on_until_the_noise_asks_for_no_more(file, capsys):
    go, planned, said = extended(file, capsys, lambda now: {10: 30.0, 30: 42.0}.get(now, 40.0))
    assert planned == {"films": texts.Planned({"examples": 10}, {"examples": 42}, [10, 30])}
    plan = ["results/toy/metrics/films/plan.parquet"]
    assert go.calls == [plan, plan, plan, []]  # only at the end all of the study
    assert "films: 10 texts; a difference of 0.08 needs 30 (by the spread of 0.30 of kd by occlusion)" in said
    assert "written: " in said and "texts.yaml" in said


def test_several_labels_are_not_planned(file, capsys):
    config = yaml.safe_load(file.read_text())
    films = config["tasks"]["films"]
    del films["explain"]["until"], films["explain"]["most"]
    labels = {"a": "is_a", "b": "is_b"}
    comments = {**films, "type": "multi_label", "columns": {"text_a": "t", "label": labels}}
    file.write_text(yaml.safe_dump({**config, "tasks": {"films": films, "comments": comments}}))
    go = Workflow(file.parent / "results/toy", lambda now: 7.0)
    pilot.until_told(file, file.parent, go, Console(width=200), most=50)
    assert go.calls == [["results/toy/metrics/films/plan.parquet"], []]
    assert "comments: how many texts is not planned for several labels" in capsys.readouterr().out
    file.write_text(yaml.safe_dump({**config, "tasks": {"comments": comments}}))
    with pytest.raises(CommandError, match="comments: how many texts is not planned .* explain.per_class"):
        pilot.until_told(file, file.parent, go, Console(), most=50)


def test_what_stops_is_said_though_classes_are_whole(file, capsys):
    config = yaml.safe_load(file.read_text())
    films = config["tasks"]["films"]
    films |= {"labels": list("abcde"), "explain": {"per_class": 2, "until": "told", "most": 43}}
    file.write_text(yaml.safe_dump(config))
    _, _, said = extended(file, capsys, lambda now: 90.0)
    assert "at most 43 are allowed" in said


def test_enough_texts_stay_as_they_are(file, capsys):
    go, planned, _ = extended(file, capsys, lambda now: 7.0)
    assert planned == {} and len(go.calls) == 2


def test_it_stops_at_the_most(file, capsys):
    _, planned, said = extended(file, capsys, lambda now: 4000.0)
    assert planned["films"].after == {"examples": 50}
    assert "50 of 4000 texts: at most 50 are allowed" in said


def test_it_stops_where_the_data_end(file, capsys):
    _, planned, said = extended(file, capsys, lambda now: 4000.0, there=23)
    assert planned["films"].after == {"examples": 23}
    assert "23 of 4000 texts: the test split has no more that can be explained" in said


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"gated": True}, "more would tell nothing"),
        ({"texts": None}, "no number of texts alone tells kd by occlusion"),
    ],
)
def test_what_texts_cannot_tell_gets_no_more_of_them(file, capsys, row, message):
    _, planned, said = extended(file, capsys, lambda now: 30.0, **row)
    assert planned == {} and message in said


def test_classes_get_as_many_each_and_never_more_than_allowed(tmp_path):
    go = Workflow(tmp_path, lambda now: 31.0)
    go([])
    rows = [
        {"example_id": f"e{n}", "text_a": "A film", "label_name": "ab"[n % 2], "label": float(n % 2)}
        for n in range(100)
    ]
    tables.write(tmp_path / "data/films/test.parquet", "examples", rows, {})
    by_class = {"labels": ["a", "b"], "explain": {**TASK["explain"], "examples": None, "per_class": 5}}
    assert pilot.wish(by_class, tmp_path, "films").count == 32
    assert texts.with_count(by_class, 32) == {"per_class": 16}
    assert pilot.wish(by_class, tmp_path, "films", most=31).count == 30


def test_the_verdict_is_not_looked_at(file, capsys):
    # No table of verdicts is there at all.
    go, planned, _ = extended(file, capsys, lambda now: 20.0)
    assert planned and not list(go.results.glob("metrics/**/placements.parquet"))


def test_a_config_is_found_beside_the_results_or_named(tmp_path, file):
    assert extend.find(tmp_path, "toy") == file
    assert extend.find(tmp_path, "quickstart").name == "config.yaml"
    (tmp_path / "copy.yaml").write_text(file.read_text())
    with pytest.raises(CommandError, match="all are study 'toy'; name one by --config"):
        extend.find(tmp_path, "toy")
    with pytest.raises(CommandError, match="no config of study 'other'"):
        extend.find(tmp_path, "other")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["results/nowhere"], "no such folder; give results/STUDY"),
        (["results/toy", "--config", "else.yaml"], "is not the config of study 'toy'"),
        (["results/toy", "--most", "1"], "--most: at least 2"),
    ],
)
def test_broken_input_is_said_in_one_line(file, monkeypatch, capsys, more, message):
    monkeypatch.chdir(file.parent)
    (file.parent / "results/toy").mkdir(parents=True)
    assert main(["extend", *more]) == 1
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("link", ["results", "results/toy"])
def test_a_study_behind_a_link_is_where_the_link_is(file, monkeypatch, tmp_path, link):
    monkeypatch.chdir(file.parent)
    store = tmp_path / "disk" / "store"
    store.mkdir(parents=True)
    (file.parent / link).parent.mkdir(exist_ok=True)
    (file.parent / link).symlink_to(store)
    (file.parent / "results/toy").mkdir(exist_ok=True)
    called = []
    monkeypatch.setattr(pilot, "until_told", lambda *given: called.append(given[:2]))
    assert main(["extend", "results/toy"]) == 0
    assert called == [(file, file.parent)]


@pytest.mark.parametrize(
    ("given", "loops"),
    [([], True), (["-n"], False), (["--report", "x.zip"], False), (["--until", "select_examples"], False)],
)
def test_a_run_of_a_pilot_goes_on_unless_nothing_or_a_part_is_computed(file, monkeypatch, given, loops):
    class Became(Exception):
        pass

    def become(*_):
        raise Became

    called = []
    monkeypatch.setattr(pilot, "until_told", lambda *given, **_: called.append(given))
    monkeypatch.setattr(run.os, "execve", become)
    if loops:
        assert run.run([str(file), *given], Console()) == 0
    else:
        with pytest.raises(Became):
            run.run([str(file), *given], Console())
    assert bool(called) == loops


def test_a_pilot_is_the_study_that_the_command_line_changes(file, monkeypatch):
    function = {"function": {"name": "mine:predict"}}
    config = yaml.safe_load(file.read_text())
    file.write_text(
        yaml.safe_dump({**config, "models": {"bert": function}, "explainers": {"occlusion": None}})
    )
    commands = []
    monkeypatch.setattr(run, "snakemake", lambda *given: (commands.append(given), (["false"], {}))[1])
    assert run.run([str(file), "--allow-code", "--config", "study=other", "--cores", "1"], Console()) == 1
    assert commands[0][1] == "results/other/metrics/films/plan.parquet"


def test_a_nested_key_of_the_command_line_changes_nothing_beside_it(file, capsys):
    go = Workflow(file.parent / "results/toy", lambda now: 90.0)
    changed = ["tasks={films: {explain: {most: 60}}}", "mirror=null"]
    pilot.until_told(file, file.parent, go, Console(width=200), changed=changed)
    assert texts.read(go.results)["films"].after == {"examples": 60}


def test_what_is_no_key_with_a_value_is_refused(file):
    with pytest.raises(CommandError, match="--config: .*name=value"):
        pilot.until_told(file, file.parent, lambda _: None, Console(), changed=["mirror"])


def test_a_workflow_that_stops_gives_its_status(file, monkeypatch):
    monkeypatch.setattr(run, "snakemake", lambda *given: (["bash", "-c", "exit 7"], {}))
    assert run.run([str(file)], Console()) == 7
