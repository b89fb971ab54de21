"""ModernBERT: norms before each part, rotated positions, gated layers, and windows of attention in most layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as op

from linnaeus.engines.graphs.base import (
    Arrays,
    GraphBuilder,
    Inputs,
    Node,
    activation,
    constant,
    first_of,
    int_,
    ints,
    positions_of,
    square_of_offsets,
)
from linnaeus.engines.padding import MASKED
from linnaeus.errors import ModelError

FULL, SLIDING = "full_attention", "sliding_attention"

#: How fast positions turn where a configuration does not say.
THETA = {FULL: 160_000.0, SLIDING: 10_000.0}


def build_modernbert(arrays: Arrays, config: Mapping[str, Any], *, reach: int, compressed: bool) -> ov.Model:
    """Build a ModernBERT that reads up to `reach` tokens, padding among them; see `Inputs`."""
    return _ModernBertBuilder(arrays, config, reach=reach, compressed=compressed).build()


class _ModernBertBuilder(GraphBuilder):
    def __init__(self, arrays: Arrays, config: Mapping[str, Any], *, reach: int, compressed: bool) -> None:
        super().__init__(
            arrays,
            heads=config["num_attention_heads"],
            norm_epsilon=config.get("norm_eps", 1e-5),
            compressed=compressed,
        )
        self._config = config
        self._positions = reach
        self._activation = activation(config.get("hidden_activation", "gelu"))
        every = config.get("global_attn_every_n_layers", 3)
        self._kinds = config.get("layer_types") or [
            SLIDING if index % every else FULL for index in range(config["num_hidden_layers"])
        ]

    def build(self) -> ov.Model:
        inputs = Inputs()
        positions = positions_of(inputs.tokens)
        masks = {FULL: inputs.mask, SLIDING: op.add(inputs.mask, self._window(positions))}
        turns = {kind: self._turns(kind, positions) for kind in set(self._kinds)}
        hidden = self.norm("model.embeddings.norm", self.rows("model.embeddings.tok_embeddings", inputs.tokens))
        *body, last = enumerate(self._kinds)
        for index, kind in body:
            hidden = self._layer(index, hidden, masks[kind], turns[kind], first_only=False)
        index, kind = last
        if self._config.get("classifier_pooling", "cls") == "mean":
            hidden = self._layer(index, hidden, masks[kind], turns[kind], first_only=False)
            read = self._mean(self.norm("model.final_norm", hidden), inputs.kept)
        else:
            # The head reads the first token alone, so the last layer is computed for no other.
            hidden = self._layer(index, hidden, masks[kind], turns[kind], first_only=True)
            read = self.norm("model.final_norm", hidden)
        pooler = activation(self._config.get("classifier_activation", "gelu"))
        pooled = self.norm("head.norm", pooler(self.linear("head.dense", read, compressed=False)))
        return inputs.model(op.squeeze(self.linear("classifier", pooled, compressed=False), ints(1)))

    def _layer(self, index: int, hidden: Node, mask: Node, turns: tuple[Node, Node], *, first_only: bool) -> Node:
        layer = f"model.layers.{index}"
        normal = self.norm(f"{layer}.attn_norm", hidden) if index else hidden
        queries = normal
        if first_only:
            hidden, queries = first_of(hidden), first_of(normal)
            mask = op.gather(mask, ints(0), int_(2))
        query = self.split(self.linear(f"{layer}.attn.Wqkv", queries, part=(0, 3)))
        key, value = (self.split(self.linear(f"{layer}.attn.Wqkv", normal, part=(part, 3))) for part in (1, 2))
        first_turns = tuple(op.gather(turn, ints(0), int_(0)) for turn in turns) if first_only else turns
        attended = op.scaled_dot_product_attention(turned(query, first_turns), turned(key, turns), value, mask)
        hidden = op.add(hidden, self.linear(f"{layer}.attn.Wo", self.joined(attended)))
        normal = self.norm(f"{layer}.mlp_norm", hidden)
        widened = self._activation(self.linear(f"{layer}.mlp.Wi", normal, part=(0, 2)))
        gated = op.multiply(widened, self.linear(f"{layer}.mlp.Wi", normal, part=(1, 2)))
        return op.add(hidden, self.linear(f"{layer}.mlp.Wo", gated))

    def _window(self, positions: Node) -> Node:
        """Return [length, length] fp32: `MASKED` where two tokens are farther apart than half a window."""
        half = self._config.get("local_attention", 128) // 2
        distance = op.abs(square_of_offsets(positions, reach=1))
        return op.multiply(op.convert(op.greater(distance, int_(half)), np.float32), op.constant(MASKED))

    def _turns(self, kind: str, positions: Node) -> tuple[Node, Node]:
        """Return [length, head size] cosines and sines of the angles by which positions turn queries and keys."""
        size = self._config["hidden_size"] // self.heads
        speeds = 1.0 / self._theta(kind) ** (np.arange(0, size, 2, dtype=np.float32) / size)
        angles = np.tile(np.outer(np.arange(self._positions, dtype=np.float32), speeds.astype(np.float32)), 2)
        cosines, sines = (op.gather(constant(table), positions, int_(0)) for table in (np.cos(angles), np.sin(angles)))
        return cosines, sines

    def _theta(self, kind: str) -> float:
        given = (self._config.get("rope_parameters") or {}).get(kind) or {}
        if self._config.get("rope_scaling") or given.get("rope_type", "default") != "default":
            raise ModelError("rope_scaling is not supported: use a checkpoint without it.")
        older = self._config.get("global_rope_theta" if kind == FULL else "local_rope_theta")
        theta: float = given.get("rope_theta") or older or THETA[kind]
        return theta

    def _mean(self, hidden: Node, kept: Node) -> Node:
        """[rows, length, hidden] to [rows, 1, hidden]: the mean of the tokens that are not padding."""
        shares = op.unsqueeze(op.divide(kept, op.reduce_sum(kept, ints(1), True)), ints(1))
        return op.matmul(shares, hidden, False, False)


def turned(heads: Node, turns: tuple[Node, Node]) -> Node:
    """Rotate [rows, heads, length, size] by the angles of each position, the two halves of `size` being a plane."""
    cosines, sines = turns
    halves = op.split(heads, int_(3), 2)
    other = op.concat([op.negative(halves.output(1)), halves.output(0)], 3)
    return op.add(op.multiply(heads, cosines), op.multiply(other, sines))
