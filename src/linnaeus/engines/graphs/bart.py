"""BART: an encoder reads the pair, a decoder reads it again, and the head reads the decoder's last token.

The decoder sees the tokens shifted by one, and of them only those to the left; so padding on the right changes nothing
for the last token, which alone is computed in its last layer.
"""

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
    int_,
    ints,
    positions_of,
    shape_of_parts,
    size_of,
)

#: Rows of the table of positions that come before position 0.
FIRST_POSITION = 2

NORM_EPSILON = 1e-5


def build_bart(arrays: Arrays, config: Mapping[str, Any], *, compressed: bool) -> ov.Model:
    """Build a BART; see `Inputs`."""
    return _BartBuilder(arrays, config, compressed=compressed).build()


class _BartBuilder(GraphBuilder):
    def __init__(self, arrays: Arrays, config: Mapping[str, Any], *, compressed: bool) -> None:
        super().__init__(
            arrays, heads=config["encoder_attention_heads"], norm_epsilon=NORM_EPSILON, compressed=compressed
        )
        self._config = config
        self._activation = activation(config.get("activation_function", "gelu"))

    def build(self) -> ov.Model:
        inputs = Inputs()
        encoded = self._embed("encoder", inputs.tokens)
        for index in range(self._config["encoder_layers"]):
            layer = f"model.encoder.layers.{index}"
            attended = self._attention(f"{layer}.self_attn", encoded, encoded, inputs.mask)
            encoded = self.norm(f"{layer}.self_attn_layer_norm", op.add(encoded, attended))
            encoded = self._widen_and_narrow(layer, encoded)

        decoded = self._embed("decoder", self._shifted(inputs.tokens))
        last = self._config["decoder_layers"] - 1
        for index in range(last):
            decoded = self._decoder_layer(index, decoded, decoded, encoded, inputs.mask, causal=True)
        read = self._decoder_layer(last, self._last_token(decoded, inputs.kept), decoded, encoded, inputs.mask)

        pooled = op.tanh(self.linear("classification_head.dense", read, compressed=False))
        return inputs.model(op.squeeze(self.linear("classification_head.out_proj", pooled, compressed=False), ints(1)))

    def _embed(self, part: str, tokens: Node) -> Node:
        words = "model.shared" if "model.shared.weight" in self.arrays else "model.encoder.embed_tokens"
        embedded = self.rows(words, tokens)
        if self._config.get("scale_embedding"):
            embedded = op.multiply(embedded, op.constant(np.float32(self._config["d_model"] ** 0.5)))
        positions = op.add(positions_of(tokens), int_(FIRST_POSITION))
        embedded = op.add(embedded, self.rows(f"model.{part}.embed_positions", positions))
        return self.norm(f"model.{part}.layernorm_embedding", embedded)

    def _shifted(self, tokens: Node) -> Node:
        start = constant(np.array([[self._config.get("decoder_start_token_id", 2)]], np.int32))
        starts = op.broadcast(start, shape_of_parts(size_of(tokens, 0), ints(1)))
        return op.concat([starts, op.slice(tokens, ints(0), ints(-1), ints(1), ints(1))], 1)

    def _last_token(self, hidden: Node, kept: Node) -> Node:
        """[rows, length, hidden] to [rows, 1, hidden]: the last token of each row that is not padding."""
        count = op.convert(op.reduce_sum(kept, ints(1), True), np.int32)
        return op.gather(hidden, op.subtract(count, op.constant(np.int32(1))), int_(1), 1)

    def _decoder_layer(
        self, index: int, queries: Node, decoded: Node, encoded: Node, mask: Node, *, causal: bool = False
    ) -> Node:
        layer = f"model.decoder.layers.{index}"
        attended = self._attention(f"{layer}.self_attn", queries, decoded, mask, causal=causal)
        queries = self.norm(f"{layer}.self_attn_layer_norm", op.add(queries, attended))
        attended = self._attention(f"{layer}.encoder_attn", queries, encoded, mask)
        queries = self.norm(f"{layer}.encoder_attn_layer_norm", op.add(queries, attended))
        return self._widen_and_narrow(layer, queries)

    def _attention(self, name: str, queries: Node, hidden: Node, mask: Node, *, causal: bool = False) -> Node:
        query = self.split(self.linear(f"{name}.q_proj", queries))
        key, value = (self.split(self.linear(f"{name}.{part}_proj", hidden)) for part in ("k", "v"))
        if causal:
            attended = op.scaled_dot_product_attention(query, key, value, causal=True)
        else:
            attended = op.scaled_dot_product_attention(query, key, value, mask)
        return self.linear(f"{name}.out_proj", self.joined(attended))

    def _widen_and_narrow(self, layer: str, hidden: Node) -> Node:
        widened = self._activation(self.linear(f"{layer}.fc1", hidden))
        return self.norm(f"{layer}.final_layer_norm", op.add(hidden, self.linear(f"{layer}.fc2", widened)))
