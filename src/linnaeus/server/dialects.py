"""Which shape of answer the client in front of us can read.

In July 2025 the hosted API changed the answer to one text from an object to a list, and no JSON value suits the clients
of both times. So the answer follows the client, which its User-Agent names; `CLIENTS` is the whole of that knowledge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from linnaeus.classifier import Classification

Json: TypeAlias = object
Version: TypeAlias = tuple[int, ...]


class Shape(str, Enum):
    """A shape of the answer to one text."""

    #: ``[{"label", "score"}, …]``, as the API is documented and served since July 2025.
    LIST = "list"
    #: ``{"sequence", "labels", "scores"}``, as it was served before.
    OBJECT = "object"
    #: ``[{"sequence", "labels", "scores"}]``, which some releases of the JavaScript client insist on.
    WRAPPED = "wrapped"
    #: ``[{"label", "score", "sequence", "labels", "scores"}, …]``: a list to those who look for one, and its first
    #: element an object to those who look for that.
    SUPERSET = "superset"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one client is answered: the shape for one text, and whether results of a list also say `label`, `score`."""

    single: Shape
    best_in_batch: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """The releases of a client from `since` on, up to the next row, and their dialect."""

    name: str
    since: Version
    dialect: Dialect


#: From the oldest releases of each client to the newest.
CLIENTS = (
    Client("hf_hub", (0,), Dialect(Shape.OBJECT)),
    Client("hf_hub", (1, 1, 5), Dialect(Shape.LIST, best_in_batch=True)),
    Client("@huggingface/inference", (0,), Dialect(Shape.OBJECT)),
    Client("@huggingface/inference", (3, 7, 1), Dialect(Shape.WRAPPED)),
    Client("@huggingface/inference", (4, 5, 0), Dialect(Shape.LIST, best_in_batch=True)),
)

#: A request with an option that was withdrawn before the change comes from a client that predates it.
LEGACY = Dialect(Shape.OBJECT)

#: Browsers and JavaScript runtimes: a release of @huggingface/inference that gives no name, or a script.
UNNAMED_JAVASCRIPT = Dialect(Shape.SUPERSET)

#: The most that repeating the object in every element may add to an answer.
SUPERSET_CHARACTERS = 200_000

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)

_NAMED = re.compile(r"(hf_hub|@huggingface/inference)/(\d{1,9}(?:\.\d{1,9})*)")
_JAVASCRIPT = re.compile(r"(?:node|undici|Deno|Bun|Mozilla)\b", re.IGNORECASE)


def dialect_of(user_agent: str, *, legacy: bool, default: Shape) -> Dialect:
    """Return how to answer a client.

    Args:
        user_agent: the header as sent, or nothing.
        legacy: whether the request uses an option that was withdrawn before the change.
        default: the operator's choice for a client that gives no sign.
    """
    if named := _NAMED.search(user_agent):
        version = tuple(map(int, named[2].split(".")))
        return [row.dialect for row in CLIENTS if row.name == named[1] and row.since <= version][-1]
    if legacy:
        return LEGACY
    if _JAVASCRIPT.match(user_agent):
        return UNNAMED_JAVASCRIPT
    return Dialect(default)


def encode_single(result: Classification, shape: Shape) -> bytes:
    """Return the body that answers a request with one text."""
    return to_json(_SINGLE[shape](result))


def encode_batch(results: Sequence[Classification], *, with_best: bool) -> bytes:
    """Return the body that answers a request with a list of texts: always a list of objects, also for one text."""
    return to_json([{**_best(result), **result} for result in results] if with_best else results)


def to_json(value: Json) -> bytes:
    """Return `value` as compact JSON in UTF-8."""
    return _ENCODER.encode(value).encode()


def _pairs(result: Classification) -> list[dict[str, Json]]:
    return [{"label": label, "score": score} for label, score in zip(result["labels"], result["scores"], strict=True)]


def _superset(result: Classification) -> list[dict[str, Json]]:
    pairs = _pairs(result)
    whole = len(result["sequence"]) + sum(map(len, result["labels"]))
    if len(pairs) * whole <= SUPERSET_CHARACTERS:
        return [{**pair, **result} for pair in pairs]
    # Only the first element is read as the object; the others need no more than to look like one.
    rest = [{**pair, "sequence": "", "labels": [pair["label"]], "scores": [pair["score"]]} for pair in pairs[1:]]
    return [{**pairs[0], **result}, *rest]


def _best(result: Classification) -> Mapping[str, Json]:
    return {"label": result["labels"][0], "score": result["scores"][0]}


_SINGLE: Mapping[Shape, Callable[[Classification], Json]] = {
    Shape.LIST: _pairs,
    Shape.OBJECT: lambda result: result,
    Shape.WRAPPED: lambda result: [result],
    Shape.SUPERSET: _superset,
}
