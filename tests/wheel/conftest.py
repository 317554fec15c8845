"""The project as a wheel, installed in fresh environments outside of the clone."""

import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OFFLINE = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheel, and a folder that is not the clone's to call it in."""

    home: Path

    @property
    def packages(self) -> Path:
        """Where the wheel is installed."""
        (found,) = self.home.glob("lib/python*/site-packages")
        return found

    @property
    def project(self) -> Path:
        """Where the workflow is."""
        return self.packages / "distillens" / "_project"

    def run(self, *command: str | Path, folder: Path, code: int = 0) -> str:
        """What a program of the environment says, from inside a folder."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        program = self.home / "bin" / command[0]
        done = subprocess.run(
            [program, *map(str, command[1:])],
            cwd=folder,
            env=clean,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == code, done.stdout
        return done.stdout


def environment(home: Path, wheel: Path, libraries: Path) -> Environment:
    """An environment that sees a folder's packages, with the wheel installed."""
    venv.create(home, symlinks=True)
    made = Environment(home)
    (made.packages / "libraries.pth").write_text(f"{libraries}\n")
    pip = [sys.executable, "-m", "pip", "--python", home / "bin" / "python", "install", *OFFLINE]
    subprocess.run([*pip, wheel], check=True)
    return made


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", out]
    subprocess.run([*build, ROOT], check=True)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> Environment:
    """With everything that the tests have."""
    libraries = Path(pytest.__file__).parents[1]
    return environment(tmp_path_factory.mktemp("whole") / "env", wheel, libraries)


@pytest.fixture(scope="session")
def reader(wheel, tmp_path_factory) -> Environment:
    """With what a plain ``pip install distillens`` takes along, and nothing else."""
    folder = tmp_path_factory.mktemp("reader")
    made = environment(folder / "env", wheel, folder / "libraries")
    (folder / "libraries").mkdir()
    (about,) = made.packages.glob("distillens-*.dist-info/METADATA")
    open_, seen = needed(about.read_text()), set()
    while open_:
        name = open_.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:  # for another platform
            continue
        open_ += needed("\n".join(f"Requires-Dist: {line}" for line in found.requires or ()))
        for top in {file.parts[0] for file in found.files} - {".."}:
            target = folder / "libraries" / top
            if not target.exists():
                target.symlink_to(found.locate_file(top))
    return made


def needed(metadata: str) -> list[str]:
    """What a distribution requires without any of its extras."""
    lines = re.findall(r"(?m)^Requires-Dist: ([\w.-]+)(.*)$", metadata)
    return [name for name, condition in lines if "extra ==" not in condition]
