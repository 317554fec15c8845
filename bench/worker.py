"""A process that measures: reads requests from its input, a line of JSON each, and answers them.

Each thing has a process of its own, so that its peak of memory and its threads are its own.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from bench import measure, plan
from distillens import tables
from distillens.data.text import Example, examples


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is not an answer
    kinds = {
        "run": _run,
        "sgemm": lambda request, _: measure.sgemm(**request),
        "copies": _copies,
        "versions": _versions,
    }
    for line in sys.stdin:
        request = json.loads(line)
        result = kinds[request.pop("kind")](request, lambda *done: _tell(answers, progress=done))
        _tell(answers, result=result)


def _tell(answers: TextIO, **what: Any) -> None:
    print(json.dumps(what), file=answers)


def _run(request: dict[str, Any], tell: Callable[[int, int], None]) -> dict[str, Any]:
    """Run one side of a work and say what it took; its values go into a file."""
    chosen = examples(tables.read(request["examples"], "examples"))
    # Spread over the lengths, as all of them are.
    chosen = chosen[:: -(-len(chosen) // (request["few"] or len(chosen)))]
    forwards = measure.Forwards()
    run, forget = _loaded(request, forwards)
    options = {**plan.options_of(request["method"]), **request["options"]}
    # Compilers and lazy imports are not what is measured.
    for _ in run(chosen[:1], {**options, **plan.CHEAP.get(request["method"], {})}):
        pass
    forget()
    forwards.clear()
    measure.forget_peak()
    loaded = measure.resident_mb()
    values, start = [], time.perf_counter()
    for done, value in enumerate(run(chosen, options), 1):
        if request["values"]:
            values.append(value)
        tell(done, len(chosen))
    seconds = time.perf_counter() - start
    if values:
        np.save(request["values"], np.concatenate(values))
    return {
        "seconds": seconds,
        "sentences": len(chosen),
        # Gradients are not asked for by text.
        "forwards": max(forwards.asked, forwards.computed),
        "distinct_forwards": forwards.computed,
        "executed_gflop": forwards.executed / 1e9,
        "effective_gflop": forwards.effective / 1e9,
        "peak_memory_mb": measure.peak_mb(),
        "loaded_memory_mb": loaded,
    }


_Run = Callable[[Sequence[Example], dict[str, Any]], Iterator[np.ndarray]]


def _loaded(request: dict[str, Any], forwards: measure.Forwards) -> tuple[_Run, Callable[[], None]]:
    """What runs a request, loaded and counted, and how it forgets what it was asked."""
    from bench.models import Cost

    cost = Cost(request["folder"])
    if request["run"] == "ours":
        from bench import ours
        from distillens.models.engine import Engine

        engine = Engine(request["folder"], **{"device": "cpu", "backend": "onnxruntime", **request["engine"]})
        measure.count_engine(engine, cost, forwards)
        if request["method"] == "integrated_gradients":
            own = engine.differentiable
            measure.count_model(own.model, cost, forwards, own.trimmed)
        method, unit = request["method"], request["unit"]
        return lambda chosen, options: ours.run(engine, method, unit, chosen, options), engine.forget
    from bench import peers

    stock = peers.Stock(request["folder"])
    measure.count_model(stock.model, cost, forwards)
    return lambda chosen, options: getattr(peers, request["run"])(stock, chosen, options), lambda: None


def _copies(request: dict[str, Any], tell: Callable[[int, int], None]) -> dict[str, Any]:
    from bench import robustness

    return robustness.copies(**request, tell=tell)


def _versions(*_: Any) -> dict[str, Any]:
    import torch

    from distillens.provenance import versions

    libraries = ("numpy", "torch", "transformers", "tokenizers", "onnxruntime", "shap", "lime", "captum")
    return {"versions": versions(*libraries), "torch_threads": torch.get_num_threads()}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
