"""What a model takes, and the table that puts it beside what a student loses."""

import csv

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from distillens import tables
from distillens.models import measure_cost
from distillens.models.engine import Engine
from tests import jobs
from tests.fixtures import made_up_study
from tests.tiny import SENTENCES

IDENTITY = {"task": "t", "model": "m", "seed": 1}
ENGINE = {"device": "cpu", "backend": "torch", "precision": "float32"}


@pytest.fixture
def test_split(tmp_path):
    path = tmp_path / "test.parquet"
    rows = [{"example_id": str(n), "text_a": text, "label": 0.0} for n, text in enumerate(SENTENCES)]
    tables.write(path, "examples", rows, {"task": "t", "split": "test"})
    return path


def cost(test_split, model, out, native=None):
    measure_cost.write_cost(jobs.model_job(IDENTITY, model, ENGINE), test_split, out, native)
    (row,) = tables.read(out, "costs").to_pylist()
    return row


def test_sizes_are_those_of_the_file_and_zeros_pack_better(tmp_path):
    torch.manual_seed(0)
    full = torch.randn(200, 100)
    half = full * (torch.arange(100) % 2)
    int8 = torch.full((10, 10), 128, dtype=torch.uint8)
    int8[0, 0] = 3
    found = {}
    for name, weights in {"full": {"w": full}, "half": {"w": half}, "int8": {"w.uint8": int8}}.items():
        save_file(weights, tmp_path / name)
        found[name] = measure_cost.sizes(tmp_path / name)
        assert found[name]["file_bytes"] == (tmp_path / name).stat().st_size
    assert (found["full"]["parameters"], found["full"]["nonzero"]) == (20000, 20000)
    assert (found["half"]["parameters"], found["half"]["nonzero"]) == (20000, 10000)
    assert (found["int8"]["parameters"], found["int8"]["nonzero"]) == (100, 1)
    assert found["half"]["file_bytes"] == found["full"]["file_bytes"]
    assert found["half"]["packed_bytes"] < 0.7 * found["full"]["packed_bytes"]


def test_latency_is_the_processor_s_time_of_a_text_alone_in_the_best_round(bert, monkeypatch):
    engine, calls = Engine(bert, "cpu", "torch"), []
    now = {"process_time": 10.0, "perf_counter": 10.0}
    for name in now:
        monkeypatch.setattr(measure_cost.time, name, lambda name=name: now[name])

    def slow(batch):
        calls.append(batch["input_ids"].shape)
        # Other programs take time of the clock; the first round is disturbed; long texts take longer.
        now["perf_counter"] += 1
        now["process_time"] += (0.02 if len(calls) <= 4 else 0) + batch["input_ids"].shape[1] / 1000
        return np.zeros((1, 3), np.float32)

    monkeypatch.setattr(engine.backend, "forward", slow)
    texts = [("a film",), ("a film is not bad at all and the plot",)]
    found = measure_cost.latencies(engine, texts)
    lengths = [len(one["input_ids"]) for one in engine.encoder.encode(texts)]
    assert {shape[0] for shape in calls} == {1}
    assert found == pytest.approx(np.array(lengths) / 1000)


def test_no_words_are_looked_for_while_the_clock_runs(bert, monkeypatch):
    engine = Engine(bert, "cpu", "torch")
    monkeypatch.setattr("distillens.data.text.spans", lambda *_: pytest.fail("the text is cut into words"))
    assert measure_cost.latencies(engine, [("a film",)]).shape == (1,)


def test_a_row_says_what_it_was_measured_on_and_nothing_where_it_is_simulated(test_split, bert, tmp_path):
    row = cost(test_split, bert, tmp_path / "a.parquet")
    assert (row["backend"], row["device"], row["precision"]) == ("torch", "cpu", "float32")
    assert row["graph_bytes"] is None
    assert 0 < row["latency_low"] <= row["latency_ms"] <= row["latency_high"]
    assert row["texts"] == len(SENTENCES)
    row = cost(test_split, bert, tmp_path / "b.parquet", native=["onnxruntime"])
    assert row["latency_ms"] is None
    assert row["file_bytes"] > 0
    made = tables.provenance(tmp_path / "a.parquet")
    assert {"model_sha256", "test_sha256", "versions"} <= made.keys()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    arguments = made_up_study.write(folder / "in", examples=16)
    paths = []
    sizes = {"teacher": 100_000_000, "soft": 25_000_000, "half": 50_000_000, "tiny": 5_000_000}
    for model, options in made_up_study.study()["models"].items():
        for seed in options["seeds"]:
            simulated = model == "soft"
            row = {
                "task": "sst5",
                "model": model,
                "seed": seed,
                "parameters": 25_000_000,
                "nonzero": 20_000_000,
                "file_bytes": sizes[model],
                "packed_bytes": sizes[model] // 2,
                "backend": "onnxruntime",
                "device": "cpu",
                "precision": "float32",
                "texts": 100,
                "latency_ms": None if simulated else 4.5,
                "latency_low": None if simulated else 4.0,
                "latency_high": None if simulated else 6.0,
            }
            paths.append(folder / "in" / f"cost-{model}-{seed}.parquet")
            tables.write(paths[-1], "costs", [row], {})
    made_up_study.report({**arguments, "costs": paths}, folder / "out" / "index.html")
    return folder / "out", arguments


def test_the_page_has_one_table_of_what_is_lost_and_what_is_saved(report):
    page = (report[0] / "index.html").read_text("utf-8")
    start = page.index('id="table-tradeoff-sst5"')
    table = page[start : page.index("</table>", start)]
    for words in (
        "accuracy",
        "under edits",
        "D by shap",
        "verdict",
        "MB",
        "ms",
        "25\u00a0% of the teacher’s",
        "simulated",
    ):
        assert words in table
    assert 'href="#tradeoff"' in page
    assert 'id="table-tradeoff-stsb"' not in page  # nothing was measured there


def test_the_csv_has_the_numbers_of_the_scores_drift_and_costs(report):
    out, arguments = report
    rows = list(csv.DictReader((out / "tables" / "tradeoff.csv").open(encoding="utf-8")))
    row = next(row for row in rows if (row["model"], row["seed"]) == ("half", "0"))
    drift = next(
        r for r in tables.read(arguments["drift"], "drift").to_pylist()
        if (r["task"], r["student"], r["explainer"], r["metric"]) == ("sst5", "half", "shap", "spearman")
    )  # fmt: skip
    assert float(row["drift"]) == pytest.approx(drift["drift"])
    scores = [r for path in arguments["scores"] for r in tables.read(path, "scores").to_pylist()]
    changes = {
        r["perturbation"]: r["value"] for r in scores
        if (r["task"], r["model"], r["seed"], r["metric"]) == ("sst5", "half", 0, "accuracy_change")
    }  # fmt: skip
    assert float(row["mean_change"]) == pytest.approx(np.mean(list(changes.values())))
    assert row["worst_perturbation"] == min(changes, key=changes.get)
    assert (row["file_bytes"], row["latency_ms"]) == ("50000000", "4.5")
    teacher = next(row for row in rows if row["model"] == "teacher")
    assert (teacher["drift"], teacher["verdict"]) == ("", "")


def test_without_costs_the_page_has_no_such_section(tmp_path):
    arguments = made_up_study.write(tmp_path / "in", examples=6)
    made_up_study.report(arguments, tmp_path / "out" / "index.html")
    assert 'id="tradeoff"' not in (tmp_path / "out" / "index.html").read_text("utf-8")
