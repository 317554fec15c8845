"""What an explainer gives for one example."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distillens.data.text import Example


@dataclass(frozen=True)
class Attribution:
    """Signed values of the words (or tokens) of an example for every explained output.

    Attributes
    ----------
    example : Example
        What was explained: the part of the text that the model sees.
    values : ndarray, shape (n_words, outputs)
    base : ndarray, shape (outputs,)
        Output without any word; NaN where the explainer has no such notion.
    output : ndarray, shape (outputs,)
        Output for the whole text.
    diagnostics : dict
        Columns of their own: ``evals``, ``truncated``, ``lime_r2``, ``ig_delta``, ``ig_steps``.
    """

    example: Example
    values: np.ndarray
    base: np.ndarray
    output: np.ndarray
    diagnostics: dict[str, Any] = field(default_factory=dict)
