"""What runs a finished model's forward pass; each is imported only when it is chosen."""

import ctypes
import math
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np

from distillens.provenance import versions

_LONG = 64  # pieces; from here on torch's own choice of attention is the faster one
_MOST_WORKERS = 8  # more than any model that was measured could use


def choose(device: str, backend: str, precision: str) -> str:
    """The backend for ``auto``: torch on a GPU or for less than full precision, else ONNX Runtime.

    Parameters
    ----------
    device, backend, precision : str
        As in a study's config.

    Returns
    -------
    str
        ``torch`` or ``onnxruntime``; what is asked for, where that is not ``auto``.

    Examples
    --------
    >>> choose("cpu", "auto", "float32"), choose("cpu", "auto", "bfloat16")
    ('onnxruntime', 'torch')
    """
    if backend != "auto":
        return backend
    wants_torch = precision != "float32" or device == "cuda" or (device == "auto" and sees_a_gpu())
    return "torch" if wants_torch else "onnxruntime"


def sees_a_gpu() -> bool:
    """Whether CUDA has a device; asked of the driver, since torch takes seconds to import.

    Examples
    --------
    >>> sees_a_gpu() in (True, False)
    True
    """
    try:
        driver, count = ctypes.CDLL("libcuda.so.1"), ctypes.c_int()
    except OSError:
        return False
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def _threads() -> int:
    """Threads that a job may use: what OpenMP is told (Snakemake tells it), else all cores."""
    setting = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if setting.isdecimal() and int(setting):
        return int(setting)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    lanes : int
        Batches that run side by side.
    workers : int
        Processes that it takes to prepare batches as fast as it computes them
        (`distillens.models.workers`).
    speed : float
        About how many FLOP it does in a second; only the order of magnitude matters.
    multiple : int
        Batches are padded to a length that this divides: few lengths, and those that the device is fast at.
    trimmed : bool
        Whether the last layer computes the first position only (`distillens.models.last_layer`).
    shared : bool
        Whether the first layer projects each token at each place once (`distillens.models.first_layer`).
    """

    inputs: set[str]
    out_of_memory: type[BaseException]
    tokens: int
    at_once: int
    lanes: int
    workers: int
    speed: float
    multiple: int
    trimmed: bool
    shared: bool

    def forward(self, batch: dict[str, np.ndarray]) -> np.ndarray:
        """Logits of a padded batch, shape (texts, outputs)."""
        ...

    def room(self, batch: dict[str, np.ndarray]) -> float:
        """How many times such a batch the memory holds; infinite where the system sees to that."""
        ...

    def provenance(self) -> dict[str, Any]:
        """What it is, where it runs and in what precision."""
        ...


class OnnxBackend:
    """ONNX Runtime on the CPU: starts in a fraction of a second, where importing torch takes several.

    Each thread works on a batch of its own: that is faster than all threads on one (up to
    a quarter on two cores), most of all where batches are small.
    """

    out_of_memory = MemoryError
    # Measured on CPU cores: 512 to 8192 tokens differ by 12 %, 1024 is fastest.
    tokens, at_once, speed = 1024, 16, 1e11
    workers = 1  # the forward pass is 96 % of the time
    multiple = 1

    def __init__(self, folder: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.lanes = _threads()
        self._session = onnxruntime.InferenceSession(
            folder / "model.onnx", options, providers=["CPUExecutionProvider"]
        )
        self.inputs = {one.name for one in self._session.get_inputs()}
        spared = self._session.get_modelmeta().custom_metadata_map
        self.trimmed, self.shared = (spared.get(name) == "True" for name in ("trimmed", "shared"))

    def forward(self, batch: dict[str, np.ndarray]) -> np.ndarray:
        """Logits of a padded batch, shape (texts, outputs)."""
        return self._session.run(None, batch)[0]

    def room(self, batch: dict[str, np.ndarray]) -> float:
        """How many times such a batch the memory holds."""
        return math.inf

    def provenance(self) -> dict[str, Any]:
        """What it is, where it runs and in what precision."""
        return {
            "backend": "onnxruntime",
            "device": "cpu",
            "precision": "float32",
            "versions": versions("onnxruntime", "tokenizers"),
        }


class TorchBackend:
    """torch on the CPU or a GPU; the only one with gradients and with less than full precision.

    Parameters
    ----------
    folder : Path
        The model's folder.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    precision : str
        ``float32``, ``tf32`` (a GPU only) or ``bfloat16``.
    whole : bool
        Compute every position of every layer, and let attention weights be read.
    change : callable, optional
        Changes the model, in place, once it is loaded.

    Raises
    ------
    ModelError
        If ``tf32`` is asked for where there is no GPU.
    """

    workers = multiple = 1

    def __init__(
        self,
        folder: Path,
        device: str,
        precision: str = "float32",
        *,
        whole: bool = False,
        change: Callable[[Any], None] | None = None,
    ) -> None:
        import torch

        from distillens.models import classifier
        from distillens.models.half_precision import warn_if_slow

        self.shared = False  # it would make a GPU wait
        self._launching = Lock()  # a trimmed layer holds its batch while it runs
        self._torch = torch
        self.device, self.precision = classifier.pick_device(device), precision
        if precision == "tf32" and self.device.type != "cuda":
            raise classifier.ModelError("precision: tf32 is a GPU's, and there is none; set float32")
        if precision == "bfloat16":
            warn_if_slow(self.device)
        settings = {"attn_implementation": "eager"} if whole else {}
        model = classifier.load_classifier(folder, **settings).eval().requires_grad_(False)
        if change is not None:
            change(model)
        self.inputs = classifier.accepted_inputs(model)
        self.trimmed = not whole and classifier.trim(model, folder)
        self.model = model.to(self.device, torch.bfloat16 if precision == "bfloat16" else torch.float32)
        self.out_of_memory = torch.cuda.OutOfMemoryError
        # On a CPU torch spreads a batch over the cores itself. On a GPU the next batch is filled, copied and
        # launched while one waits for the last.
        self.lanes = 2 if self.device.type == "cuda" else 1
        if self.device.type == "cuda":
            # Tensor cores take their operands in blocks of eight.
            self.tokens, self.at_once, self.speed, self.multiple = 65536, 128, 3e13, 8
            self.workers = min(_threads(), _MOST_WORKERS)
        else:
            self.tokens, self.at_once, self.speed = OnnxBackend.tokens, OnnxBackend.at_once, OnnxBackend.speed

    def forward(self, batch: dict[str, np.ndarray]) -> np.ndarray:
        """Logits of a padded batch, shape (texts, outputs)."""
        with self._torch.inference_mode():
            inputs = self.tensors(batch)
            with self._launching, self._attention(batch["input_ids"].shape[1]):
                logits = self.model(**inputs).logits.float()
            return logits.cpu().numpy()

    def _attention(self, length: int) -> AbstractContextManager[None]:
        """The kernel for texts of a length: torch's own choice is a slow one for short texts."""
        if self.device.type != "cuda" or length >= _LONG:
            return nullcontext()
        from torch.nn.attention import SDPBackend, sdpa_kernel

        return sdpa_kernel([SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH])

    def tensors(self, batch: dict[str, np.ndarray]) -> dict[str, Any]:
        """A batch on the model's device; to a GPU it is copied while other batches are computed."""
        # Torch's setting is the process's, not the model's: whoever computes next sets it.
        self._torch.set_float32_matmul_precision("high" if self.precision == "tf32" else "highest")
        inputs = {name: self._torch.from_numpy(values) for name, values in batch.items()}
        if self.device.type == "cuda":
            inputs = {name: values.pin_memory() for name, values in inputs.items()}
        return {name: values.to(self.device, non_blocking=True) for name, values in inputs.items()}

    def room(self, batch: dict[str, np.ndarray]) -> float:
        """How many times such a batch the memory holds, by what one takes and what is free."""
        if self.device.type != "cuda":
            return math.inf
        memory = self._torch.cuda
        memory.reset_peak_memory_stats()
        before = memory.memory_allocated()
        self.forward(batch)
        return memory.mem_get_info()[0] / max(memory.max_memory_allocated() - before, 1)

    def provenance(self) -> dict[str, Any]:
        """What it is, where it runs and in what precision."""
        return {
            "backend": "torch",
            "device": self.device.type,
            "precision": self.precision,
            "versions": versions("torch", "transformers", "tokenizers"),
        }
