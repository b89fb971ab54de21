"""What the engines on OpenVINO share: the choice of a precision, and compiling."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import openvino as ov

from linnaeus.engines import KERNELS_KEPT
from linnaeus.errors import EngineError


@cache
def core() -> ov.Core:
    return ov.Core()


def choose_precision(precision: str, chosen: str | None = None) -> str:
    """Return the precision that `precision` means here.

    ``auto`` is what a trial has `chosen`, or else bf16 where the processor multiplies it, and fp32 where not.

    Raises:
        EngineError: the processor has no such precision.
    """
    has_bf16 = "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if precision == "auto":
        default = "bf16" if has_bf16 else "fp32"
        return default if chosen is None or (chosen == "bf16" and not has_bf16) else chosen
    if precision == "bf16" and not has_bf16:
        raise EngineError("This processor does not multiply in bf16: choose the precision auto, fp32 or int8.")
    return precision


def compile_graph(graph: ov.Model | Path, *, precision: str, group: int, threads: int = 0) -> ov.CompiledModel:
    """Prepare a graph, or one that was saved, for this processor.

    Args:
        graph: the graph, or its file.
        precision: ``fp32``, ``bf16`` or ``int8``, for which activations are rounded as they come.
        group: how many neighbouring activations of a token share a scale in int8.
        threads: cores to use, by default all of them.
    """
    options: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "CPU_RUNTIME_CACHE_CAPACITY": str(KERNELS_KEPT),
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(group if precision == "int8" else 0),
    }
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    return core().compile_model(graph, "CPU", options)
