"""The reranker of docs/any-model.md, run as it stands there: cross-encoders built at random."""

import pandas as pd
import pytest
import yaml
from scipy.stats import somersd
from sklearn.metrics import ndcg_score

from distillens import tables
from tests import any_model, tiny
from tests.workflow.conftest import Study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rerankers")
    any_model.passages(folder / "passages.csv")
    for seed, name in enumerate(("cross-encoder", "small-cross-encoder")):
        tiny.bert(folder / name, labels=1, layers=2 - seed)
    made = Study(folder, yaml.safe_load(any_model.BLOCKS["reranker"]))
    result = made.snakemake()
    assert result.returncode == 0, result.stdout + result.stderr
    return made


def read(study, path, kind):
    return tables.read(study.folder / "results/rerankers" / path, kind).to_pandas()


@pytest.mark.parametrize("model", ["reranker", "small"])
def test_rankings_are_those_of_the_libraries_by_query(study, model):
    texts = read(study, "data/passages/test.parquet", "examples").set_index("example_id")
    answers = read(study, f"predictions/passages/{model}/0.parquet", "predictions")
    answers = answers[answers["perturbation"] == "none"].set_index("example_id")["logits"]
    texts["score"] = [answers[name][0] for name in texts.index]
    expected = {"ndcg": [], "pair_agreement": []}
    for _, own in texts.groupby("text_a"):
        if own["label"].nunique() > 1:
            expected["ndcg"].append(ndcg_score([own["label"]], [own["score"]]))
            expected["pair_agreement"].append((1 + somersd(own["label"], own["score"]).statistic) / 2)
    found = read(study, "metrics/passages/performance.parquet", "scores")
    found = found[found["model"] == model].set_index("metric")
    for metric, values in expected.items():
        assert len(values) == 15
        assert found.loc[metric, "value"] == pytest.approx(pd.Series(values).mean())
        assert found.loc[metric, ["n", "n_undefined"]].tolist() == [75, 4]  # one alone, three alike
        assert found.loc[metric, "low"] <= found.loc[metric, "value"] <= found.loc[metric, "high"]


def test_queries_that_say_nothing_are_said_and_words_of_both_are_explained(study):
    log = (study.folder / "logs/rerankers/score_performance/passages.log").read_text()
    assert "2 of 17 queries are left out of ndcg" in log
    row = read(study, "explanations/passages/small/0/occlusion.parquet", "explanations").iloc[0]
    assert {span["segment"] for span in row["spans"]} == {0, 1}
    drift = read(study, "metrics/drift.parquet", "drift")
    assert set(drift["explainer"]) == {"occlusion", "integrated_gradients"}


def test_the_page_has_both_and_what_a_constant_reaches(study):
    page = (study.folder / "results/rerankers/report/index.html").read_text("utf-8")
    assert "NDCG" in page and "pairs in order" in page
