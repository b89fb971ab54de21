"""Readings as the tensors of `OnePassModule.forward`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from linnaeus.engines.base import Reading
from linnaeus.engines.one_pass_module import PADDING, TEXT


@dataclass(frozen=True, slots=True)
class Packed:
    """Packed sequences, one row a reading; see `OnePassModule.forward` for each."""

    tokens: Tensor
    positions: Tensor
    segments: Tensor
    first: Tensor

    def to(self, device: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the arguments of `OnePassModule.forward` on a device."""
        return self.tokens.to(device), self.positions.to(device), self.segments.to(device), self.first.to(device)


def pack(readings: Sequence[Reading]) -> Packed:
    length = max(reading.tokens for reading in readings)
    hypotheses = max(len(reading.hypotheses) for reading in readings)
    tokens = torch.zeros((len(readings), length), dtype=torch.long)
    positions = torch.zeros_like(tokens)
    segments = torch.full_like(tokens, PADDING)
    first = torch.zeros((len(readings), hypotheses), dtype=torch.long)
    for row, reading in enumerate(readings):
        text_end = start = len(reading.premise)
        tokens[row, :start] = torch.tensor(reading.premise)
        positions[row, :start] = torch.arange(start)
        segments[row, :start] = TEXT
        for index, hypothesis in enumerate(reading.hypotheses):
            end = start + len(hypothesis)
            tokens[row, start:end] = torch.tensor(hypothesis)
            positions[row, start:end] = torch.arange(text_end, text_end + len(hypothesis))
            segments[row, start:end] = index + 1
            first[row, index] = start
            start = end
    return Packed(tokens, positions, segments, first)
