"""The one-pass model as an OpenVINO graph that computes nothing twice and no padding it can avoid.

The definition (`one_pass_module`) packs text and hypotheses in one sequence and masks what must not be seen. Here the
two are separate streams of the same layers: the text attends to itself, each hypothesis to the text and to itself, and
the products that the mask would throw away are never made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from linnaeus.models.one_pass import SCALE_SUFFIX, OnePassConfig

#: A node of the graph: OpenVINO's Python interface has no type for "node or output of a node".
Node = Any

#: Added to the scores of padding: its weight is zero.
MASKED = np.float32(-1e4)


def build_graph(stored: Mapping[str, NDArray[Any]], config: OnePassConfig, *, compressed: bool) -> ov.Model:
    """Build the model from the arrays of its weights file.

    With `compressed` the matrices of the layers stay int8, for an engine that multiplies in int8.

    Inputs, of any size in every dimension:
        premises: [texts, length] int32 token ids.
        premise_mask: [texts, 1, 1, length] fp32, 0 for a token and `MASKED` for padding.
        hypotheses: [texts, hypotheses, length] int32 token ids.
        hypothesis_mask: [texts, 1, hypotheses, 1, length] fp32, likewise.
        hypothesis_positions: [texts, hypotheses * length] int32.

    Output: [texts, hypotheses, classes] fp32 logits.
    """
    return _Builder(stored, config, compressed=compressed).build()


class _Builder:
    def __init__(self, stored: Mapping[str, NDArray[Any]], config: OnePassConfig, *, compressed: bool) -> None:
        self._stored = stored
        self._config = config
        self._compressed = compressed

    def build(self) -> ov.Model:
        premises = op.parameter([-1, -1], np.int32, name="premises")
        premise_mask = op.parameter([-1, 1, 1, -1], np.float32, name="premise_mask")
        hypotheses = op.parameter([-1, -1, -1], np.int32, name="hypotheses")
        hypothesis_mask = op.parameter([-1, 1, -1, 1, -1], np.float32, name="hypothesis_mask")
        hypothesis_positions = op.parameter([-1, -1], np.int32, name="hypothesis_positions")

        length = op.squeeze(_dimension(premises, 1), _ints(0))
        premise_positions = op.range(_int(0), length, _int(1), "i64")
        text = self._embed(premises, premise_positions, segment=0)
        labels = self._embed(op.reshape(hypotheses, _ints(0, -1), True), hypothesis_positions, segment=1)

        count = _dimension(hypotheses, 1)
        masks = premise_mask, hypothesis_mask
        *body, last = (f"layers.{layer}" for layer in range(self._config.layers))
        for layer in body:
            labels = self._label_layer(layer, labels, labels, text, count, masks)
            text = self._text_layer(layer, text, premise_mask)
        # Nothing reads the last layer but the head, and the head reads the first token of each hypothesis.
        apart = op.reshape(labels, _join(_ints(0), count, _ints(-1, self._config.hidden_size)), True)
        first = op.gather(apart, _int(0), _int(2))
        read = self._label_layer(last, first, labels, text, count, masks)
        logits = self._linear("head.classifier", op.tanh(self._linear("head.dense", read)))
        inputs = [premises, premise_mask, hypotheses, hypothesis_mask, hypothesis_positions]
        return ov.Model([logits], inputs, "one-pass")

    def _embed(self, tokens: Node, positions: Node, *, segment: int) -> Node:
        words = op.add(self._rows("embeddings.word", tokens), self._rows("embeddings.position", positions))
        return self._norm("embeddings.norm", op.add(words, self._rows("embeddings.segment", _int(segment))))

    def _text_layer(self, layer: str, text: Node, mask: Node) -> Node:
        query, key, value = (self._heads(self._linear(f"{layer}.{name}", text)) for name in ("query", "key", "value"))
        attended = op.scaled_dot_product_attention(query, key, value, mask)
        return self._after_attention(layer, text, attended)

    def _label_layer(
        self, layer: str, queries: Node, labels: Node, text: Node, count: Node, masks: tuple[Node, Node]
    ) -> Node:
        """Let the `queries` of `count` hypotheses a text attend to their text, and each hypothesis to itself.

        One softmax runs over both parts.
        """
        size = self._config.head_size
        premise_mask, hypothesis_mask = masks

        def per_hypothesis(heads: Node, columns: Node) -> Node:
            return op.reshape(heads, _join(_ints(0, 0), count, _ints(-1), columns), True)

        query = self._heads(self._linear(f"{layer}.query", queries, scale=size**-0.5))
        text_key, text_value = (self._heads(self._linear(f"{layer}.{name}", text)) for name in ("key", "value"))
        own_key, own_value = (
            per_hypothesis(self._heads(self._linear(f"{layer}.{name}", labels)), _ints(size))
            for name in ("key", "value")
        )

        text_score = op.add(op.matmul(query, text_key, False, True), premise_mask)
        own_score = op.matmul(per_hypothesis(query, _ints(size)), own_key, False, True)
        own_score = op.add(own_score, hypothesis_mask)
        text_length, own_length = _dimension(text_score, 3), _dimension(own_score, 4)
        own_score = op.reshape(own_score, _join(_ints(0, 0, -1), own_length), True)

        weights = op.softmax(op.concat([text_score, own_score], 3), 3)
        parts = op.variadic_split(weights, _int(3), _join(text_length, own_length))
        from_text = op.matmul(parts.output(0), text_value, False, False)
        from_own = op.matmul(per_hypothesis(parts.output(1), own_length), own_value, False, False)
        attended = op.add(from_text, op.reshape(from_own, _ints(0, 0, -1, size), True))
        return self._after_attention(layer, queries, attended)

    def _after_attention(self, layer: str, hidden: Node, attended: Node) -> Node:
        joined = op.reshape(op.transpose(attended, _ints(0, 2, 1, 3)), _ints(0, 0, -1), True)
        hidden = self._norm(f"{layer}.attention_norm", op.add(hidden, self._linear(f"{layer}.output", joined)))
        widened = op.gelu(self._linear(f"{layer}.up", hidden), "erf")
        return self._norm(f"{layer}.norm", op.add(hidden, self._linear(f"{layer}.down", widened)))

    def _heads(self, hidden: Node) -> Node:
        """[texts, length, heads * size] to [texts, heads, length, size]."""
        apart = op.reshape(hidden, _ints(0, 0, self._config.heads, -1), True)
        return op.transpose(apart, _ints(0, 2, 1, 3))

    def _linear(self, name: str, hidden: Node, *, scale: float = 1.0) -> Node:
        matrix = self._matrix(f"{name}.weight").scaled(scale)
        bias = self._stored[f"{name}.bias"] * np.float32(scale)
        compressed = self._compressed and name.startswith("layers.")
        weight = matrix.compressed() if compressed else op.constant(matrix.plain())
        return op.add(op.matmul(hidden, weight, False, True), op.constant(bias))

    def _rows(self, name: str, indexes: Node) -> Node:
        """Look rows of a matrix up; it stays int8, as most of its rows are never asked for."""
        matrix = self._matrix(f"{name}.weight")
        rows = op.gather(op.constant(matrix.values), indexes, _int(0))
        if matrix.scales is None:
            return rows
        scales = op.gather(op.constant(matrix.scales[:, None]), indexes, _int(0))
        return op.multiply(op.convert(rows, np.float32), scales)

    def _norm(self, name: str, hidden: Node) -> Node:
        normal = op.mvn(hidden, _ints(-1), True, self._config.norm_epsilon, "inside_sqrt")
        weight, bias = (op.constant(self._stored[f"{name}.{part}"]) for part in ("weight", "bias"))
        return op.add(op.multiply(normal, weight), bias)

    def _matrix(self, name: str) -> Matrix:
        return Matrix(self._stored[name], self._stored.get(name + SCALE_SUFFIX))


@dataclass(frozen=True, slots=True)
class Matrix:
    """A weight matrix [outputs, inputs]: fp32, or int8 with a scale per row."""

    values: NDArray[Any]
    scales: NDArray[np.float32] | None

    def scaled(self, factor: float) -> Matrix:
        if self.scales is None:
            return Matrix(self.values * np.float32(factor), None)
        return Matrix(self.values, self.scales * np.float32(factor))

    def plain(self) -> NDArray[np.float32]:
        return self.values if self.scales is None else self.values * self.scales[:, None]

    def compressed(self) -> Node:
        """Return the matrix in the form that OpenVINO multiplies without unpacking it first."""
        if self.scales is None:
            return op.constant(self.values)
        return op.multiply(op.convert(op.constant(self.values), np.float32), op.constant(self.scales[:, None]))


def _dimension(node: Node, axis: int) -> Node:
    return op.gather(op.shape_of(node, "i64"), _ints(axis), _int(0))


def _join(*shapes: Node) -> Node:
    return op.concat(list(shapes), 0)


def _int(value: int) -> Node:
    return op.constant(np.int64(value))


def _ints(*values: int) -> Node:
    return op.constant(np.array(values, np.int64))
