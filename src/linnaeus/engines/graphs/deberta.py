"""DeBERTa v2 and v3: attention that adds, to what two tokens say of each other, what each says of their distance.

transformers projects the table of distances anew in every layer of every call, gathers from its product one number a
pair of tokens, and computes the last layer for all tokens. Here the projections are made once, when the graph is
built; of the table only the distances that occur are multiplied; and as the distance is the same along each diagonal,
the products are put in place by a shift of their rows instead of a gather.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
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
    shape_of_parts,
    size_of,
)


def build_deberta(arrays: Arrays, config: Mapping[str, Any], *, reach: int, compressed: bool) -> ov.Model:
    """Build a DeBERTa v2 or v3 that reads up to `reach` tokens, padding among them; see `Inputs`."""
    return _DebertaBuilder(arrays, config, reach=reach, compressed=compressed).build()


class _DebertaBuilder(GraphBuilder):
    def __init__(self, arrays: Arrays, config: Mapping[str, Any], *, reach: int, compressed: bool) -> None:
        super().__init__(
            arrays,
            heads=config["num_attention_heads"],
            norm_epsilon=config.get("layer_norm_eps", 1e-7),
            compressed=compressed,
        )
        self._config = config
        self._reach = reach
        self._head_size = config.get("attention_head_size", config["hidden_size"] // self.heads)
        named = config.get("pos_att_type") or []
        named = named.split("|") if isinstance(named, str) else named
        # transformers scales by the terms that are named, and adds them if attention is relative.
        self._scale = (self._head_size * (1 + len({"c2p", "p2c"}.intersection(named)))) ** -0.5
        self._terms = named if config.get("relative_attention", False) else []
        self._activation = activation(config.get("hidden_act", "gelu"))
        self._table = self._table_of_distances() if self._terms else np.zeros((0, 0), np.float32)

    def build(self) -> ov.Model:
        inputs = Inputs(types=self._config.get("type_vocab_size", 0) > 0)
        embedded = hidden = self._embed(inputs)
        length = size_of(inputs.tokens, 1)
        falling, rising = self._distances(length, falling=True), self._distances(length, falling=False)
        last = self._config["num_hidden_layers"] - 1
        for index in range(last):
            layer = f"deberta.encoder.layer.{index}"
            query, key, value = self._projections(layer, hidden, hidden)
            scores = op.add(op.matmul(query, key, False, True), inputs.mask)
            if "c2p" in self._terms:
                scores = op.add(scores, shifted(self._products(layer, "key", query, falling), length))
            if "p2c" in self._terms:
                by_key = shifted(self._products(layer, "query", key, rising, scale=self._scale), length)
                scores = op.add(scores, op.transpose(by_key, ints(0, 1, 3, 2)))
            hidden = self._after_scores(layer, hidden, scores, value)
            if index == 0 and self._config.get("conv_kernel_size", 0) > 0:
                hidden = self._convolution(embedded, hidden, inputs.kept)
        read = self._last_layer(f"deberta.encoder.layer.{last}", hidden, inputs.mask, length)
        pooler = activation(self._config.get("pooler_hidden_act", "gelu"))
        pooled = pooler(self.linear("pooler.dense", read, compressed=False))
        return inputs.model(op.squeeze(self.linear("classifier", pooled, compressed=False), ints(1)))

    def _last_layer(self, layer: str, hidden: Node, mask: Node, length: Node) -> Node:
        """Return the last layer's output for the first token, as the head reads no other."""
        first = first_of(hidden)
        query, key, value = self._projections(layer, first, hidden)
        scores = op.add(op.matmul(query, key, False, True), mask)
        distances = self._distances_from_first(length)
        if "c2p" in self._terms:
            scores = op.add(scores, self._products(layer, "key", query, distances))
        if "p2c" in self._terms:
            table = op.gather(self._projected(layer, "query", self._scale), distances, int_(1))
            by_key = op.reduce_sum(op.multiply(key, table), ints(3), True)
            scores = op.add(scores, op.transpose(by_key, ints(0, 1, 3, 2)))
        return self._after_scores(layer, first, scores, value)

    def _embed(self, inputs: Inputs) -> Node:
        embedded = self.rows("deberta.embeddings.word_embeddings", inputs.tokens)
        if self._config.get("position_biased_input", True):
            positions = self.rows("deberta.embeddings.position_embeddings", positions_of(inputs.tokens))
            embedded = op.add(embedded, positions)
        if inputs.types is not None:
            embedded = op.add(embedded, self.rows("deberta.embeddings.token_type_embeddings", inputs.types))
        if "deberta.embeddings.embed_proj.weight" in self.arrays:
            embedded = self.linear("deberta.embeddings.embed_proj", embedded)
        return self.norm("deberta.embeddings.LayerNorm", embedded)

    def _projections(self, layer: str, queries: Node, hidden: Node) -> tuple[Node, Node, Node]:
        attention = f"{layer}.attention.self"
        query = self.split(self.linear(f"{attention}.query_proj", queries, scale=self._scale))
        key, value = (self.split(self.linear(f"{attention}.{name}_proj", hidden)) for name in ("key", "value"))
        return query, key, value

    def _after_scores(self, layer: str, queries: Node, scores: Node, value: Node) -> Node:
        attended = self.joined(op.matmul(op.softmax(scores, 3), value, False, False))
        attended = self.linear(f"{layer}.attention.output.dense", attended)
        queries = self.norm(f"{layer}.attention.output.LayerNorm", op.add(queries, attended))
        widened = self._activation(self.linear(f"{layer}.intermediate.dense", queries))
        narrowed = self.linear(f"{layer}.output.dense", widened)
        return self.norm(f"{layer}.output.LayerNorm", op.add(queries, narrowed))

    def _table_of_distances(self) -> NDArray[np.float32]:
        """Return the normalised embedding of each bucket of distances."""
        table: NDArray[np.float32] = self.array("deberta.encoder.rel_embeddings.weight")
        if "layer_norm" in self._config.get("norm_rel_ebd", "none").lower():
            centred = table - table.mean(-1, keepdims=True)
            table = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + self._norm_epsilon)
            norm = "deberta.encoder.LayerNorm"
            table = table * self.array(f"{norm}.weight") + self.array(f"{norm}.bias")
        return table

    def _projected(self, layer: str, part: str, scale: float = 1.0) -> Node:
        """Return [heads, rows of the table, head size]: what `part` of a layer makes of each row."""
        attention = f"{layer}.attention.self"
        name = f"{attention}.{part}_proj" if self._config.get("share_att_key") else f"{attention}.pos_{part}_proj"
        projected = self._table @ self.matrix(f"{name}.weight").plain().T + self.array(f"{name}.bias")
        return constant((projected * np.float32(scale)).reshape(len(projected), self.heads, -1).transpose(1, 0, 2))

    def _products(self, layer: str, part: str, hidden: Node, distances: Node, scale: float = 1.0) -> Node:
        """Return [rows, heads, length, distances]: the product of each token with the table at each distance."""
        table = op.gather(self._projected(layer, part, scale), distances, int_(1))
        return op.matmul(hidden, table, False, True)

    def _distances(self, length: Node, *, falling: bool) -> Node:
        """Return the row of the table for each distance, query less key position, that occurs at this length.

        Distances run from `length` - 1 down to 1 - `length`, or up.
        """
        every = np.arange(1 - self._reach, self._reach)
        rows = constant(self._rows_of(every[::-1] if falling else every))
        middle = ints(self._reach - 1)
        return op.slice(rows, op.subtract(middle, minus_one(length)), op.add(middle, length), ints(1))

    def _distances_from_first(self, length: Node) -> Node:
        """Return the row of the table for the distance of the first token to each token."""
        rows = constant(self._rows_of(-np.arange(self._reach)))
        return op.slice(rows, ints(0), length, ints(1))

    def _rows_of(self, distances: NDArray[np.int64]) -> NDArray[np.int64]:
        buckets = self._config.get("position_buckets", -1)
        farthest = self._config.get("max_relative_positions", -1)
        if farthest < 1:
            farthest = self._config["max_position_embeddings"]
        return rows_of_distances(distances, buckets, farthest)

    def _convolution(self, embedded: Node, hidden: Node, kept: Node) -> Node:
        """Add, after the first layer, a convolution over the embeddings (v2's xlarge models have it)."""
        name = "deberta.encoder.conv"
        kernel = self.array(f"{name}.conv.weight")
        side = (kernel.shape[2] - 1) // 2
        # Nothing may come in from padding, as nothing would from beyond the end of the text.
        columns = op.transpose(op.multiply(embedded, op.unsqueeze(kept, ints(2))), ints(0, 2, 1))
        groups = self._config.get("conv_groups", 1)
        if groups == 1:
            convolved = op.convolution(columns, constant(kernel), [1], [side], [side], [1])
        else:
            grouped = constant(kernel.reshape(groups, -1, *kernel.shape[1:]))
            convolved = op.group_convolution(columns, grouped, [1], [side], [side], [1])
        convolved = op.add(op.transpose(convolved, ints(0, 2, 1)), constant(self.array(f"{name}.conv.bias")))
        convolved = activation(self._config.get("conv_act", "tanh"))(convolved)
        return self.norm(f"{name}.LayerNorm", op.add(hidden, convolved))


