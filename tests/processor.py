"""What the processor can do that the tests run on."""

from __future__ import annotations

import openvino as ov
import pytest

from benchmarks.machine import circumstances

HAS = {
    "bf16": "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"),
    "int8": any(name in circumstances()["machine"]["processor"] for name in ("AMX", "VNNI")),
}

needs_int8 = pytest.mark.skipif(not HAS["int8"], reason="the processor does not multiply in int8")
