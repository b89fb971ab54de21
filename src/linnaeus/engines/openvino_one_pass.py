"""The one-pass model on a processor: the engine of what is bundled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linnaeus.engines.base import Reading, Tokens
from linnaeus.engines.graphs.one_pass import build_graph
from linnaeus.engines.openvino_runtime import choose_precision, compile_graph
from linnaeus.engines.padding import LENGTH_STEPS, MASKED, Steps, padded
from linnaeus.models.one_pass import OnePassConfig, read_stored

#: Hypotheses are short, so that rounding them up costs more: see `LENGTH_STEPS`.
HYPOTHESIS_STEPS = ((16, 2), (32, 4), (1 << 30, 16))


class OpenVinoEngine:
    """Runs a one-pass model on the CPU.

    Args:
        folder: the model's files.
        config: the model's shape.
        precision: ``fp32``; ``bf16`` where the processor multiplies it; ``int8``, for which activations are rounded
            as they come, a scale per token; ``auto`` chooses.
        chosen: what ``auto`` means, if that is settled: see `choose_precision`.
        threads: cores to use, by default all of them.

    Raises:
        EngineError: the processor has no such precision.
        ModelError: the weights file is missing or damaged.
    """

    def __init__(
        self, folder: Path, config: OnePassConfig, *, precision: str, chosen: str | None = None, threads: int = 0
    ) -> None:
        self.precision = choose_precision(precision, chosen)
        self._positions = config.positions
        graph = build_graph(read_stored(folder, config), config, compressed=self.precision == "int8")
        compiled = compile_graph(graph, precision=self.precision, group=config.hidden_size, threads=threads)
        self.weight_bytes = compiled.weight_bytes
        self._request = compiled.model.create_infer_request()

    @property
    def description(self) -> str:
        return f"OpenVINO on cpu in {self.precision}"

    def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        """See `Engine.logits`."""
        self._request.infer(_inputs(readings, self._positions))
        logits = self._request.get_output_tensor().data
        return [logits[row, : len(reading.hypotheses)].copy() for row, reading in enumerate(readings)]


def _inputs(readings: Sequence[Reading], positions: int) -> dict[str, NDArray[Any]]:
    """Pad the readings to one shape."""
    premises, premise_mask = _pad([reading.premise for reading in readings], LENGTH_STEPS)
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


def _pad(rows: Sequence[Tokens], steps: Steps) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return [rows, length] token ids and mask, the length rounded up by `steps`."""
    tokens = padded(rows, steps)
    lengths = np.array([len(row) for row in rows])
    return tokens, np.where(np.arange(tokens.shape[1]) < lengths[:, None], np.float32(0), MASKED)
