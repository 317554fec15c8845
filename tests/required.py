"""What tests may lack, unless ``DISTILLENS_REQUIRE=browser,slurm,axe`` says that it is there for them."""

import os

import pytest


def lacking(name, reason):
    """Skip the test that needs something, or fail it where that is required."""
    if name in os.environ.get("DISTILLENS_REQUIRE", "").split(","):
        pytest.fail(f"{name} is required: {reason}")
    pytest.skip(reason)
