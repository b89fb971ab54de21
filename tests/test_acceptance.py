from __future__ import annotations

from collections.abc import Mapping

import pytest

from linnaeus.acceptance import hold_against
from linnaeus.classifier import Classification


def result(**scores: float) -> Classification:
    ordered: Mapping[str, float] = dict(sorted(scores.items(), key=lambda item: -item[1]))
    return {"sequence": "a text", "labels": list(ordered), "scores": list(ordered.values())}


def test_small_moves_are_accepted() -> None:
    verdict = hold_against([result(a=0.70, b=0.30)], [result(a=0.69, b=0.31)])
    assert verdict.largest_move == pytest.approx(0.01)
    assert verdict.moved_too_far == 0
    assert verdict.accepted


def test_one_score_that_moves_far_is_too_many() -> None:
    verdict = hold_against([result(a=0.70, b=0.30), result(a=0.9)], [result(a=0.67, b=0.33), result(a=0.9)])
    assert verdict.moved_too_far == pytest.approx(2 / 3)
    assert not verdict.accepted


def test_a_close_race_may_turn_and_another_not() -> None:
    assert hold_against([result(a=0.505, b=0.495)], [result(a=0.495, b=0.505)]).flips == 0
    assert hold_against([result(a=0.511, b=0.489)], [result(a=0.495, b=0.505)]).flips == 1
