"""Explains the chosen examples of a task with one explainer, once, for all metrics."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from distillens import methods, tables
from distillens.attribution import Attribution
from distillens.inference import Engine
from distillens.provenance import digest, versions
from distillens.runlog import Progress
from distillens.text import Example, examples, seed_of


def write_explanations(
    explained: str | Path,
    model: str | Path,
    out: str | Path,
    identity: dict[str, Any],
    explainer: dict[str, Any],
    output: str,
    engine: dict[str, str],
    seed: int,
) -> None:
    """Explain examples and write the table of kind ``explanations``.

    Parameters
    ----------
    explained : str or Path
        The examples.
    model : str or Path
        The finished model's folder.
    out : str or Path
        Target file.
    identity : dict
        ``task``, ``model``, ``seed`` and ``explainer`` (its name).
    explainer : dict
        ``method`` and its options.
    output : str
        What is explained; see `distillens.outputs.explained`.
    engine : dict
        ``device`` and ``backend``; see `distillens.inference.Engine`.
    seed : int
        The study's seed.
    """
    engine = Engine(model, **engine)
    chosen = [seen_part(example, engine) for example in examples(tables.read(explained, "examples"))]
    logits = engine.logits([example.texts for example, _ in chosen])
    options = dict(explainer)
    method = methods.load("explain", options.pop("method"))
    own_seed = seed_of(seed, identity["task"], identity["explainer"])
    rows = []
    with Progress(len(chosen), identity["explainer"], "text") as progress:
        found = method.explain([example for example, _ in chosen], engine, output, options, own_seed)
        for attribution, (_, unseen), own_logits in zip(found, chosen, logits, strict=True):
            rows.append(_row(attribution, unseen, own_logits))
            progress.advance()
    provenance = {
        **identity,
        "settings": explainer,
        "output": output,
        "study_seed": seed,
        "explained_sha256": digest(explained),
        **engine.provenance(),
    }
    provenance["versions"] |= versions("shap", "lime", "captum")
    tables.write(out, "explanations", rows, provenance)


def seen_part(example: Example, engine: Engine) -> tuple[Example, int]:
    """The part of an example that the model sees, and how many words it does not.

    Removing words shortens a text; were the rest left in place, words that the model
    never saw would move into its view.
    """
    if not engine.encoder.cuts(example.texts):
        return example, 0
    ends = [0] * len(example.texts)
    for number in set(engine.encoder.owners(example)) - {-1}:
        word = example.words[number]
        ends[word.segment] = max(ends[word.segment], word.end)
    unseen = sum(word.end > ends[word.segment] for word in example.words)
    texts = [text[:end] for text, end in zip(example.texts, ends, strict=True)]
    return replace(example, text_a=texts[0], text_b=texts[1] if len(texts) == 2 else None), unseen


def _row(attribution: Attribution, unseen: int, logits: np.ndarray) -> dict[str, Any]:
    example = attribution.example
    return {
        "example_id": example.example_id,
        "words": [word.text for word in example.words],
        "spans": [{"segment": w.segment, "start": w.start, "end": w.end} for w in example.words],
        "values": attribution.values.tolist(),
        "base": attribution.base.tolist(),
        "output": attribution.output.tolist(),
        "logits": logits.tolist(),
        "unseen": unseen,
        **attribution.diagnostics,
    }
