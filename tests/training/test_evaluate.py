"""The figures of the card: the interval of a macro-F1."""

from __future__ import annotations

import random

import pytest
from sklearn.metrics import f1_score

from training.evaluate import bootstrap_interval


def test_no_sample_of_what_is_all_right_is_less() -> None:
    assert bootstrap_interval(["a", "b", "c"] * 20, ["a", "b", "c"] * 20) == (1.0, 1.0)


@pytest.mark.parametrize("rows", [60, 600])
def test_the_interval_holds_the_macro_f1_and_narrows_with_rows(rows: int) -> None:
    draw = random.Random(0)
    true = [draw.choice("aaab") for _ in range(rows)]
    found = [label if draw.random() < 0.7 else draw.choice("abc") for label in true]
    measured = f1_score(true, found, labels=["a", "b"], average="macro", zero_division=0)
    low, high = bootstrap_interval(true, found)
    assert low < measured < high
    assert (high - low < 0.12) == (rows == 600)
