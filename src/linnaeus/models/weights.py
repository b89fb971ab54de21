"""The arrays of a checkpoint in Hugging Face format, from whichever of its forms is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize, safe_open

from linnaeus.errors import EngineError, ModelError

SAFETENSORS_FILE = "model.safetensors"
PYTORCH_FILE = "pytorch_model.bin"
ONNX_FILES = ("onnx/model.onnx", "model.onnx")

#: Names that layer norms had in checkpoints made before 2019.
_OLD_ENDINGS = {".gamma": ".weight", ".beta": ".bias"}

_Floats = NDArray[np.float32]


def weight_files(folder: Path) -> list[Path]:
    """Return the files that hold the weights of a checkpoint, in the form that is best to read: safetensors, ONNX, bin.

    Raises:
        ModelError: there are none, or one that an index names is missing.
    """
    for name in (SAFETENSORS_FILE, *ONNX_FILES, PYTORCH_FILE):
        if (folder / name).is_file():
            return [folder / name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            return _shards(index)
    raise ModelError(f"{folder} has no weights: it needs {SAFETENSORS_FILE}, {ONNX_FILES[0]} or {PYTORCH_FILE}.")


def _shards(index: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index} cannot be read: {error}.") from error
    paths = [index.parent / name for name in names]
    for path in paths:
        if not path.is_file():
            raise ModelError(f"{path} is missing, which {index.name} beside it names.")
    return paths


def read_arrays(folder: Path) -> dict[str, _Floats]:
    """Return every floating-point array of a checkpoint in fp32, by the name that transformers gives it today.

    Raises:
        ModelError: a file is missing or damaged, or holds objects that are not arrays.
        EngineError: the weights are in PyTorch's own format, and PyTorch is not installed.
    """
    arrays: dict[str, _Floats] = {}
    for path in weight_files(folder):
        arrays |= _read_pytorch(path) if path.suffix == ".bin" else _read_safetensors(path)
    return {_todays_name(name): array for name, array in arrays.items()}


def _todays_name(name: str) -> str:
    for old, new in _OLD_ENDINGS.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _read_safetensors(path: Path) -> dict[str, _Floats]:
    try:
        with safe_open(path, framework="np") as file:
            kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 - not a mapping
            if "BF16" not in kinds.values():
                floats = [name for name, kind in kinds.items() if kind.startswith("F")]
                return {name: file.get_tensor(name).astype(np.float32, copy=False) for name in floats}
        return dict(_with_bf16(path))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read: {error}.") from error


def _with_bf16(path: Path) -> Iterator[tuple[str, _Floats]]:
    """Read a file with arrays in bf16, which NumPy has not: they are the upper halves of fp32."""
    kinds = {"F16": np.float16, "F32": np.float32, "F64": np.float64}
    for name, view in deserialize(path.read_bytes()):  # type: ignore[no-untyped-call]
        if view["dtype"] == "BF16":
            halves = np.frombuffer(view["data"], np.uint16).astype(np.uint32) << 16
            yield name, halves.view(np.float32).reshape(view["shape"])
        elif view["dtype"] in kinds:
            array = np.frombuffer(view["data"], kinds[view["dtype"]])
            yield name, array.astype(np.float32).reshape(view["shape"])


def _read_pytorch(path: Path) -> dict[str, _Floats]:
    try:
        import torch
    except ImportError:
        raise EngineError(
            f"{path.name} is in PyTorch's own format: pip install 'linnaeus[torch]' to read it, or use a checkpoint "
            "with safetensors."
        ) from None
    try:
        # With weights_only nothing in the file is executed.
        stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.float().numpy() for name, tensor in stored.items() if tensor.is_floating_point()}
    except Exception as error:  # whatever a damaged or hostile file makes of it
        raise ModelError(f"{path} cannot be read safely: {error}") from error
