"""Which model it is that one can only ask: its name, its version, and what it says to a few fixed texts.

Asked together and one by one when it is met for the first time, it shows whether it answers the same
twice. Asked again by every job that pays for new answers, it shows whether it is still the same model.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from distillens.metrics.reliability import REPEATABLE
from distillens.models.errors import ModelError
from distillens.provenance import fingerprint

Ask = Callable[[Sequence[tuple[str, ...]]], np.ndarray]

FIXED = (
    "A gorgeous, witty and seductive film.",
    "The delivery came two weeks late, and nobody answered my letters.",
    "Prices rose by 3 % in March.",
    "It is not that I did not like it.",
)
"""The fixed texts; of a pair, the second is the next one."""

_CHANGED, _TIMES = 1e-4, 4


@dataclass(frozen=True)
class Identity:
    """What is known of a model that is only asked.

    Attributes
    ----------
    name : str
        As the config calls it.
    definition : mapping
        How it is asked, its version included; JSON types, nothing secret. What leaves answers as they are
        (a rate, a limit of calls) does not belong here.
    answers : list, shape (texts, outputs)
        Its probabilities for the fixed texts, the mean of all askings.
    noise : float
        The largest difference between two askings.
    alike : bool
        Whether it answers a text alone as it does among others.
    """

    name: str
    definition: Mapping[str, Any]
    answers: list[list[float]]
    noise: float
    alike: bool = True

    @property
    def repeatable(self) -> bool:
        """Whether it answered the same twice."""
        return self.noise <= REPEATABLE


def folder_of(root: str | Path, name: str, definition: Mapping[str, Any]) -> Path:
    """Where the answers of a model are kept: another version, or another way to ask, has its own.

    Examples
    --------
    >>> folder_of("answers", "llm", {"url": "http://localhost", "version": "1"}).as_posix()
    'answers/llm-88b0fcef053c'
    """
    return Path(root, f"{name}-{fingerprint(definition)[:12]}")


def meet(
    folder: Path,
    name: str,
    definition: Mapping[str, Any],
    ask: Ask,
    pairs: bool,
    known: Identity | None = None,
) -> Identity:
    """The identity of a model, read from its folder, or made by asking it the fixed texts.

    Parameters
    ----------
    folder : Path
        See `folder_of`.
    name, definition
        See `Identity`.
    ask : callable
        Texts to probabilities, shape (texts, outputs).
    pairs : bool
        Whether it takes two segments.
    known : Identity, optional
        Where it has been met before, though its folder may be gone.

    Raises
    ------
    ModelError
        If answers come in another order than texts.

    Examples
    --------
    >>> met = meet(Path("llm"), "llm", {}, lambda texts: np.full((len(texts), 2), 0.5), pairs=False)
    >>> met.noise, met.repeatable
    (0.0, True)
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "identity.json"
    with FileLock(folder / "identity.lock"):
        if not file.is_file():
            if known is None:
                answers, noise, alike = _tried(ask, fixed_texts(pairs), name)
                known = Identity(name, definition, answers.tolist(), noise, alike)
            draft = file.with_name(".identity.draft")
            draft.write_text(json.dumps(vars(known), indent=1, sort_keys=True) + "\n", "utf-8")
            os.replace(draft, file)
    try:
        return Identity(**json.loads(file.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise ModelError(f"{file}: no identity of a model ({error}); remove it, and run again") from error


def check_unchanged(identity: Identity, ask: Ask, pairs: bool, folder: Path) -> None:
    """Ask the fixed texts once more, and refuse a model that has become another.

    Raises
    ------
    ModelError
        If a probability differs by more than 1e-4, and more than four times the model's noise.

    Examples
    --------
    >>> identity = Identity("llm", {}, [[0.5, 0.5]] * len(FIXED), 0.0)
    >>> other = lambda texts: np.full((len(texts), 2), [0.25, 0.75])
    >>> check_unchanged(identity, other, False, Path("answers/llm-1"))
    Traceback (most recent call last):
        ...
    distillens.models.errors.ModelError: models.llm: is another model than its kept answers come from: ...
    """
    texts = fixed_texts(pairs)
    now, before = ask(texts), np.array(identity.answers)
    if now.shape != before.shape:
        raise ModelError(
            f"models.{identity.name}: gave {before.shape[1]} outputs, and gives {now.shape[1]} now; "
            "give it another version"
        )
    difference = np.abs(now - before).max(-1)
    worst = int(difference.argmax())
    if difference[worst] > max(_CHANGED, _TIMES * identity.noise):
        raise ModelError(
            f"models.{identity.name}: is another model than its kept answers come from: for "
            f"{texts[worst][0]!r} it gave {_numbers(before[worst])} and gives {_numbers(now[worst])} now; "
            f"give it another version, so that all is asked anew (the old answers stay in {folder})"
        )


def fixed_texts(pairs: bool) -> list[tuple[str, ...]]:
    """The fixed texts, as segments.

    Examples
    --------
    >>> len(fixed_texts(False)), len(fixed_texts(True)[-1])
    (4, 2)
    """
    return [(text, FIXED[(n + 1) % len(FIXED)]) if pairs else (text,) for n, text in enumerate(FIXED)]


def _tried(ask: Ask, texts: list[tuple[str, ...]], name: str) -> tuple[np.ndarray, float, bool]:
    """Answers, their noise, and whether they are those to each text alone.

    Texts are asked together and each alone; twice where these are unlike, for noise looks the same.
    """
    together, alone = [ask(texts)], [_alone(ask, texts)]
    if _apart(together + alone) > REPEATABLE:
        _check_order(together[0], alone[0], name)
        together.append(ask(texts))
        alone.append(_alone(ask, texts))
        noise = max(_apart(together), _apart(alone))
        if noise <= REPEATABLE:
            return np.mean(alone, axis=0), noise, False
    return np.mean(together + alone, axis=0), _apart(together + alone), True


def _alone(ask: Ask, texts: list[tuple[str, ...]]) -> np.ndarray:
    return np.concatenate([ask([text]) for text in texts])


def _apart(rounds: list[np.ndarray]) -> float:
    return float(np.ptp(np.array(rounds), axis=0).max())


def _check_order(together: np.ndarray, alone: np.ndarray, name: str) -> None:
    """Refuse the same rows in another order; unlike ones are noise."""
    first, second = (rows[np.lexsort(rows.T)] for rows in (together, alone))
    if np.abs(first - second).max() <= REPEATABLE:
        raise ModelError(
            f"models.{name}: answers several texts in another order than they are asked; mend it, or ask one "
            "text at a time (batch: 1)"
        )


def _numbers(row: np.ndarray) -> str:
    return "[" + ", ".join(f"{value:.4g}" for value in row) + "]"
