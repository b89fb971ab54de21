"""The engine on PyTorch: for NVIDIA GPUs. It needs the ``torch`` extra."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from linnaeus.engines.base import Reading
from linnaeus.engines.one_pass_module import OnePassModule
from linnaeus.engines.packing import pack
from linnaeus.errors import EngineError

DTYPES = {"auto": torch.bfloat16, "bf16": torch.bfloat16, "fp32": torch.float32}


class TorchEngine:
    """Runs a one-pass model with PyTorch.

    Args:
        folder: the model's files.
        device: a device of PyTorch's, such as ``cuda`` or ``cpu``.
        precision: ``fp32`` or ``bf16``; ``auto`` is bf16.

    Raises:
        EngineError: the precision is int8.
        ModelError: the weights file is missing or damaged.
    """

    def __init__(self, folder: Path, *, device: str, precision: str) -> None:
        if precision not in DTYPES:
            raise EngineError(f"PyTorch does not run this model in {precision}: choose the precision fp32 or bf16.")
        self._device = device
        self._precision = "bf16" if DTYPES[precision] is torch.bfloat16 else "fp32"
        self._module = OnePassModule.read(folder).eval().to(device, DTYPES[precision])

    @property
    def description(self) -> str:
        return f"PyTorch on {self._device} in {self._precision}"

    @property
    def weight_bytes(self) -> int:
        """See `Engine.weight_bytes`."""
        return sum(weight.nbytes for weight in self._module.parameters())

    @torch.inference_mode()
    def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        """See `Engine.logits`."""
        logits = self._module(*pack(readings).to(self._device)).float().cpu().numpy()
        return [logits[row, : len(reading.hypotheses)] for row, reading in enumerate(readings)]
