"""A function of the user's own: texts in, an array of probabilities (or logits) out.

It is called with a list of texts, or of pairs (tuples of two texts), and returns an array with a row for each
and a column for each label, in the order of the task's labels (or as the model's ``labels`` say);
``predict_proba`` of a scikit-learn pipeline is such a function.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from distillens.models.answers import shown
from distillens.models.errors import ModelError
from distillens.provenance import digest

OPTIONS = {
    "name": {
        "type": "string",
        "pattern": r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$",
        "description": "As package.module:name; looked for in this folder, then in what is installed.",
    },
    "gives": {
        "enum": ["probabilities", "logits"],
        "default": "probabilities",
        "description": "What it returns; a regression's score is taken as it is.",
    },
    "files": {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "description": "Files and folders that its answers depend on, such as weights.",
    },
    "version": {
        "type": "string",
        "default": "",
        "description": "Any text that changes when the function's answers do, where no file shows it.",
    },
    "noisy": {
        "type": "boolean",
        "default": False,
        "description": "Whether it gives other answers each time; every explainer is then run twice, for R.",
    },
    "mask_token": {
        "type": ["string", "null"],
        "default": None,
        "description": "What it reads as a word that is hidden; null where it has no such token.",
    },
    "at_once": {"type": "integer", "minimum": 1, "default": 256, "description": "Most texts of one call."},
}
SHORT = "name"
KEPT = True
FREE = ("noisy",)
SAYS = "Instead of a checkpoint: a function of your own that is asked (needs allow_code)."
PATHS = ("files",)
CODE = True


class Function:
    """A Python function that answers; see `distillens.models.backends.Backend`."""

    labels, encoder = None, None

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._name, self._spec = spec["name"], spec
        self._function, module = _found(spec["name"])
        self._module = Path(module.__file__) if getattr(module, "__file__", None) else None
        self.gives, self.mask, self.at_once = spec["gives"], spec["mask_token"], spec["at_once"]

    def answers(self, texts: Sequence[tuple[str, ...]]) -> np.ndarray:
        """What the function returns."""
        given = [text[0] if len(text) == 1 else text for text in texts]
        try:
            return self._function(given)
        except Exception as error:
            raise ModelError(self._blamed(given, error)) from error

    def identity(self) -> dict[str, Any]:
        """Its name, the digest of its module and of the files that the config names, and versions."""
        files = [path for path in [self._module, *self._spec["files"]] if path is not None]
        return {
            "function": self._name,
            "version": self._spec["version"],
            "files_sha256": digest(*files) if files else "",
            "gives": self.gives,
            "versions": {"numpy": version("numpy")},
        }

    def _blamed(self, given: list[Any], error: Exception) -> str:
        """Say which text the function fails on, asking for each alone."""
        said = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        for text in given:
            try:
                self._function([text])
            except Exception as alone:
                said = f"{type(alone).__name__}: {str(alone).strip().partition(chr(10))[0]}"
                name = shown(text if isinstance(text, tuple) else (text,))
                return f"function {self._name} raises on the text {name}: {said}"
        return f"function {self._name} raises on {len(given)} texts together, on none alone: {said}"


def open(spec: Mapping[str, Any], labels: Sequence[str]) -> Function:
    r"""Import the function; nothing is asked.

    Raises
    ------
    ModelError
        If there is none of that name, it cannot be imported, or it is none.

    Examples
    --------
    >>> _ = Path("coin.py").write_text("def even(texts):\n    return [[0.5, 0.5] for text in texts]\n")
    >>> options = {"gives": "probabilities", "files": [], "version": "", "mask_token": None, "at_once": 8}
    >>> open({"name": "coin:even", **options}, ["bad", "good"]).answers([("A film",)])
    [[0.5, 0.5]]
    """
    return Function(spec)


def _found(name: str) -> tuple[Callable[[list[Any]], Any], Any]:
    module_name, _, attribute = name.partition(":")
    with _this_folder():
        try:
            module = target = importlib.import_module(module_name)
            for part in attribute.split("."):
                target = getattr(target, part)
        except Exception as error:
            raise ModelError(
                f"function {name}: cannot be loaded ({type(error).__name__}: {error}); it is looked for in "
                f"{Path.cwd()}, then among what is installed"
            ) from error
    if not callable(target):
        raise ModelError(f"function {name}: is a {type(target).__name__}, which cannot be called")
    return target, module


@contextmanager
def _this_folder() -> Iterator[None]:
    """Modules of the folder that the study runs in come first."""
    sys.path.insert(0, os.getcwd())
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(os.getcwd())
