"""The far side of `benchmarks.onnx_runtime`: optimum's pipeline in an environment of its own.

It is given a checkpoint, a folder to keep its conversion in, and ``fp32`` or ``int8``. It writes a line of JSON with
the versions of its libraries, then reads requests as lines of JSON and answers each in one line.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("optimum", "optimum-onnx", "onnxruntime", "transformers", "torch")


def convert(checkpoint: Path, store: Path) -> None:
    """Write the checkpoint as ONNX in fp32, and in int8 as optimum's guide for this kind of processor has it."""
    from optimum.onnxruntime import AutoQuantizationConfig, ORTModelForSequenceClassification, ORTQuantizer

    ORTModelForSequenceClassification.from_pretrained(checkpoint, export=True).save_pretrained(store / "fp32")
    has_vnni = "avx512_vnni" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    kind = AutoQuantizationConfig.avx512_vnni if has_vnni else AutoQuantizationConfig.avx2
    ORTQuantizer.from_pretrained(store / "fp32").quantize(kind(is_static=False, per_channel=True), store / "int8")


def open_pipeline(checkpoint: Path, store: Path, precision: str) -> Any:  # noqa: ANN401 - transformers has no types
    """Return optimum's pipeline on the conversion of the checkpoint, made now if it is not there."""
    from optimum.onnxruntime import ORTModelForSequenceClassification, pipeline
    from transformers import AutoTokenizer

    if not (store / "int8/ort_config.json").exists():
        convert(checkpoint, store)
    return pipeline(
        "zero-shot-classification",
        model=ORTModelForSequenceClassification.from_pretrained(store / precision),
        tokenizer=AutoTokenizer.from_pretrained(checkpoint),
    )


def main() -> None:
    checkpoint, store, precision = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr  # what the libraries print is no answer
    classify = open_pipeline(Path(checkpoint), Path(store), precision)
    print(json.dumps({name: version(name) for name in PACKAGES}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(classify(**request)), file=answers, flush=True)


if __name__ == "__main__":
    main()
