"""The engine for processors: the one-pass graph on OpenVINO."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from linnaeus.engines import KERNELS_KEPT
from linnaeus.engines.base import Reading, Tokens
from linnaeus.engines.one_pass_graph import MASKED, build_graph
from linnaeus.errors import EngineError
from linnaeus.models.one_pass import OnePassConfig, read_stored

#: Lengths are padded to multiples of a step that grows with them, (up to length, step): OpenVINO prepares its kernels
#: for each new shape, which takes longer than to compute a small one.
PREMISE_STEPS = ((64, 8), (192, 16), (1 << 30, 32))
HYPOTHESIS_STEPS = ((16, 2), (32, 4), (1 << 30, 16))


class OpenVinoEngine:
    """Runs a one-pass model on the CPU.

    Args:
        folder: the model's files.
        config: the model's shape.
        precision: ``fp32``; ``bf16`` where the processor multiplies it; ``int8``, for which activations are rounded
            as they come, a scale per token; ``auto`` chooses.
        threads: cores to use, by default all of them.

    Raises:
        EngineError: the processor has no such precision.
        ModelError: the weights file is missing or damaged.
    """

    def __init__(self, folder: Path, config: OnePassConfig, *, precision: str, threads: int = 0) -> None:
        core = ov.Core()
        self._positions = config.positions
        self.precision = _choose_precision(core, precision)
        graph = build_graph(read_stored(folder, config), config, compressed=self.precision == "int8")
        options: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
            "CPU_RUNTIME_CACHE_CAPACITY": str(KERNELS_KEPT),
            "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(config.hidden_size if self.precision == "int8" else 0),
        }
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        self._request = core.compile_model(graph, "CPU", options).create_infer_request()

    @property
    def description(self) -> str:
        return f"OpenVINO on cpu in {self.precision}"

    def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        """See `Engine.logits`."""
        self._request.infer(_inputs(readings, self._positions))
        logits = self._request.get_output_tensor().data
        return [logits[row, : len(reading.hypotheses)].copy() for row, reading in enumerate(readings)]


def _choose_precision(core: ov.Core, precision: str) -> str:
    has_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if precision == "auto":
        return "bf16" if has_bf16 else "fp32"
    if precision == "bf16" and not has_bf16:
        raise EngineError("This processor does not multiply in bf16: choose the precision auto, fp32 or int8.")
    return precision


def _inputs(readings: Sequence[Reading], positions: int) -> dict[str, NDArray[Any]]:
    """Pad the readings to one shape."""
    premises, premise_mask = _pad([reading.premise for reading in readings], PREMISE_STEPS)
    most = max(len(reading.hypotheses) for reading in readings)
    hypotheses, hypothesis_mask = _pad(
        [hypothesis for reading in readings for hypothesis in _filled_up(reading.hypotheses, most)], HYPOTHESIS_STEPS
    )
    texts, length = len(readings), hypotheses.shape[1]
    starts = np.array([len(reading.premise) for reading in readings], np.int32)
    following = np.tile(np.arange(length, dtype=np.int32), most) + starts[:, None]
    return {
        "premises": premises,
        "premise_mask": premise_mask[:, None, None, :],
        "hypotheses": hypotheses.reshape(texts, most, length),
        "hypothesis_mask": hypothesis_mask.reshape(texts, 1, most, 1, length),
        "hypothesis_positions": np.minimum(following, positions - 1),
    }


def _filled_up(hypotheses: Sequence[Tokens], count: int) -> Iterator[Tokens]:
    return chain(hypotheses, repeat((), count - len(hypotheses)))


def _pad(rows: Sequence[Tokens], steps: Sequence[tuple[int, int]]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return [rows, length] token ids and mask, the length rounded up by `steps`."""
    longest = max(map(len, rows))
    step = next(step for limit, step in steps if longest <= limit)
    length = -(-longest // step) * step
    tokens = np.zeros((len(rows), length), np.int32)
    mask = np.full((len(rows), length), MASKED)
    for index, row in enumerate(rows):
        tokens[index, : len(row)] = row
        mask[index, : len(row)] = 0
    return tokens, mask
