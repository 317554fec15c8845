"""What goes wrong in the middle of a study: a clear error, and a clean way on."""

# ruff: noqa: E501

import base64
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from hashlib import sha256

import pyarrow.parquet as pq
import pytest

from distillens import tables
from distillens.models import classifier
from tests import tiny
from tests.workflow.conftest import ROOT, Study, small_config, tiny_config
from tests.workflow.documented import documents, names
from tests.workflow.injecting import with_fault

pytestmark = pytest.mark.slow

FAULTS = [
    "download cut short", "download with another hash", "damaged table", "table of another schema version",
    "no space on the device", "read-only results", "lost `.snakemake/metadata`", "deleted explanations",
    "deleted teacher", "loss that is no number", "out of memory", "two snakemakes on one folder",
]  # fmt: skip
KILLED = "killed with -9 in every stage"


def said(result: subprocess.CompletedProcess, pattern: str) -> str:
    """The line of a failed run that says what is wrong."""
    assert result.returncode == 1
    found = re.search(f"^.*({pattern}).*$", result.stdout + result.stderr, re.MULTILINE)
    assert found, result.stdout + result.stderr
    return found.group().strip()


def documented(fault, line, way_on):
    shown = re.sub(r"/\S*/(results/|\.snakemake)", r"\1", line)
    documents("faults", [KILLED, *FAULTS], fault, f"`{shown}`" if line else "", way_on)


@pytest.fixture
def copy(small, tmp_path) -> Study:
    return small.copy(tmp_path / "study")


def run(study, *arguments, **given):
    result = study.snakemake(*arguments, **given)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def where(study, path):
    return study.folder / "results" / "tiny" / path


# ---- kill -9


def times(study):
    """When each table and model was written; parts of a table go once they are joined."""
    return {name: where(study, name).stat().st_mtime_ns for name in study.files() if "-of-" not in name}


def cut(study):
    """Files of jobs that were killed, as Snakemake remembers them."""
    marks = (study.folder / ".snakemake" / "incomplete").iterdir()
    return {base64.urlsafe_b64decode(mark.name).decode().removeprefix("results/tiny/") for mark in marks}


def every_stage(folder):
    """A study of which each rule has few jobs, explanations in two parts."""
    config = {**small_config(folder), "parts": 2}
    full = tiny_config(folder)
    for section, name in (("corpora", "text"), ("probes", "contrast")):
        config[section] = {name: full[section][name]}
    config["stability"] = {**full["stability"], "examples": 2}
    config["published"] = full["published"]
    config["published"]["models"] = {"bert": "teacher", "kd-tinybert": "student-kd"}
    config["published"]["explainers"] = {"shap": "occlusion"}
    config["checkpoints"]["headed"] = full["checkpoints"]["headed"]
    config["models"]["student-kd"] |= {"checkpoint": "headed"}
    del config["models"]["student"]
    config["reference"] = {"ladder": {"prune": {"doses": [0.3, 0.6]}, "noise": None}}
    config["models"]["half"] = {"teacher": "teacher", "compress": {"method": "int8"}, "seeds": [0]}
    labels = config["tasks"]["moods"]["labels"]
    done = {"checkpoint": {"local": "finished"}, "training": "none", "labels": labels}
    config["models"]["done"] = {**done, "teacher": "teacher"}
    tiny.bert(folder / "finished")
    graph = tiny.bert(folder / "graph")
    classifier.export_onnx(classifier.load_classifier(graph).eval(), graph)
    config["models"]["asked"] = {"onnx": "graph/model.onnx", "labels": labels, "teacher": "teacher"}
    config["tasks"]["moods"]["explain"] |= {"until": "told", "most": 500}
    config["tasks"]["moods"]["probes"] = ["contrast"]
    config["baselines"] = ["student-kd"]
    return config


