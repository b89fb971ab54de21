"""How near Linnaeus is to the pipeline on full-size checkpoints in fp32, and how far bf16 and int8 move the scores.

A precision is accepted by the rule of `linnaeus.acceptance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from tokenizers import Tokenizer

from benchmarks.checkpoints import SHAPES, checkpoint_folder
from benchmarks.machine import circumstances
from benchmarks.peers import PIPELINE, classifier, open_pipeline
from benchmarks.speed import Peers, Table, known_precisions
from benchmarks.texts import make_labels, make_texts
from linnaeus.acceptance import hold_against
from linnaeus.classifier import Classification
from linnaeus.models.one_pass import TOKENIZER_FILE

LABELS = 10
#: Texts of each length that the pipeline is asked, and that the precisions are compared on: 2,000 pairs in all.
TOKENS = (20, 60, 120, 450)
PIPELINE_TEXTS = 9
PRECISION_TEXTS = 50


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
        pipeline = peers.run(PIPELINE, both_answers, PIPELINE, model, some, labels)
        ours = peers.run("fp32", both_answers, "fp32", model, some, labels)
        exact = peers.run("fp32", both_answers, "fp32", model, texts, labels)
        rounded = {
            name: hold_against(exact, peers.run(name, both_answers, name, model, texts, labels))
            for name in sorted(precisions - {"fp32"})
        }
    return {
        "texts": len(some),
        "labels": LABELS,
        "difference": hold_against(pipeline, ours).largest_move,
        "pairs": len(texts) * LABELS,
        "precisions": {name: {**asdict(of), "accepted": of.accepted} for name, of in rounded.items()},
    }


def both_answers(peer: str, model: str, texts: Sequence[str], labels: Sequence[str]) -> list[Classification]:
    """Return the answers for all texts, first with labels that compete, then with labels that stand alone."""
    classify = open_pipeline(model) if peer == PIPELINE else classifier(model, peer)
    competing, alone = (classify(list(texts), list(labels), multi_label=multi_label) for multi_label in (False, True))
    return [*competing, *alone]
