"""How near Linnaeus is to the pipeline in fp32, and how far bf16 and int8 move the scores.

That is measured on checkpoints of full size with random weights, which are a poor test of rounding, and on a small one
with trained weights. A precision is accepted by the rule of `linnaeus.acceptance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from tokenizers import Tokenizer

from benchmarks.checkpoints import SHAPES, checkpoint_folder
from benchmarks.machine import circumstances
from benchmarks.onnx_runtime import ROOT
from benchmarks.peers import PIPELINE, classifier, open_pipeline
from benchmarks.speed import Peers, Result, known_precisions
from benchmarks.texts import make_labels, make_texts
from linnaeus.acceptance import hold_against
from linnaeus.classifier import Classification
from linnaeus.engines.openvino_runtime import has
from linnaeus.models.one_pass import TOKENIZER_FILE

#: An ordinary cross-encoder with trained weights, as training/ makes it.
TRAINED = ROOT / "build/models/small-first-cross-encoder"

LABELS = 10
#: By the length of texts in tokens, how many the pipeline is asked, and how many the precisions are compared on: 2,000
#: pairs in all, and fewer of the long ones, which take minutes each.
TEXTS = {20: (9, 90), 60: (6, 70), 120: (3, 30), 450: (2, 10)}
QUICK = dict.fromkeys(TEXTS, (1, 2))


def measure_parity(*, quick: bool) -> Result:
    """Compare on every checkpoint, or in a hurry on tiny ones and a few texts.

    The one with trained weights is for the precisions that round, and left out where the processor has none.

    Raises:
        SystemExit: the one with trained weights has not been made.
    """
    folders = {name: checkpoint_folder(name, tiny=quick) for name in SHAPES}
    if not quick and (has("bf16") or has("int8")):
        if not TRAINED.is_dir():
            raise SystemExit(f"{TRAINED} is not there: python -m training cross-encoder makes it.")
        # First, as it is the quickest to fail.
        folders = {f"{TRAINED.name}, trained": TRAINED, **folders}
    return {**circumstances(), "checkpoints": {name: _compare(folder, quick=quick) for name, folder in folders.items()}}


def _compare(folder: Path, *, quick: bool) -> Result:
    model, labels = str(folder), make_labels(LABELS)
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.no_truncation()
    counts = (QUICK if quick else TEXTS).items()
    some = [text for tokens, (few, _) in counts for text in make_texts(tokenizer, tokens, few)]
    texts = [text for tokens, (_, many) in counts for text in make_texts(tokenizer, tokens, many)]
    with ExitStack() as stack:
        peers = Peers(stack)
        precisions = {computed for name, computed in known_precisions(peers, model).items() if name != "auto"}
        pipeline = peers.run(PIPELINE, both_answers, PIPELINE, model, some, labels)
        ours = peers.run("fp32", both_answers, "fp32", model, some, labels)
        rounded = {}
        if others := sorted(precisions - {"fp32"}):
            exact = peers.run("fp32", answers, "fp32", model, texts, labels)
            rounded = {
                name: hold_against(exact, peers.run(name, answers, name, model, texts, labels)) for name in others
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
    return [answer for alone in (False, True) for answer in answers(peer, model, texts, labels, multi_label=alone)]


def answers(
    peer: str, model: str, texts: Sequence[str], labels: Sequence[str], *, multi_label: bool = False
) -> list[Classification]:
    classify = open_pipeline(model) if peer == PIPELINE else classifier(model, peer)
    found: list[Classification] = classify(list(texts), list(labels), multi_label=multi_label)
    return found
