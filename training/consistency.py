"""Consistency: labels in other words, hypotheses with a "not", labels in another order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linnaeus.loading import Model
from linnaeus.scores import log_odds
from training.development import UNSEEN, pair_logits, read_sheet, sheet_logits
from training.templates import WRITTEN

NEGATED_TEMPLATE = "It is not true that this is {}."
PLAIN_TEMPLATE = "It is true that this is {}."

ROWS = 200


def consistency(model: Model, data: Path, rows: int | None = None) -> dict[str, float]:
    """Return shares of texts, as means over the unseen sets.

    - ``other_words``: the first label stays first when every label is put in other words;
    - ``negated``: the right label is believed in a plain sentence and its negation is not, or neither is and the
      negation is: of the pairs, those in which exactly one is believed;
    - ``other_order``: the first label stays first when the labels are asked in another order and beside all of
      these, which the one-pass attention makes certain.
    """
    in_other_words = json.loads((WRITTEN / "other_words.json").read_text(encoding="utf-8"))
    shares: dict[str, list[float]] = {"other_words": [], "negated": [], "other_order": []}
    for name in UNSEEN:
        sheet = read_sheet(data, name, rows or ROWS)
        first = _first(model, sheet_logits(model, sheet))
        reworded = replace(sheet, labels=[in_other_words[name][label] for label in sheet.labels])
        lists = [*sheet.hypotheses[::-1], *reworded.hypotheses]
        # One reading, as texts are longer than hypotheses, and beside others these are computed anew.
        asked = [
            (text, [*lists, PLAIN_TEMPLATE.format(right), NEGATED_TEMPLATE.format(right)])
            for text, right in zip(sheet.texts, sheet.true, strict=True)
        ]
        count = len(sheet.labels)
        backwards, other_words, pair = np.split(np.stack(pair_logits(model, asked)), (count, 2 * count), axis=1)
        believed, denied = log_odds(pair, model.columns).T > 0
        shares["other_words"].append(_same(first, _first(model, other_words)))
        shares["negated"].append(_same(believed, ~denied))
        shares["other_order"].append(_same(first, count - 1 - _first(model, backwards)))
    return {measure: float(np.mean(values)) for measure, values in shares.items()}


def _first(model: Model, logits: Sequence[NDArray[np.float32]] | NDArray[np.float32]) -> NDArray[np.intp]:
    first: NDArray[np.intp] = np.asarray(logits)[..., model.columns.entailment].argmax(axis=1)
    return first


def _same(left: NDArray[np.generic], right: NDArray[np.generic]) -> float:
    return float(np.mean(left == right))
