"""Several workers give what one process gives, to the byte, whoever comes first; and say what went wrong."""

import json
import os
import shutil
from functools import partial
from multiprocessing import Pipe

import numpy as np
import pytest

from distillens import tables
from distillens.attribution import delete, explain
from distillens.joblog import Progress
from distillens.models.engine import Engine
from distillens.models.forward_pass import TorchBackend
from distillens.models.workers import Lane, WorkerError, _tell, share_out, shared_memory
from tests import jobs, recipes, tiny

IDENTITY = {"task": "t", "model": "m", "seed": 0}
CPU = {"device": "cpu", "backend": "torch"}
EXPLAINERS = {
    "shap": {"method": "shap", "unit": "word", "max_evals": 20},
    "lime": {"method": "lime", "unit": "word", "samples": 20, "kernel_width": 25},
    "occlusion": {"method": "occlusion", "unit": "token"},
    "integrated_gradients": {
        "method": "integrated_gradients", "unit": "word", "steps": 2, "max_steps": 2, "tolerance": 1
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    """More texts than a group has."""
    texts = [" ".join(tiny.SENTENCES[n % 6].split()[: 1 + n % 4]) for n in range(300)]
    rows = [{"example_id": str(number), "text_a": text} for number, text in enumerate(texts)]
    path = tmp_path_factory.mktemp("texts") / "explained.parquet"
    tables.write(path, "examples", rows, {})
    return path


def write(name, explained, folder, out):
    identity = {**IDENTITY, "explainer": name}
    jobs.explain(explained, folder, out, identity, EXPLAINERS[name], "margin", CPU, 3)
    return out.read_bytes()


def test_workers_read_windows_as_one_process_does(explained, bert, tmp_path, monkeypatch):
    monkeypatch.setitem(CPU, "windows", {"combine": "mean", "overlap": 2})
    short = shutil.copytree(bert, tmp_path / "short")
    file = short / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_max_length": 10}))
    one = write("shap", explained, short, tmp_path / "one")
    assert not any(tables.read(tmp_path / "one", "explanations")["unseen"].to_pylist())
    monkeypatch.setattr(TorchBackend, "workers", 2, raising=False)
    assert write("shap", explained, short, tmp_path / "other" / "one") == one


@pytest.mark.parametrize("name", ["shap", "lime", "occlusion"])
def test_two_workers_give_the_bytes_of_one_in_whatever_order_they_come(
    name, explained, bert, tmp_path, monkeypatch
):
    one = write(name, explained, bert, tmp_path / "one")
    shared = []

    def backwards(engine, recipe, numbers, **settings):
        shared.append(numbers)
        share_out(engine, recipe, numbers[::-1], **settings)

    monkeypatch.setattr(TorchBackend, "workers", 2, raising=False)
    monkeypatch.setattr(explain, "share_out", backwards)
    assert write(name, explained, bert, tmp_path / "other" / "one") == one
    assert shared == [[0, 1, 2]]


def test_two_workers_remove_words_as_one_process_does(explained, bert, tmp_path, monkeypatch):
    write("occlusion", explained, bert, tmp_path / "explanations.parquet")
    made = {}
    for workers in (1, 2):
        monkeypatch.setattr(TorchBackend, "workers", workers, raising=False)
        outs = [tmp_path / str(workers) / f"{kind}.parquet" for kind in ("deletions", "curves")]
        outs[0].parent.mkdir()
        job, plan = jobs.model_job(IDENTITY, bert, CPU), delete.DeletionPlan([1], draws=1, beam=1, seed=3)
        delete.write_deletions(job, plan, explained, [tmp_path / "explanations.parquet"], [], *outs)
        made[workers] = [path.read_bytes() for path in outs]
    assert made[1] == made[2]


def test_an_explainer_that_needs_the_model_itself_is_not_shared_out(explained, bert, tmp_path, monkeypatch):
    def refused(*given, **named):
        raise AssertionError("shared out")

    monkeypatch.setattr(TorchBackend, "workers", 2, raising=False)
    monkeypatch.setattr(explain, "share_out", refused)
    write("integrated_gradients", explained, bert, tmp_path / "out")


def test_workers_do_each_task_once_and_ask_the_one_model(bert, tmp_path):
    texts = [[(sentence,)] for sentence in tiny.SENTENCES]
    engine, asked = Engine(bert, "cpu"), []
    expected = [engine.logits(own) for own in texts]
    forward = engine.backend.forward
    engine.backend.forward = lambda batch: asked.append(len(batch["input_ids"])) or forward(batch)
    with Progress(6, "test") as progress:
        share_out(engine, partial(recipes.logits_into, tmp_path, texts), [5, 0, 3, 1], progress, count=3)
        assert progress._done == 4
    assert asked == [1] * 4
    assert {path.stem for path in tmp_path.iterdir()} == {"0", "1", "3", "5"}
    for path in tmp_path.iterdir():
        np.testing.assert_array_equal(np.load(path), expected[int(path.stem)])


def test_a_batch_that_the_shared_memory_does_not_hold_goes_through_the_pipe():
    (here, there), memory = Pipe(), shared_memory(4096)
    near, far = Lane(here, os.dup(memory)), Lane(there, memory)
    for rows in (3, 300):
        batch = {name: np.full((rows, 9), rows + n) for n, name in enumerate(("input_ids", "attention_mask"))}
        near.send(batch)
        received = far.receive()
        assert list(received) == list(batch)
        for name, values in batch.items():
            np.testing.assert_array_equal(received[name], values)


def test_a_worker_asks_for_half_where_the_device_s_memory_is_short(bert, tmp_path):
    texts = [[(sentence,) for sentence in tiny.SENTENCES]]
    engine, sizes = Engine(bert, "cpu"), []
    forward, expected = engine.backend.forward, engine.logits(texts[0])

    class DeviceMemoryError(RuntimeError):
        pass

    def limited(batch):
        sizes.append(len(batch["input_ids"]))
        if sizes[-1] > 3:
            raise DeviceMemoryError
        return forward(batch)

    engine.backend.forward, engine.backend.out_of_memory = limited, DeviceMemoryError
    with Progress(1, "test") as progress:
        share_out(engine, partial(recipes.logits_into, tmp_path, texts), [0], progress, count=1)
    assert sizes == [6, 3, 3]
    np.testing.assert_allclose(np.load(tmp_path / "0.npy"), expected, atol=np.abs(expected).max() * 1e-5)


def test_what_a_worker_raises_is_raised_in_the_job_and_says_where(bert):
    with Progress(2, "test") as progress, pytest.raises(ValueError, match="text b has no words") as raised:
        share_out(Engine(bert, "cpu"), recipes.broken, [0, 1], progress, count=2)
    assert "in fail" in raised.value.__notes__[0]


def test_a_worker_that_is_killed_ends_the_job(bert):
    with Progress(1, "test") as progress, pytest.raises(WorkerError, match="ended while it did task 0"):
        share_out(Engine(bert, "cpu"), recipes.killed, [0], progress, count=1)


@pytest.mark.parametrize(
    ("number", "said"), [(0, "LocalError: text b has no words"), (1, "OfTwoError: text b lacks words")]
)
def test_what_no_pipe_carries_is_raised_by_what_it_says(bert, number, said):
    with Progress(1, "test") as progress, pytest.raises(WorkerError, match=said) as raised:
        share_out(Engine(bert, "cpu"), recipes.unpickled, [number], progress, count=1)
    assert "Traceback" in raised.value.__notes__[0]


def test_a_device_s_error_that_no_pipe_carries_reaches_the_job(bert, tmp_path):
    engine = Engine(bert, "cpu")

    def broken(batch):
        raise recipes.OfTwoError("b", "words")

    engine.backend.forward = broken
    recipe = partial(recipes.logits_into, tmp_path, [[(sentence,)] for sentence in tiny.SENTENCES])
    with Progress(1, "test") as progress, pytest.raises(WorkerError, match="OfTwoError: text b lacks words"):
        share_out(engine, recipe, [0], progress, count=1)


def test_a_worker_that_is_gone_before_it_is_told_its_task_ends_the_job(bert, monkeypatch):
    def late(control, said):
        if isinstance(said, int):
            control.poll(30)  # until it is gone
        _tell(control, said)

    monkeypatch.setattr("distillens.models.workers._tell", late)
    with (
        Progress(1, "test") as progress,
        pytest.raises(WorkerError, match="a worker ended while it did task 0"),
    ):
        share_out(Engine(bert, "cpu"), recipes.absent, [0], progress, count=1)
