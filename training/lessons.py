"""Lessons of a teacher: what a larger model says of every hypothesis, computed once and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from linnaeus.loading import load_model
from linnaeus.models.mean import own_revision
from training.development import pair_logits
from training.examples import Example

#: Examples between two writes.
CHUNK = 2000


def lessons(teacher: Path, examples: Sequence[Example], kept: Path) -> Iterator[NDArray[np.float16]]:
    """Yield for each example the teacher's [hypotheses, 3] logits.

    They are written to a folder in `kept` chunk by chunk, and read from there if the same was asked before; the caller
    sees to it that the same examples come in the same order.
    """
    folder = kept / f"lessons-{own_revision(teacher)[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, len(examples), CHUNK)
    missing = [start for start in starts if not _path(folder, start).exists()]
    if missing:
        model = load_model(teacher)
        for start in track(missing, "lessons"):
            asked = [(example.premise, example.hypotheses) for example in examples[start : start + CHUNK]]
            unfinished = folder / "unfinished.npy"
            np.save(unfinished, np.concatenate(pair_logits(model, asked)).astype(np.float16))
            unfinished.replace(_path(folder, start))
    for start in starts:
        counts = [len(example.hypotheses) for example in examples[start : start + CHUNK]]
        yield from np.split(np.load(_path(folder, start)), np.cumsum(counts)[:-1])


def _path(folder: Path, start: int) -> Path:
    return folder / f"{start:07}.npy"
