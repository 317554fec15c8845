import pytest

from tests.fixtures.made_up_task import Study


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path)
