"""Which precision may stand in for fp32, and which does so fastest: a rule, and a trial on 2,000 fixed pairs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from time import perf_counter

import numpy as np

from linnaeus.classifier import Classification, Classifier
from linnaeus.errors import EngineError
from linnaeus.loading import Precision

#: No score may move farther, and no label lose first place that led by as much.
ACCEPTED_MOVE = 0.02

#: Texts and labels of our own, of many kinds; those of ``training/data``.
TRIAL_FILE = "trial.jsonl"

#: What is tried, fp32 first.
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "int8")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a precision is from fp32.

    Attributes:
        largest_move: the farthest that any score moved.
        mean_move: how far scores moved on average.
        moved_too_far: the share of scores that moved farther than `ACCEPTED_MOVE`.
        flips: how many texts have another label first, though it led by `ACCEPTED_MOVE` or more.
    """

    largest_move: float
    mean_move: float
    moved_too_far: float
    flips: int

    @property
    def accepted(self) -> bool:
        return self.largest_move <= ACCEPTED_MOVE and not self.flips


@dataclass(frozen=True, slots=True)
class Tried:
    """A precision of a model on the trial: its verdict (fp32 is held against itself), and pairs a second."""

    revision: str
    precision: Precision
    verdict: Verdict
    pairs_per_second: float


def hold_against(exact: Iterable[Classification], rounded: Iterable[Classification]) -> Verdict:
    """Compare the results of a rounded precision with those of fp32 for the same texts and labels, all different."""
    moves: list[float] = []
    flips = 0
    for before, after in zip(exact, rounded, strict=True):
        scores = dict(zip(after["labels"], after["scores"], strict=True))
        moves += [abs(scores[label] - score) for label, score in zip(before["labels"], before["scores"], strict=True)]
        lead = before["scores"][0] - (before["scores"][1] if len(before["scores"]) > 1 else 0)
        flips += after["labels"][0] != before["labels"][0] and lead >= ACCEPTED_MOVE
    return Verdict(
        largest_move=float(max(moves)),
        mean_move=float(np.mean(moves)),
        moved_too_far=float(np.mean(np.array(moves) > ACCEPTED_MOVE)),
        flips=int(flips),
    )


def try_precisions(model: str | Path, texts: int | None = None) -> Iterator[Tried]:
    """Try a model on the CPU in fp32 and then in each rounded precision that the processor has.

    Args:
        model: as `Classifier` takes it.
        texts: try fewer texts than all.

    Raises:
        UnknownModelError: there is no model of that name.
        ModelError: the model's files are damaged or missing, or it is of a kind that is not supported.
    """
    exact: list[Classification] = []
    for precision in PRECISIONS:
        try:
            classifier = Classifier(model, device="cpu", precision=precision)
        except EngineError:
            continue
        results, rate = _results(classifier, texts)
        exact = exact or results
        yield Tried(classifier.model.revision, precision, hold_against(exact, results), rate)


def fastest_accepted(tried: Iterable[Tried]) -> Tried:
    return max((one for one in tried if one.verdict.accepted), key=lambda one: one.pairs_per_second)


def _results(classifier: Classifier, texts: int | None) -> tuple[list[Classification], float]:
    trial = _trial()[:texts]
    for text, labels in trial[:2]:
        classifier(text, labels)  # so that what is prepared once is not timed
    start = perf_counter()
    results = [classifier(text, labels) for text, labels in trial]
    pairs = sum(len(labels) for _, labels in trial)
    return results, pairs / (perf_counter() - start)


def _trial() -> list[tuple[str, list[str]]]:
    lines = (files("linnaeus") / TRIAL_FILE).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [(row["text"], row["labels"]) for row in rows]
