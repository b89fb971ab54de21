"""Open lists hold the labels that are nearest to a text, each with how near it is."""

from __future__ import annotations

import random

import pytest
from sentence_transformers import SentenceTransformer

from training import closeness
from training.backbones import BACKBONES
from training.closeness import LABELS, open_lists
from training.examples import UNKNOWN, Example
from training.vocabularies import Vocabulary

FOODS = [f"{cut} {food}" for food in ("bread", "cheese", "apples", "soup") for cut in ("fresh", "stale", "sliced")]
CRAFTS = [f"{what} a {thing}" for what in ("building", "mending") for thing in ("boat", "roof", "clock", "shoe")]


@pytest.fixture(scope="module")
def encoder() -> SentenceTransformer:
    return SentenceTransformer(str(BACKBONES["all-MiniLM-L6-v2"].folder()), device="cpu")


def test_open_lists_have_the_nearest_labels_in_them(
    encoder: SentenceTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabulary = Vocabulary("ours", "topic", {label: [] for label in (*FOODS, *CRAFTS, *map(str, range(30)))})
    monkeypatch.setattr(closeness, "read_vocabularies", lambda **_: [vocabulary])
    monkeypatch.setattr(closeness, "own_texts", lambda **_: [])
    text = "The baker sells yesterday's loaves at half price."
    for example in open_lists([Example(text, (), (), listwise=False)], encoder, 3, None, random.Random(0)):
        assert example.premise == text
        assert len(example.hypotheses) in range(LABELS[0], LABELS[1] + 1)
        assert set(example.targets) == {UNKNOWN}
        assert example.closeness is not None
        ranked = sorted(zip(example.closeness, example.hypotheses, strict=True), reverse=True)
        assert "bread" in ranked[0][1]
