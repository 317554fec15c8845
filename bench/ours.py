"""What the stages of a study do with their texts: here all in one call, there in groups."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bench.plan import OUTPUT, SEED
from distillens import registry
from distillens.data.text import Example
from distillens.models.collector import collecting_rarely
from distillens.models.engine import Engine


def run(
    engine: Engine, method: str, unit: str, examples: Sequence[Example], options: dict[str, Any]
) -> Iterator[np.ndarray]:
    """Yield an array a sentence, as `bench.peers` does.

    Parameters
    ----------
    engine : Engine
    method : str
        An explainer, or ``predict``: the logits of every text.
    unit : str
        ``word`` or ``token``.
    examples : sequence of Example
    options : dict
        The explainer's.
    """
    with collecting_rarely():  # as a job does
        if method == "predict":
            yield from engine.logits([one.texts for one in examples])[:, None]
            return
        if unit == "token":
            examples = [engine.encoder.in_tokens(one) for one in examples]
        attributions = registry.load("explainer", method).explain(examples, engine, OUTPUT, options, SEED)
        yield from (one.values for one in attributions)
