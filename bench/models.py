"""The model that is measured: its folder with a longer limit, and what a forward pass of it costs."""

import json
import shutil
from pathlib import Path

import numpy as np
from safetensors import safe_open

_PIECES = 160  # 70 words in up to two pieces each, and the special tokens
_NOT_ENCODER = ("embedding", "pooler", "classifier")


def widened(model: str | Path, folder: Path) -> Path:
    """The same weights with room for long texts.

    The quickstart's teacher was trained on 64 pieces, its encoder on 512: a text of 60
    words would be cut. All sides read this folder.

    Parameters
    ----------
    model : str or Path
        A finished model's folder.
    folder : Path
        Is made, with copies of the model's files; only the tokenizer's limit is another.
    """
    model = Path(model)
    positions = json.loads((model / "config.json").read_text("utf-8")).get("max_position_embeddings", 512)
    folder.mkdir(parents=True)
    for path in model.iterdir():
        if path.name != "tokenizer_config.json":
            shutil.copy(path, folder)  # a link would break where the model is trained anew meanwhile
    config = json.loads((model / "tokenizer_config.json").read_text("utf-8"))
    # Some models number their positions from behind that of padding.
    config["model_max_length"] = min(max(_PIECES, int(config["model_max_length"])), positions - 2)
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


class Cost:
    """Multiplications and additions by the matrices of an encoder, and by its attention.

    Parameters
    ----------
    folder : str or Path
        The model's.
    """

    def __init__(self, folder: str | Path) -> None:
        config = json.loads((Path(folder) / "config.json").read_text("utf-8"))
        self.layers = config.get("num_hidden_layers") or config["n_layers"]
        self.hidden = config.get("hidden_size") or config["dim"]
        with safe_open(Path(folder) / "model.safetensors", framework="numpy") as weights:
            shapes = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
        elements = (
            int(np.prod(shape))
            for name, shape in shapes.items()
            if len(shape) == 2 and not any(part in name for part in _NOT_ENCODER)
        )
        self.layer = sum(elements) // self.layers

    def spared(self, batch: dict[str, np.ndarray]) -> int:
        """FLOP that a first layer saves by projecting each token at each place once."""
        ids = batch["input_ids"]
        tokens = np.stack(
            [ids, batch.get("token_type_ids", 0 * ids), np.broadcast_to(np.arange(ids.shape[1]), ids.shape)]
        )
        distinct = np.unique(tokens.reshape(3, -1), axis=1).shape[1]
        return 2 * 3 * self.hidden**2 * (ids.size - distinct)

    def flop(self, texts: int, length: int, trimmed: bool = False, backward: bool = False) -> int:
        """FLOP of one batch, padding included.

        Parameters
        ----------
        texts, length : int
            Shape of the batch.
        trimmed : bool
            Whether the last layer has keys and values of all positions, and everything
            else of the first one only.
        backward : bool
            Of the gradient of the embeddings instead: one product a matrix, two in attention.
        """
        positions, attention = texts * length, (8 if backward else 4) * self.hidden * length
        whole = positions * (2 * self.layer + attention)
        if not trimmed:
            return self.layers * whole
        kept = 2 * self.hidden**2
        last = positions * 2 * kept + texts * (2 * (self.layer - kept) + attention)
        return (self.layers - 1) * whole + last
