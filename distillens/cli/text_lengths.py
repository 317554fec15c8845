"""Texts beyond a model's longest input: how many there are, and what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from distillens.data.text import Example
from distillens.models.tokenizer import ENDLESS, Encoder
from distillens.models.windows import Windows

_MOST = 1000  # texts of the test split that are looked at


@dataclass
class Lengths:
    """How long the texts of a task are.

    Attributes
    ----------
    units : list of int
        Units of each text that is explained.
    explained : dict of str to list of int
        By model, the windows of each of them.
    tested : dict of str to float
        By model, windows of a text of the test split, on average.
    """

    units: list[int] = field(default_factory=list)
    explained: dict[str, list[int]] = field(default_factory=dict)
    tested: dict[str, float] = field(default_factory=dict)


def measure(
    model: str,
    task: str,
    encoder: Encoder,
    settings: Mapping[str, Any] | None,
    texts: tuple[Sequence[Example], Sequence[Example]],
    lengths: Lengths,
) -> str:
    """Count the windows of a model, and say what becomes of texts that it does not see whole.

    Parameters
    ----------
    model, task : str
    encoder : Encoder
        The model's.
    settings : mapping or None
        The study's ``windows``.
    texts : tuple
        Those of the test split, and those that are explained.
    lengths : Lengths
        Takes what is counted; nothing where texts are cut off.

    Returns
    -------
    str
        Nothing where every text fits.

    Raises
    ------
    ModelError
        If windows would have nothing but their overlap.

    Examples
    --------
    >>> from types import SimpleNamespace as Fake
    >>> measure("big", "films", Fake(max_length=ENDLESS), None, ([], []), Lengths())  # it sees any text
    ''
    """
    if encoder.max_length >= ENDLESS:
        return ""
    # Without an overlap there is always something new.
    windows = Windows(encoder, settings["overlap"] if settings else 0, f"models.{model}")
    tested, explained = texts
    counts = [
        [len(own) for own in windows.parts([one.texts for one in some])]
        for some in (tested[:_MOST], explained)
    ]
    if settings:
        lengths.explained[model] = counts[1]
        lengths.tested[model] = sum(counts[0]) / max(len(counts[0]), 1)
    long = [sum(count > 1 for count in some) for some in counts]
    if not any(long):
        return ""
    first = f"the first {len(counts[0]):,}" if len(tested) > _MOST else f"{len(counts[0]):,}"
    said = (
        f"models.{model}: {long[0]:,} of {first} texts of {task}, and {long[1]:,} of the {len(counts[1]):,} "
        f"that are explained, are longer than {encoder.max_length} pieces: "
    )
    if not settings:
        return f"{said}the rest is cut off; windows would read it, or a larger max_length"
    beyond = [count for some in counts for count in some if count > 1]
    return f"{said}each is read in {sum(beyond) / len(beyond):.1f} windows on average"
