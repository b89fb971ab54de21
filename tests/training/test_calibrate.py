"""Calibration finds the numbers by which logits were spoilt, and its error says how far off scores were."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from linnaeus.scores import UNCALIBRATED, LogitColumns
from training.calibrate import (
    Asked,
    Group,
    alone_answers,
    competing_answers,
    error_by_chance,
    expected_calibration_error,
    fit,
)

COLUMNS = LogitColumns(entailment=0, opposing=(1,))


def spoilt(temperature: float, growth: float, slope: float, offset: float) -> Group:
    """Draw lists of which the labels hold as often as the logits say, and then distort the logits."""
    draw = np.random.default_rng(0)
    competing = []
    for length in (2, 4, 16, 64):
        for _ in range(800):
            logits = draw.normal(scale=1.5, size=length)
            shares = np.exp(logits) / np.exp(logits).sum()
            right = draw.choice(length, p=shares)
            order = [right, *(label for label in range(length) if label != right)]
            competing.append(Asked(_two_classes(logits[order] * temperature * length**growth), 1))
    alone = []
    for _ in range(2000):
        odds = draw.normal(scale=2.0)
        holds = int(draw.random() < 1 / (1 + np.exp(-odds)))
        alone.append(Asked(_two_classes(np.array([(odds - offset) / slope])), holds))
    return Group("drawn", competing, alone)


def _two_classes(logits: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.stack((logits, np.zeros_like(logits)), -1).astype(np.float32)


@pytest.fixture(scope="module")
def group() -> Group:
    return spoilt(temperature=3.0, growth=0.2, slope=0.5, offset=-0.7)


def test_finds_what_the_logits_were_spoilt_by(group: Group) -> None:
    found = fit([group], COLUMNS)
    assert found.temperature == pytest.approx(3.0, rel=0.15)
    assert found.growth == pytest.approx(0.2, abs=0.06)
    assert found.slope == pytest.approx(0.5, rel=0.15)
    assert found.offset == pytest.approx(-0.7, abs=0.15)
    fitted, spoilt = (
        (
            expected_calibration_error(*competing_answers([group], COLUMNS, calibration, 4)),
            expected_calibration_error(*alone_answers([group], COLUMNS, calibration)),
        )
        for calibration in (found, UNCALIBRATED)
    )
    assert max(fitted) < 0.05 < min(spoilt)


def test_the_error_is_the_distance_of_score_and_truth() -> None:
    right = np.array([True, False])
    assert expected_calibration_error(np.array([0.5, 0.5], np.float32), right) == pytest.approx(0)
    assert expected_calibration_error(np.array([1.0, 1.0], np.float32), right) == pytest.approx(0.5)
    assert expected_calibration_error(np.array([0.9, 0.1], np.float32), right) == pytest.approx(0.1)


def test_few_answers_are_off_by_chance() -> None:
    draw = np.random.default_rng(1)
    few, many = (error_by_chance(draw.uniform(0.3, 1, count).astype(np.float32)) for count in (75, 75_000))
    assert many < 0.01 < 0.08 < few
