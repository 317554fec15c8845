"""The README's walk, as it stands there: from a CSV and two local checkpoints to the page."""

import json
import re

import pandas as pd
import pytest
import yaml

from distillens import tables
from distillens.data.text import Example
from tests.families import family
from tests.workflow.conftest import ROOT, Study

pytestmark = pytest.mark.slow

WALK = re.search(r"```yaml\n(# mine\.yaml.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL).group(
    1
)
SENTENCES = {
    "negative": [
        "A dull film.",
        "It doesn't work at all...",
        "The plot is bad, and boring!",
        "Not joyful: a mess",
    ],
    "positive": ["A joyful film.", "Not bad; not bad at all.", "Fun, and witty!", "The ending was gorgeous"],
}


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """The walk, finished: a BERT teacher, and a RoBERTa student whose outputs are the other way round."""
    folder = tmp_path_factory.mktemp("walk")
    rows = [
        {"text": f"{text} {number}", "sentiment": label}
        for label, texts in SENTENCES.items()
        for text in texts
        for number in range(8)
    ]
    pd.DataFrame(rows).to_csv(folder / "reviews.csv", index=False)
    made = family("bert", folder, labels=("negative", "positive"))
    made.rename(folder / "production")
    family("roberta", folder, labels=("POSITIVE", "NEGATIVE"), seed=3).rename(folder / "compressed")
    study = Study(folder, yaml.safe_load(WALK))
    result = study.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return study


def test_the_walk_has_fewer_than_ten_lines():
    lines = [line for line in WALK.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) < 10


def test_the_walk_ends_with_a_page_that_shows_both_models(walk):
    page = (walk.folder / "results/mine/report/index.html").read_text("utf-8")
    assert "production" in page
    assert "compressed" in page
    drift = tables.read(walk.folder / "results/mine/metrics/drift.parquet", "drift").to_pandas()
    assert set(drift["student"]) == {"compressed"}
    assert (drift.loc[drift["metric"] == "spearman", "n"] == 60).all()
    assert drift.loc[drift["metric"] == "cosine", "agreement"].between(-1, 1).all()


def test_teacher_and_student_of_unlike_vocabularies_are_compared_on_the_same_words(walk):
    read = {
        name: tables.read(
            walk.folder / f"results/mine/explanations/reviews/{name}/0/shap.parquet", "explanations"
        )
        for name in ("production", "compressed")
    }
    assert read["production"]["words"].equals(read["compressed"]["words"])
    assert not read["production"]["values"].equals(read["compressed"]["values"])


def test_a_finished_model_is_gated_by_its_predictions_like_any_other(walk):
    scores = tables.read(
        walk.folder / "results/mine/metrics/reviews/performance.parquet", "scores"
    ).to_pandas()
    scores = scores[scores["metric"] == "accuracy"]
    value = dict(zip(scores["model"], scores["value"], strict=True))
    predictions = tables.read(
        walk.folder / "results/mine/predictions/reviews/compressed/0.parquet", "predictions"
    ).to_pylist()
    test = tables.read(walk.folder / "results/mine/data/reviews/test.parquet", "examples").to_pylist()
    gold = {row["example_id"]: row["label"] for row in test}
    right = [
        max((0, 1), key=lambda c, row=row: row["logits"][c]) == gold[row["example_id"]] for row in predictions
    ]
    assert len(right) == 64
    assert value["compressed"] == pytest.approx(sum(right) / 64)


def test_outputs_are_in_the_task_s_order_and_the_card_says_which_they_were(walk):
    card = json.loads((walk.folder / "results/mine/models/reviews/compressed/0/training.json").read_text())
    assert (card["outputs"], card["order"]) == (["POSITIVE", "NEGATIVE"], [1, 0])
    assert len(card["checkpoint_sha256"]) == 64


