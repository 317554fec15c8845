"""Fixtures that many tests share."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests import tiny

    return tiny.bert(tmp_path_factory.mktemp("models") / "bert")


@pytest.fixture(scope="session")
def distilbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests import tiny

    return tiny.distilbert(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def mobilebert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests import tiny

    return tiny.mobilebert(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests import tiny

    return tiny.roberta(tmp_path_factory.mktemp("models") / "roberta")


@pytest.fixture
def mirror() -> Path:
    """Real data sets in the hub's layout, where they lie beside the project."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data at {SHARED}")
    return SHARED
