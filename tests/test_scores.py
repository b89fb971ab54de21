"""Logits to scores, held against what transformers' pipeline makes of the same logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from transformers.pipelines.zero_shot_classification import ZeroShotClassificationPipeline

from linnaeus.scores import Calibration, Floats, LogitColumns, label_scores, ranking, softmax

moderate = st.floats(-20, 20, width=32)


def pipeline_result(logits: Floats, entailment: int, *, multi_label: bool) -> dict[str, Any]:
    """Let the pipeline, without a model, rank the labels 0, 1, 2, … by these logits."""
    pipeline = object.__new__(ZeroShotClassificationPipeline)
    pipeline.__class__ = type("Fixed", (ZeroShotClassificationPipeline,), {"entailment_id": entailment})
    outputs = [
        {"candidate_label": index, "sequence": "text", "is_last": True, "logits": torch.from_numpy(row[None])}
        for index, row in enumerate(logits)
    ]
    result: dict[str, Any] = pipeline.postprocess(outputs, multi_label=multi_label)
    return result


@given(
    arrays(np.float32, st.tuples(st.integers(1, 6), st.just(3)), elements=moderate),
    st.sampled_from([0, 2]),
    st.booleans(),
)
def test_scores_and_order_are_the_pipelines(logits: Floats, entailment: int, multi_label: bool) -> None:
    expected = pipeline_result(logits, entailment, multi_label=multi_label)
    columns = LogitColumns(entailment, (2 if entailment == 0 else 0,))
    scores = label_scores(logits, columns, multi_label=multi_label)
    order = ranking(scores)
    assert scores[order].tolist() == pytest.approx(expected["scores"], abs=1e-6)
    by_label = dict(zip(expected["labels"], expected["scores"], strict=True))
    assert [by_label[label] for label in order] == pytest.approx(expected["scores"], abs=1e-6)


def test_equal_scores_come_in_reverse_order_as_in_the_pipeline() -> None:
    logits = np.zeros((4, 3), np.float32)
    expected = pipeline_result(logits, 2, multi_label=False)["labels"]
    assert ranking(label_scores(logits, LogitColumns(2, (0,)), multi_label=False)) == expected == [3, 2, 1, 0]


@given(arrays(np.float32, st.tuples(st.integers(1, 6), st.just(3)), elements=st.floats(-(2.0**99), 2.0**99, width=32)))
def test_huge_logits_do_not_overflow(logits: Floats) -> None:
    for multi_label in (True, False):
        scores = label_scores(logits, LogitColumns(0, (1, 2)), multi_label=multi_label)
        assert ((scores >= 0) & (scores <= 1)).all()


def test_all_opposing_columns_count() -> None:
    logits = np.array([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0]], np.float32)
    scores = label_scores(logits, LogitColumns(0, (1, 2)), multi_label=True)
    assert scores == pytest.approx(softmax(logits)[:, 0])


@given(arrays(np.float32, st.tuples(st.integers(2, 6), st.just(3)), elements=moderate), st.booleans())
def test_calibration_keeps_the_order_of_labels(logits: Floats, multi_label: bool) -> None:
    columns, calibration = LogitColumns(0, (1, 2)), Calibration(temperature=2.5, growth=0.2, slope=0.7, offset=-1.5)
    before = label_scores(logits, columns, multi_label=multi_label).astype(np.float64)
    after = label_scores(logits, columns, multi_label=multi_label, calibration=calibration)
    # Scores that are both 1 as far as fp32 can tell may be told apart by their log-odds.
    assert (np.diff(after[np.lexsort((after, before))]) >= -1e-6).all()
    assert ((after >= 0) & (after <= 1)).all()
    if not multi_label:
        assert after.sum() == pytest.approx(1, abs=1e-5)


def test_calibration_divides_logits_that_compete_and_moves_log_odds_that_stand_alone() -> None:
    logits = np.array([[2.0, 0.0, 0.0], [1.0, 0.0, 0.0]], np.float32)
    columns, calibration = LogitColumns(0, (1,)), Calibration(temperature=2.0, growth=1.0, slope=0.5, offset=-1.0)
    competing = label_scores(logits, columns, multi_label=False, calibration=calibration)
    assert competing[0] == pytest.approx(1 / (1 + np.exp(-1 / 4)))
    for multi_label, count in ((True, 2), (False, 1)):
        alone = label_scores(logits[:count], columns, multi_label=multi_label, calibration=calibration)
        assert alone[0] == pytest.approx(1 / 2)