# Where each stage is cut: most of them with all that they write in a temporary file, not yet renamed.
RENAMED = ("os.rename", r"results/tiny/.*\.part$")
COPIES = ("explain_again", "explain_probe", "explain_perturbed")  # of the rule explain
STAGES = {
    "fetch_dataset": ("os.rename", r"validation\.parquet.*\.part$"),
    "fetch_corpus": RENAMED,
    "fetch_checkpoint": ("shutil.copyfile", r"tokenizer"),
    "pretrain": ("open", r"checkpoint-\d+/trainer_state\.json"),
    "select_examples": RENAMED,
    "perturb": RENAMED,
    "build_probe": ("os.rename", r"design\.parquet.*\.part$"),
    "fine_tune": ("open", r"checkpoint-\d+/trainer_state\.json"),
    "distil": ("os.rename", r"tokenizer\.json$"),
    "compress": ("os.rename", r"tokenizer\.json$"),
    "import_model": ("os.rename", r"tokenizer\.json$"),
    "connect_model": ("open", r"asked/0/training\.json"),
    "predict": ("os.rename", r"\.parquet\..*part$"),
    "explain": RENAMED,
    "gather_explanations": RENAMED,
    "explain_probe": RENAMED,
    "delete": ("os.rename", r"curves/.*\.part$"),
    "score_performance": RENAMED,
    "score_robustness": RENAMED,
    "score_agreement": RENAMED,
    "score_faithfulness": RENAMED,
    "score_buckets": RENAMED,
    "score_word_shifts": RENAMED,
    "score_gap_closed": RENAMED,
    "explain_again": RENAMED,
    "calibrate": RENAMED,
    "measure_cost": RENAMED,
    "decide_verdicts": RENAMED,
    "explain_rungs": RENAMED,
    "place_students": RENAMED,
    "plan_texts": RENAMED,
    "score_probes": RENAMED,
    "select_perturbed": RENAMED,
    "explain_perturbed": RENAMED,
    "score_stability": RENAMED,
    "report": ("open", r"report/tables/.*\.csv"),
}


def test_a_study_that_is_killed_in_every_stage_ends_with_the_bytes_of_one_that_is_not(tmp_path):
    (tmp_path / "straight").mkdir()
    (tmp_path / "killed").mkdir()
    straight = Study(tmp_path / "straight", every_stage(tmp_path / "straight"), python=sys.executable)
    run(straight)
    killed = Study(tmp_path / "killed", every_stage(tmp_path / "killed"), python=sys.executable)
    rules = {path.stem for path in (ROOT / "scripts").glob("*.py")} | set(COPIES)
    # Of other studies: tests/workflow/test_bring_your_own.py and test_several_labels.py.
    assert rules - {"import_explanations", "cut_labels"} == set(STAGES)
    settled = {}
    for number, (rule, (event, path)) in enumerate(STAGES.items()):
        script = "explain" if rule in COPIES else rule
        # The lock that a kill leaves is the same each time: looked at once, then passed over.
        lock = ["--nolock"] if number else []
        dead = subprocess.run(
            killed.command("--until", rule, "--cores", "1", *lock),
            capture_output=True,
            text=True,
            cwd=killed.folder,
            env=with_fault(tmp_path, rule=script, event=event, path=path),
            start_new_session=True,
        )
        assert dead.returncode == -9, (rule, dead.stdout + dead.stderr)
        if number == 0:
            said(killed.snakemake("--until", rule), "cannot be locked")
            run(killed, "--unlock")
        now = times(killed)
        assert settled.items() <= now.items(), rule
        settled = {name: now[name] for name in now.keys() - cut(killed)}
    run(killed, "--nolock")
    assert settled.items() <= times(killed).items()
    assert killed.files() == straight.files()
    # But for the times that models and trainings take.
    pages = [where(study, "report/index.html").read_text("utf-8") for study in (straight, killed)]
    page = [
        re.sub(
            r'<section id="(tradeoff|gap_closed)".*?</section>|[\d.]+ times as fast',
            "",
            page,
            flags=re.DOTALL,
        )
        for page in pages
    ]
    assert page[0] == page[1]
    documented(KILLED, "", f"{len(STAGES)} rules, each cut in the middle of its writing: `--unlock`, run again; "
               f"all {len(straight.files())} tables and models and the page have the bytes of an undisturbed run, "
               "no finished file was made again")  # fmt: skip


# ---- downloads


def package(folder, text, cut=None):
    """A package on disk, whole or cut short, where pip looks for it; and its digest when whole."""
    folder.mkdir(exist_ok=True)
    wheel = folder / "moods_data-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in (
            ("moods_data/data.csv", text),
            ("moods_data-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: moods-data\nVersion: 1.0\n"),
            ("moods_data-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n"),
            ("moods_data-1.0.dist-info/RECORD", ""),
        ):
            archive.writestr(zipfile.ZipInfo(name), content)
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:cut])
    return sha256(whole).hexdigest()


