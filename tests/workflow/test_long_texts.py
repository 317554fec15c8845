"""A student that sees no text whole: page and terminal say why its agreement is missing, with counts."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from tests.workflow.conftest import ROOT, Study, small_config


@pytest.mark.slow
def test_a_student_that_sees_no_text_whole_is_said_to(tmp_path):
    config = small_config(tmp_path)
    config["models"]["student"]["training"] = {**config["models"]["student"]["training"], "max_length": 8}
    config["models"]["teacher"]["training"] = {**config["models"]["teacher"]["training"], "max_length": 60}
    data = pd.read_csv(tmp_path / "data.csv")
    data["text"] += " And it is not bad at all."
    data.to_csv(tmp_path / "data.csv", index=False)
    del config["models"]["student-kd"], config["tasks"]["moods"]["perturb"]
    config["explainers"] = {"occlusion": None}
    study = Study(tmp_path, config)
    result = study.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    page = (tmp_path / "results/tiny/report/index.html").read_text("utf-8")
    command = [sys.executable, "-m", "distillens", "verdict", "results/tiny"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "300"}
    said = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    ).stdout
    reason = (
        "student and teacher cannot be compared by occlusion on any of the 9 texts of moods:"
        " student does not see all words of 9 of 9. Take shorter texts, a larger max_length, or windows."
    )
    assert reason in page and reason in said
