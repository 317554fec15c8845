"""The bench runs, and what it compares agrees; its seconds mean nothing here."""

import json
import math
import os
import subprocess
import sys

import pytest

from bench import gpu, increments, plan, sentences, shared, table
from bench.models import Cost
from bench.plan import FULL, works
from distillens import tables
from distillens.data.text import Example
from distillens.models import classifier
from distillens.provenance import ROOT
from tests import tiny

TEXTS = [
    *tiny.SENTENCES[1:4],
    "The film is not bad, and the ending of it was joyful at all.",
    "A dull movie and a dull plot.",
]


def fits(_):
    return True


@pytest.mark.slow
def test_the_quick_bench_has_every_work_and_its_values_agree(tmp_path):
    folder = tiny.bert(tmp_path / "model", labels=3)
    classifier.export_onnx(classifier.load_classifier(folder), folder)
    rows = [{"example_id": str(number), "text_a": text, "label": 0.0} for number, text in enumerate(TEXTS)]
    tables.write(tmp_path / "data.parquet", "examples", rows, {})
    command = [
        sys.executable,
        "-m",
        "bench",
        "--quick",
        "--model",
        folder,
        "--data",
        tmp_path / "data.parquet",
    ]
    # Compiling shap's loops would take most of the time.
    settings = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [*command, "--out", tmp_path], cwd=ROOT, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert [row["work"] for row in results["rows"]] == [work.name for work in works(FULL)]
    for row in results["rows"]:
        if "skipped" not in row:
            assert math.isfinite(row["ratio"]) and row["ratio"] > 0
            assert row["forwards"] >= row["distinct_forwards"] > 0
            assert row["gflops"] > 0
            # Half precision is another thing.
            assert row["max_abs_difference"] < (math.inf if row["work"] == "bfloat16" else 1e-4), row["work"]
    assert {"cpu", "cores", "python", "versions", "date", "sgemm_gflops"} <= set(results["machine"])
    assert results["growth"]["occlusion"]["memory_ratio"] > 0
    assert "integrated_gradients" in done.stdout
    assert str(tmp_path) not in (tmp_path / "RESULTS.md").read_text() + json.dumps(results)


def test_text_outside_the_marks_survives(tmp_path):
    machine = {"date": "", "cpu": "", "cores": 1, "python": "", "versions": {}}
    machine |= {"sgemm_gflops": 1.0, "sgemm_gflops_range": [1.0, 1.0], "torch_sgemm_gflops": 1.0}
    results = {"rows": [], "machine": machine}
    page = tmp_path / "RESULTS.md"
    page.write_text(f"above\n{table.BEGIN}\nold numbers\n{table.END}\nbelow\n")
    assert table.write(tmp_path, results) in page.read_text()
    assert page.read_text().startswith("above\n") and page.read_text().endswith("\nbelow\n")
    assert "old numbers" not in page.read_text()
    page.write_text("no marks")
    with pytest.raises(ValueError, match="marks"):
        table.write(tmp_path, results)


