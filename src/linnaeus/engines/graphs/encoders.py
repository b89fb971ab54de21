"""Encoders that add and then normalise: BERT and those that changed its embeddings, its names or its head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import openvino as ov
from openvino import opset13 as op

from linnaeus.engines.distances import bucket_of_offsets
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


@dataclass(frozen=True, slots=True)
class Names:
    """What a family calls its arrays, where it differs from RoBERTa, and how its head pools.

    `layer` has a place for the number of the layer. With `counted_positions` the positions of tokens follow from the
    tokens, as `Inputs` says. `widening` projects embeddings to the hidden size, if they are narrower.
    """

    layer: str
    embeddings: str
    query: str = "attention.self.query"
    key: str = "attention.self.key"
    value: str = "attention.self.value"
    output: str = "attention.output.dense"
    attention_norm: str = "attention.output.LayerNorm"
    up: str = "intermediate.dense"
    down: str = "output.dense"
    norm: str = "output.LayerNorm"
    widening: str | None = None
    pooler: str = "classifier.dense"
    pooler_activation: str = "tanh"
    classifier: str = "classifier.out_proj"
    counted_positions: bool = False


_ROBERTA = Names(layer="roberta.encoder.layer.{}", embeddings="roberta.embeddings", counted_positions=True)

NAMES: Mapping[str, Names] = {
    "bert": Names(
        layer="bert.encoder.layer.{}",
        embeddings="bert.embeddings",
        pooler="bert.pooler.dense",
        classifier="classifier",
    ),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "electra": Names(
        layer="electra.encoder.layer.{}",
        embeddings="electra.embeddings",
        widening="electra.embeddings_project",
        pooler_activation="gelu",
    ),
    "mpnet": Names(
        layer="mpnet.encoder.layer.{}",
        embeddings="mpnet.embeddings",
        query="attention.attn.q",
        key="attention.attn.k",
        value="attention.attn.v",
        output="attention.attn.o",
        attention_norm="attention.LayerNorm",
        counted_positions=True,
    ),
    "distilbert": Names(
        layer="distilbert.transformer.layer.{}",
        embeddings="distilbert.embeddings",
        query="attention.q_lin",
        key="attention.k_lin",
        value="attention.v_lin",
        output="attention.out_lin",
        attention_norm="sa_layer_norm",
        up="ffn.lin1",
        down="ffn.lin2",
        norm="output_layer_norm",
        pooler="pre_classifier",
        pooler_activation="relu",
        classifier="classifier",
    ),
    # The layers of a group share their weights.
    "albert": Names(
        layer="albert.encoder.albert_layer_groups.{}",
        embeddings="albert.embeddings",
        query="attention.query",
        key="attention.key",
        value="attention.value",
        output="attention.dense",
        attention_norm="attention.LayerNorm",
        up="ffn",
        down="ffn_output",
        norm="full_layer_layer_norm",
        widening="albert.encoder.embedding_hidden_mapping_in",
        pooler="albert.pooler",
        classifier="classifier",
    ),
}

#: What families call their settings, where it is not what BERT calls them.
_DISTILBERT_SETTINGS = {
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "hidden_act": "activation",
}


def build_encoder(arrays: Arrays, config: Mapping[str, Any], *, compressed: bool) -> ov.Model:
    """Build a BERT, RoBERTa, XLM-R, ELECTRA, MPNet, DistilBERT or ALBERT; see `Inputs`."""
    return _EncoderBuilder(arrays, config, compressed=compressed).build()


class _EncoderBuilder(GraphBuilder):
    def __init__(self, arrays: Arrays, config: Mapping[str, Any], *, compressed: bool) -> None:
        self._family = config["model_type"]
        if self._family == "distilbert":
            config = {**config, **{name: config[own] for name, own in _DISTILBERT_SETTINGS.items()}}
        super().__init__(
            arrays,
            heads=config["num_attention_heads"],
            norm_epsilon=config.get("layer_norm_eps", 1e-12),
            compressed=compressed,
        )
        self._names = NAMES[self._family]
        self._activation = activation(config.get("hidden_act", "gelu_new" if self._family == "albert" else "gelu"))
        self._config = config

    def build(self) -> ov.Model:
        names = self._names
        typed = f"{names.embeddings}.token_type_embeddings.weight" in self.arrays
        inputs = Inputs(
            types=typed and self._family not in {"roberta", "xlm-roberta"}, positions=names.counted_positions
        )
        hidden = self._embed(inputs)
        mask = inputs.mask
        if self._family == "mpnet":
            mask = op.add(mask, self._position_bias(inputs.tokens))
        *body, last = self._layers()
        for layer in body:
            hidden = self._layer(layer, hidden, hidden, mask)
        # The head reads the first token alone, so the last layer is computed for no other.
        hidden = self._layer(last, first_of(hidden), hidden, op.gather(mask, ints(0), int_(2)))
        return inputs.model(self._head(hidden))

    def _layers(self) -> list[str]:
        count = self._config["num_hidden_layers"]
        if self._family != "albert":
            return [self._names.layer.format(index) for index in range(count)]
        groups, inner = self._config.get("num_hidden_groups", 1), self._config.get("inner_group_num", 1)
        return [
            f"{self._names.layer.format(index * groups // count)}.albert_layers.{part}"
            for index in range(count)
            for part in range(inner)
        ]

    def _embed(self, inputs: Inputs) -> Node:
        names = self._names
        positions = inputs.positions if names.counted_positions else positions_of(inputs.tokens)
        embedded = self.rows(f"{names.embeddings}.word_embeddings", inputs.tokens)
        embedded = op.add(embedded, self.rows(f"{names.embeddings}.position_embeddings", positions))
        if f"{names.embeddings}.token_type_embeddings.weight" in self.arrays:
            types = int_(0) if inputs.types is None else inputs.types
            embedded = op.add(embedded, self.rows(f"{names.embeddings}.token_type_embeddings", types))
        embedded = self.norm(f"{names.embeddings}.LayerNorm", embedded)
        if names.widening and f"{names.widening}.weight" in self.arrays:
            embedded = self.linear(names.widening, embedded)
        return embedded

    def _layer(self, layer: str, queries: Node, hidden: Node, mask: Node) -> Node:
        names = self._names
        query = self.split(self.linear(f"{layer}.{names.query}", queries))
        key, value = (self.split(self.linear(f"{layer}.{name}", hidden)) for name in (names.key, names.value))
        attended = self.joined(op.scaled_dot_product_attention(query, key, value, mask))
        attended = self.linear(f"{layer}.{names.output}", attended)
        queries = self.norm(f"{layer}.{names.attention_norm}", op.add(queries, attended))
        widened = self._activation(self.linear(f"{layer}.{names.up}", queries))
        return self.norm(f"{layer}.{names.norm}", op.add(queries, self.linear(f"{layer}.{names.down}", widened)))

    def _position_bias(self, tokens: Node) -> Node:
        """Return MPNet's [1, heads, length, length] bias: what is added to a score by how far the key is away."""
        buckets = self._config.get("relative_attention_num_buckets", 32)
        reach = self._config["max_position_embeddings"]
        bias = self.array("mpnet.encoder.relative_attention_bias.weight")[bucket_of_offsets(reach, buckets)].T
        length = positions_of(tokens)
        return op.unsqueeze(op.gather(constant(bias), square_of_offsets(length, reach), int_(1)), int_(0))

    def _head(self, read: Node) -> Node:
        names = self._names
        pooled = activation(names.pooler_activation)(self.linear(names.pooler, read, compressed=False))
        return op.squeeze(self.linear(names.classifier, pooled, compressed=False), ints(1))
