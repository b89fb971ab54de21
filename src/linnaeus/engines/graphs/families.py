"""Which builder makes the graph of which family of checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import openvino as ov

from linnaeus.engines.graphs.bart import build_bart
from linnaeus.engines.graphs.base import Arrays
from linnaeus.engines.graphs.deberta import build_deberta
from linnaeus.engines.graphs.encoders import build_encoder
from linnaeus.engines.graphs.modernbert import build_modernbert
from linnaeus.engines.padding import LENGTH_STEPS, rounded_up


def build_cross_encoder(arrays: Arrays, config: Mapping[str, Any], *, longest: int, compressed: bool) -> ov.Model:
    """Build the graph of a checkpoint; see `graphs.base.Inputs` for its inputs and output.

    Args:
        arrays: the checkpoint's arrays by transformers' names.
        config: its ``config.json``.
        longest: the most tokens of a row.
        compressed: whether the matrices of the layers become int8, for an engine that multiplies in int8.

    Raises:
        ModelError: an array is missing, or the configuration asks for what is not supported.
    """
    reach = rounded_up(longest, LENGTH_STEPS)
    match config["model_type"]:
        case "bart":
            return build_bart(arrays, config, compressed=compressed)
        case "deberta-v2":
            return build_deberta(arrays, config, reach=reach, compressed=compressed)
        case "modernbert":
            return build_modernbert(arrays, config, reach=reach, compressed=compressed)
        case _:
            return build_encoder(arrays, config, compressed=compressed)
