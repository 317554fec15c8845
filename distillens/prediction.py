"""Predictions of a finished model on the test split and on its perturbed copies."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from distillens import tables
from distillens.inference import Engine
from distillens.provenance import digest
from distillens.runlog import Progress
from distillens.text import examples

ORIGINAL = "none"


def write_predictions(
    test: str | Path,
    perturbed: Sequence[str | Path],
    model: str | Path,
    out: str | Path,
    identity: dict[str, Any],
    engine: dict[str, str],
) -> None:
    """Predict every text and write the table of kind ``predictions``.

    Parameters
    ----------
    test : str or Path
        The test split.
    perturbed : sequence of paths
        Its perturbed copies, one file per perturbation.
    model, out, identity, engine
        As in `distillens.explanation.write_explanations`.
    """
    engine = Engine(model, **engine)
    keys, texts = zip(*_texts(test, perturbed), strict=True)
    with Progress(len(texts), "predict", "text") as progress:
        logits = engine.logits(texts, progress)
    columns = list(zip(*keys, strict=True))
    values = pa.ListArray.from_arrays(
        pa.array(np.arange(0, logits.size + 1, logits.shape[1]), pa.int32()), pa.array(logits.ravel())
    )
    schema = tables.SCHEMAS["predictions"]
    arrays = [
        pa.array(column, schema.field(name).type) for name, column in zip(schema.names, columns, strict=False)
    ]
    provenance = {
        **identity,
        "test_sha256": digest(test),
        "perturbed_sha256": {tables.provenance(path)["perturbation"]: digest(path) for path in perturbed},
        "texts": len(texts),
        "distinct_texts": len(set(texts)),
        **engine.provenance(),
    }
    tables.write(out, "predictions", pa.table([*arrays, values], schema=schema), provenance)


def _texts(
    test: str | Path, perturbed: Sequence[str | Path]
) -> Iterator[tuple[tuple[str, str, int], tuple[str, ...]]]:
    for example in examples(tables.read(test, "examples")):
        yield (example.example_id, ORIGINAL, 0), example.texts
    for path in perturbed:
        name = tables.provenance(path)["perturbation"]
        for row in (
            tables.read(path, "perturbed").select(["example_id", "fold", "text_a", "text_b"]).to_pylist()
        ):
            texts = (row["text_a"],) if row["text_b"] is None else (row["text_a"], row["text_b"])
            yield (row["example_id"], name, row["fold"]), texts
