from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from linnaeus import Classifier
from linnaeus.acceptance import Tried, Verdict, fastest_accepted, hold_against, try_precisions
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


def test_the_fastest_of_the_accepted_is_chosen() -> None:
    good, bad = Verdict(0.01, 0.001, 0, 0), Verdict(0.03, 0.001, 0.1, 0)
    tried = [Tried("r", "fp32", good, 10), Tried("r", "bf16", good, 30), Tried("r", "int8", bad, 50)]
    assert fastest_accepted(tried).precision == "bf16"


def test_every_precision_is_tried_beside_fp32(tiny_folder: Path) -> None:
    tried = {one.precision: one for one in try_precisions(tiny_folder, texts=5)}
    assert tried["fp32"].verdict.largest_move == 0
    assert all(one.verdict.largest_move > 0 for one in tried.values() if one.precision != "fp32")
    assert {one.revision for one in tried.values()} == {Classifier(tiny_folder).model.revision}
