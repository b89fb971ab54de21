"""Open lists hold the labels that are nearest to a text, each with how near it is."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from training import closeness
from training.backbones import BACKBONES
from training.closeness import LABELS, open_lists, rank
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
        assert example.ranking is not None
        ranked = sorted(zip(example.ranking, example.hypotheses, strict=True), reverse=True)
        assert "bread" in ranked[0][1]


def test_judges_have_their_say_on_average() -> None:
    one = Example("text", ("a", "b"), (UNKNOWN, UNKNOWN), listwise=False, ranking=(1.0, 2.0))
    first, second = (np.array([[entailment, 9, 9], [0, 9, 9]], np.float16) for entailment in (3, 5))
    assert list(rank([one], 2.0, [[first], [second]])) == [replace(one, ranking=(6.0, 4.0))]
    assert list(rank([one], 2.0, [])) == [replace(one, ranking=(2.0, 4.0))]
