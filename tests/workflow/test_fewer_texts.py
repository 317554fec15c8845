"""An explainer that explains fewer texts than the others: what comes out, and what runs when it gets more."""

import pytest

import distillens
from distillens import tables


@pytest.mark.slow
def test_a_dear_explainer_may_have_fewer_texts(small, tmp_path):
    study = small.copy(tmp_path / "copy")
    before = study.files()
    result = study.snakemake(config=study.edited("explainers/occlusion", {"examples": 5}))
    assert result.returncode == 0, result.stdout + result.stderr
    results = study.folder / "results" / "tiny"
    counts = {
        path.stem: tables.read(path, "explanations").num_rows
        for path in results.glob("explanations/*/*/*/[a-z]*.parquet")
    }
    assert counts == {"occlusion": 5, "random": 9}
    drift = distillens.load(results).drift
    undefined = drift["n_undefined"] + drift["n"]
    assert set(undefined[drift["explainer"] == "occlusion"]) == {5}
    assert set(undefined[drift["explainer"] == "random"]) == {9}
    # All again: the first five are not explained a second time, and the bytes are those of the study before.
    result = study.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    after = study.files()
    assert {path for path in before if after[path] != before[path]} == set()
