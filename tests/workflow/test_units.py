"""A study of documents: explained by sentence, read in windows; what is about words alone is left out."""

import shutil

import numpy as np
import pandas as pd
import pytest

import distillens
from distillens import tables
from distillens.cli import main
from distillens.data.units import spans
from distillens.models import classifier
from distillens.models.engine import Engine
from distillens.models.windows import Windows
from tests import tiny
from tests.rounding import assert_same
from tests.workflow.conftest import Study

pytestmark = pytest.mark.slow

LABELS = ["negative", "positive"]
SENTENCES = [
    "A dull film.",
    "It was not bad at all!",
    "The plot is joyful.",
    "The ending was bad?",
    "It is all.",
]


def document(number):
    order = np.random.default_rng(number).permutation(len(SENTENCES))
    return " ".join(SENTENCES[place] for place in order[: 3 + number % 3]) + f" End {number}."


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A teacher, a student of which every text is longer than its view, and the teacher's ONNX file."""
    folder = tmp_path_factory.mktemp("documents")
    tiny.bert(folder / "bert", labels=2)
    tiny.bert(folder / "small", labels=2, layers=1, seed=1)
    shutil.copytree(folder / "bert", folder / "graph")
    classifier.export_onnx(classifier.load_classifier(folder / "bert").eval(), folder / "graph")
    rows = [{"text": document(number), "label": LABELS[number % 2]} for number in range(24)]
    pd.DataFrame(rows).to_csv(folder / "data.csv", index=False)
    finished = {"training": {"method": "none", "max_length": 24}, "labels": LABELS}
    config = {
        "study": "documents",
        "device": "cpu",
        "backend": "torch",
        "unit": "sentence",
        "windows": {"combine": "mean", "overlap": 8},
        "tasks": {
            "moods": {
                "source": {"local": "data.csv"},
                "columns": {"text_a": "text", "label": "label"},
                "labels": LABELS,
                "explain": {"per_class": 5},
            }
        },
        "models": {
            "teacher": {"checkpoint": {"local": "bert"}, **finished},
            "small": {"checkpoint": {"local": "small"}, "teacher": "teacher", **finished},
            "graph": {
                "onnx": {"file": "graph/model.onnx", "max_length": 24}, "labels": LABELS, "teacher": "teacher"
            },
        },
        "perturbations": {"swap": None},
        "repeats": 1,
        "explainers": {"shap": None, "occlusion": None, "input_x_gradient": None, "random": None},
        "metrics": {
            "deletion_k": [1, 2], "overlap_k": [2], "random_draws": 1, "aopc_beam": 1, "resamples": 100
        },
        "reference": {"ladder": {"prune": {"doses": [0.3, 0.6]}}, "accept": {"prune": 0.3}},
    }  # fmt: skip
    made = Study(folder, config)
    result = made.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return made


def rows_of(study, path, kind):
    return tables.read(study.folder / "results/documents" / path, kind).to_pylist()


@pytest.fixture(scope="module")
def texts(study):
    return {row["example_id"]: row["text_a"] for row in rows_of(study, "data/moods/test.parquet", "examples")}


def test_every_model_explains_every_sentence(study, texts):
    for model in ("teacher", "small", "graph"):
        for row in rows_of(study, f"explanations/moods/{model}/0/shap.parquet", "explanations"):
            text = texts[row["example_id"]]
            assert row["words"] == [text[start:end] for start, end in spans(text, "sentence")]
            assert row["unseen"] == 0 and len(row["values"]) == len(row["words"]) >= 4
            assert_same(np.sum(row["values"], axis=0), np.array(row["output"]) - row["base"])


