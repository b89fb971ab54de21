"""What the engines on OpenVINO share: the choice of a precision, and compiling."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import openvino as ov
from openvino import opset13 as op

from linnaeus.engines import KERNELS_KEPT
from linnaeus.engines.graphs.base import Matrix
from linnaeus.errors import EngineError

#: Bytes of a weight as it is multiplied.
_PACKED_BYTES = {"fp32": 4, "bf16": 2, "int8": 1}

#: One for all engines. Made with the module, as models may be loaded side by side.
CORE = ov.Core()


def choose_precision(precision: str, chosen: str | None = None) -> str:
    """Return the precision that `precision` means here.

    ``auto`` is what was `chosen` for the model, by a trial or by who made it, or else bf16 where the processor
    multiplies it, and fp32 where not.

    Raises:
        EngineError: the processor has no such precision.
    """
    if precision == "auto":
        return chosen if chosen is not None and has(chosen) else "bf16" if has("bf16") else "fp32"
    if not has(precision):
        others = ", ".join(other for other in ("fp32", "bf16", "int8") if has(other))
        raise EngineError(f"This processor does not multiply in {precision}: choose auto or one of {others}.")
    return precision


@cache
def has(precision: str) -> bool:
    """Whether this processor has a precision.

    OpenVINO names the capability INT8 also where it then computes in fp32, as without VNNI. So a product is asked for
    both ways: where nothing is rounded, the two are equal.
    """
    if precision != "int8":
        return precision == "fp32" or precision.upper() in CORE.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    width = 64
    draw = np.random.default_rng(0)
    activations, weights = (draw.standard_normal((width, width), np.float32) for _ in range(2))
    asked = op.parameter([-1, width], np.float32)
    product = op.matmul(asked, Matrix(weights).node(compressed=True), False, True)
    exact, rounded = (
        compile_graph(ov.Model([product], [asked]), precision=precision, group=width).model(activations)[0]
        for precision in ("fp32", "int8")
    )
    return not np.array_equal(exact, rounded)


class Compiled(NamedTuple):
    """A graph prepared for this processor, and the memory that its weights take."""

    model: ov.CompiledModel
    weight_bytes: int


def compile_graph(graph: ov.Model | Path, *, precision: str, group: int, threads: int = 0) -> Compiled:
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
    model = CORE.read_model(graph) if isinstance(graph, Path) else graph
    return Compiled(CORE.compile_model(model, "CPU", options), _weight_bytes(model, precision))


def _weight_bytes(graph: ov.Model, precision: str) -> int:
    """Add up the constants of a graph, and the copies of its matrices that OpenVINO packs for its products."""
    sizes = 0
    for node in graph.get_ops():
        if node.get_type_name() == "Constant":
            sizes += node.get_byte_size()
            readers = {reader.get_node().get_type_name() for reader in node.output(0).get_target_inputs()}
            if len(node.shape) > 1 and "Gather" not in readers:
                sizes += math.prod(node.shape) * _PACKED_BYTES[precision]
    return sizes
