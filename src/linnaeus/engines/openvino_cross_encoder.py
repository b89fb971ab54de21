"""An NLI checkpoint on a processor: every pair of text and hypothesis is a row of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from linnaeus.engines.base import Reading
from linnaeus.engines.converted import converted
from linnaeus.engines.kept import chosen_precision
from linnaeus.engines.openvino_runtime import choose_precision
from linnaeus.engines.pairs import by_reading, pair_arrays, pairs_of
from linnaeus.models.checkpoint import Checkpoint
from linnaeus.models.pairs import PairFormat


class OpenVinoCrossEncoder:
    """Runs an NLI checkpoint on the CPU.

    Args:
        checkpoint: what to run.
        pair_format: how text and hypothesis are put together.
        precision: ``fp32``; ``bf16`` where the processor multiplies it; ``int8``, for which activations are rounded
            as they come, a scale per token; ``auto`` chooses.
        threads: cores to use, by default all of them.

    Raises:
        EngineError: the processor or the checkpoint's kind of weights has no such precision.
        ModelError: the weights are missing or damaged, or their architecture is not supported.
    """

    def __init__(self, checkpoint: Checkpoint, pair_format: PairFormat, *, precision: str, threads: int = 0) -> None:
        self.precision = choose_precision(precision, chosen_precision(checkpoint.revision))
        self._format = pair_format
        self._padding = checkpoint.padding
        compiled = converted(checkpoint, self.precision, threads=threads)
        self._asked = {port.any_name: port.element_type.to_dtype() for port in compiled.model.inputs}
        self.weight_bytes = compiled.weight_bytes
        self._request = compiled.model.create_infer_request()
        # OpenVINO packs the weights in its first call: seconds that no request should wait.
        self.logits([Reading((), [()])])

    @property
    def description(self) -> str:
        return f"OpenVINO on cpu in {self.precision}"

    def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        """See `Engine.logits`."""
        arrays = pair_arrays(pairs_of(readings), self._format, self._padding, self._asked)
        self._request.infer({name: array.astype(self._asked[name], copy=False) for name, array in arrays.items()})
        return by_reading(self._request.get_output_tensor().data.copy(), readings)
