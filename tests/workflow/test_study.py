"""One tiny study, end to end, and what an edit of its config reruns."""

import json
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from distillens import tables
from tests.workflow.conftest import SECRET

pytestmark = pytest.mark.slow

SCORES = [
    "performance",
    "robustness",
    "stability",
    "agreement",
    "faithfulness",
    "buckets",
    "word_shifts",
    "probes",
]
EXPLAINERS = ["occlusion", "random"]
PROBES = {"contrast": "occlusion", "negation": "random", "but": "occlusion"}


def branch(model, *seeds, distil="fine_tune"):
    """All jobs of a model: its runs, what they predict, what explains them (its first run twice)."""
    return [f"explain_again moods {model} {seeds[0]} random"] + [
        job
        for seed in seeds
        for job in (
            f"{distil} moods {model} {seed}",
            f"predict moods {model} {seed}",
            *(f"explain moods {model} {seed} {name}" for name in EXPLAINERS),
            *(f"explain_probe moods {probe} {model} {seed} {name}" for probe, name in PROBES.items()),
            f"explain_perturbed moods {model} {seed} occlusion",
            f"delete moods {model} {seed}",
            f"measure_cost moods {model} {seed}",
        )
    ]


def scores(*names):
    return [f"score_{name} moods" for name in names or SCORES]


DRIFT = ["calibrate moods", "decide_verdicts"]
END = ["report", "all"]


def test_a_second_call_does_nothing(study):
    result = study.snakemake()
    assert "Nothing to be done" in result.stdout + result.stderr


def test_every_artefact_has_its_schema_and_says_where_it_comes_from(study):
    kinds = {
        "data": "examples",
        "perturbed": "perturbed",
        "predictions": "predictions",
        "explanations": "explanations",
    }
    kinds |= {"explanations_again": "explanations"}
    kinds |= {"deletions": "deletions", "curves": "curves", "metrics": "scores", "probes": "explanations"}
    kinds |= {"costs": "costs", "trainings": "trainings", "stability": "explanations"}
    stems = {
        "calibration": "calibration",
        "text_agreement": "text_agreement",
        "word_shifts": "word_shifts",
        "sentences": "examples",
        "design": "probes",
    }
    stems["texts"] = "examples"
    results = study.folder / "results" / "tiny"
    files = [path for path in sorted(results.rglob("*.parquet")) if ".parts" not in path.parent.name]
    assert len(files) == 1 + 4 + 2 + 5 + 10 + 4 + 5 + 5 + 5 + 5 + 6 + 11 + 3 * (2 + 5)
    corpus = results / "corpora" / "text.parquet"
    assert tables.read(corpus, "corpus").num_rows == 45
    assert tables.read(results / "metrics" / "drift.parquet", "drift").num_rows > 0
    for path in set(files) - {corpus, results / "metrics" / "drift.parquet"}:
        kind = stems.get(path.stem, kinds[path.relative_to(results).parts[0]])
        assert tables.read(path, kind).num_rows > 0
        assert tables.provenance(path)["task"] == "moods"
    explained = tables.provenance(results / "explanations/moods/student/0/occlusion.parquet")
    assert {"model_sha256", "tokenizer_sha256", "explained_sha256", "settings", "versions", "device"} <= set(
        explained
    )
    assert explained["model"] == "student"


