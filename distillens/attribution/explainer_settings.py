"""An explainer's block of the config, taken apart: what is the method's own, and what all explainers have."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

from distillens import registry


class ExplainerSettings(NamedTuple):
    """What a block of ``explainers`` says.

    Attributes
    ----------
    method : module
        The explainer (`distillens.attribution.explainers`).
    options : dict
        The method's own.
    in_tokens : bool
        Whether the tokenizer's pieces get values, not words.
    most : int or None
        Texts that it explains at most, the first of those that are chosen.
    common_masks : bool
        Whether all models share what it draws.

    Examples
    --------
    >>> own = ExplainerSettings.of({"method": "lime", "unit": "word", "examples": 60, "samples": 500})
    >>> own.method.__name__, own.options, own.in_tokens, own.most, own.common_masks
    ('distillens.attribution.explainers.lime', {'samples': 500}, False, 60, False)
    """

    method: ModuleType
    options: dict[str, Any]
    in_tokens: bool
    most: int | None
    common_masks: bool

    @classmethod
    def of(cls, block: Mapping[str, Any]) -> "ExplainerSettings":
        """Those of a block with its defaults filled in."""
        own = dict(block)
        method = registry.load("explainer", own.pop("method"))
        in_tokens, most = own.pop("unit", "word") == "token", own.pop("examples", None)
        common_masks = own.pop("common_masks", False)
        return cls(method, own, in_tokens, most, common_masks)


def decisive(block: Mapping[str, Any]) -> dict[str, Any]:
    """A block without what does not change a text's values: how many texts there are.

    Examples
    --------
    >>> decisive({"method": "occlusion", "unit": "word", "examples": 300})
    {'method': 'occlusion', 'unit': 'word'}
    """
    return {key: value for key, value in block.items() if key != "examples"}