def test_a_second_call_does_nothing_and_a_changed_checkpoint_reruns_its_branch(walk):
    assert walk.jobs() == []
    config = walk.folder / "compressed" / "config.json"
    before = config.read_text()
    config.write_text(before + "\n")
    jobs = walk.jobs()
    config.write_text(before)
    assert {"fetch_checkpoint compressed", "import_model reviews compressed 0"} <= set(jobs)
    assert "fetch_checkpoint production" not in jobs
    assert "import_model reviews production 0" not in jobs


def published(path, texts, model, drift):
    """LIME's values of every word, as somebody has published them."""
    lines = []
    for row in texts:
        words = dict.fromkeys(word.text for word in Example(row["example_id"], row["text_a"]).words)
        values = [[word, ((len(word) * 7) % 5) - 2 + drift * (index % 3)] for index, word in enumerate(words)]
        line = {"example_id": row["example_id"], "model": model, "explainer": "lime", "target": "positive"}
        lines.append({**line, "values": values[:4]})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_published_attributions_are_audited_without_a_model_beside_a_computed_one(walk, tmp_path):
    texts = tables.read(walk.folder / "results/mine/data/reviews/explained.parquet", "examples").to_pylist()
    config = walk.edited("study", "audit")
    config["explainers"] = {"lime": {"samples": 50}}
    # A second fine-tuning of the teacher, so that drift has a scale.
    family("bert", tmp_path, labels=("negative", "positive"), seed=7)
    config["models"]["production"]["checkpoint"] = [
        {"local": "production"},
        {"local": str(tmp_path / "bert")},
    ]
    for model, drift in (("theirs", 0), ("copy", 0.5)):
        published(tmp_path / f"{model}.jsonl", texts, model, drift)
        config["models"][model] = {
            "explanations": {"file": str(tmp_path / f"{model}.jsonl"), "missing": "zero"}
        }
    config["models"]["copy"]["teacher"] = "theirs"
    config["models"]["described"] = {
        **config["models"]["compressed"],
        "explanations": {"file": str(tmp_path / "copy.jsonl"), "name": "copy", "missing": "intersection"},
    }
    result = walk.snakemake(config=config)
    assert result.returncode == 0, result.stdout + result.stderr
    results = walk.folder / "results/audit"
    page = (results / "report/index.html").read_text("utf-8")
    assert all(name in page for name in ("theirs", "copy", "described"))
    scores = tables.read(results / "metrics/reviews/agreement.parquet", "scores").to_pandas()
    pairs = scores[(scores["metric"] == "cosine") & scores["example_id"].isna() & scores["against"].notna()]
    found = {(row.model, row.against): row.value for row in pairs.itertuples()}
    assert 0 < found["copy", "theirs"] < 1
    assert ("described", "production") in found
    drift = tables.read(results / "metrics/drift.parquet", "drift").to_pandas()
    assert set(drift.loc[drift["student"] == "copy", "verdict"]) == {"gated"}  # nobody knows its answers
    assert set(drift.loc[drift["student"] == "copy", "n_teacher_runs"]) == {1}
    assert ("production", 2) in set(zip(scores["model"], scores["seed"], strict=True))
    # What has weights is asked, whoever explained it.
    assert (results / "predictions/reviews/described/0.parquet").is_file()
    assert not (results / "predictions/reviews/copy").exists()
    deletions = tables.read(results / "deletions/reviews/described/0.parquet", "deletions").to_pandas()
    assert {"own", "teacher", "random"} == set(deletions["ranking"])
    described = tables.read(results / "explanations/reviews/described/0/lime.parquet", "explanations")
    assert not described["logits"].null_count
    # An edit of the file reruns what reads it.
    with (tmp_path / "theirs.jsonl").open("a") as file:
        file.write("\n")
    jobs = walk.jobs(config)
    assert "import_explanations reviews theirs 0 lime" in jobs
    # A student's is held against its teacher's; what neither reads nor is held against it stays.
    assert "import_explanations reviews copy 0 lime" in jobs
    assert "import_explanations reviews described 0 lime" not in jobs