def test_a_secret_of_the_environment_is_written_nowhere(study):
    files = [path for path in study.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" for path in files)
    assert [str(path) for path in files if SECRET.encode() in path.read_bytes()] == []


def test_the_page_is_there_and_hostile_text_is_inert(study):
    page = (study.folder / "results/tiny/report/index.html").read_text()
    assert "student-kd" in page
    assert "<script>alert(1)" not in page
    assert list((study.folder / "results/tiny/report/tables").glob("*.csv"))
    assert list((study.folder / "results/tiny/report/figures").glob("*.svg"))


def test_made_again_the_tables_have_the_same_bytes(study, tmp_path):
    other = study.copy(tmp_path / "copy")
    results = other.folder / "results" / "tiny"
    again = [
        "predictions/moods/student",
        "explanations/moods/student",
        "deletions/moods/student",
        "curves/moods/student",
        "probes/moods",
        "perturbed",
        "metrics",
    ]
    before = {path: path.read_bytes() for part in again for path in (results / part).rglob("*.parquet")}
    page = (results / "report/index.html").read_bytes()
    for part in [*again, "report"]:
        shutil.rmtree(results / part)
    # By new interpreters, whose hashes are others.
    result = replace(other, python=sys.executable).snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    assert {path: path.read_bytes() == content for path, content in before.items()} == dict.fromkeys(
        before, True
    )
    assert (results / "report/index.html").read_bytes() == page


def test_a_student_s_learning_rate_reruns_its_branch_and_what_compares_with_it(study):
    config = study.edited("models/student/training/learning_rate", 0.001)
    assert study.jobs(config) == sorted([*branch("student", 0), *scores(), *DRIFT, *END])


def test_the_teacher_s_learning_rate_reruns_it_and_what_learns_from_it(study):
    training = {**study.config["models"]["teacher"]["training"], "learning_rate": 0.001}
    config = study.edited("models/teacher/training", training)
    expected = [
        *branch("teacher", 1, 2),
        *branch("student-kd", 0, distil="distil"),
        *(f"delete moods {model} 0" for model in ("student", "student-aligned")),  # by the teacher's ranking
        *scores(),
        *DRIFT,
        *END,
    ]
    assert study.jobs(config) == sorted(expected)


def test_an_explainer_s_setting_reruns_that_explainer(study):
    runs = [("teacher", 1), ("teacher", 2), ("student", 0), ("student-kd", 0), ("student-aligned", 0)]
    jobs = [f"{job} moods {model} {seed}" for job in ("explain", "delete") for model, seed in runs]
    jobs = [f"{job} random" if job.startswith("explain") else job for job in jobs]
    jobs += [f"explain_probe moods negation {model} {seed} random" for model, seed in runs]
    jobs += [
        f"explain_again moods {model} {seed} random"
        for model, seed in runs
        if (model, seed) != ("teacher", 2)
    ]
    expected = [*jobs, *scores("agreement", "faithfulness", "buckets", "word_shifts", "probes"), *DRIFT, *END]
    assert study.jobs(study.edited("explainers/random", {"draw": 1})) == sorted(expected)


def test_a_checkpoint_made_on_a_corpus_reruns_with_what_starts_from_it(study):
    config = study.edited("checkpoints/aligned/pretrain/weight_att", 0.5)
    expected = ["pretrain aligned", *branch("student-aligned", 0), *scores(), *DRIFT, *END]
    assert study.jobs(config) == sorted(expected)
    config = study.edited("checkpoints/headed/pretrain/mlm_probability", 0.2)
    assert study.jobs(config) == sorted(["pretrain headed", *expected])


def test_a_probe_s_setting_reruns_its_sentences_and_what_reads_them(study):
    runs = [("teacher", 1), ("teacher", 2), ("student", 0), ("student-kd", 0), ("student-aligned", 0)]
    expected = [f"explain_probe moods contrast {model} {seed} occlusion" for model, seed in runs]
    expected += ["build_probe moods contrast", *scores("probes"), *END]
    assert study.jobs(study.edited("probes/contrast/items", 6)) == sorted(expected)


def test_the_published_exhibits_are_there_by_number(study):
    made = {path.name for path in (study.folder / "results/tiny/report/published").iterdir()}
    assert {f"table-{number}.csv" for number in range(1, 6)} <= made
    assert {f"figure-{number}.svg" for number in (1, 3, 4, 5, 6, 7, 8, 9)} <= made


def test_snakemake_s_report_holds_page_tables_and_figures_with_captions(study):
    result = study.snakemake("--report", "report.zip")
    assert result.returncode == 0, result.stdout + result.stderr
    with zipfile.ZipFile(study.folder / "report.zip") as content:
        page = content.read("report/report.html").decode()
        held = {Path(name).name for name in content.namelist()}
    made = study.folder / "results/tiny/report"
    folders = {"Tables": "tables", "Figures": "figures", "Published exhibits": "published"}
    files = {category: list((made / folder).glob("*.*v*")) for category, folder in folders.items()}
    assert held >= {"index.html", *(path.name for of in files.values() for path in of)}
    categories, _ = json.JSONDecoder().raw_decode(page.partition("var categories = ")[2])
    shown = {category: len(found["Other"]) for category, found in categories.items()}
    assert shown == {"Report": 1, **{category: len(paths) for category, paths in files.items()}}
    for caption in (
        "Table <em>verdict</em>",
        "Figure <em>performance-moods</em>",
        "Exhibit <em>table-1</em>",
    ):
        assert caption in page


def test_a_study_in_two_halves_has_the_bytes_of_one_in_one_go(study, tmp_path):
    other = study.anew(tmp_path)
    for arguments in (["--until", "explain", "build_probe"], []):
        result = other.snakemake(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr
    for part in ("explanations", "deletions", "curves", "probes", "metrics"):
        before = study.folder / "results/tiny" / part
        files = [
            path.relative_to(before)
            for path in before.rglob("[!.]*.parquet")
            if ".parts" not in path.parent.name
        ]
        differing = [
            path for path in files
            if (before / path).read_bytes() != (tmp_path / "results/tiny" / part / path).read_bytes()
        ]  # fmt: skip
        assert differing == []


def test_a_reordered_config_reruns_nothing(study):
    def backwards(block):
        if isinstance(block, dict):
            return {key: backwards(block[key]) for key in reversed(block)}
        return block

    assert study.jobs(backwards(study.config)) == []


def test_an_edited_local_data_set_reruns_all_that_is_read_from_it(study, tmp_path):
    other = study.copy(tmp_path / "copy")
    data = other.folder / "data.csv"
    data.write_bytes(data.read_bytes().replace(b"A dull film", b"A bleak film"))
    jobs = other.jobs()
    assert "fetch_dataset moods" in jobs
    assert "fetch_checkpoint tiny" not in jobs


def test_explanations_in_parts_are_those_of_one_job(study, tmp_path):
    other = study.copy(tmp_path / "copy")
    target = "results/tiny/explanations/moods/student/0/occlusion.parquet"
    before = (other.folder / target).read_bytes()
    shutil.rmtree((other.folder / target).parent / ".occlusion.parts")
    result = other.snakemake("--", target, config=study.edited("parts", 2))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "gather_explanations" in result.stdout + result.stderr
    assert not list((other.folder / target).parent.glob("occlusion.*-of-2.parquet"))
    assert (other.folder / target).read_bytes() == before
