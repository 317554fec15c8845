"""Removes the words that an explanation names, and asks the model again."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from distillens import tables
from distillens.curves import trace
from distillens.erasing import Rankings, orders, stored_as_given, without
from distillens.explanation import seen_part
from distillens.inference import Engine
from distillens.provenance import digest
from distillens.runlog import Progress
from distillens.text import Example, examples, seed_of


def write_deletions(
    explained: str | Path,
    explanations: Sequence[str | Path],
    teachers: Sequence[str | Path],
    model: str | Path,
    out: str | Path,
    curves: str | Path,
    identity: dict[str, Any],
    ks: list[int],
    draws: int,
    beam: int,
    engine: dict[str, str],
    seed: int,
) -> None:
    """Write what removing words does: the tables of kinds ``deletions`` and ``curves``.

    Rankings: for each explainer ``own`` (the model's attribution of its predicted class,
    largest first) and ``teacher`` (the teacher's, of the teacher's predicted class:
    cross-model deletion); and ``random``, which belongs to no explainer, unless that
    explains tokens: then as many random tokens are removed. A removed word
    becomes the mask token. Attributions from elsewhere that are kept as they were stored
    (``unit: token``) have no ranking: their positions need not stand in the text.

    Parameters
    ----------
    explained : str or Path
        The examples.
    explanations : sequence of paths
        The model's own explanations of them, one file per explainer.
    teachers : sequence of paths
        The teacher's; none for a model without one.
    out : str or Path
        Target of ``deletions``: logits without the top k words. A text of k words or
        fewer has no row for k: nothing would be left of it.
    curves : str or Path
        Target of ``curves``; see `distillens.curves.trace`.
    ks : list of int
        Numbers of words to remove.
    draws : int
        Random rankings per text; the same ones for every model.
    beam : int
        See `distillens.curves.trace`.
    model, identity, engine, seed
        As in `distillens.explanation.write_explanations`.
    """
    engine = Engine(model, **engine)
    chosen = [seen_part(example, engine)[0] for example in examples(tables.read(explained, "examples"))]
    own = {tables.provenance(path)["explainer"] for path in explanations if not stored_as_given(path)}
    rankings = {
        (tables.provenance(path)["explainer"], name): Rankings.read(path)
        for name, paths in (("own", explanations), ("teacher", teachers))
        for path in paths
        if tables.provenance(path)["explainer"] in own and not stored_as_given(path)
    }
    own_seed = seed_of(seed, identity["task"], "deletion")
    provenance = {
        **identity,
        "k": ks,
        "draws": draws,
        "beam": beam,
        "study_seed": seed,
        "explanations_sha256": [digest(path) for path in explanations],
        "teacher_explanations_sha256": [digest(path) for path in teachers],
        **engine.provenance(),
    }
    tables.write(out, "deletions", _deletions(chosen, rankings, ks, draws, engine, own_seed), provenance)
    tables.write(curves, "curves", trace(chosen, rankings, draws, beam, engine, own_seed), provenance)


def _deletions(
    chosen: Sequence[Example],
    rankings: Mapping[tuple[str, str], Rankings],
    ks: Sequence[int],
    draws: int,
    engine: Engine,
    seed: int,
) -> Iterator[dict[str, Any]]:
    before = engine.logits([example.texts for example in chosen])
    plan, texts = [], []
    for row, example in enumerate(chosen):
        for explainer, name, draw, of, order in orders(example, rankings, draws, seed):
            for k in ks:
                if len(of.words) > k <= len(order):
                    plan.append((row, explainer, name, draw, k, order[:k]))
                    texts.append(without(of, order[:k], engine.mask))
    with Progress(len(texts), "delete", "text") as progress:
        after = engine.logits(texts, progress)
    for number, (row, explainer, name, draw, k, removed) in enumerate(plan):
        yield {
            "example_id": chosen[row].example_id,
            "explainer": explainer,
            "ranking": name,
            "draw": draw,
            "k": k,
            "target": int(before[row].argmax()),
            "removed": removed,
            "logits_before": before[row].tolist(),
            "logits_after": after[number].tolist(),
        }
