"""Which device computes."""

from __future__ import annotations

from ctypes.util import find_library
from importlib.util import find_spec

from linnaeus.errors import EngineError


def uses_cuda(device: str) -> bool:
    """Say whether `device` (``auto``, ``cpu`` or ``cuda``) means a CUDA GPU here.

    Raises:
        EngineError: ``cuda`` was asked for, and PyTorch is not installed or finds no GPU.
    """
    if device == "cpu" or (device == "auto" and not (find_spec("torch") and find_library("cuda"))):
        return False
    if find_spec("torch") is None:
        raise EngineError("The device cuda needs PyTorch: pip install 'linnaeus[torch]', or choose the device cpu.")
    import torch

    found = torch.cuda.is_available()
    if device == "cuda" and not found:
        raise EngineError("PyTorch finds no CUDA device on this machine: choose the device auto or cpu.")
    return found
