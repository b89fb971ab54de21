"""From logits to scores, by the rules of transformers' zero-shot-classification pipeline (5.23), but overflow-safe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LogitColumns:
    """Which columns of the logits say that a hypothesis holds, and which that it does not.

    The pipeline weighs entailment against one column. A model trained to tell "does not follow" from both of its
    other columns, as ours is, names both.
    """

    entailment: int
    opposing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes scores probabilities: fitted on texts whose labels are known, and stored beside the weights.

    Where labels compete, their logits are divided by ``temperature * labels ** growth``, as Guo et al. 2017 do with
    one temperature ("On calibration of modern neural networks", section 4.2): a longer list needs another. Where a
    label stands alone, its log-odds become ``slope * log-odds + offset`` (Platt 1999). Neither changes the order of the
    labels of a text.
    """

    temperature: float = 1.0
    growth: float = 0.0
    slope: float = 1.0
    offset: float = 0.0


#: The pipeline's own scores.
UNCALIBRATED = Calibration()


def label_scores(
    logits: Floats, columns: LogitColumns, *, multi_label: bool, calibration: Calibration = UNCALIBRATED
) -> Floats:
    """Return [labels] scores between 0 and 1 from the [labels, classes] logits of one text.

    With `multi_label`, or one label only, each label stands alone: the softmax of its entailment and opposing logits.
    Otherwise the labels compete: the softmax of their entailment logits over all labels, which sums to 1.
    """
    if multi_label or len(logits) == 1:
        odds = calibration.slope * log_odds(logits, columns) + calibration.offset
        return softmax(np.stack((odds, np.zeros_like(odds)), -1))[:, 0]
    temperature = calibration.temperature * len(logits) ** calibration.growth
    return softmax(logits[:, columns.entailment] / np.float32(temperature))


def log_odds(logits: Floats, columns: LogitColumns) -> Floats:
    """Return [...] the logarithm of how much likelier entailment is than the rest, from [..., classes] logits."""
    opposing = np.logaddexp.reduce(logits[..., list(columns.opposing)], axis=-1)
    odds: Floats = (logits[..., columns.entailment] - opposing).astype(np.float32)
    return odds


def best_windows(logits: Floats, columns: LogitColumns, *, multi_label: bool) -> NDArray[np.intp]:
    """Return for each label the window of a text that speaks for it most, from [windows, labels, classes] logits.

    That is the window with the highest of what becomes the label's score: where labels compete, entailment; where they
    stand alone, entailment against the rest.
    """
    strength = log_odds(logits, columns) if multi_label else logits[..., columns.entailment]
    best: NDArray[np.intp] = strength.argmax(axis=0)
    return best


def softmax(logits: Floats) -> Floats:
    """Return the softmax over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def ranking(scores: Floats) -> list[int]:
    """Return the indexes of the scores from high to low; of equal scores the later comes first, as in the pipeline."""
    order: list[int] = np.argsort(scores, kind="stable")[::-1].tolist()
    return order
