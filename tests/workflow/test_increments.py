"""What an edit of a finished study runs, and what it leaves alone: a row of the table each."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.workflow.documented import documents, names

pytestmark = pytest.mark.slow

EXPLAINERS = ["occlusion", "random"]
DRAWING = {"random", "lime"}
RUNS = ["teacher 1", "student 0", "student-kd 0"]
FIRST = [*RUNS, "other 0", "pupil 0"]
SCORES = ["performance", "robustness", "agreement", "faithfulness", "buckets", "word_shifts"]
OF_EXPLANATIONS = ["agreement", "faithfulness", "buckets", "word_shifts"]
OF_PREDICTIONS = ["performance", "robustness"]
GPU = {
    "pretrain",
    "fine_tune",
    "distil",
    "predict",
    "explain",
    "explain_again",
    "explain_probe",
    "delete",
    "measure_cost",
}
END = ["report", "all"]


def run(which, how="fine_tune", task="moods"):
    """All jobs of a run."""
    explained = [f"explain {task} {which} {name}" for name in EXPLAINERS]
    explained += again(which, task=task) if which in FIRST else []
    return [
        f"{how} {task} {which}",
        f"predict {task} {which}",
        *explained,
        *(f"{job} {task} {which}" for job in ("delete", "measure_cost")),
    ]


def scores(*which, task="moods"):
    return [*(f"score_{name} {task}" for name in which or SCORES), f"calibrate {task}", "decide_verdicts"]


def again(*runs, explainers=EXPLAINERS, task="moods"):
    """Second explanations, of the first run of each model by explainers that draw."""
    return [f"explain_again {task} {of} {name}" for of in runs for name in explainers if name in DRAWING]


def explained_by(*explainers):
    """Jobs of explainers, and what reads them."""
    return [
        *(f"explain moods {of} {name}" for of in RUNS for name in explainers),
        *again(*RUNS, explainers=explainers),
        *(f"delete moods {of}" for of in RUNS),
        *scores(*OF_EXPLANATIONS),
        *END,
    ]


def with_model(config, name, **different):
    return {**config, "models": {**config["models"], name: {**config["models"]["student"], **different}}}


def renamed(study):
    config = study.edited("models/student", ...)
    return {**config, "models": {**config["models"], "pupil": study.config["models"]["student"]}}


def backwards(block):
    if isinstance(block, dict):
        return {key: backwards(block[key]) for key in reversed(block)}
    return block


def part_of(study, path):
    block = study.config
    for key in path.split("/"):
        block = block[key]
    return block


@dataclass(frozen=True)
class Row:
    """An edit and the jobs that it runs."""

    name: str
    jobs: list[str]
    config: Callable = lambda study: study.config
    code: tuple[str, Callable] | None = None
    files: list[str] = field(default_factory=list)  # of a job that runs: the same bytes all the same


def appended(text):
    return lambda code: code + text


STUDENT = "moods/student/0"
ROWS = [
    Row(
        "a student's learning rate",
        [*run("student 0"), *scores(), *END],
        lambda study: study.edited("models/student/training/learning_rate", 0.001),
    ),
    Row(
        "the teacher's learning rate",
        [
            *run("teacher 1"),
            *run("student-kd 0", "distil"),
            "delete moods student 0",
            *scores(),
            *END,
        ],
        lambda study: study.edited("models/teacher/training/learning_rate", 0.001),
        files=["explanations/moods/student/0/random.parquet"],
    ),
    Row(
        "a student more",
        [*run("other 0"), *scores(*SCORES), *END],
        lambda study: with_model(study.config, "other", layers=[1]),
    ),
    Row(
        "a student renamed",
        [*run("pupil 0"), *scores(*SCORES), *END],
        renamed,  # another name, other draws
    ),
    Row(
        "a student less",
        [*scores(*SCORES), *END],
        lambda study: study.edited("models/student", ...),
    ),
    Row(
        "a seed of the teacher more",
        [*run("teacher 2"), *scores(*SCORES), *END],
        lambda study: study.edited("models/teacher/seeds", [1, 2]),
    ),
    Row(
        "an explainer's setting",
        explained_by("random"),
        lambda study: study.edited("explainers/random", {"draw": 1}),
    ),
    Row(
        "an explainer more",
        explained_by("lime"),
        lambda study: study.edited("explainers/lime", {"samples": 60}),
    ),
    Row(
        "a perturbation more",
        ["perturb moods character", *(f"predict moods {of}" for of in RUNS), *scores(*OF_PREDICTIONS), *END],
        lambda study: study.edited("perturbations/character", None),
    ),
    Row(
        "a task more",
        [
            "fetch_dataset more",
            "select_examples more",
            "perturb more swap",
            *run("teacher 1", task="more"),
            *run("student 0", task="more"),
            *run("student-kd 0", "distil", task="more"),
            *scores(*SCORES, task="more"),
            *END,
        ],
        lambda study: study.edited("tasks/more", part_of(study, "tasks/moods")),
    ),  # fmt: skip
    Row(
        "more explained examples",
        ["select_examples moods", *explained_by(*EXPLAINERS)],
        lambda study: study.edited("tasks/moods/explain/per_class", 5),
    ),
    Row("the order of the YAML's keys", [], lambda study: backwards(study.config)),
    Row(
        "a comment and a docstring of an explainer",
        [],
        code=(
            "distillens/attribution/explainers/occlusion.py",
            lambda code: code.replace('"""', '"""Said otherwise. ', 1) + "# a comment\n",
        ),
    ),
    Row("a comment in a script", [], code=("scripts/explain.py", appended("# a comment\n"))),
    Row(
        "the body of an explainer",
        explained_by("occlusion"),
        code=("distillens/attribution/explainers/occlusion.py", appended("\n\nSOMETHING = 1\n")),
        files=["explanations/moods/student/0/occlusion.parquet", "deletions/moods/student/0.parquet"],
    ),
    Row(
        "the body of a metric",
        [*scores("agreement", "faithfulness", "buckets"), *END],
        code=("distillens/metrics/agreement.py", appended("\n\nSOMETHING = 1\n")),
        files=[
            *(
                f"metrics/moods/{name}.parquet"
                for name in [*OF_EXPLANATIONS, "calibration", "text_agreement"]
            ),
            "metrics/drift.parquet",
        ],
    ),
]
NAMES = [row.name for row in ROWS]


def counted(jobs):
    """Jobs by their rule, for a reader."""
    kinds = Counter(job.split()[0].replace("score_", "score: ").partition(":")[0] for job in jobs)
    return (
        ", ".join(f"{kind} ×{n}" if n > 1 else kind for kind, n in kinds.items() if kind != "all")
        or "nothing"
    )


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_an_edit_runs_exactly_what_it_touches(row, small, tmp_path):
    study = small.copy(tmp_path / "study")
    if row.code:
        study = study.with_code(tmp_path / "project", *row.code)
    config = row.config(study)
    jobs = study.jobs(config)
    assert jobs == sorted(row.jobs)
    before = study.files()
    rules = {job.split()[0] for job in jobs} - set(END)
    scored = {rule for rule in rules if rule.startswith("score_")} | {"calibrate", "decide_verdicts"}
    until = list(rules - scored or rules)
    if jobs:
        result = study.snakemake("--until", *until, config=config)
        assert result.returncode == 0, result.stdout + result.stderr
    made = {path for job in jobs for path in outputs(job)} - set(row.files)
    after = study.files()
    unlike = {path for path in before if path not in made and after.get(path) != before[path]}
    assert unlike == set()
    unchanged = sorted(path for path in before if path not in made)
    gpu = sum(job.split()[0] in GPU for job in jobs)
    documents(
        "increments", NAMES, row.name, counted(row.jobs), str(gpu), f"{len(unchanged)} of {len(before)} files"
    )


def outputs(job):
    """Tables and models that a job writes."""
    rule, *values = job.split()
    where = "/".join(values)
    return {
        "fetch_dataset": [f"data/{where}/{split}.parquet" for split in ("train", "validation", "test")],
        "select_examples": [f"data/{where}/explained.parquet"],
        "perturb": [f"perturbed/{where}.parquet"],
        "fine_tune": [f"models/{where}/model.safetensors"],
        "distil": [f"models/{where}/model.safetensors"],
        "predict": [f"predictions/{where}.parquet"],
        "explain": [f"explanations/{where}.parquet"],
        "explain_again": [f"explanations_again/{where}.parquet"],
        "delete": [f"deletions/{where}.parquet", f"curves/{where}.parquet"],
        "measure_cost": [],
        "calibrate": [f"metrics/{where}/{name}.parquet" for name in ("calibration", "text_agreement")],
        "decide_verdicts": ["metrics/drift.parquet"],
        "report": [],
        "all": [],
    }.get(rule, [f"metrics/{where}/{rule.removeprefix('score_')}.parquet"])


def test_more_explained_examples_are_computed_alone_and_as_if_all_had_been_at_once(small, tmp_path):
    def groups_of_one(code):
        return code.replace(
            "_GROUP_SECONDS, _GROUP_TEXTS = 30, 128", "_GROUP_SECONDS, _GROUP_TEXTS = 1e-9, 128"
        )

    study = small.copy(tmp_path / "study").with_code(
        tmp_path / "project", "distillens/attribution/explain.py", groups_of_one
    )
    results = study.folder / "results" / "tiny"
    folders = [
        results / "explanations/moods/student/0/.occlusion.parts",
        results / "deletions/moods/student/.0.parts",
    ]
    targets = ["--", *(f"results/tiny/{of}" for of in ("explanations/moods/student/0/occlusion.parquet",
                                                       "deletions/moods/student/0.parquet"))]  # fmt: skip
    assert study.snakemake(*targets).returncode == 0
    parts = [{path: path.stat().st_mtime_ns for path in folder.iterdir()} for folder in folders]
    assert [len(of) for of in parts] == [9, 18]  # three of three classes; deletions and curves
    more = study.edited("tasks/moods/explain/per_class", 5)
    assert study.snakemake(*targets, config=more).returncode == 0
    for folder, of in zip(folders, parts, strict=True):
        now = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
        assert of.items() <= now.items()
        assert len(now) == len(of) // 3 * 5
    grown = study.files()
    for part in ("explanations", "deletions", "curves"):
        shutil.rmtree(results / part)
    result = study.snakemake(*targets, config=more)
    assert result.returncode == 0, result.stdout + result.stderr
    for path, content in study.files().items():
        assert grown[path] == content, path


def test_the_table_of_increments_has_these_rows():
    assert names("increments") == NAMES
