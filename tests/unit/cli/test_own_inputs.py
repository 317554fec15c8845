"""`distillens check` opens what a study is given, and says all that is wrong with it, each in a line."""

import json
import shutil

import pytest
import yaml

from distillens.cli import own_inputs
from distillens.config.validate import complete
from distillens.data.text import Example
from tests.families import family
from tests.tiny import bert

TEXTS = [f"A {word} film, number {number}" for number in range(5) for word in ("dull", "joyful")]


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Data, two finished models, an encoder, and attributions."""
    folder = tmp_path_factory.mktemp("given")
    rows = [{"text": text, "label": ("bad", "good")[n % 2]} for n, text in enumerate(TEXTS)]
    lines(folder / "data.jsonl", rows)
    family("bert", folder, labels=("bad", "good")).rename(folder / "big")
    family("roberta", folder, labels=("GOOD", "BAD"), seed=3).rename(folder / "small")
    bert(folder / "encoder")
    lines(folder / "theirs.jsonl", [*attributions("theirs"), *attributions("copy")])
    return folder


@pytest.fixture
def here(given, tmp_path, monkeypatch):
    """A copy of them in this folder."""
    shutil.copytree(given, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def attributions(model, **more):
    rows = []
    for number, text in enumerate(TEXTS, start=1):
        words = [word.text for word in Example("", text).words]
        values = [(len(word) * number) % 7 - 3.0 for word in words]
        row = {"example_id": str(number), "model": model, "explainer": "shap", "words": words}
        rows.append({**row, "values": values, "target": "good", **more})
    return rows


CONFIG = """
study: mine
tasks:
  films: {source: {local: data.jsonl}, columns: {text_a: text, label: label}, labels: [bad, good],
          splits: {test: {from: all}}, explain: {per_class: 3}}
models:
  big: {checkpoint: {local: big}, training: none}
  small: {checkpoint: {local: small}, training: none, teacher: big}
  theirs: {explanations: theirs.jsonl}
  copy: {explanations: theirs.jsonl, teacher: theirs}
  both: {checkpoint: small, training: none, explanations: {file: theirs.jsonl, name: copy}, teacher: big}
