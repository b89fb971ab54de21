"""The models that are made here, each with its settings."""

from __future__ import annotations

from collections.abc import Mapping

from training.train import Settings

RECIPES: Mapping[str, Settings] = {
    "default": Settings(
        backbone="all-mpnet-base-v2",
        # Eleven would be more than 100 MB.
        layers=10,
        frozen_layers=4,
        learning_rate=7e-5,
        batch_tokens=2048,
        max_examples=60_000,
    ),
    "small": Settings(backbone="all-MiniLM-L6-v2"),
}
