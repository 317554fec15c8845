"""The tiny study on a real SLURM cluster; skipped where none can be started."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from tests import required
from tests.slurm import cluster as slurm
from tests.workflow.conftest import ROOT, Study, small_config
from tests.workflow.injecting import with_fault

pytestmark = pytest.mark.slow

PROFILE = ROOT / "profiles" / "slurm"
GPU = ("fine_tune", "predict", "explain", "delete")


@pytest.fixture(scope="module")
def cluster():
    try:
        slurm.up()
    except slurm.NoCluster as error:
        slurm.down()
        required.lacking("slurm", f"no SLURM cluster: {error}")
    yield slurm
    slurm.down()


@pytest.fixture
def study(tmp_path) -> Study:
    """A teacher and a student, on whatever device a node has."""
    folder = tmp_path / "study"
    folder.mkdir()
    config = small_config(folder) | {"device": "auto", "backend": "auto"}
    del config["models"]["student-kd"], config["explainers"]["random"]
    return Study(folder, config, python=sys.executable)  # nodes start everything anew


def on_the_cluster(study, *arguments):
    """The command of a user, with shorter waits."""
    quick = ["--slurm-init-seconds-before-status-checks", "5", "--latency-wait", "10"]
    command = study.command("--workflow-profile", str(PROFILE), *quick, *arguments)
    at = command.index("--cores")  # a cluster has its own
    return command[:at] + command[at + 2 :]


@dataclass(frozen=True)
class Job:
    """What the scheduler says of a job."""

    rule: str
    state: str
    start: datetime
    end: datetime
    limit: str
    memory: str


def jobs(out: str) -> list[Job]:
    """The scheduler's record of a run, in the order of submission."""
    name = re.search(r"SLURM run ID: (\S+)", out).group(1)
    command = ["squeue", "-h", "--states=all", "--sort=i", "--name", name, "-o", "%k|%T|%S|%e|%l|%m"]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = []
    for row in rows:
        comment, state, start, end, limit, memory = row.split("|")
        rule = re.match(r"rule_(\w+?)(_wildcards|$)", comment).group(1)
        times = (datetime.fromisoformat(when) for when in (start, end) if when != "N/A")
        found.append(Job(rule, state, *times, limit=limit, memory=memory))
    return found


def running(rule: str) -> list[str]:
    """Ids of the running jobs of a rule."""
    command = ["squeue", "-h", "--states=RUNNING", "-o", "%A %k"]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [row.split()[0] for row in rows if f" rule_{rule}" in row]


def at_once(some: list[Job]) -> int:
    """The largest number of jobs that ran at one time."""
    return max(sum(job.start <= when < job.end for job in some) for when in {job.start for job in some})


def test_a_study_runs_on_a_cluster_where_things_go_wrong(cluster, study, tmp_path):
    # The first attempt at a perturbation sleeps beyond its limit, which is a minute for each attempt.
    fault = with_fault(tmp_path, rule="perturb", event="open", path=r"test\.parquet$", action="sleep")
    command = on_the_cluster(study, "--set-resources", "perturb:runtime=attempt")
    out = tmp_path / "out.txt"
    with out.open("w") as stream:
        process = subprocess.Popen(command, cwd=study.folder, env=fault, stdout=stream, stderr=stream)
    cancelled = killed = False
    for _ in range(9000):
        if process.poll() is not None:
            break
        if not cancelled and (found := running("explain")):
            cancelled = subprocess.run(["scancel", found[0]]).returncode == 0
        if not killed and running("perturb"):
            os.kill(cluster.pid("slurmd-cpu"), 9)
            killed = True
            time.sleep(1)
            cluster.start_node("cpu")
        time.sleep(0.2)
    said = out.read_text()
    assert process.wait(10) == 0, said
    assert cancelled
    assert killed
    assert (study.folder / "results/tiny/report/index.html").is_file()

    record = jobs(said)
    gpu = [job for job in record if job.rule in GPU]
    cpu = [job for job in record if job.rule not in GPU]
    assert at_once(gpu) == cluster.GPUS
    assert any(one.start < other.end and other.start < one.end for one in gpu for other in cpu)
    perturbed = [(job.state, job.limit, job.memory) for job in record if job.rule == "perturb"]
    assert perturbed == [("TIMEOUT", "1:00", "4000M"), ("COMPLETED", "2:00", "8000M")]
    explained = [(job.state, job.memory) for job in record if job.rule == "explain"]
    assert sorted(explained) == [("CANCELLED", "6000M"), ("COMPLETED", "12000M"), ("COMPLETED", "6000M")]
    assert {job.state for job in record if job.rule not in ("perturb", "explain")} == {"COMPLETED"}
    assert list((study.folder / "logs" / "slurm").rglob("*.log"))


def test_a_workflow_that_was_killed_goes_on(cluster, study):
    command = on_the_cluster(study, "--until", "fine_tune")
    process = subprocess.Popen(
        command,
        cwd=study.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert cluster.comes(lambda: running("fine_tune") or process.poll() is not None, looks=1500)
    assert process.poll() is None
    os.killpg(process.pid, 9)
    process.wait()
    data = study.folder / "results/tiny/data/moods/train.parquet"
    before = data.stat().st_mtime_ns
    assert running("fine_tune")  # SLURM knows nothing of the death of who asked
    subprocess.run([PROFILE / "cancel.sh"], cwd=study.folder, check=True, timeout=60)
    assert not running("fine_tune")
    assert study.snakemake("--unlock").returncode == 0
    result = subprocess.run(command, cwd=study.folder, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stdout + result.stderr
    assert data.stat().st_mtime_ns == before
    for run in ("teacher/1", "student/0"):
        assert (study.folder / f"results/tiny/models/moods/{run}/training.json").is_file()
    assert {job.state for job in jobs(result.stdout + result.stderr)} == {"COMPLETED"}


def test_a_machine_of_another_cluster_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(slurm, "ETC", tmp_path)
    monkeypatch.setattr(slurm, "PROGRAMS", ())
    monkeypatch.setattr(slurm, "STATE", tmp_path / "state")
    (tmp_path / "slurm.conf").write_text("ClusterName=theirs\n")
    reason = "needs root" if os.geteuid() else "belongs to another cluster"
    with pytest.raises(slurm.NoCluster, match=reason):
        slurm.up()
    slurm.down()
    assert Path(tmp_path / "slurm.conf").read_text() == "ClusterName=theirs\n"
