"""How fast this processor multiplies matrices, and how many multiplications a text takes: the measure of an engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from linnaeus.models.one_pass import OnePassConfig

#: Sides of the square matrices that are tried; the fastest counts.
SIZES = (1024, 2048)


def flops_per_text(config: OnePassConfig, text: int, hypotheses: Sequence[int]) -> float:
    """Return the floating-point operations of all matrix products that one text with its hypotheses needs.

    Only what reaches the logits counts: no padding, no token that another is masked from, and of the last layer the
    first token of each hypothesis.

    Args:
        config: the shape of the model.
        text: the tokens of the text.
        hypotheses: the tokens of each hypothesis.
    """
    tokens, asked = text + sum(hypotheses), len(hypotheses)
    hidden, inner = config.hidden_size, config.intermediate_size
    keys_and_values = 4 * hidden**2
    per_query = 4 * hidden**2 + 4 * hidden * inner
    seen = text**2 + sum(length * (text + length) for length in hypotheses)
    seen_last = sum(text + length for length in hypotheses)
    body = tokens * (keys_and_values + per_query) + 4 * hidden * seen
    last = tokens * keys_and_values + asked * per_query + 4 * hidden * seen_last
    head = asked * (2 * hidden**2 + 2 * hidden * len(config.labels))
    return (config.layers - 1) * body + last + head


def torch_ceiling(precision: str, seconds: float) -> float:
    """Return the most operations per second that PyTorch reaches on a matrix product, in ``fp32`` or ``bf16``."""
    import torch

    kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]

    def product(size: int) -> Callable[[], object]:
        left, right = torch.randn(size, size).to(kind), torch.randn(size, size).to(kind)
        return lambda: left @ right

    with torch.inference_mode():
        return _fastest(product, seconds)


def openvino_ceiling(precision: str, seconds: float) -> float:
    """Return the same for OpenVINO, in ``fp32``, ``bf16`` or ``int8``."""
    import openvino as ov
    from openvino import opset13 as ops

    core = ov.Core()
    hint = "bf16" if precision == "bf16" else "f32"

    def product(size: int) -> Callable[[], object]:
        values = np.random.default_rng(size).uniform(-1, 1, (size, size)).astype(np.float32)
        left = ops.parameter([size, size], np.float32)
        right = ops.constant(values)
        factors = (left, right)
        if precision == "int8":
            factors = tuple(ops.fake_quantize(factor, -1.0, 1.0, -1.0, 1.0, 255) for factor in factors)
        # The sum keeps the time for writing results out of what is measured.
        total = ops.reduce_max(ops.matmul(*factors, transpose_a=False, transpose_b=True), [0, 1])
        model = core.compile_model(ov.Model([total], [left]), "CPU", {"INFERENCE_PRECISION_HINT": hint})
        request = model.create_infer_request()
        request.set_input_tensor(ov.Tensor(values))
        infer: Callable[[], object] = request.infer
        return infer

    return _fastest(product, seconds)


def _fastest(product: Callable[[int], Callable[[], object]], seconds: float) -> float:
    rates = []
    for size in SIZES:
        multiply = product(size)
        multiply()
        best, stop = float("inf"), time.perf_counter() + seconds
        while time.perf_counter() < stop:
            start = time.perf_counter()
            multiply()
            best = min(best, time.perf_counter() - start)
        rates.append(2 * size**3 / best)
    return max(rates)
