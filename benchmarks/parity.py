"""How near Linnaeus is to the pipeline on full-size checkpoints in fp32, and how far bf16 and int8 move the scores.

A precision is accepted by the rule of `linnaeus.acceptance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from benchmarks.checkpoints import SHAPES, checkpoint_folder
from benchmarks.machine import circumstances
from benchmarks.peers import PIPELINE, classifier, open_pipeline
from benchmarks.speed import Peers, Table, known_precisions
from benchmarks.texts import make_labels, make_texts
from linnaeus.acceptance import ACCEPTED_MOVE
from linnaeus.models.one_pass import TOKENIZER_FILE

LABELS = 10
#: Texts of each length that the pipeline is asked, and that the precisions are compared on: 2,000 pairs in all.
TOKENS = (20, 60, 120, 450)
PIPELINE_TEXTS = 9
PRECISION_TEXTS = 50

Scores = NDArray[np.float64]


def measure_parity(*, quick: bool) -> Table:
    """Compare on every shape, or in a hurry on tiny checkpoints and a few texts."""
    return {
        **circumstances(),
        "checkpoints": {name: _compare(checkpoint_folder(name, tiny=quick), quick=quick) for name in SHAPES},
    }


def _compare(folder: Path, *, quick: bool) -> Table:
    model, labels = str(folder), make_labels(LABELS)
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    by_length = [make_texts(tokenizer, tokens, 2 if quick else PRECISION_TEXTS) for tokens in TOKENS]
    texts = [text for made in by_length for text in made]
    some = [text for made in by_length for text in made[:PIPELINE_TEXTS]]
    with ExitStack() as stack:
        peers = Peers(stack)
        precisions = {computed for name, computed in known_precisions(peers, model).items() if name != "auto"}
        pipeline = peers.run(PIPELINE, both_scores, PIPELINE, model, some, labels)
        ours = peers.run("fp32", both_scores, "fp32", model, some, labels)
        exact = peers.run("fp32", both_scores, "fp32", model, texts, labels)
        rounded = {
            name: peers.run(name, both_scores, name, model, texts, labels) for name in sorted(precisions - {"fp32"})
        }
    return {
        "texts": len(some),
        "labels": LABELS,
        "difference": float(np.abs(pipeline - ours).max()),
        "pairs": len(texts) * LABELS,
        "precisions": {name: acceptance(exact, scores) for name, scores in rounded.items()},
    }


def both_scores(peer: str, model: str, texts: Sequence[str], labels: Sequence[str]) -> Scores:
    """Return [2, texts, labels]: the scores of labels that compete, and of labels that stand alone."""
    classify = open_pipeline(model) if peer == PIPELINE else classifier(model, peer)
    scores = np.empty((2, len(texts), len(labels)))
    for multi_label in (False, True):
        for index, answer in enumerate(classify(list(texts), list(labels), multi_label=multi_label)):
            by_label = dict(zip(answer["labels"], answer["scores"], strict=True))
            scores[int(multi_label), index] = [by_label[label] for label in labels]
    return scores


def acceptance(exact: Scores, rounded: Scores) -> Table:
    """Return how far scores moved at most, how many top labels changed in spite of their lead, and the verdict."""
    moved = float(np.abs(exact - rounded).max())
    ordered = np.sort(exact)
    leads = ordered[..., -1] - ordered[..., -2]
    changed = exact.argmax(-1) != rounded.argmax(-1)
    lost = int((changed & (leads >= ACCEPTED_MOVE)).sum())
    return {
        "moved": moved,
        "changed": int(changed.sum()),
        "lost": lost,
        "accepted": moved <= ACCEPTED_MOVE and lost == 0,
    }