def minus_one(length: Node) -> Node:
    return op.subtract(length, ints(1))


def shifted(products: Node, length: Node) -> Node:
    """Return [rows, heads, length, length] of products [rows, heads, length, 2 * length - 1] with each distance.

    Token i and token j stand apart as the product k = j - i + length - 1 says, so row i has to move left by
    length - 1 - i. Read as one line of numbers whose rows are one shorter, it has.
    """
    line = op.reshape(products, ints(0, 0, -1), True)
    row = op.multiply(minus_one(length), ints(2))
    start = minus_one(length)
    moved = op.slice(line, start, op.add(start, op.multiply(length, row)), ints(1), ints(2))
    rows = op.reshape(moved, shape_of_parts(ints(0, 0), length, row), True)
    return op.slice(rows, ints(0), length, ints(1), ints(3))


def rows_of_distances(distances: NDArray[np.int64], buckets: int, farthest: int) -> NDArray[np.int64]:
    """Return the row of the table of distances for each distance, query less key position.

    Distances up to half of the `buckets` have a row each; beyond, rows grow with the logarithm up to `farthest`, as
    DeBERTa v3 sorts them. Without buckets each distance up to `farthest` has a row. The row of zero is in the middle.
    """
    span, rows = farthest, distances
    if buckets > 0:
        span, middle = buckets, buckets // 2
        far = np.maximum(np.abs(distances), middle).astype(np.float32) / np.float32(middle)
        grown = np.ceil(np.log(far) / np.log(np.float32((farthest - 1) / middle)) * np.float32(middle - 1))
        steps = (grown.astype(np.int64) + middle) * np.sign(distances)
        rows = np.where(np.abs(distances) <= middle, distances, steps)
    clipped: NDArray[np.int64] = np.clip(rows + span, 0, 2 * span - 1)
    return clipped