explainers: {shap: }
"""


def wrong(here, config=CONFIG):
    return own_inputs.open_all(complete(yaml.safe_load(config)), here / "results" / "mine")[0]


def test_what_is_right_is_right_and_nothing_is_left_behind(here):
    before = sorted(here.rglob("*"))
    assert wrong(here) == []
    assert sorted(here.rglob("*")) == before


def test_more_texts_to_perturb_than_there_are_is_a_remark(here):
    config = CONFIG.replace("explain: {per_class: 3}", "explain: {per_class: 3}, perturb: {examples: 11}")
    study = complete(yaml.safe_load(config.replace("explainers:", "perturbations: {swap: }\nexplainers:")))
    opened = own_inputs.open_all(study, here / "results" / "mine")
    assert opened.wrong == []
    (said,) = [remark for remark in opened.remarks if "perturb" in remark]
    assert said.startswith("tasks.films.perturb.examples: asks for 11 texts, but the test split has 10;")


def test_texts_that_are_in_no_split_are_a_remark(here):
    rows = [{"text": text, "label": ("bad", "good")[n % 2], "critic": n // 5} for n, text in enumerate(TEXTS)]
    lines(here / "data.jsonl", rows)
    config = CONFIG.replace("label: label}", "label: label, group: critic}").replace(
        "per_class: 3", "per_class: 1"
    )
    config = config.replace("{test: {from: all}}", "{test: {from: all, examples: 4}, train: {from: all}}")
    opened = own_inputs.open_all(complete(yaml.safe_load(config)), here / "results" / "mine")
    (said,) = [remark for remark in opened.remarks if "no split" in remark]
    assert (
        said.startswith("tasks.films.splits: 1 examples of the group '") and "test took the other 4" in said
    )


def test_everything_is_said_at_once_each_in_a_line(here):
    (here / "big" / "tokenizer.json").unlink()
    for left in here.glob("big/vocab*"):
        left.unlink()
    shutil.rmtree(here / "small")
    rows = attributions("theirs")
    for row in rows:
        row["values"] = row["values"][1:]
    lines(here / "theirs.jsonl", [*rows, *attributions("copy", target=None)])
    found = wrong(here)
    assert all("\n" not in line for line in found)
    starts = [
        "models.big: big has no tokenizer (tokenizer.json, vocab.txt, vocab.json, *.model, *.tiktoken); save",
        "checkpoints.small.local: no folder small",
        "theirs.jsonl: 6 problems; the first: row 2: 6 words, but 5 values; give one for each",
        "theirs.jsonl, row 12: its values are for no class, and those that are computed here are for each;",
    ]
    assert len(found) == len(starts), found
    assert [line[: len(start)] for line, start in zip(found, starts, strict=True)] == starts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("text_a: text", "text_a: txet"), "no column 'txet' for text_a; there are: text, label"),
        (("labels: [bad, good]", "labels: [bad, great]"), "label 'good'"),
        (("{local: data.jsonl}", "{local: none.jsonl}"), "no file none.jsonl"),
        (("per_class: 3", "per_class: 9"), "explain.per_class: asks for 9 examples"),
        (("{local: big}", "{local: nowhere}"), "checkpoints.big.local: no folder nowhere"),
        (("explanations: theirs.jsonl}", "explanations: no.jsonl}"), "explanations.file: no file no.jsonl"),
        (("theirs: {explanations: theirs.jsonl}", "theirs: {explanations: {file: theirs.jsonl, name: x}}"),
         "no rows of model 'x'"),
        (("explainers: {shap: }", "explainers: {lime: }"), "by 'lime'"),
        (("labels: [bad, good]", "labels: [bad, good, best]"), "test split has 0 that can be explained"),
    ],
)  # fmt: skip
def test_a_thing_that_is_wrong_is_named(here, change, message):
    assert change[0] in CONFIG
    assert any(message in line for line in wrong(here, CONFIG.replace(*change))), message


def test_outputs_of_a_checkpoint_are_held_against_the_labels(here):
    config = json.loads((here / "big" / "config.json").read_text())
    config["id2label"] = {"0": "LABEL_0", "1": "LABEL_1"}
    config["label2id"] = {"LABEL_0": 0, "LABEL_1": 1}
    (here / "big" / "config.json").write_text(json.dumps(config))
    (line,) = wrong(here)
    assert line.startswith("models.big.labels: ")


def test_a_checkpoint_that_a_training_starts_from_is_opened(here):
    trained = """
  starts: {checkpoint: {local: encoder}, training: {method: fine_tune}}
explainers:"""
    config = CONFIG.replace("\nexplainers:", trained).replace(
        "{test: {from: all}}", "{test: {from: all, examples: 6}, train: {from: all, examples: 2}, "
        "validation: {from: all, examples: 2}}",
    )  # fmt: skip
    config = config.replace("per_class: 3", "per_class: 1")
    config = "\n".join(line for line in config.splitlines() if "explanations" not in line)
    assert wrong(here, config) == []
    (here / "encoder" / "config.json").write_text("{}")
    assert any(line.startswith("models.starts: ") for line in wrong(here, config))


def test_what_would_have_to_be_downloaded_is_not_opened(here, tmp_path):
    config = CONFIG.replace("{local: data.jsonl}", "{hub: org/films, revision: main}").replace(
        "{local: big}", f"{{package: films==1.0, sha256: {'a' * 64}, member: [a]}}"
    )
    found = own_inputs.open_all(complete(yaml.safe_load(config)), tmp_path / "results/mine")
    assert found[0] == []
    assert {"tasks.films", "checkpoints.big"} <= set(found[1])
    assert "models.theirs.explanations (no texts of films)" in found[1]
