"""What HTTP costs: cached answers per second and their latency, beside a bare FastAPI route that returns a constant.

It needs wrk (Debian's package of that name). Server and wrk have one core each.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from fastapi import FastAPI

from benchmarks.footprint import LABELS, TEXT
from benchmarks.machine import circumstances
from benchmarks.servers import serving

SERVER_CORE, WRK_CORE = "0", "1"
CONNECTIONS = 32

BODY = json.dumps({"inputs": TEXT, "parameters": {"candidate_labels": LABELS}})
ANSWER = [{"label": label, "score": score} for label, score in zip(LABELS, (0.8611, 0.1021, 0.0368), strict=True)]

SCRIPT = f"""
wrk.method = "POST"
wrk.body = {json.dumps(BODY)}
wrk.headers["Content-Type"] = "application/json"
"""

#: What is measured, and the command that serves it, but for the port.
SERVERS: Mapping[str, Sequence[str]] = {
    "bare": ("-m", "uvicorn", "--factory", "benchmarks.http_overhead:bare", "--no-access-log"),
    "linnaeus": ("-m", "linnaeus", "serve"),
    "linnaeus --quiet": ("-m", "linnaeus", "serve", "--quiet"),
}

_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)$", re.MULTILINE)
_MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def bare() -> FastAPI:
    """Return the application that ours is measured beside."""
    app = FastAPI()

    @app.post("/")
    async def constant() -> list[dict[str, Any]]:
        return ANSWER

    @app.get("/health")
    async def health() -> str:
        return "ok"

    return app


def measure_http(rounds: int, seconds: int) -> dict[str, Any]:
    """Return the median of each figure over `rounds`, the servers taking turns, so that a slow spell hits them all."""
    if shutil.which("wrk") is None:
        raise SystemExit("Measuring HTTP needs wrk, which is not installed: Debian's package is called wrk.")
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in SERVERS}
    for _ in range(rounds):
        for name, command in SERVERS.items():
            pinned = ["taskset", "--cpu-list", SERVER_CORE, sys.executable, *command]
            with serving(pinned) as server:
                _wrk(server.address, 1)
                samples[name].append(_wrk(server.address, seconds))
    figures = {
        name: {figure: round(median(sample[figure] for sample in taken), 3) for figure in taken[0]}
        for name, taken in samples.items()
    }
    return {**circumstances(), "connections": CONNECTIONS, "seconds": seconds, "rounds": rounds, "servers": figures}


def _wrk(address: str, seconds: int) -> dict[str, float]:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT)
        script.flush()
        options = [f"--connections={CONNECTIONS}", "--threads=1", f"--duration={seconds}s", "--latency"]
        command = ["taskset", "--cpu-list", WRK_CORE, "wrk", *options, f"--script={script.name}", f"{address}/"]
        return read_wrk(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def read_wrk(report: str) -> dict[str, float]:
    """Return requests per second, and the median and 99th percentile of latency, from what wrk prints.

    Raises:
        ValueError: not every request was answered well.
    """
    if "Non-2xx" in report or "Socket errors" in report:
        raise ValueError(f"Requests failed:\n{report}")
    rate = _RATE.search(report)
    latencies = {share: float(value) * _MILLISECONDS[unit] for share, value, unit in _LATENCY.findall(report)}
    if rate is None or len(latencies) < 2:
        raise ValueError(f"This is no report of wrk:\n{report}")
    return {"per_second": float(rate[1]), "p50_ms": latencies["50"], "p99_ms": latencies["99"]}
