"""ONNX Runtime through optimum, which wants an older transformers and so gets an environment and a process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
ENVIRONMENT = ROOT / "build/peers"

#: Installed one after the other: named exactly, PyTorch is the plain CPU build where one is offered.
PACKAGES = ("torch==2.13.0", "optimum-onnx[onnxruntime]==0.1.0")


class OnnxPipeline:
    """Optimum's zero-shot-classification pipeline on a checkpoint, in ``fp32`` or ``int8``."""

    def __init__(self, checkpoint: str, precision: str) -> None:
        folder = Path(checkpoint).resolve()
        store = folder.with_name(f"{folder.name}-onnx")
        command = [str(onnx_python()), "-m", "benchmarks.onnx_worker", str(folder), str(store), precision]
        self._worker = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.versions: dict[str, str] = self._answer()

    def __call__(self, texts: str | Sequence[str], labels: Sequence[str], batch_size: int) -> object:
        assert self._worker.stdin is not None
        request = {"sequences": texts, "candidate_labels": labels, "batch_size": batch_size}
        self._worker.stdin.write(json.dumps(request) + "\n")
        self._worker.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:  # noqa: ANN401 - an answer has the shape of its request
        assert self._worker.stdout is not None
        line = self._worker.stdout.readline()
        if not line:
            raise SystemExit("ONNX Runtime ended; what it said is above.")
        return json.loads(line)


def onnx_python() -> Path:
    """Return the interpreter that has optimum, installed now if it is not there."""
    python, done = ENVIRONMENT / "bin/python", ENVIRONMENT / ".done"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        for package in PACKAGES:
            subprocess.run([python, "-m", "pip", "install", "--quiet", package], check=True)
        done.touch()
    return python
