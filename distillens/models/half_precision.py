"""Says so where bfloat16 will be slow: on a processor that has no instructions for it."""

import logging

import torch

_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")
"""Names of `torch.cpu.get_capabilities`: two of x86, two of ARM."""


def warn_if_slow(device: torch.device) -> None:
    """Warn in the log if bfloat16 is computed without instructions for it there.

    Examples
    --------
    >>> warn_if_slow(torch.device("cuda"))  # nothing to say
    """
    if device.type != "cpu" or any(torch.cpu.get_capabilities().get(name) for name in _INSTRUCTIONS):
        return
    logging.getLogger("distillens").warning(
        "bfloat16: this processor has no instructions for it, so it can be ten times as slow as float32; "
        "leave out what asks for it (precision: bfloat16, compress: half), or use a GPU"
    )
