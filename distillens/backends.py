"""What runs a finished model's forward pass; each is imported only when it is chosen."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from distillens.provenance import versions


class Backend(Protocol):
    """A forward pass.

    Attributes
    ----------
    inputs : set of str
        Names of the inputs that the model takes.
    out_of_memory : type
        What `forward` raises when a batch does not fit.
    tokens, at_once : int
        Tokens per batch (padding included) and sentences per explainer that keep it busy.
    """

    inputs: set[str]
    out_of_memory: type[BaseException]
    tokens: int
    at_once: int

    def forward(self, batch: dict[str, np.ndarray]) -> np.ndarray:
        """Logits of a padded batch, shape (texts, outputs)."""
        ...

    def provenance(self) -> dict[str, Any]:
        """What it is, where it runs and in what precision."""
        ...


class OnnxBackend:
    """ONNX Runtime on the CPU: starts in a fraction of a second, where importing torch takes several."""

    out_of_memory = MemoryError
    # Measured on one CPU core: 512 to 8192 tokens differ by 12 %, 1024 is fastest.
    tokens, at_once = 1024, 16

    def __init__(self, folder: Path) -> None:
        import os

        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", 0))
        self._session = onnxruntime.InferenceSession(
            folder / "model.onnx", options, providers=["CPUExecutionProvider"]
        )
        self.inputs = {one.name for one in self._session.get_inputs()}

    def forward(self, batch: dict[str, np.ndarray]) -> np.ndarray:
        """Logits of a padded batch, shape (texts, outputs)."""
        return self._session.run(None, batch)[0]

    def provenance(self) -> dict[str, Any]:
        """What it is, where it runs and in what precision."""
        return {
            "backend": "onnxruntime",
            "device": "cpu",
            "precision": "float32",
            "versions": versions("onnxruntime", "tokenizers"),
        }


class TorchBackend:
    """torch on the CPU or a GPU; the only one with gradients."""

    def __init__(self, folder: Path, device: str) -> None:
        import torch

        from distillens import modeling

        self._torch = torch
        self.device = modeling.pick_device(device)
        self.model = modeling.load_classifier(folder).to(self.device).eval().requires_grad_(False)
        self.inputs = modeling.accepted_inputs(self.model)
        self.out_of_memory = torch.cuda.OutOfMemoryError
        gpu = self.device.type == "cuda"
        self.tokens, self.at_once = (65536, 128) if gpu else (OnnxBackend.tokens, OnnxBackend.at_once)

    def forward(self, batch: dict[str, np.ndarray]) -> np.ndarray:
        """Logits of a padded batch, shape (texts, outputs)."""
        with self._torch.inference_mode():
            return self.model(**self.tensors(batch)).logits.float().cpu().numpy()

    def tensors(self, batch: dict[str, np.ndarray]) -> dict[str, Any]:
        """A batch on the model's device."""
        return {name: self._torch.from_numpy(values).to(self.device) for name, values in batch.items()}

    def provenance(self) -> dict[str, Any]:
        """What it is, where it runs and in what precision."""
        return {
            "backend": "torch",
            "device": self.device.type,
            "precision": str(self.model.dtype).removeprefix("torch."),
            "versions": versions("torch", "transformers", "tokenizers"),
        }
