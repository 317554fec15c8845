"""What explainers ask of a model: an example, and which of its words stay."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from distillens.data.text import Example


@dataclass(frozen=True, eq=False)
class Masks:
    """Copies of an example, each without some of its words.

    How a removed word looks to a model is the model's affair; see
    `distillens.models.tokenizer.Encoder.without`.

    Parameters
    ----------
    example : Example
    keep : ndarray of bool, shape (copies, n_words)
        Which words stay.

    Examples
    --------
    >>> len(Masks(Example("a", "Not bad"), np.eye(2, dtype=bool)))
    2
    """

    example: Example
    keep: np.ndarray

    def __len__(self) -> int:
        return len(self.keep)

    @classmethod
    def without(cls, example: Example, removals: Sequence[Iterable[int]]) -> "Masks":
        """One copy for each set of numbers of words, which go.

        Examples
        --------
        >>> Masks.without(Example("a", "Not bad"), [[0], []]).keep.tolist()
        [[False, True], [True, True]]
        """
        keep = np.ones((len(removals), len(example.words)), dtype=bool)
        for row, removed in zip(keep, removals, strict=True):
            row[list(removed)] = False
        return cls(example, keep)

    @classmethod
    def ends(cls, example: Example) -> "Masks":
        """Two copies: without any word, and the whole.

        Examples
        --------
        >>> Masks.ends(Example("a", "Not bad")).keep.tolist()
        [[False, False], [True, True]]
        """
        return cls(example, np.array([[False], [True]]).repeat(len(example.words), axis=1))
