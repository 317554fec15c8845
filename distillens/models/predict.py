"""Predictions of a finished model on the test split and on its perturbed copies."""

import hashlib
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from distillens import tables
from distillens.data.text import examples, segments
from distillens.joblog import Progress
from distillens.models.answers import finite
from distillens.models.chunks import Part, write_in_parts
from distillens.models.job import ModelJob
from distillens.models.recall import note
from distillens.provenance import digest

ORIGINAL = "none"


def write_predictions(
    job: ModelJob, test: str | Path, perturbed: Sequence[str | Path], out: str | Path
) -> None:
    """Predict every text and write the table of kind ``predictions``.

    The predictions of each perturbation are kept, as the groups of explanations are: one more
    perturbation asks for its own texts only.

    Parameters
    ----------
    job : ModelJob
    test : str or Path
        The test split.
    perturbed : sequence of paths
        Its perturbed copies, one file per perturbation.
    out : str or Path
        Target file.

    Raises
    ------
    ModelError
        If an answer is not finite.
    """
    engine = job.load()
    stamp = {**job.run.provenance(), **engine.provenance()}
    originals = [
        ((example.example_id, ORIGINAL, 0), example.texts)
        for example in examples(tables.read(test, "examples"))
    ]

    @cache
    def answers_to_originals() -> dict[tuple[str, ...], np.ndarray]:
        engine.forget()
        texts = [text for _, text in originals]
        return dict(zip(texts, engine.logits(texts), strict=True))

    def make(path: str | Path | None) -> list[pa.Table]:
        keyed = originals if path is None else _edited(path)
        # What an edit left as it was has been answered; the rest depends on this perturbation only.
        answers = dict(answers_to_originals())
        new = [text for _, text in keyed if text not in answers]
        engine.forget()
        answers |= zip(new, engine.logits(new, progress), strict=True)
        progress.advance(len(keyed) - len(new))
        logits = np.array([answers[text] for _, text in keyed])
        if len(keyed):
            names = [key[0] if path is None else f"{key[0]} ({key[1]}, {key[2]})" for key, _ in keyed]
            finite(logits, names, job.folder)
        return [_table([key for key, _ in keyed], logits)]

    # One perturbation in memory at a time: QNLI's copies are a third of a million texts.
    files = {tables.provenance(path)["perturbation"]: path for path in perturbed}
    sizes = {ORIGINAL: len(originals)} | {
        name: pq.read_metadata(path).num_rows for name, path in files.items()
    }
    digests = {ORIGINAL: digest(test)} | {name: digest(path) for name, path in files.items()}
    distinct = {_fingerprint(text) for _, text in originals}
    for path in files.values():
        distinct |= {_fingerprint(text) for _, text in _edited(path)}
    total = sum(sizes.values())
    with Progress(total, "predict", "text") as progress:
        parts = [
            Part(
                {**stamp, "code": job.code, **engine.batching, "test": digests[ORIGINAL],
                 "perturbed": digests[name]},
                partial(make, files.get(name)),
                size,
            )
            for name, size in sizes.items()
        ]  # fmt: skip
        provenance = {
            **stamp,
            "test_sha256": digests.pop(ORIGINAL),
            "perturbed_sha256": digests,
            "texts": total,
            "distinct_texts": len(distinct),
        }
        folder = Path(out).with_name(f".{Path(out).stem}.parts")
        write_in_parts({"predictions": out}, parts, provenance, folder, progress)
    note(engine)


def _fingerprint(texts: tuple[str, ...]) -> bytes:
    return hashlib.blake2b("\x1f".join(texts).encode("utf-8", "surrogatepass"), digest_size=12).digest()


def _edited(path: str | Path) -> list[tuple[tuple[str, str, int], tuple[str, ...]]]:
    """Keys and texts of a perturbed copy of the test split."""
    name = tables.provenance(path)["perturbation"]
    rows = tables.read(path, "perturbed").select(["example_id", "repeat", "text_a", "text_b"]).to_pylist()
    return [
        ((row["example_id"], name, row["repeat"]), segments(row["text_a"], row["text_b"])) for row in rows
    ]


def _table(keys: Sequence[tuple[str, str, int]], logits: np.ndarray) -> pa.Table:
    """The table of kind ``predictions``; arrays at once, since rows may be a million."""
    schema = tables.SCHEMAS["predictions"]
    if not keys:
        return schema.empty_table()
    values = pa.ListArray.from_arrays(
        pa.array(np.arange(0, logits.size + 1, logits.shape[1]), pa.int32()), pa.array(logits.ravel())
    )
    columns = zip(*keys, strict=True)
    arrays = [
        pa.array(column, schema.field(name).type) for name, column in zip(schema.names, columns, strict=False)
    ]
    return pa.table([*arrays, values], schema=schema)
