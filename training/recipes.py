"""The models that are made here, each with its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from training.train import Settings

_BASE_FIRST = Settings(
    backbone="all-mpnet-base-v2",
    # Eleven would be more than 100 MB; without the two highest it learns slowly (LAB.md).
    layers=(0, 1, 2, 3, 5, 6, 8, 9, 10, 11),
    frozen_layers=4,
    learning_rate=8e-5,
    batch_tokens=2048,
    max_examples=56_000,
)

_BASE_THIRD = replace(
    _BASE_FIRST,
    starts_from="base-second",
    share=0.7,
    seed=10,
    learning_rate=5e-5,
    own_turns=1,
    max_published=13_000,
    max_examples=None,
)

#: In the order in which they are made: a later one may start from an earlier one, or be taught by it.
RECIPES: Mapping[str, Settings] = {
    "base-first": _BASE_FIRST,
    "base-second": replace(_BASE_FIRST, starts_from="base-first", share=0.6, seed=8, learning_rate=5e-5),
    # More of the same taught it no more (LAB.md): mostly texts of our own, and enough of the rest to keep it.
    "base-third": _BASE_THIRD,
    # The newest of them, which came when that run was nearly over.
    "base": replace(
        _BASE_THIRD,
        starts_from="base-third",
        share=1.0,
        seed=11,
        learning_rate=3e-5,
        own_turns=2,
        own_files=("civic", "forums", "opinions"),
        max_published=2_000,
    ),
    "small": Settings(backbone="all-MiniLM-L6-v2"),
}
