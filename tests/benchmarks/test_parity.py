"""The rule by which a precision is accepted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.parity import acceptance
from linnaeus.acceptance import ACCEPTED_MOVE

EXACT = np.array([[[0.5, 0.3, 0.2], [0.34, 0.33, 0.33]], [[0.9, 0.1, 0.2], [0.4, 0.39, 0.1]]])


def test_scores_that_stay_are_accepted() -> None:
    assert acceptance(EXACT, EXACT) == {"moved": 0.0, "changed": 0, "lost": 0, "accepted": True}


def test_a_score_may_not_move_further_than_allowed() -> None:
    rounded = EXACT.copy()
    rounded[1, 0, 2] += ACCEPTED_MOVE * 1.1
    found = acceptance(EXACT, rounded)
    assert found["moved"] == pytest.approx(ACCEPTED_MOVE * 1.1)
    assert found["changed"] == 0
    assert not found["accepted"]


def test_a_top_label_may_change_if_its_lead_was_small() -> None:
    rounded = EXACT.copy()
    rounded[0, 1] = [0.33, 0.34, 0.33]
    assert acceptance(EXACT, rounded) == {"moved": pytest.approx(0.01), "changed": 1, "lost": 0, "accepted": True}


def test_a_top_label_may_not_change_in_spite_of_its_lead() -> None:
    rounded = EXACT.copy()
    rounded[0, 0] = [0.39, 0.41, 0.2]
    found = acceptance(EXACT, rounded)
    assert (found["changed"], found["lost"], found["accepted"]) == (1, 1, False)
