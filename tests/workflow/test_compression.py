"""Compressed students go through the workflow as any other model does."""

import json
import os
import re

import pytest

from distillens import tables
from distillens.provenance import digest
from tests.workflow.conftest import Study, tiny_config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def compressed(tmp_path_factory):
    """A finished study of a teacher and four compressed students."""
    folder = tmp_path_factory.mktemp("compressed")
    config = tiny_config(folder)
    training = config["models"]["teacher"]["training"]
    sentences = [f"{number} people saw it and {number + 1} left." for number in range(40)]
    (folder / "more.csv").write_text("\n".join(["text", *sentences]))
    drawn = {"train": {"from": "all"}, "validation": {"from": "all", "examples": 1}}
    for section in ("published", "probes", "corpora"):
        del config[section]
    del config["tasks"]["moods"]["probes"]
    config |= {
        "study": "compressed",
        "backend": "auto",
        "corpora": {"more": {"source": {"local": "more.csv"}, "splits": drawn}},
        "checkpoints": {"tiny": config["checkpoints"]["tiny"]},
        "explainers": {"occlusion": None, "input_x_gradient": None},
        "perturbations": {"swap": None},
        "models": {
            "teacher": config["models"]["teacher"],
            "int8": {"teacher": "teacher", "compress": {"method": "int8"}, "seeds": [0]},
            "half": {"teacher": "teacher", "compress": {"method": "half"}, "seeds": [0]},
            "pruned": {
                "teacher": "teacher",
                "compress": {"method": "prune", "what": "heads", "amount": 0.25},
                "training": {**training, "method": "masked_consistency", "corpus": "more"},
                "seeds": [2],
            },
        },
    }
    config["metrics"]["aopc_beam"] = 0
    config["baselines"] = ["pruned"]
    study = Study(folder, config)
    result = study.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return study


def results(study):
    return study.folder / "results" / "compressed"


def test_a_corpus_stands_beside_the_one_student_that_learns_from_it(compressed):
    card = json.loads((results(compressed) / "models/moods/pruned/2/training.json").read_text())
    corpus = results(compressed) / "corpora" / "more.parquet"
    assert card["corpus_sha256"] == digest(corpus)
    source = compressed.folder / "more.csv"
    text, before = source.read_text(), source.stat()
    source.write_text(f"{text}\nOne more.")
    made = {job.split()[0]: job for job in compressed.jobs()}
    assert made["fetch_corpus"] == "fetch_corpus more"
    assert made["compress"] == "compress moods pruned 2"
    assert "fine_tune" not in made and "fetch_dataset" not in made
    source.write_text(text)
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_distilled_student_has_its_corpus_fetched(compressed):
    kd = {"checkpoint": "tiny", "layers": [0], "teacher": "teacher", "seeds": [0]}
    kd["training"] = compressed.config["models"]["pruned"]["training"]
    config = {**compressed.config, "models": {**compressed.config["models"], "kd": kd}}
    listed = compressed.snakemake("-n", "results/compressed/models/moods/kd/0/model.onnx", config=config)
    asked = re.search(r"rule distil:\n +input: (.*)", listed.stdout + listed.stderr).group(1)
    assert "results/compressed/corpora/more.parquet" in asked


def test_each_runs_on_what_it_must_and_the_page_compares_them(compressed):
    ran_on = {
        path.parts[-3]: tables.provenance(path) for path in results(compressed).rglob("occlusion.parquet")
    }
    assert {model: (made["backend"], made["precision"]) for model, made in ran_on.items()} == {
        "teacher": ("onnxruntime", "float32"),
        "int8": ("onnxruntime", "float32"),
        "pruned": ("onnxruntime", "float32"),
        "half": ("torch", "bfloat16"),
    }
    assert not (results(compressed) / "models/moods/half/0/model.onnx").exists()
    page = (results(compressed) / "report/index.html").read_text("utf-8")
    assert 'id="table-tradeoff-moods"' in page
    assert 'id="table-gap-closed-pruned-moods"' in page
    closing = tables.read(results(compressed) / "metrics/moods/gap_closed.parquet", "gap_closed").to_pylist()
    assert {(row["student"], row["baseline"]) for row in closing} == {("int8", "pruned"), ("half", "pruned")}
    sizes = {
        model: tables.read(path, "costs")["file_bytes"][0].as_py()
        for path in results(compressed).glob("costs/moods/*/*.parquet")
        for model in [path.parts[-2]]
    }
    assert max(sizes["int8"], sizes["half"], sizes["pruned"]) < sizes["teacher"]


def test_the_card_says_how_a_student_was_made(compressed):
    folder = results(compressed) / "models/moods"
    int8, pruned = (
        json.loads((folder / name / "training.json").read_text()) for name in ("int8/0", "pruned/2")
    )
    assert int8["compression"] == {"method": "int8", "embeddings": True}
    assert "history" not in int8
    assert pruned["settings"]["method"] == "masked_consistency"
    assert pruned["teacher_sha256"]


def test_an_option_of_a_compression_reruns_that_student_only(compressed):
    scores = ["performance", "robustness", "agreement", "faithfulness", "buckets", "word_shifts", "stability"]
    scores.append("gap_closed")
    jobs = compressed.jobs(compressed.edited("models/int8/compress", {"method": "int8", "embeddings": False}))
    branch = ["compress", "predict", "delete", "measure_cost"]
    expected = [f"{rule} moods int8 0" for rule in branch]
    expected += [f"explain moods int8 0 {name}" for name in ("occlusion", "input_x_gradient")]
    expected += ["explain_perturbed moods int8 0 occlusion", *(f"score_{name} moods" for name in scores)]
    expected += ["calibrate moods", "decide_verdicts", "report", "all"]
    assert jobs == sorted(expected)


def test_a_second_call_does_nothing_and_a_measured_time_changes_no_score(compressed):
    result = compressed.snakemake()
    assert "Nothing to be done" in result.stdout + result.stderr
    # Snakemake makes what is missing only where something that is missing needs it.
    next(results(compressed).glob("costs/moods/int8/*.parquet")).unlink()
    (results(compressed) / "report/index.html").unlink()
    assert compressed.jobs() == ["all", "measure_cost moods int8 0", "report"]
