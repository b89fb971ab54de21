"""Footprint: what an installation takes on disk, until its first answer, and in memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.machine import circumstances
from benchmarks.servers import serving

ROOT = Path(__file__).parent.parent

TEXT = "I recently bought a device from your company but it is not working, and I would like my money back."
LABELS = ("refund", "legal", "faq")


def measure_footprint(times: int = 5) -> dict[str, Any]:
    """Install Linnaeus into an empty environment and measure it there; commands are run `times` times."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        empty = disk_sizes(environment)
        subprocess.run([environment / "bin/pip", "install", "--quiet", ROOT], check=True)
        command = environment / "bin/linnaeus"
        sizes = disk_sizes(environment) - empty
        return {
            **circumstances(),
            "disk_mb": round(sum(sizes.values()) / 1e6),
            "largest_mb": {name: round(size / 1e6) for name, size in sizes.most_common(5)},
            "help_seconds": _seconds([command, "--help"], times),
            "answer_seconds": _seconds([command, "classify", TEXT, "--labels", ",".join(LABELS)], times),
            "server_mb": round(_server_bytes(command) / 1e6),
        }


def disk_sizes(environment: Path) -> Counter[str]:
    """Return the bytes of every top-level part of ``site-packages``, and of the rest as ``other``."""
    packages = next(environment.glob("lib/python*/site-packages"))
    sizes: Counter[str] = Counter()
    for path in environment.rglob("*"):
        if path.is_file() and not path.is_symlink():
            inside = path.is_relative_to(packages)
            sizes[path.relative_to(packages).parts[0] if inside else "other"] += path.stat().st_blocks * 512
    return sizes


def _seconds(command: Sequence[str | Path], times: int) -> float:
    """Return the median time of a command from its start to its end, after one that warms the disk's cache."""
    samples = []
    for _ in range(times + 1):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        samples.append(time.perf_counter() - start)
    return round(median(samples[1:]), 3)


def _server_bytes(command: Path) -> int:
    """Return the resident memory of a server that has answered one request."""
    with serving([command, "serve"]) as server:
        body = json.dumps({"inputs": TEXT, "parameters": {"candidate_labels": LABELS}}).encode()
        with urlopen(Request(server.address, body, {"Content-Type": "application/json"})) as response:  # noqa: S310
            response.read()
        return server.resident_bytes
