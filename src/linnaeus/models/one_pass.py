"""The folder of a one-pass model: what is in it, how it is read and written.

A folder holds three files: ``config.json`` (an `OnePassConfig`), ``tokenizer.json``
(read by the tokenizers library) and ``model.safetensors``. In the weights file a matrix
``name`` is either fp32 under that name, or int8 under it with one fp32 scale per row under
``name.scale``: ``matrix[row] = int8[row] * scale[row]``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from linnaeus.errors import ModelError

CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.json"
WEIGHTS_FILE = "model.safetensors"

ARCHITECTURE = "linnaeus-one-pass"
SCALE_SUFFIX = ".scale"

#: A matrix of fewer elements is not worth rounding.
SMALLEST_ROUNDED = 10_000

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class OnePassConfig:
    """The shape of a one-pass model.

    `positions` is the longest text and hypothesis together, in tokens. `hypothesis_reserve`
    of them are kept for the hypothesis however short it is, so that where a text is cut does
    not depend on the labels asked. `labels` names the columns of the logits. `relative_buckets` is how many buckets
    MPNet's attention sorts distances into; other models have none. `calibration` has the numbers of a
    `linnaeus.scores.Calibration` by name, once they are fitted. `precision` is what `auto` means where no trial was
    held: bf16 if the rule of `linnaeus.acceptance` let it pass on development rows, and fp32 if not.
    """

    hidden_size: int
    layers: int
    heads: int
    intermediate_size: int
    vocabulary_size: int
    positions: int
    norm_epsilon: float
    hypothesis_reserve: int = 64
    segment_types: int = 2
    relative_buckets: int = 0
    calibration: Mapping[str, float] = field(default_factory=dict)
    precision: str | None = None
    labels: tuple[str, ...] = ("entailment", "neutral", "contradiction")

    @property
    def head_size(self) -> int:
        return self.hidden_size // self.heads

    @classmethod
    def read(cls, folder: Path) -> OnePassConfig:
        """Read ``config.json`` of `folder`.

        Raises:
            ModelError: the file is missing, is no JSON, or describes another architecture.
        """
        path = folder / CONFIG_FILE
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            if fields.pop("architecture") != ARCHITECTURE:
                raise ModelError(f"{path} does not describe a {ARCHITECTURE} model.")
            return cls(**{**fields, "labels": tuple(fields["labels"])})
        except FileNotFoundError:
            raise ModelError(f"{folder} is no model folder: it has no {CONFIG_FILE}.") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{path} cannot be read: {error}.") from error

    def write(self, folder: Path) -> None:
        fields = {"architecture": ARCHITECTURE, **asdict(self)}
        (folder / CONFIG_FILE).write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")


def weight_shapes(config: OnePassConfig) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every array that a model of this shape has."""
    hidden, wide = config.hidden_size, config.intermediate_size
    shapes = {
        "embeddings.word.weight": (config.vocabulary_size, hidden),
        "embeddings.position.weight": (config.positions, hidden),
        "embeddings.segment.weight": (config.segment_types, hidden),
        **_norm_shapes("embeddings.norm", hidden),
        **_linear_shapes("head.dense", hidden, hidden),
        **_linear_shapes("head.classifier", len(config.labels), hidden),
    }
    if config.relative_buckets:
        shapes["relative.weight"] = (config.relative_buckets, config.heads)
    for layer in range(config.layers):
        for name in ("query", "key", "value", "output"):
            shapes |= _linear_shapes(f"layers.{layer}.{name}", hidden, hidden)
        shapes |= _linear_shapes(f"layers.{layer}.up", wide, hidden)
        shapes |= _linear_shapes(f"layers.{layer}.down", hidden, wide)
        shapes |= _norm_shapes(f"layers.{layer}.attention_norm", hidden)
        shapes |= _norm_shapes(f"layers.{layer}.norm", hidden)
    return shapes


def _linear_shapes(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm_shapes(name: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def read_stored(folder: Path, config: OnePassConfig) -> dict[str, NDArray[Any]]:
    """Return the arrays of the weights file as they are stored, scales among them.

    Raises:
        ModelError: the file is missing or damaged, or holds a model of another shape.
    """
    path = folder / WEIGHTS_FILE
    try:
        stored = dict(load_file(path))
    except (FileNotFoundError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read: {error}.") from error
    for name, shape in weight_shapes(config).items():
        if name not in stored or stored[name].shape != shape:
            raise ModelError(f"{path} has no {name} of shape {list(shape)}, which {CONFIG_FILE} beside it asks for.")
    return stored


def read_weights(folder: Path, config: OnePassConfig) -> dict[str, Floats]:
    """Return every matrix and vector of the model in fp32.

    Raises:
        ModelError: the file is missing or damaged, or holds a model of another shape.
    """
    stored = read_stored(folder, config)
    return {
        name: stored[name] * stored[name + SCALE_SUFFIX][:, None] if name + SCALE_SUFFIX in stored else stored[name]
        for name in weight_shapes(config)
    }


def write_weights(folder: Path, weights: Mapping[str, Floats]) -> None:
    """Write the weights, every large matrix as int8 with a scale per row (symmetric, round to nearest)."""
    stored: dict[str, NDArray[Any]] = {}
    for name, array in weights.items():
        if is_rounded(array.shape):
            stored[name], stored[name + SCALE_SUFFIX] = quantise_rows(array)
        else:
            stored[name] = array
    save_file(stored, folder / WEIGHTS_FILE)


def is_rounded(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape is a large matrix, which is stored as int8."""
    return len(shape) == 2 and prod(shape) >= SMALLEST_ROUNDED


def quantise_rows(matrix: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return (int8 [rows, columns], scales [rows]) with ``matrix ≈ int8 * scales[:, None]``."""
    scales = np.abs(matrix).max(axis=1) / 127
    scales[scales == 0] = 1
    return np.round(matrix / scales[:, None]).astype(np.int8), scales.astype(np.float32)


def fingerprint(folder: Path) -> str:
    """Return the SHA-256 of the weights file: the revision a server reports.

    Raises:
        ModelError: there is no such file.
    """
    path = folder / WEIGHTS_FILE
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error}.") from error