@pytest.mark.parametrize("fault", FAULTS[:2])
def test_a_download_that_is_not_what_was_asked_for(fault, small, copy, tmp_path):
    text = (small.folder / "data.csv").read_text()
    cut = -100 if fault == "download cut short" else None
    digest = package(tmp_path / "index", text + ("x,A film,bad\n" if cut is None else ""), cut)
    if cut is None:
        digest = package(tmp_path / "other", text)
    source = {"package": "moods-data==1.0", "sha256": digest, "member": ["moods_data/data.csv"]}
    config = copy.edited("tasks/moods/source", source)
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "index")}
    target = ["--", "results/tiny/data/moods/train.parquet"]
    before = copy.files()["data/moods/train.parquet"]
    line = said(copy.snakemake(*target, config=config, env=environment), "FetchError: .*sha256")
    assert digest in line
    assert not where(copy, "data/moods/train.parquet").exists()
    package(tmp_path / "index", text)
    run(copy, *target, config=config, env=environment)
    after = tables.read(where(copy, "data/moods/train.parquet"), "examples")
    where(copy, "before.parquet").write_bytes(before)
    assert after.equals(tables.read(where(copy, "before.parquet"), "examples"))
    line = re.sub(r"[0-9a-f]{64}", "…", line)
    documented(fault, line, "run again once the file is right; nothing was left behind")


# ---- tables


@pytest.mark.parametrize("fault", FAULTS[2:4])
def test_a_table_that_cannot_be_read_is_named(fault, copy):
    path = where(copy, "perturbed/moods/swap.parquet")
    before = copy.files()
    if fault == "damaged table":
        path.write_bytes(path.read_bytes()[:-300])
    else:
        table = pq.read_table(path)
        old = {**table.schema.metadata, b"distillens.schema_version": b"1"}
        pq.write_table(table.replace_schema_metadata(old), path)
    target = ["--until", "predict"]
    line = said(copy.snakemake(*target), "TableError: ")
    assert "perturbed/moods/swap.parquet" in line
    assert "delete it and run the workflow again" in line
    path.unlink()
    run(copy, *target)
    assert copy.files() == before
    line = re.sub(r"\(.*\)", "(…)", line)
    documented(fault, line, "delete the file that is named, run again: the same bytes")


def test_a_deleted_explanation_is_made_again_when_it_is_needed(copy):
    before = copy.files()
    where(copy, "explanations/moods/student/0/occlusion.parquet").unlink()
    assert "explain moods student 0 occlusion" in copy.jobs()
    run(copy, "--until", "delete", "score_agreement")
    assert copy.files() == before
    documented(
        "deleted explanations",
        "",
        "made again from the groups that were kept, and what reads them: the same bytes",
    )


def test_a_deleted_teacher_is_trained_again_when_a_student_needs_it(copy):
    before = copy.files()
    where(copy, "models/moods/teacher/1/model.safetensors").unlink()
    run(copy, "--until", "distil")
    after = copy.files()
    assert [path for path in before if path.startswith("models/") and after[path] != before[path]] == []
    documented("deleted teacher", "", "trained again, then its students: the same weights")


def test_lost_metadata_stop_nothing_and_can_be_recorded_again(copy):
    before = copy.files()
    shutil.rmtree(copy.folder / ".snakemake" / "metadata")
    assert copy.jobs() == []
    edited = copy.edited("explainers/random", {"draw": 1})
    result = run(copy, "-n", config=edited)
    notice = re.search(r"^.*missing provenance/metadata.*$", result.stdout + result.stderr, re.MULTILINE)
    assert notice, result.stdout + result.stderr
    assert copy.jobs(edited) == []  # Snakemake cannot know
    run(copy, "--touch", "--forceall")
    assert copy.files() == before
    assert "explain moods student 0 random" in copy.jobs(edited)
    documented(
        "lost `.snakemake/metadata`",
        "missing provenance/metadata",
        "nothing runs, and edits go unnoticed: `--touch --forceall` with the config that made the results, before it is edited",
    )


# ---- the machine


@pytest.fixture
def mounted(copy):
    """The results on a device of their own, which can be filled and made read-only."""
    results = copy.folder / "results"
    kept = results.rename(copy.folder / "kept")
    results.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(results)]
    mount = subprocess.run(command, capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"no small device: {mount.stderr.strip()}")
    subprocess.run(["cp", "-a", f"{kept}/.", str(results)], check=True)
    yield copy, results
    subprocess.run(["umount", "--lazy", str(results)], check=True)


