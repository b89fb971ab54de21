"""Where and of what a measurement was taken: it stands beside every figure."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("linnaeus", "openvino", "tokenizers", "numpy", "torch", "transformers")


def circumstances() -> dict[str, Any]:
    """Return the date, the commit, the machine and the versions."""
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "commit": _commit(),
        "machine": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
            "system": platform.platform(terse=True),
        },
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }


def _commit() -> str:
    described = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(described, capture_output=True, text=True, check=True).stdout.strip()


def _processor() -> str:
    """Return the processor's name, with the matrix instructions that decide its speed here."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = set(facts.get("flags", "").split())
    known = {"amx_bf16": "AMX", "avx512_bf16": "AVX-512 BF16", "avx512_vnni": "AVX-512 VNNI", "avx_vnni": "AVX-VNNI"}
    return ", ".join([facts.get("model name", platform.processor()), *(known[flag] for flag in known if flag in flags)])
