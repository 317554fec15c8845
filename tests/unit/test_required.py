"""A test skips what its machine lacks, and fails where that was installed for it."""

import re

import pytest

from distillens.provenance import ROOT
from tests import required


@pytest.mark.parametrize("others", [None, "", "browser,axe,"])
def test_what_is_lacking_is_skipped(others, monkeypatch):
    if others is None:
        monkeypatch.delenv("DISTILLENS_REQUIRE", raising=False)
    else:
        monkeypatch.setenv("DISTILLENS_REQUIRE", others)
    with pytest.raises(pytest.skip.Exception, match="^no cluster$"):
        required.lacking("slurm", "no cluster")


def test_what_is_required_and_lacking_fails(monkeypatch):
    monkeypatch.setenv("DISTILLENS_REQUIRE", "browser,slurm,")
    with pytest.raises(pytest.fail.Exception, match="slurm is required: no cluster"):
        required.lacking("slurm", "no cluster")


def test_what_ci_installs_is_what_tests_may_lack():
    installed = re.findall(r"DISTILLENS_REQUIRE\+=(\w+)", (ROOT / ".ci" / "run").read_text("utf-8"))
    parts = [path for name in ("browser", "slurm") for path in (ROOT / "tests" / name).glob("*.py")]
    lacked = [name for path in parts for name in re.findall(r'lacking\("(\w+)"', path.read_text("utf-8"))]
    # Where a cluster cannot start, it is lacking though all of it is installed.
    assert sorted(installed) == sorted({*lacked} - {"slurm"})
