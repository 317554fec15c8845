"""Adapters (LoRA and its like) beside a checkpoint, or instead of one."""

import json
from pathlib import Path

_ADAPTERS = ("adapter_config.json", "adapter_model.*", "pytorch_adapter.bin")


def adapter_of(folder: Path) -> str | None:
    """Why a folder with an adapter (LoRA and its like) cannot be taken, and what to do; None without one.

    Examples
    --------
    >>> Path("tuned").mkdir()
    >>> _ = Path("tuned/adapter_config.json").write_text('{"peft_type": "LORA"}')
    >>> print(adapter_of(Path("tuned")))
    tuned: holds an adapter (adapter_config.json, LORA), which would be left out; name it ...
    """
    files = sorted(path.name for pattern in _ADAPTERS for path in folder.glob(pattern))
    if not files:
        return None
    try:
        settings = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    except (OSError, ValueError):
        settings = {}
    said = [files[0], *filter(None, [settings.get("peft_type")])]
    if settings.get("base_model_name_or_path"):
        said.append(f"for {settings['base_model_name_or_path']}")
    return (
        f"{folder}: holds an adapter ({', '.join(map(str, said))}), which would be left out; name "
        "it as adapter: FOLDER, and its base as the checkpoint, in a folder without it"
    )
