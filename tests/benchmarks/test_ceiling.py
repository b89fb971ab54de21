"""Shares of the ceiling rest on a count of operations: PyTorch counts the same."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.ceiling import flops_per_text
from linnaeus.engines.one_pass_module import OnePassModule
from linnaeus.models.one_pass import OnePassConfig

CONFIG = OnePassConfig(
    hidden_size=32, layers=3, heads=4, intermediate_size=96, vocabulary_size=50, positions=64, norm_epsilon=1e-12
)


@pytest.mark.parametrize("hypotheses", [[5], [5, 7], [9, 4, 6]])
def test_counts_what_pytorch_counts_less_what_is_masked(hypotheses: list[int]) -> None:
    text, all_tokens = 20, 20 + sum(hypotheses)
    segments = [0] * text + [index + 1 for index, length in enumerate(hypotheses) for _ in range(length)]
    first = [segments.index(index + 1) for index in range(len(hypotheses))]
    tokens = torch.zeros(1, all_tokens, dtype=torch.long)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        OnePassModule(CONFIG)(tokens, torch.arange(all_tokens)[None], torch.tensor([segments]), torch.tensor([first]))

    seen = text**2 + sum(length * (text + length) for length in hypotheses)
    seen_last = sum(text + length for length in hypotheses)
    masked = (CONFIG.layers - 1) * (all_tokens**2 - seen) + len(hypotheses) * all_tokens - seen_last
    in_each = 4 * CONFIG.hidden_size  # a product with a key and one with a value
    assert flops_per_text(CONFIG, text, hypotheses) == counter.get_total_flops() - in_each * masked
