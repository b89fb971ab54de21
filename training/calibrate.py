"""Calibration: the four numbers that make a model's scores probabilities, and how far these are from the truth.

They are fitted on development sets, on lists of 2 to 64 labels that are drawn from those of each set, every set with
the same weight. One half of the texts fits them; the other half is for the figures.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from linnaeus.labels import DEFAULT_TEMPLATE, HypothesisTemplate, Label
from linnaeus.loading import Model
from linnaeus.models.mean import read_config
from linnaeus.scores import UNCALIBRATED, Calibration, LogitColumns, label_scores, log_odds
from training.development import (
    CLINC150,
    HWU64,
    OUT_OF_SCOPE,
    UNSEEN,
    own_lists,
    pair_logits,
    read_sheet,
    read_texts,
    sheet_logits,
)

#: Scores, and for each whether what it is of holds.
Answers: TypeAlias = tuple[NDArray[np.float32], NDArray[np.bool_]]

#: Lengths of the lists that are drawn, and those that figures are given of.
LENGTHS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
REPORTED_LENGTHS = (4, 16, 64)

#: Of a single-label text, so many wrong labels stand beside the right one where each label stands alone.
WRONG_ALONE = 3

BINS = 15
SAMPLES = 200
ROWS = 600
KEPT = 0.95


@dataclass(frozen=True, slots=True)
class Asked:
    """A list of labels that a text was asked about: [labels, classes] logits, and how many of the first hold."""

    logits: NDArray[np.float32]
    true: int


@dataclass(frozen=True, slots=True)
class Group:
    """The lists of one set. Where `competing`, exactly one label of each holds."""

    name: str
    competing: Sequence[Asked]
    alone: Sequence[Asked]


def calibrate(model: Model, folder: Path, data: Path, rows: int | None = None) -> dict[str, object]:
    """Fit the calibration of the model in a folder, store it there, and return it with its figures."""
    own = _own(model)
    fitting, held = development_groups(model, data, rows or ROWS, own)
    fitted = fit(fitting, model.columns)
    config = read_config(folder)
    replace(config, calibration=asdict(fitted)).write(folder)
    return {
        "fitted": asdict(fitted),
        "error": {
            str(length): _errors(
                *(competing_answers(held, model.columns, calibration, length) for calibration in (UNCALIBRATED, fitted))
            )
            for length in REPORTED_LENGTHS
        },
        "error_alone": _errors(
            *(alone_answers(held, model.columns, calibration) for calibration in (UNCALIBRATED, fitted))
        ),
        "none_true": none_true(model, data, rows or ROWS, own),
    }


def development_groups(model: Model, data: Path, rows: int, own: Sequence[Asked]) -> tuple[list[Group], list[Group]]:
    """Return the groups to fit with, and those held back: every other text of each set, and of our own lists."""
    halves: tuple[list[Group], list[Group]] = [], []
    for name in (*UNSEEN, HWU64):
        sheet = read_sheet(data, name, rows)
        logits = sheet_logits(model, sheet)
        right = [sheet.labels.index(label) for label in sheet.true]
        for half, groups in enumerate(halves):
            draw = random.Random(half)
            rows_of_half = list(zip(logits[half::2], right[half::2], strict=True))
            groups.append(
                Group(
                    name,
                    [asked for found, true in rows_of_half for asked in _lists(found, true, draw)],
                    [_drawn(found, true, min(WRONG_ALONE + 1, len(found)), draw) for found, true in rows_of_half],
                )
            )
    for half, groups in enumerate(halves):
        asked = own[half::2]
        groups.append(Group("our own", [one for one in asked if one.true == 1], asked))
    return halves


def _lists(logits: NDArray[np.float32], true: int, draw: random.Random) -> Iterator[Asked]:
    """Yield the text with lists of every length that its set has labels for."""
    for length in LENGTHS:
        if length <= len(logits):
            yield _drawn(logits, true, length, draw)


def _drawn(logits: NDArray[np.float32], true: int, length: int, draw: random.Random) -> Asked:
    wrong = [label for label in range(len(logits)) if label != true]
    return Asked(logits[[true, *draw.sample(wrong, length - 1)]], 1)


def _own(model: Model) -> list[Asked]:
    template = HypothesisTemplate(DEFAULT_TEMPLATE)
    lists = list(own_lists())
    asked = [(one.text, [template.hypothesis(Label(label)) for label in one.labels]) for one in lists]
    return [Asked(logits, one.true) for logits, one in zip(pair_logits(model, asked), lists, strict=True)]


def fit(groups: Sequence[Group], columns: LogitColumns) -> Calibration:
    """Return the calibration of least mean negative log-likelihood, with every group of the same weight.

    Labels that compete keep the pipeline's scores if these are no farther from the truth on lists of
    `REPORTED_LENGTHS`.
    """

    def competing(numbers: NDArray[np.float64]) -> float:
        calibration = Calibration(temperature=float(np.exp(numbers[0])), growth=float(numbers[1]))
        return _mean_surprise(groups, columns, calibration, competing=True)

    def alone(numbers: NDArray[np.float64]) -> float:
        calibration = Calibration(slope=float(np.exp(numbers[0])), offset=float(numbers[1]))
        return _mean_surprise(groups, columns, calibration, competing=False)

    temperature, growth = _least(competing)
    slope, offset = _least(alone)
    lists = Calibration(temperature=round(float(np.exp(temperature)), 4), growth=round(growth, 4))
    # The likelihood is ruled by the few worst answers; what counts is whether scores are true on the whole.
    if _lists_error(groups, columns, lists) >= _lists_error(groups, columns, UNCALIBRATED):
        lists = UNCALIBRATED
    return replace(lists, slope=round(float(np.exp(slope)), 4), offset=round(offset, 4))


def _lists_error(groups: Sequence[Group], columns: LogitColumns, calibration: Calibration) -> float:
    answers = (competing_answers(groups, columns, calibration, length) for length in REPORTED_LENGTHS)
    return float(np.mean([expected_calibration_error(*of_length) for of_length in answers]))


def _least(of: Callable[[NDArray[np.float64]], float]) -> tuple[float, float]:
    found = minimize(of, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-6})
    return float(found.x[0]), float(found.x[1])


def _mean_surprise(
    groups: Sequence[Group], columns: LogitColumns, calibration: Calibration, *, competing: bool
) -> float:
    means = []
    for group in groups:
        surprises = [
            _surprise(asked, columns, calibration, competing=competing)
            for asked in (group.competing if competing else group.alone)
        ]
        means.append(np.mean(np.concatenate(surprises)))
    return float(np.mean(means))


def _surprise(asked: Asked, columns: LogitColumns, calibration: Calibration, *, competing: bool) -> NDArray[np.float32]:
    """Return the negative log-likelihood of what is known: of the right label, or of each label that stands alone."""
    scores = np.clip(
        label_scores(asked.logits, columns, multi_label=not competing, calibration=calibration), 1e-7, 1 - 1e-7
    )
    if competing:
        return -np.log(scores[:1])
    holds = np.arange(len(scores)) < asked.true
    return -np.log(np.where(holds, scores, 1 - scores))


def competing_answers(groups: Sequence[Group], columns: LogitColumns, calibration: Calibration, length: int) -> Answers:
    """Return the score of the first label of each list of one length, and whether it is the right one."""
    scores, right = [], []
    for group in groups:
        for asked in group.competing:
            if len(asked.logits) == length:
                found = label_scores(asked.logits, columns, multi_label=False, calibration=calibration)
                scores.append(found.max())
                right.append(found.argmax() == 0)
    return np.array(scores), np.array(right)


def alone_answers(groups: Sequence[Group], columns: LogitColumns, calibration: Calibration) -> Answers:
    """Return the score of each label that stands alone, and whether it holds."""
    scores, right = [], []
    for group in groups:
        for asked in group.alone:
            scores.append(label_scores(asked.logits, columns, multi_label=True, calibration=calibration))
            right.append(np.arange(len(asked.logits)) < asked.true)
    return np.concatenate(scores), np.concatenate(right)


def _errors(before: Answers, after: Answers) -> dict[str, float]:
    return {
        "answers": len(after[0]),
        "before": expected_calibration_error(*before),
        "after": expected_calibration_error(*after),
        "by_chance": error_by_chance(after[0]),
    }


def error_by_chance(scores: NDArray[np.float32]) -> float:
    """Return the expected calibration error that such scores have if each is the exact probability.

    Few answers leave few to a bin, whose shares are then off by chance: Bröcker and Smith 2007, "Increasing the
    reliability of reliability diagrams".
    """
    draw = np.random.default_rng(0)
    drawn = (expected_calibration_error(scores, draw.random(len(scores)) < scores) for _ in range(SAMPLES))
    return float(np.mean(list(drawn)))


def expected_calibration_error(scores: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Return the mean distance of score and truth over `BINS` bins of equal width (Guo et al. 2017, equation 5)."""
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    distances = [
        np.mean(bins == index) * abs(np.mean(scores[bins == index]) - np.mean(right[bins == index]))
        for index in np.unique(bins)
    ]
    return float(np.sum(distances))


def none_true(model: Model, data: Path, rows: int, own: Sequence[Asked]) -> dict[str, float]:
    """Return the share of texts without a fitting label that a threshold finds which keeps `KEPT` of the others."""
    clinc = read_sheet(data, CLINC150, rows)
    scope = sheet_logits(model, clinc)
    outside = sheet_logits(model, replace(clinc, texts=read_texts(data, OUT_OF_SCOPE)[:rows], true=()))
    right = [
        log_odds(logits, model.columns)[clinc.labels.index(true)]
        for logits, true in zip(scope, clinc.true, strict=True)
    ]
    return {
        "our own": _share_below(
            [log_odds(one.logits, model.columns)[: one.true].max() for one in own if one.true],
            [log_odds(one.logits, model.columns).max() for one in own if not one.true],
        ),
        "clinc150, out of scope": _share_below(right, [log_odds(one, model.columns).max() for one in outside]),
    }


def _share_below(kept: Sequence[float], found: Sequence[float]) -> float:
    threshold = np.quantile(kept, 1 - KEPT)
    return float(np.mean(np.array(found) < threshold))
