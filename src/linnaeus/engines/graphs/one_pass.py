"""The one-pass model as an OpenVINO graph that computes nothing twice and no padding it can avoid.

The definition (`one_pass_module`) packs text and hypotheses in one sequence and masks what must not be seen. Here the
two are separate streams of the same layers: the text attends to itself, each hypothesis to the text and to itself, and
the products that the mask would throw away are never made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import openvino as ov
from openvino import opset13 as op

from linnaeus.engines.distances import bucket_of_offsets
from linnaeus.engines.graphs.base import (
    Arrays,
    GraphBuilder,
    Node,
    constant,
    int_,
    ints,
    parameter,
    positions_of,
    shape_of_parts,
    size_of,
)
from linnaeus.models.one_pass import OnePassConfig


def build_graph(arrays: Arrays, config: OnePassConfig, *, compressed: bool) -> ov.Model:
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
    return _OnePassBuilder(arrays, config, compressed=compressed).build()


@dataclass(frozen=True, slots=True)
class _Added:
    """What is added to attention scores: the masks of padding, and MPNet's bias by distance where there is one.

    Attributes:
        text: [texts, heads or 1, queries or 1, keys], to those of a text to itself.
        to_text: [texts, heads or 1, 1, queries or 1, keys], to those of each hypothesis to its text.
        own: [texts, heads or 1, hypotheses, queries or 1, keys], to those of each hypothesis to itself.
    """

    text: Node
    to_text: Node
    own: Node

    def to_first_tokens(self) -> _Added:
        """Return what is added where only the first token of each hypothesis asks."""
        return _Added(self.text, *(op.gather(part, ints(0), int_(3)) for part in (self.to_text, self.own)))


class _OnePassBuilder(GraphBuilder):
    def __init__(self, arrays: Arrays, config: OnePassConfig, *, compressed: bool) -> None:
        super().__init__(arrays, heads=config.heads, norm_epsilon=config.norm_epsilon, compressed=compressed)
        self._config = config

    def build(self) -> ov.Model:
        premises = parameter("premises", [-1, -1])
        premise_mask = parameter("premise_mask", [-1, 1, 1, -1], np.float32)
        hypotheses = parameter("hypotheses", [-1, -1, -1])
        hypothesis_mask = parameter("hypothesis_mask", [-1, 1, -1, 1, -1], np.float32)
        hypothesis_positions = parameter("hypothesis_positions", [-1, -1])

        text = self._embed(premises, positions_of(premises), segment=0)
        labels = self._embed(op.reshape(hypotheses, ints(0, -1), True), hypothesis_positions, segment=1)

        count = size_of(hypotheses, 1)
        added = _Added(premise_mask, op.unsqueeze(premise_mask, ints(1)), hypothesis_mask)
        if self._config.relative_buckets:
            added = self._biased(added, premises, hypotheses, hypothesis_positions)
        *body, last = (f"layers.{layer}" for layer in range(self._config.layers))
        for layer in body:
            labels = self._label_layer(layer, labels, labels, text, count, added)
            text = self._text_layer(layer, text, added.text)
        # Nothing reads the last layer but the head, and the head reads the first token of each hypothesis.
        apart = op.reshape(labels, shape_of_parts(ints(0), count, ints(-1, self._config.hidden_size)), True)
        first = op.gather(apart, int_(0), int_(2))
        read = self._label_layer(last, first, labels, text, count, added.to_first_tokens())
        pooled = op.tanh(self.linear("head.dense", read, compressed=False))
        logits = self.linear("head.classifier", pooled, compressed=False)
        inputs = [premises, premise_mask, hypotheses, hypothesis_mask, hypothesis_positions]
        return ov.Model([logits], inputs, "one-pass")

    def _embed(self, tokens: Node, positions: Node, *, segment: int) -> Node:
        words = op.add(self.rows("embeddings.word", tokens), self.rows("embeddings.position", positions))
        return self.norm("embeddings.norm", op.add(words, self.rows("embeddings.segment", int_(segment))))

    def _biased(self, added: _Added, premises: Node, hypotheses: Node, hypothesis_positions: Node) -> _Added:
        """Add MPNet's bias: all hypotheses of a text follow it at the same distance."""
        in_text, in_hypothesis = positions_of(premises), positions_of(op.gather(hypotheses, int_(0), int_(1)))
        after_text = op.slice(hypothesis_positions, ints(0), size_of(hypotheses, 2), ints(1), ints(1))
        bias = self._bias(in_text, op.convert(after_text, np.int64))  # [heads, texts, queries, keys]
        return _Added(
            op.add(added.text, op.unsqueeze(self._bias(in_text, in_text), int_(0))),
            op.add(added.to_text, op.unsqueeze(op.transpose(bias, ints(1, 0, 2, 3)), int_(2))),
            op.add(added.own, op.unsqueeze(self._bias(in_hypothesis, in_hypothesis), ints(0, 2))),
        )

    def _bias(self, keys: Node, queries: Node) -> Node:
        """Return [heads, …, queries, keys], from positions of keys [keys] and of queries […, queries]."""
        reach = self._config.positions
        by_offset = self.array("relative.weight")[bucket_of_offsets(reach, self._config.relative_buckets)].T
        offsets = op.subtract(keys, op.unsqueeze(queries, int_(-1)))
        return op.gather(constant(by_offset), op.add(offsets, int_(reach - 1)), int_(1))

    def _text_layer(self, layer: str, text: Node, mask: Node) -> Node:
        query, key, value = (self.split(self.linear(f"{layer}.{name}", text)) for name in ("query", "key", "value"))
        attended = op.scaled_dot_product_attention(query, key, value, mask)
        return self._after_attention(layer, text, attended)

    def _label_layer(self, layer: str, queries: Node, labels: Node, text: Node, count: Node, added: _Added) -> Node:
        """Let the `queries` of `count` hypotheses a text attend to their text, and each hypothesis to itself.

        One softmax runs over both parts.
        """
        size = self._config.head_size

        def per_hypothesis(heads: Node, columns: Node) -> Node:
            return op.reshape(heads, shape_of_parts(ints(0, 0), count, ints(-1), columns), True)

        query = self.split(self.linear(f"{layer}.query", queries, scale=size**-0.5))
        text_key, text_value = (self.split(self.linear(f"{layer}.{name}", text)) for name in ("key", "value"))
        own_key, own_value = (
            per_hypothesis(self.split(self.linear(f"{layer}.{name}", labels)), ints(size)) for name in ("key", "value")
        )

        text_score = op.matmul(query, text_key, False, True)
        own_score = op.matmul(per_hypothesis(query, ints(size)), own_key, False, True)
        text_length, own_length = size_of(text_score, 3), size_of(own_score, 4)
        text_score = op.add(per_hypothesis(text_score, text_length), added.to_text)
        own_score = op.add(own_score, added.own)

        weights = op.softmax(op.concat([text_score, own_score], 4), 4)
        parts = op.variadic_split(weights, int_(4), shape_of_parts(text_length, own_length))
        on_text = op.reshape(parts.output(0), shape_of_parts(ints(0, 0, -1), text_length), True)
        from_text = op.matmul(on_text, text_value, False, False)
        from_own = op.reshape(op.matmul(parts.output(1), own_value, False, False), ints(0, 0, -1, size), True)
        attended = op.add(from_text, from_own)
        return self._after_attention(layer, queries, attended)

    def _after_attention(self, layer: str, hidden: Node, attended: Node) -> Node:
        attended = self.linear(f"{layer}.output", self.joined(attended))
        hidden = self.norm(f"{layer}.attention_norm", op.add(hidden, attended))
        widened = op.gelu(self.linear(f"{layer}.up", hidden), "erf")
        return self.norm(f"{layer}.norm", op.add(hidden, self.linear(f"{layer}.down", widened)))
