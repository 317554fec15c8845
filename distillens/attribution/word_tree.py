"""The hierarchy of a text's words that SHAP shares values out over: shap's own, in one pass of updates.

shap's text masker (``shap.maskers._text.partition_tree``, Lundberg and Lee 2017) begins with single words and
joins, time and again, the two neighbours with the best score: pieces of one word first, then apostrophe
endings; across commas, ends of sentences and brackets last. A score depends on the two groups only, so a
join changes two of them; shap takes all anew.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distillens.data.text import Example

_GOES_ON = re.compile(r"\w[A-Za-z]")
_OPENER, _CLOSER = "(", ")"
_CONNECTORS, _ENDS = ("but", "and", "or"), (".", "?", "!")


def tree(example: Example) -> np.ndarray:
    """Shap's clustering of the words of each segment, the segments joined at the top.

    Returns
    -------
    ndarray, shape (leaves - 1, 4)
        As in ``scipy.cluster.hierarchy.linkage``; heights are relative sizes, as in
        shap's own text masker. Leaves are the words; in tokens also the two ends.

    Examples
    --------
    >>> tree(Example("a", "not bad at all"))[:, :2].astype(int).tolist()  # words are 0 to 3
    [[0, 1], [2, 3], [4, 5]]
    """
    segments = [_names(example, number) for number in (0, 1)]
    if example.units is not None:
        segments[0].insert(0, "")
        segments[len(example.texts) - 1].append("")
    first, second = (partition(names) if names else None for names in segments)
    links = first if second is None else second if first is None else _joined(first, second)
    links[:, 2] = links[:, 3] / (len(links) + 1)
    return links


def partition(names: Sequence[str]) -> np.ndarray:
    """Cluster the words of a segment.

    Parameters
    ----------
    names : sequence of str
        ``##`` before what goes on a word.

    Returns
    -------
    ndarray, shape (n - 1, 4)
        The two groups that are joined, minus their score plus 10, and their size together.

    Examples
    --------
    >>> partition(["good", ",", "but", "long"])[:, :2].astype(int).tolist()
    [[0, 1], [2, 3], [4, 5]]
    """
    groups = [_Group(number, number, number) for number in range(len(names))]
    # Brackets count as open until their other half is in the same group.
    balanced = [name not in (_OPENER, _CLOSER) for name in names]
    scores = [_score(names, balanced, *pair) for pair in zip(groups, groups[1:], strict=False)]
    links = np.zeros((len(names) - 1, 4))
    for row in range(len(links)):
        at = scores.index(max(scores))
        left, right = groups[at], groups[at + 1]
        links[row] = left.number, right.number, 10 - scores[at], right.last - left.first + 1
        groups[at : at + 2] = [_Group(len(names) + row, left.first, right.last)]
        if names[left.first] == _OPENER and names[right.last] == _CLOSER:
            balanced[left.first] = balanced[right.last] = True
        del scores[at]
        for pair in range(max(at - 1, 0), min(at + 1, len(scores))):
            scores[pair] = _score(names, balanced, groups[pair], groups[pair + 1])
    return links


@dataclass(frozen=True)
class _Group:
    """Neighbouring words, from the first to the last, and their number in the tree."""

    number: int
    first: int
    last: int


def _score(names: Sequence[str], balanced: Sequence[bool], one: _Group, other: _Group) -> int:
    """How early two neighbouring groups are joined; larger comes first."""
    first, end, begin, last = names[one.first], names[one.last], names[other.first], names[other.last]
    size = other.last - other.first + 1
    score = 20 * begin.startswith("##")
    score += 15 * (begin == "'" and (size == 1 or (size == 2 and last in ("t", "s"))))
    score += 15 * (end == "'" and begin in ("t", "s"))
    score -= 1000 * (_is_special(first) != _is_special(last))
    score -= 100 * (begin == _OPENER and not balanced[other.first])
    score -= 100 * (end == _CLOSER and not balanced[one.last])
    score -= 2 * (first == _OPENER)
    score -= 2 * (end in _CONNECTORS or begin in _CONNECTORS)
    score -= 10 * (end == ",") + (10 if size > 1 else 1) * (begin == ",")
    score -= 20 * (end in _ENDS) + (20 if size > 1 else 1) * (begin in _ENDS)
    return score - (one.last - one.first + 1) - size


def _is_special(name: str) -> bool:
    return name.startswith("[") and name.endswith("]")


def _names(example: Example, segment: int) -> list[str]:
    """What shap's clustering knows the words of a segment by: ``##`` where a word goes on."""
    text = example.texts[segment] if segment < len(example.texts) else ""
    names, end = [], -1
    for word in (word for word in example.words if word.segment == segment):
        goes_on = word.start == end and _GOES_ON.match(text, end - 1)
        names.append(f"##{word.text}" if goes_on else word.text)
        end = word.end
    return names


def _joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two trees under one root; leaves are numbered first, then inner nodes in order."""
    sizes = (len(first) + 1, len(second) + 1)
    leaves = sum(sizes)
    parts, roots = [], []
    for part, size, leaf, node in (
        (first, sizes[0], 0, leaves),
        (second, sizes[1], sizes[0], leaves + len(first)),
    ):
        part = part.copy()
        part[:, :2] = np.where(part[:, :2] < size, part[:, :2] + leaf, part[:, :2] - size + node)
        parts.append(part)
        roots.append(node + size - 2 if size > 1 else leaf)
    return np.vstack([*parts, [*roots, 0, leaves]])
