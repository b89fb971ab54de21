"""Lessons are the teacher's logits, and are not asked for twice."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from linnaeus.loading import load_model
from training import lessons as lessons_module
from training.development import pair_logits
from training.examples import UNKNOWN, Example, strangers
from training.lessons import lessons

EXAMPLES = [
    Example(f"text {index}", tuple("abcde"[: 1 + index % 4]), (0,) * (1 + index % 4), True) for index in range(7)
]


def test_lessons_are_kept(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons_module, "CHUNK", 3)
    found = list(lessons(tiny_folder, EXAMPLES, tmp_path))
    expected = pair_logits(load_model(tiny_folder), [(one.premise, one.hypotheses) for one in EXAMPLES])
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(left, right, atol=0.05)
    (folder,) = tmp_path.iterdir()
    (folder / "0000003.npy").unlink()
    monkeypatch.setattr(lessons_module, "load_model", lambda _: pytest.fail("asked again"))
    with pytest.raises(pytest.fail.Exception):
        list(lessons(tiny_folder, EXAMPLES, tmp_path))
    assert len(list(lessons(tiny_folder, EXAMPLES[:3], tmp_path))) == 3


def test_strangers_are_asked_about_the_labels_of_others() -> None:
    found = strangers(EXAMPLES, 0.5, random.Random(0))
    assert len(found) == 4
    assert {one.premise for one in found} <= {one.premise for one in EXAMPLES}
    assert {one.hypotheses for one in found} <= {one.hypotheses for one in EXAMPLES}
    assert all(set(one.targets) == {UNKNOWN} and not one.listwise for one in found)
