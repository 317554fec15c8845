"""A real SLURM cluster on the loopback interface, from Debian's packages, for tests.

``python tests/slurm/cluster.py up`` starts it, ``down`` stops it. Two nodes on one machine:
``gpu`` with two fake GPUs, and ``cpu``, which jobs without a GPU are sent to. Needs root and the packages
slurmctld, slurmd, slurm-client and munge; no systemd, no database.

/etc/slurm is written to, since jobs are started without SLURM_CONF; files that this module
did not write are left alone, and it refuses to start.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

STATE = Path("/var/lib/distillens-slurm")
ETC = Path("/etc/slurm")
MARK = "# Written by distillens' tests; they remove it."
SOCKET = STATE / "munge.socket"
GPUS = 2
PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

# Reasons are in the comments; everything else is SLURM's default.
_SLURM = """{mark}
ClusterName=distillens
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort=27817
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket={socket}
StateSaveLocation={state}/controller
SlurmdSpoolDir={state}/spool-%n
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd-%n.pid
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd-%n.log
MailProg=/bin/true
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
# A step that takes more memory than was asked for is ended.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
# Without a database, squeue must remember jobs that have ended.
MinJobAge=3600
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=bf_interval=2,sched_interval=5,batch_sched_delay=0
JobRequeue=0
KillWait=3
# Nodes may claim more than the machine has.
SlurmdParameters=config_overrides
ReturnToService=2
NodeName=DEFAULT CPUs=4 RealMemory=64000
NodeName=gpu NodeHostname={host} NodeAddr=127.0.0.1 Port=27818 Weight=9 Gres=gpu:fake:{gpus}
NodeName=cpu NodeHostname={host} NodeAddr=127.0.0.1 Port=27819 Weight=1
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=60
"""


class NoCluster(RuntimeError):
    """The cluster cannot start here; the message says why."""


def up() -> None:
    """Start what is not running, and wait until the nodes answer."""
    if os.geteuid() != 0:
        raise NoCluster("SLURM needs root")
    missing = [program for program in PROGRAMS if not shutil.which(program, path=_PATH)]
    if missing:
        raise NoCluster(
            f"not installed: {', '.join(missing)} (apt-get install slurmctld slurmd slurm-client munge)"
        )
    if (ETC / "slurm.conf").exists() and not _is_ours(ETC / "slurm.conf"):
        raise NoCluster(f"{ETC}/slurm.conf belongs to another cluster")
    for folder in (STATE, STATE / "controller", STATE / "spool-gpu", STATE / "spool-cpu", ETC):
        folder.mkdir(parents=True, exist_ok=True)
    STATE.chmod(0o755)
    _configure()
    key = STATE / "munge.key"
    if not key.exists():
        subprocess.run(["mungekey", "--create", "--keyfile", str(key)], check=True, env=_environment())
    _start(
        "munged", "--foreground", f"--socket={SOCKET}", f"--key-file={key}", f"--pid-file={STATE}/munged.pid",
        f"--seed-file={STATE}/munged.seed", f"--log-file={STATE}/munged.log",
    )  # fmt: skip
    _wait(SOCKET.exists, "munged does not answer")
    _start("slurmctld", "-D")
    for node in ("gpu", "cpu"):
        start_node(node)
    _wait(lambda: _answering() == 2, "the nodes do not answer")


def start_node(node: str) -> None:
    """Start a node's daemon, if it is not running."""
    _start("slurmd", "-D", "-N", node, name=f"slurmd-{node}")


def down() -> None:
    """Cancel all jobs, stop every daemon that was started, remove what was written to /etc."""
    if _is_ours(ETC / "slurm.conf") and alive("slurmctld"):
        subprocess.run(["scancel", "--user", "root"], env=_environment(), timeout=30)
        time.sleep(1)
    for name in ("slurmd-gpu", "slurmd-cpu", "slurmctld", "munged"):
        if alive(name):
            pid = int(_pid_file(name).read_text().split()[0])
            os.kill(pid, 15)
            if not comes(lambda name=name: not alive(name), looks=75):
                os.kill(pid, 9)
    for name in ("slurm.conf", "gres.conf", "cgroup.conf"):
        if _is_ours(ETC / name):
            (ETC / name).unlink()
    shutil.rmtree(STATE, ignore_errors=True)


def alive(name: str) -> bool:
    """Whether a daemon that was started here still runs; a reused process id does not count."""
    try:
        pid, began = _pid_file(name).read_text().split()
        return _began(int(pid)) == began
    except (OSError, ValueError):
        return False


def pid(name: str) -> int:
    """Process id of a daemon."""
    return int(_pid_file(name).read_text().split()[0])


def _configure() -> None:
    devices = STATE / "devices"
    devices.mkdir(exist_ok=True)
    # CUDA_VISIBLE_DEVICES is set for character devices only.
    for number in range(GPUS):
        if not (devices / f"gpu{number}").is_symlink():
            (devices / f"gpu{number}").symlink_to("/dev/null")
    host = socket.gethostname().partition(".")[0]
    text = _SLURM.format(mark=MARK, host=host, socket=SOCKET, state=STATE, gpus=GPUS)
    (ETC / "slurm.conf").write_text(text)
    (ETC / "gres.conf").write_text(
        f"{MARK}\nNodeName=gpu Name=gpu Type=fake File={devices}/gpu[0-{GPUS - 1}]\n"
    )
    (ETC / "cgroup.conf").write_text(f"{MARK}\n")


def _start(program: str, *arguments: str, name: str | None = None) -> None:
    name = name or program
    if alive(name):
        return
    with (STATE / f"{name}.out").open("wb") as out:
        process = subprocess.Popen(
            [program, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            env=_environment(),
        )  # fmt: skip
    time.sleep(0.3)
    if process.poll() is not None:
        raise NoCluster(f"{name} ended at once: {_last_words(name)}")
    _pid_file(name).write_text(f"{process.pid} {_began(process.pid)}")


def _wait(condition, failed: str) -> None:
    if not comes(condition, looks=300):
        raise NoCluster(f"{failed}: {_last_words('slurmctld')}")


def comes(condition, looks: int) -> bool:
    """Look again and again, not until some time: a busy machine is slow, and not broken."""
    for _ in range(looks):
        if condition():
            return True
        time.sleep(0.2)
    return condition()


def _answering() -> int:
    command = ["sinfo", "-h", "-N", "-o", "%t"]
    said = subprocess.run(command, capture_output=True, text=True, env=_environment()).stdout.split()
    return sum(state in ("idle", "mix", "alloc") for state in said)


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "SLURM_CONF"} | {"PATH": _PATH}


def _is_ours(file: Path) -> bool:
    return file.is_file() and file.read_text().startswith(MARK)


def _pid_file(name: str) -> Path:
    return STATE / f"{name}.started"


def _began(pid: int) -> str:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _last_words(name: str) -> str:
    said = "".join(file.read_text(errors="replace") for file in STATE.glob(f"{name}.[ol]*"))
    return " ".join([line for line in said.splitlines() if "rror" in line][-3:]) or "it said nothing"


if __name__ == "__main__":
    try:
        {"up": up, "down": down}[sys.argv[1]]()
    except NoCluster as error:
        sys.exit(f"no cluster: {error}")
