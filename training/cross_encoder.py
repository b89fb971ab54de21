"""An ordinary cross-encoder of the same backbone and data: every pair a row of its own, all tokens seeing each other.

It is a real checkpoint in Hugging Face format, for what a random one cannot show: how much rounding moves trained
scores, and what one pass costs in quality.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from linnaeus.engines.base import Reading
from linnaeus.engines.one_pass_module import OnePassModule
from linnaeus.engines.packing import Packed, pack
from training.backbones import our_name
from training.batches import Batch, Row, lesson_matrix, ranking_matrix, target_matrix


@dataclass(frozen=True, slots=True)
class PackedPairs:
    """Pairs as rows, and `place` [texts, hypotheses]: the row of each hypothesis of a text."""

    pairs: Packed
    place: Tensor

    def to(self, device: str) -> tuple[Tensor, ...]:
        """Return the arguments of `CrossEncoderModule.forward` on a device."""
        return *self.pairs.to(device)[:3], self.place.to(device)


class CrossEncoderModule(nn.Module):
    """A one-pass module that is given each pair as a text, and reads it at its first token."""

    def __init__(self, encoder: OnePassModule) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, tokens: Tensor, positions: Tensor, segments: Tensor, place: Tensor) -> Tensor:
        """Return [texts, hypotheses, classes] logits; see `OnePassModule.forward` and `PackedPairs`."""
        first = torch.zeros((tokens.shape[0], 1), dtype=torch.long, device=tokens.device)
        logits: Tensor = self.encoder(tokens, positions, segments, first)[:, 0]
        return logits[place]


def collate_pairs(rows: Sequence[Row]) -> Batch:
    """Put every hypothesis of every row together with its text."""
    # Without the opening token of the hypothesis: [CLS] text [SEP] hypothesis [SEP].
    pairs = [[*row.reading.premise, *hypothesis[1:]] for row in rows for hypothesis in row.reading.hypotheses]
    targets = target_matrix(rows)
    place = torch.zeros_like(targets)
    place[targets >= 0] = torch.arange(len(pairs))
    packed = PackedPairs(pack([Reading(pair, ()) for pair in pairs]), place)
    listwise = torch.tensor([row.listwise for row in rows])
    return Batch(packed, targets, listwise, ranking_matrix(rows), lesson_matrix(rows))


def export_cross_encoder(module: CrossEncoderModule, backbone: Path, folder: Path) -> None:
    """Write a checkpoint as transformers' BERT to `folder`, in place of what it held."""
    shape = module.encoder.config
    labels = dict(enumerate(shape.labels))
    bert = BertForSequenceClassification(
        BertConfig(
            vocab_size=shape.vocabulary_size,
            hidden_size=shape.hidden_size,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            intermediate_size=shape.intermediate_size,
            max_position_embeddings=shape.positions,
            type_vocab_size=shape.segment_types,
            layer_norm_eps=shape.norm_epsilon,
            id2label=labels,
            label2id={label: column for column, label in labels.items()},
        )
    )
    trained = module.encoder.state_dict()
    weights = {name: trained[our_name(name)].cpu() for name in bert.state_dict()}
    # Text and hypothesis were trained as one type.
    types = "bert.embeddings.token_type_embeddings.weight"
    weights[types] = weights[types][:1].expand_as(weights[types]).contiguous()
    bert.load_state_dict(weights)
    shutil.rmtree(folder, ignore_errors=True)
    bert.save_pretrained(folder)
    tokenizer = BertTokenizer.from_pretrained(backbone, model_max_length=shape.positions)
    tokenizer.save_pretrained(folder)