def test_sentences_are_spread_as_the_data_are_and_do_not_depend_on_their_order():
    every = [Example(str(n), " ".join(["word"] * (1 + n % 40))) for n in range(400)]
    chosen = sentences.spread(every, 8, (8, 39), fits)
    assert chosen == sentences.spread(every[::-1], 8, (8, 39), fits)
    assert [len(one.words) // 4 for one in chosen] == [2, 3, 4, 5, 6, 7, 8, 9]


def test_short_neighbours_are_joined_into_long_texts():
    every = [Example(str(n), " ".join([f"w{n}"] * 25)) for n in range(40)]
    chosen, joined = sentences.long(every, 8, (60, 80), fits)
    assert joined and len({one.example_id for one in chosen}) == 8
    for one in chosen:
        ids = [int(part) for part in one.example_id.split("+")]
        assert ids == list(range(ids[0], ids[0] + 3)) and len(one.words) == 75
    assert sentences.long([Example("1", "word " * 65)], 1, (60, 80), fits)[1] is False


def test_the_cost_of_a_forward_is_that_of_its_products(bert):
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    cost = Cost(bert)
    for trimmed in (False, True):
        model = classifier.load_classifier(bert, attn_implementation="eager").eval()
        if trimmed:
            assert classifier.trim(model, bert)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(input_ids=torch.ones(3, 7, dtype=torch.long))
        heads = 3 * 2 * (16 * 16 + 16 * 3)  # pooler and classifier are not counted
        assert cost.flop(3, 7, trimmed) == counter.get_total_flops() - heads


def test_options_are_those_of_the_explainers():
    for work in works(FULL):
        assert set(work.options) <= set(plan.options_of(work.method))


def test_seconds_of_jobs_are_read_from_their_benchmarks(tmp_path):
    (tmp_path / "fine_tune" / "t").mkdir(parents=True)
    (tmp_path / "report.tsv").write_text("s\th:m:s\n1.5\t0:00:01\n")
    (tmp_path / "fine_tune" / "t" / "0.tsv").write_text("s\th:m:s\n2.25\t0:00:02\n")
    assert increments.job_seconds(tmp_path) == {"fine_tune/t/0": 2.25, "report": 1.5}


def run_module(name, *arguments):
    """A bench's process; compiling shap's loops would take most of the time."""
    settings = {**os.environ, "NUMBA_DISABLE_JIT": "1", "TOKENIZERS_PARALLELISM": "false"}
    command = [sys.executable, "-m", name, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_masks_strings_and_workers_are_measured_and_agree_where_the_model_is_free(tmp_path):
    folder = tiny.bert(tmp_path / "model", labels=3)
    classifier.export_onnx(classifier.load_classifier(folder), folder)
    rows = [{"example_id": str(number), "text_a": text} for number, text in enumerate(10 * TEXTS)]
    tables.write(tmp_path / "data.parquet", "examples", rows, {})
    few = ("--sentences", 48, "--words", 3, 50, "--samples", 20, "--repeats", 1, "--workers", 2)
    files = ("--model", folder, "--data", tmp_path / "data.parquet", "--out", tmp_path)
    shown = run_module("bench.host", *few, *files)
    found = json.loads((tmp_path / "host.json").read_text())
    for part in ("one process", "workers"):
        assert [row["explainer"] for row in found[part]] == ["shap", "lime", "occlusion"]
        assert all(row["ratio"] > 0 for row in found[part])
    for row in found["one process"]:
        assert row["largest difference"] < 1e-9
        assert row["texts"] >= row["sentences"]
    assert shown.strip() in (tmp_path / "RESULTS.md").read_text()


def test_the_rate_of_workers_begins_when_all_are_under_way(monkeypatch):
    clock, times = shared.Clock(), iter([5.0, 6.0, 8.0])
    monkeypatch.setattr(shared.time, "perf_counter", lambda: next(times))
    for _ in range(3):
        clock.advance((16, 0.5))
    assert clock.rate(1) == 32 / 3 and clock.rate(2) == 16 / 2
    assert clock.processor_s == 1.5


@pytest.mark.slow
def test_the_gpu_bench_runs_whole_without_a_gpu(tmp_path):
    shown = run_module("bench.gpu", "--tiny", "--out", tmp_path)
    (found,) = json.loads((tmp_path / "gpu.json").read_text())["models"].values()
    explainers = ("shap", "lime", "integrated_gradients", "occlusion")
    assert set(explainers) | {"equality", "fine-tuning", "soft logits", "AlignedDistil"} <= set(found)
    assert gpu.NOT_MEASURED not in found.values()
    assert found["equality"]["largest difference"] <= found["equality"]["must"]
    for method in explainers:
        assert found[method]["largest difference"] < 1e-4 and found[method]["ratio of the same few"] > 0
    assert shown.strip() in (tmp_path / "RESULTS.md").read_text()


def test_without_a_gpu_nothing_is_said_to_be_measured():
    assert gpu.markdown({"device": "cpu", "why": "torch sees no GPU"}) == "not measured: torch sees no GPU."
    committed = json.loads((ROOT / "bench/gpu.json").read_text())
    assert gpu.markdown(committed) in (ROOT / "bench/RESULTS.md").read_text()