def test_predictions_are_the_means_over_windows(study, texts):
    folder = study.folder / "results/documents/models/moods/teacher/0"
    engine, number = Engine(folder, "cpu"), "3"
    row = next(
        row for row in rows_of(study, "predictions/moods/teacher/0.parquet", "predictions")
        if (row["example_id"], row["perturbation"]) == (number, "none")
    )  # fmt: skip
    (parts,) = Windows(engine.encoder, 8).parts([(texts[number],)])
    assert len(parts) > 1
    assert_same(row["logits"], engine.logits(parts).mean(axis=0))


def test_a_file_that_is_asked_reads_windows_as_its_folder_does(study):
    paths = [f"explanations/moods/{model}/0/occlusion.parquet" for model in ("teacher", "graph")]
    for one, other in zip(*(rows_of(study, path, "explanations") for path in paths), strict=True):
        assert np.allclose(one["values"], other["values"], atol=1e-4)


def test_models_are_compared_by_sentence_and_placed_on_the_ladder(study):
    results = distillens.load(study.folder / "results/documents")
    drift = results.drift[results.drift["metric"] == "spearman"]
    assert set(drift["explainer"]) == {"shap", "occlusion", "input_x_gradient", "random"}
    assert (drift["n_undefined"] == 0).all()
    assert len(results.placements) and len(results.word_shifts) == 0
    removed = rows_of(study, "deletions/moods/small/0.parquet", "deletions")
    assert {row["k"] for row in removed} == {1, 2}


def test_the_page_says_sentences_and_leaves_out_what_is_about_words(study):
    page = (study.folder / "results/documents/report/index.html").read_text("utf-8")
    for said in (
        "gives each sentence of a text a number",
        "how alike student and teacher rank the sentences",
        "Do the sentences that an explainer names matter to the model?",
        "sentences hidden",
        "random sentences",
        "A removed sentence becomes the model",
        "Each sentence gets one value, and is removed as a whole.",
        "windows that overlap by 8 pieces; its logits are the means of theirs",
        "loss of confidence when the k strongest sentences are removed",
        'data-unit="sentence"',
        "share of all words of the texts that the perturbation edits",
    ):
        assert said in page, said
    told = page.partition("<script>")[0].lower().replace("kinds of words and of short tokens is left out", "")
    for unsaid in ("kinds of words", "short tokens", "strongest word", "each word"):
        assert unsaid not in told, unsaid
    assert 'class="words"' in page


def test_check_counts_windows_and_says_what_becomes_of_long_texts(study, monkeypatch, capsys):
    monkeypatch.chdir(study.folder)
    study.command()
    assert main(["check", "study.yaml"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "models.teacher: 17 of 24 texts of moods, and 9 of the 10 that are explained" in said
    assert "windows on average" in said
    assert "models.graph: 17 of 24" in said
    cut = {**study.config, "windows": None}
    study.command(config=cut)
    assert main(["check", "study.yaml"]) == 0
    said_of_cut = " ".join(capsys.readouterr().out.split())
    assert "longer than 24 pieces: the rest is cut off; windows would read it" in said_of_cut

    def predicted(text):
        return int(text.split("predict test split and its edits moods 3 ")[1].split()[0].replace(",", ""))

    assert predicted(said_of_cut) == 3 * 48 and predicted(said) > 1.5 * 3 * 48


def test_one_text_is_explained_by_sentence(study, monkeypatch, capsys):
    monkeypatch.chdir(study.folder)
    command = ["explain", "--study", "results/documents", "--text", document(7), "--explainer", "occlusion"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "sentence" in said and "The plot is joyful." in said


def test_nothing_is_made_twice_and_another_unit_makes_explanations_again(study):
    assert study.jobs() == []
    jobs = study.jobs({**study.config, "unit": "line"})
    assert "select_examples moods" in jobs
    assert not [
        job for job in jobs if job.split()[0] in ("predict", "import_model", "perturb", "fetch_dataset")
    ]
    jobs = study.jobs({**study.config, "windows": {"combine": "max", "overlap": 8}})
    assert "predict moods teacher 0" in jobs and not [job for job in jobs if job.startswith("import_model")]