TARGET = "results/tiny/predictions/moods/student/0.parquet"


def test_a_device_that_is_full(mounted):
    copy, results = mounted
    before = copy.files()
    (copy.folder / TARGET).unlink()
    with pytest.raises(OSError, match="No space"), open(results / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    line = said(copy.snakemake("--", TARGET), "No space left on device")
    (results / "filler").unlink()
    run(copy, "--", TARGET)
    assert copy.files() == before
    documented("no space on the device", line, "make room, run again: the same bytes")


def test_results_that_are_read_only(mounted):
    copy, results = mounted
    before = copy.files()
    (copy.folder / TARGET).unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(results)], check=True)
    line = said(copy.snakemake("--", TARGET), "Read-only file system")
    subprocess.run(["mount", "-o", "remount,rw", str(results)], check=True)
    run(copy, "--", TARGET)
    assert copy.files() == before
    documented("read-only results", line, "make it writable, run again: the same bytes")


def test_a_job_that_is_ended_for_its_memory(copy, tmp_path):
    before = copy.files()
    (copy.folder / TARGET).unlink()
    environment = with_fault(tmp_path, rule="predict", event="os.rename", path=r"\.part$", action="memory")
    line = said(copy.snakemake("--", TARGET, env=environment), "died with <Signals.SIGKILL: 9>")
    assert not (copy.folder / TARGET).exists()
    run(copy, "--", TARGET)
    assert copy.files() == before
    line = re.sub(r"'set .*'", "…", line)
    documented("out of memory", line, "run again with more; on SLURM each attempt asks for more by itself")


def test_a_loss_that_is_no_number(copy):
    before = copy.files()
    wild = copy.edited("models/student/training/learning_rate", 1.0e30)
    target = ["--", "results/tiny/models/moods/student/0/training.json"]
    line = said(copy.snakemake(*target, config=wild), r"TrainingError: (after )?step \d+")
    assert "lower the learning rate" in line
    assert not where(copy, "models/moods/student/0/model.safetensors").exists()
    # What was made from the lost model is not taken for that of the next one.
    jobs = copy.jobs(copy.edited("models/student/training/learning_rate", 0.002))
    assert {f"{rule} moods student 0" for rule in ("fine_tune", "predict", "delete")} <= set(jobs)
    run(copy, *target)
    assert copy.files() == before
    line = re.sub(r"(step) \d+(: the loss is) \w+(.* rows) [\d, ]+ ", r"\1 …\2 nan\3 … ", line)
    documented("loss that is no number", line, "lower the learning rate, run again")


def test_two_snakemakes_on_one_folder(copy, tmp_path):
    before = copy.files()
    (copy.folder / TARGET).unlink()
    flag = tmp_path / "asleep"
    environment = with_fault(
        tmp_path,
        rule="predict",
        event="open",
        path=r"tokenizer\.json",
        action="sleep",
        flag=str(flag),
        until=str(tmp_path / "go-on"),
    )
    first = subprocess.Popen(
        copy.command("--", TARGET),
        cwd=copy.folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not flag.exists():
        assert first.poll() is None
        time.sleep(0.1)
    line = said(copy.snakemake("--", TARGET), "cannot be locked")
    (tmp_path / "go-on").touch()
    assert first.wait() == 0
    assert copy.files() == before
    documented("two snakemakes on one folder", line, "the first goes on as if nothing had been; wait for it")


def test_the_table_of_faults_has_these_rows():
    assert names("faults") == [KILLED, *FAULTS]


def test_a_job_that_ran_out_of_memory_gets_twice_what_the_cluster_s_profile_gives_by_default(tmp_path):
    study = Study(tmp_path, small_config(tmp_path), python=sys.executable)
    fault = with_fault(
        tmp_path, rule="select_examples", event="open", path=r"test\.parquet$", action="memory"
    )
    arguments = ["--workflow-profile", "slurm", "--executor", "local", "--until", "select_examples"]
    result = run(study, *arguments, env=fault)
    asked = re.findall(
        r"rule select_examples:.*?resources: (.*?)$",
        result.stdout + result.stderr,
        flags=re.DOTALL | re.MULTILINE,
    )
    given = [dict(part.split("=") for part in line.split(", ")) for line in asked]
    assert [(one["mem_mb"], one["runtime"]) for one in given] == [("4000", "60"), ("8000", "120")]
