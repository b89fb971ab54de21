"""The one-pass model in PyTorch: the plain reading of its definition.

Training uses this module, the PyTorch engine runs it, and the tests hold the OpenVINO graph against it. It needs the
``torch`` extra.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from linnaeus.engines.distances import bucket_of_offsets
from linnaeus.engines.padding import MASKED
from linnaeus.models.one_pass import OnePassConfig, read_weights

#: Segment of a text token, and of padding. Hypotheses are segments 1, 2, 3, …
TEXT, PADDING = 0, -1


class OnePassModule(nn.Module):
    """A BERT or MPNet encoder that reads a text and all its hypotheses packed in one sequence.

    Text tokens attend to text tokens. Tokens of a hypothesis attend to the text and to that
    hypothesis, never to another. Each hypothesis is read at its first token.
    """

    def __init__(self, config: OnePassConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        if config.relative_buckets:
            self.relative = nn.Embedding(config.relative_buckets, config.heads)
            buckets = torch.from_numpy(bucket_of_offsets(config.positions, config.relative_buckets))
            self.bucket_of_offset: Tensor
            self.register_buffer("bucket_of_offset", buckets, persistent=False)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.head = Head(config)

    @classmethod
    def read(cls, folder: Path) -> OnePassModule:
        """Read a model folder, in fp32.

        Raises:
            ModelError: its files are missing or damaged.
        """
        config = OnePassConfig.read(folder)
        module = cls(config)
        module.load_state_dict({name: torch.from_numpy(array) for name, array in read_weights(folder, config).items()})
        return module

    def forward(self, tokens: Tensor, positions: Tensor, segments: Tensor, first: Tensor) -> Tensor:
        """Return the logits of every hypothesis.

        Args:
            tokens: [rows, length] token ids of the packed sequences.
            positions: [rows, length]; a hypothesis counts on from where its text ended.
            segments: [rows, length]; 0 for the text, k for hypothesis k, -1 for padding.
            first: [rows, hypotheses] index of the first token of each hypothesis; rows with
                fewer hypotheses repeat any index.

        Returns:
            [rows, hypotheses, classes]
        """
        hidden = self.embeddings(tokens, positions, (segments > TEXT).long())
        added = self._added(positions, segments).to(hidden.dtype)
        *body, last = self.layers
        for layer in body:
            hidden = layer(hidden, hidden, added)
        # Nothing reads the other tokens of the last layer, so it is computed for these alone.
        rows = torch.arange(tokens.shape[0], device=tokens.device)[:, None]
        hidden = last(hidden[rows, first], hidden, added[rows, :, first].transpose(1, 2))
        logits: Tensor = self.head(hidden)
        return logits

    def _added(self, positions: Tensor, segments: Tensor) -> Tensor:
        """Return [rows, heads or 1, queries, keys], added to attention scores: who sees whom, and MPNet's bias."""
        added = torch.where(visible(segments), 0.0, float(MASKED))
        if not self.config.relative_buckets:
            return added
        offsets = positions[:, None, :] - positions[:, :, None]
        bias: Tensor = self.relative(self.bucket_of_offset[offsets + self.config.positions - 1])
        return added + bias.permute(0, 3, 1, 2)


def visible(segments: Tensor) -> Tensor:
    """Return [rows, 1, queries, keys]: whether the query's token attends to the key's."""
    keys, queries = segments[:, None, None, :], segments[:, None, :, None]
    return (keys == TEXT) | (keys == queries)


class Embeddings(nn.Module):
    def __init__(self, config: OnePassConfig) -> None:
        super().__init__()
        self.word = nn.Embedding(config.vocabulary_size, config.hidden_size)
        self.position = nn.Embedding(config.positions, config.hidden_size)
        self.segment = nn.Embedding(config.segment_types, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, config.norm_epsilon)

    def forward(self, tokens: Tensor, positions: Tensor, types: Tensor) -> Tensor:
        embedded: Tensor = self.norm(self.word(tokens) + self.position(positions) + self.segment(types))
        return embedded


class Layer(nn.Module):
    def __init__(self, config: OnePassConfig) -> None:
        super().__init__()
        self.heads, self.head_size = config.heads, config.head_size
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.output = nn.Linear(config.hidden_size, config.hidden_size)
        self.attention_norm = nn.LayerNorm(config.hidden_size, config.norm_epsilon)
        self.up = nn.Linear(config.hidden_size, config.intermediate_size)
        self.down = nn.Linear(config.intermediate_size, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, config.norm_epsilon)

    def forward(self, queries: Tensor, keys: Tensor, added: Tensor) -> Tensor:
        attended = attend(
            self._split(self.query(queries)), self._split(self.key(keys)), self._split(self.value(keys)), added
        )
        joined = attended.transpose(1, 2).flatten(2)
        hidden = self.attention_norm(queries + self.output(joined))
        output: Tensor = self.norm(hidden + self.down(functional.gelu(self.up(hidden))))
        return output

    def _split(self, hidden: Tensor) -> Tensor:
        """[rows, length, hidden] to [rows, heads, length, head size]."""
        rows, length, _ = hidden.shape
        return hidden.view(rows, length, self.heads, self.head_size).transpose(1, 2)


def attend(queries: Tensor, keys: Tensor, values: Tensor, added: Tensor) -> Tensor:
    added = added.to(queries.dtype)
    if queries.is_cuda:
        return functional.scaled_dot_product_attention(queries, keys, values, attn_mask=added)
    # On the CPU the fused form has a slow backward pass (more than half of a training step).
    scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5
    weights: Tensor = (scores + added).softmax(-1)
    return weights @ values


class Head(nn.Module):
    def __init__(self, config: OnePassConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.classifier = nn.Linear(config.hidden_size, len(config.labels))

    def forward(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.classifier(torch.tanh(self.dense(hidden)))
        return logits
