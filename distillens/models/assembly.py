"""Puts the inputs of masked copies together from pieces, without asking the tokenizer again.

Step by step:

1. An example is cut at its blanks into fields (`distillens.models.fields`). What the tokenizer makes of
   a field depends on which of its words are kept, its state, and not on the other fields: a tokenizer
   cuts at blanks before it looks for pieces.
2. The pieces of all states are found. Where the tokenizer is known to cut at blanks (`Encoder.local`),
   each field is tokenized by itself, once for all examples; else a few masked copies are tokenized in which
   all states occur, and offsets say which pieces belong to which field.
3. That the parts give the whole is not taken for granted: further copies are tokenized and compared
   (`_compared`), and of an example where one differs nothing is put together.
4. A copy is a row of states, and its input the states' pieces one behind the other. Whole batches of
   copies of many examples are gathered by array operations (`assembled`).

A copy that comes out longer than the model sees is tokenized as ever: cutting is the tokenizer's affair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from distillens.data.text import Example, seed_of
from distillens.models.fields import Layout, NotLocalError, pieces_alone, pieces_in_place, remember
from distillens.models.sequences import Sequences, pieces_at
from distillens.models.tokenizer import Encoder

_RANDOM, _LOCAL_RANDOM = 8, 1
# In its 16 rotations every neighbourhood of four words takes every state.
_WINDOWS = np.array([0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1], dtype=bool)


def checks(encoder: Encoder, words: int) -> int:
    """About how many copies are tokenized before the first is put together; fewer are not worth it.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> checks(Fake(local=True), 20), checks(Fake(local=False), 20)
    (2, 51)
    """
    return _LOCAL_RANDOM + 1 if encoder.local else words + len(_WINDOWS) + _RANDOM + 7


@dataclass(frozen=True, eq=False)
class Assembly:
    """All masked copies of one example, in pieces; see `learn`.

    Attributes
    ----------
    firsts : ndarray, shape (slots,)
        Number of the first state of each slot: fields, and what stands between segments.
    weights : ndarray, shape (n_words,)
        What a word that is kept adds to the number of its field's state.
    starts, slots : ndarray
        First word, and slot, of each field that has words.
    sizes : ndarray, shape (states,)
        How many pieces each state has.
    columns : dict of ndarray
        The pieces of all states, one behind the other.
    """

    firsts: np.ndarray
    weights: np.ndarray
    starts: np.ndarray
    slots: np.ndarray
    sizes: np.ndarray
    columns: dict[str, np.ndarray]

    def states(self, keep: np.ndarray) -> np.ndarray:
        """Numbers of the states of all slots, shape (copies, slots).

        Parameters
        ----------
        keep : ndarray of bool, shape (copies, n_words)
        """
        states = np.empty((len(keep), len(self.firsts)), dtype=np.int64)
        states[:] = self.firsts
        states[:, self.slots] += np.add.reduceat(keep * self.weights, self.starts, axis=1)
        return states


def assembled(parts: Sequence[tuple[Assembly, np.ndarray]]) -> Sequences:
    """The inputs of copies of several examples, one behind the other.

    Parameters
    ----------
    parts : sequence of tuples
        Of each example its `Assembly`, and which words stay; shape (copies, n_words).

    Examples
    --------
    A word of two pieces, or a mask, between special tokens.

    >>> of_word = {"weights": np.array([1]), "starts": np.array([0]), "slots": np.array([1])}
    >>> pieces = {"input_ids": np.array([101, 103, 7, 8, 102])}
    >>> word = Assembly(firsts=np.array([0, 1, 3]), **of_word, sizes=np.array([1, 1, 2, 1]), columns=pieces)
    >>> both = assembled([(word, np.array([[False], [True]]))])
    >>> both.columns["input_ids"].tolist(), both.lengths.tolist()
    ([101, 103, 102, 101, 7, 8, 102], [3, 4])
    """
    every = [one for one, _ in parts]
    sizes = np.concatenate([one.sizes for one in every])
    columns = {name: np.concatenate([one.columns[name] for one in every]) for name in every[0].columns}
    begins = np.cumsum(sizes) - sizes
    states, slots, first = [], [], 0
    for one, keep in parts:
        states.append((one.states(keep) + first).ravel())
        slots.append(np.full(len(keep), len(one.firsts)))
        first += len(one.sizes)
    numbers, of_copies = np.concatenate(states), np.concatenate(slots)
    own = sizes[numbers]
    places = pieces_at(begins[numbers], own)
    lengths = np.add.reduceat(own, np.cumsum(of_copies) - of_copies)
    return Sequences({name: pieces[places] for name, pieces in columns.items()}, lengths)


def learn(encoder: Encoder, examples: Sequence[Example]) -> list[Assembly | None]:
    """Take examples apart, all together: the tokenizer is asked once or twice for all of them.

    Parameters
    ----------
    encoder : Encoder
    examples : sequence of Example

    Returns
    -------
    list of Assembly or None
        None where the copies of an example have to be tokenized.
    """
    layouts = [_layout(example) for example in examples]
    if encoder.local:
        remember(encoder, [field for one in layouts if one for field in one.fields])
    assemblies = [
        layout and _learnt(encoder, example, layout)
        for example, layout in zip(examples, layouts, strict=True)
    ]
    numbers = [number for number, one in enumerate(assemblies) if one]
    keeps = [_compared(encoder, examples[number]) for number in numbers]
    texts = [encoder.without(examples[number], keep) for number, keep in zip(numbers, keeps, strict=True)]
    parts = [(assemblies[number], keep) for number, keep in zip(numbers, keeps, strict=True)]
    if not parts:
        return assemblies
    expected = encoder.sequences(list(chain.from_iterable(texts)))
    if not _same(assembled(parts), expected):
        for number, part, own in zip(numbers, parts, expected.split(list(map(len, texts))), strict=True):
            if not _same(assembled([part]), own):
                assemblies[number] = None
    return assemblies


def _layout(example: Example) -> Layout | None:
    try:
        return Layout.of(example)
    except NotLocalError:
        return None


def _learnt(encoder: Encoder, example: Example, layout: Layout) -> Assembly | None:
    """Find the pieces of every state of every field."""
    try:
        pieces, kinds = (pieces_alone if encoder.local else pieces_in_place)(encoder, example, layout)
    except NotLocalError:
        return None
    counts, own = layout.counts, [number for number, words in enumerate(layout.words) if words]
    sizes = np.array(list(map(len, pieces)))
    columns = {"input_ids": np.array(list(chain.from_iterable(pieces)), dtype=np.int64)}
    if "token_type_ids" in encoder.inputs:
        columns["token_type_ids"] = np.repeat(np.repeat(kinds, counts), sizes)
    return Assembly(
        firsts=np.cumsum(counts) - counts,
        weights=1 << np.array([place for words in layout.words for place in range(len(words))]),
        starts=np.array([layout.words[number].start for number in own]),
        slots=np.array([layout.slots[number] for number in own]),
        sizes=sizes,
        columns=columns,
    )


def _compared(encoder: Encoder, example: Example) -> np.ndarray:
    """The copies by which it is found out whether an example can be put together.

    Random ones; where the tokenizer is not known to cut at blanks, also the whole, every word removed alone,
    and every neighbourhood of four words in every state.
    """
    words = len(example.words)
    rng = np.random.default_rng(seed_of("assembly", *example.texts))
    shares = rng.random((_LOCAL_RANDOM if encoder.local else _RANDOM, 1))
    drawn = rng.random((len(shares), words)) < shares
    drawn[:, rng.integers(words)] = False  # of a whole text nothing can be told
    if encoder.local:
        return drawn
    places = (np.arange(words) + np.arange(len(_WINDOWS))[:, None]) % len(_WINDOWS)
    return np.concatenate([drawn, np.ones((1, words), bool), ~np.eye(words, dtype=bool), _WINDOWS[places]])


def _same(one: Sequences, other: Sequences) -> bool:
    return np.array_equal(one.lengths, other.lengths) and all(
        np.array_equal(one.columns[name], other.columns[name]) for name in one.columns
    )
