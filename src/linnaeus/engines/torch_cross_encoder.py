"""An NLI checkpoint on PyTorch: transformers' own module, for NVIDIA GPUs. It needs the ``torch`` extra."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification

from linnaeus.engines.base import Reading, Tokens
from linnaeus.engines.pairs import by_reading, pair_arrays, pairs_of
from linnaeus.engines.torch_one_pass import DTYPES
from linnaeus.errors import EngineError, ModelError
from linnaeus.models.checkpoint import Checkpoint
from linnaeus.models.pairs import PairFormat


class TorchCrossEncoder:
    """Runs an NLI checkpoint with PyTorch.

    Args:
        checkpoint: what to run.
        pair_format: how text and hypothesis are put together.
        device: a device of PyTorch's, such as ``cuda`` or ``cpu``.
        precision: ``fp32`` or ``bf16``; ``auto`` is bf16.

    Raises:
        EngineError: the precision is int8.
        ModelError: the weights are missing or damaged.
    """

    def __init__(self, checkpoint: Checkpoint, pair_format: PairFormat, *, device: str, precision: str) -> None:
        if precision not in DTYPES:
            raise EngineError(f"PyTorch does not run this model in {precision}: choose the precision fp32 or bf16.")
        try:
            module = AutoModelForSequenceClassification.from_pretrained(checkpoint.folder, dtype=DTYPES[precision])
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(f"{checkpoint.folder} cannot be loaded: {error}") from error
        self._module = module.eval().to(device)
        self._asked = set(signature(module.forward).parameters) - {"position_ids"}
        self._format = pair_format
        self._padding = checkpoint.padding
        self._end = checkpoint.config.get("eos_token_id") if checkpoint.model_type == "bart" else None
        self._device = device
        self._precision = "bf16" if DTYPES[precision] is torch.bfloat16 else "fp32"

    @property
    def description(self) -> str:
        return f"PyTorch on {self._device} in {self._precision}"

    @property
    def weight_bytes(self) -> int:
        """See `Engine.weight_bytes`."""
        return sum(weight.nbytes for weight in self._module.parameters())

    def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        """See `Engine.logits`."""
        pairs = pairs_of(readings)
        # BART's head finds its token by the ends of sequence, of which all rows must have as many.
        ends = [premise.count(self._end) + hypothesis.count(self._end) for premise, hypothesis in pairs]
        found: dict[int, NDArray[np.float32]] = {}
        for count in set(ends):
            rows = [row for row, end in enumerate(ends) if end == count]
            found |= zip(rows, self._compute([pairs[row] for row in rows]), strict=True)
        return by_reading(np.stack([found[row] for row in range(len(pairs))]), readings)

    @torch.inference_mode()
    def _compute(self, pairs: Sequence[tuple[Tokens, Tokens]]) -> NDArray[np.float32]:
        arrays = pair_arrays(pairs, self._format, self._padding, self._asked)
        given = {name: torch.from_numpy(array.astype(np.int64)).to(self._device) for name, array in arrays.items()}
        logits: NDArray[np.float32] = self._module(**given).logits.float().cpu().numpy()
        return logits
