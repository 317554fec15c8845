"""What the folder of a finished classifier shows without loading it."""

import json
import math
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from distillens.config.audit import Model
from distillens.config.errors import ConfigError
from distillens.provenance import digest

_CLASSIFIER = "ForSequenceClassification"


def read(folder: str | Path) -> Model:
    """Read the names of a classifier's outputs, the number of its weights and their digest.

    Raises
    ------
    ConfigError
        If it is no folder of a text classifier.

    Examples
    --------
    >>> read("nowhere")
    Traceback (most recent call last):
        ...
    distillens.config.errors.ConfigError: nowhere: no such folder; give one that save_pretrained has written
    """
    place = Path(folder)
    if not place.is_dir():
        raise ConfigError(f"{folder}: no such folder; give one that save_pretrained has written")
    settings = _settings(place)
    weights = sorted([*place.glob("*.safetensors"), *place.glob("pytorch_model*.bin")])
    if not weights:
        raise ConfigError(f"{folder}: no model.safetensors in it; save the model with save_pretrained")
    return Model(str(folder), _outputs(settings), _parameters(weights), digest(*weights))


def _settings(place: Path) -> dict[str, Any]:
    path = place / "config.json"
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; give a folder that save_pretrained has written")
    try:
        settings = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path}: is not JSON ({error}); save the model again") from error
    kinds = settings.get("architectures") or []
    if kinds and not any(kind.endswith(_CLASSIFIER) for kind in kinds):
        raise ConfigError(
            f"{path}: {', '.join(kinds)} is no text classifier ({_CLASSIFIER}); name another model"
        )
    if settings.get("problem_type") == "multi_label_classification":
        raise ConfigError(f"{path}: gives several labels to one text; an audit is about one label for each")
    return settings


def _outputs(settings: dict[str, Any]) -> tuple[str, ...]:
    """The names of the outputs in order; transformers has two without any where none are said."""
    names = settings.get("id2label") or {"0": "LABEL_0", "1": "LABEL_1"}
    return tuple(str(names[number]) for number in sorted(names, key=int))


def _parameters(weights: list[Path]) -> int | None:
    total = 0
    for path in weights:
        if path.suffix != ".safetensors":
            return None
        try:
            with safe_open(path, framework="numpy") as file:
                total += sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
        except SafetensorError as error:
            raise ConfigError(f"{path}: cannot be read ({error}); save the model again") from error
    return total
