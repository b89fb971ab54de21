"""Open lists: lists of labels that nobody has answered, of which a bi-encoder says how near each is to a text.

As a bi-encoder a backbone knows of many labels what training on short lists makes it forget (LAB.md). So it goes on
saying it: the cosine between the vectors of a text and of a label is what the model is to rank such a list by, alone or
together with what models that were made before say of it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from training.batches import MAX_TEXT_TOKENS
from training.examples import UNKNOWN, Example, own_texts
from training.templates import TEMPLATES, draw_template
from training.vocabularies import read_vocabularies

#: The least and the most labels of a list, and the share of them that are the nearest to its text.
LABELS = (3, 16)
NEAREST_SHARE = 0.4

#: Of so many labels a list is drawn, and of so many of a kind those.
DRAWN_FROM = 60
MOST_OF_KIND = 1500


@dataclass(frozen=True, slots=True)
class _Pool:
    """Labels that may stand in one list, with the vector of each [labels, size]."""

    kind: str
    labels: Sequence[str]
    vectors: NDArray[np.float32]


def open_lists(
    examples: Sequence[Example],
    encoder: SentenceTransformer,
    count: int,
    kinds: Collection[str] | None,
    draw: random.Random,
) -> Iterator[Example]:
    """Yield so many lists of labels of some or all kinds, each beside a text of the examples or of our own.

    They are ranked by the cosine of each label with the text.
    """
    encoder.max_seq_length = MAX_TEXT_TOKENS
    texts = {example.premise for example in examples} | {row["text"] for row in own_texts(development=False)}
    chosen = draw.choices(sorted(texts), k=count)
    distinct = sorted(set(chosen))
    vectors = dict(zip(distinct, _encode(encoder, distinct), strict=True))
    pools = _pools(encoder, kinds, draw)
    weights = [math.sqrt(len(pool.labels)) for pool in pools]
    for text in chosen:
        (pool,) = draw.choices(pools, weights)
        indices = np.array(draw.sample(range(len(pool.labels)), min(DRAWN_FROM, len(pool.labels))))
        closeness = pool.vectors[indices] @ vectors[text]
        order = np.argsort(-closeness)
        size = min(draw.randint(*LABELS), len(order))
        nearest = round(size * NEAREST_SHARE)
        rest = draw.sample(range(nearest, len(order)), size - nearest)
        listed = [order[place] for place in (*range(nearest), *rest)]
        template = draw_template(pool.kind, draw, may_negate=False).template
        yield Example(
            premise=text,
            hypotheses=tuple(template.format(pool.labels[indices[place]]) for place in listed),
            targets=(UNKNOWN,) * len(listed),
            listwise=False,
            ranking=tuple(float(closeness[place]) for place in listed),
        )


def rank(
    lists: Sequence[Example], closeness_weight: float, judges: Sequence[Iterable[NDArray[np.floating]]]
) -> Iterator[Example]:
    """Yield open lists ranked by logits: the weighted cosine, plus the mean of what judges say of entailment.

    Each judge has [hypotheses, 3] logits of every list.
    """
    for one, *views in zip(lists, *judges, strict=True):
        entailment = np.mean([view[:, 0] for view in views], 0, dtype=np.float32) if views else 0.0
        yield replace(one, ranking=tuple((closeness_weight * np.array(one.ranking) + entailment).tolist()))


def _pools(encoder: SentenceTransformer, kinds: Collection[str] | None, draw: random.Random) -> list[_Pool]:
    """Return each vocabulary of our own, and of each kind many labels of our own texts; all kinds by default."""
    of_kind: dict[str, set[str]] = {}
    for row in own_texts(development=False):
        for labels in row["sets"]:
            of_kind.setdefault(labels["kind"], set()).update(labels["true"], labels["false"])
    wanted = set(TEMPLATES) if kinds is None else kinds
    wide = [
        _pool(encoder, kind, draw.sample(sorted(labels), min(len(labels), MOST_OF_KIND)))
        for kind, labels in of_kind.items()
        if kind in wanted
    ]
    vocabularies = (one for one in read_vocabularies(development=False) if one.kind in wanted)
    return wide + [_pool(encoder, one.kind, one.labels) for one in vocabularies]


def _pool(encoder: SentenceTransformer, kind: str, labels: Sequence[str]) -> _Pool:
    """The vector of a label is the mean of two: as it stands, and in the first template of its kind."""
    template = TEMPLATES[kind][0]
    vectors = _encode(encoder, list(labels)) + _encode(encoder, [template.format(label) for label in labels])
    return _Pool(kind, labels, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _encode(encoder: SentenceTransformer, texts: list[str]) -> NDArray[np.float32]:
    vectors: NDArray[np.float32] = encoder.encode(texts, normalize_embeddings=True)
    return vectors
