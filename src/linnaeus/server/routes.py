"""Posting texts, on every path that a client has used for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from linnaeus.classifier import Classification
from linnaeus.errors import InputError
from linnaeus.server.answers import Answers, compute, look_up, recall
from linnaeus.server.auth import check_scope
from linnaeus.server.dialects import Shape, dialect_of, encode_batch, encode_single, to_json
from linnaeus.server.errors import RefusedError
from linnaeus.server.memory import Resident
from linnaeus.server.paths import MODEL_ID, TASK
from linnaeus.server.requests import ClassificationRequest, parse_request
from linnaeus.server.served import ServedModel
from linnaeus.server.service import Service, service_of
from linnaeus.server.telemetry import record_of

Result = TypeVar("Result")
_SHAPES = [shape.value for shape in Shape]

Encoder = Callable[[Sequence[Classification]], bytes]

#: Requests of more bytes, or more scores, are read and written in a thread; smaller ones are done before one wakes.
INLINE_BYTES = 64 * 1024
INLINE_SCORES = 2_000

#: Where clients of all times post, the most used first.
PATHS = (
    "/",
    f"/models/{MODEL_ID}",
    f"/hf-inference/models/{MODEL_ID}",
    "/predict",
    "/pipeline/{task}",
    f"/pipeline/{{task}}/{MODEL_ID}",
    f"/models/{MODEL_ID}/pipeline/{{task}}",
    f"/hf-inference/models/{MODEL_ID}/pipeline/{{task}}",
    f"/api/inference-proxy/hf-inference/models/{MODEL_ID}",
)


async def classify(request: Request) -> Response:
    """Score every label for every text."""
    task = request.path_params.get("task", TASK)
    if task != TASK:
        raise RefusedError(404, f"The task {task} is not served: post to /pipeline/{TASK}.")
    service = service_of(request)
    model = service.registry.find(_asked_name(request))
    check_scope(request.scope, model, service.registry)
    async with service.intake.body(request) as body:
        asked = await _in_thread_if(
            len(body) > INLINE_BYTES,
            partial(parse_request, body, request.query_params, request.headers, service.settings.long_text),
        )
        record_of(request.scope).facts.update(model=model.name, texts=asked.texts, labels=asked.labels)
        if asked.scores > service.settings.max_scores:
            raise RefusedError(
                413,
                f"The request asks for {asked.scores:,} scores (texts times labels), and this server gives "
                f"{service.settings.max_scores:,} at a time: send fewer texts or labels.",
            )
        return await _answer(request, service, model, asked)


async def _answer(request: Request, service: Service, model: ServedModel, asked: ClassificationRequest) -> Response:
    settings, cache, metrics = service.settings, service.cache, service.metrics
    encode = _encoder(request, asked, settings.response)
    patience = settings.wait_seconds if asked.wait_for_model else settings.hold_seconds
    large = asked.scores > INLINE_SCORES or asked.characters > INLINE_BYTES
    async with model.use(_asked_name(request), may_start=asked.load_model, patience=patience) as loaded:
        lookup = await _in_thread_if(large, partial(look_up, asked, loaded.files, cache))

        def recalled() -> tuple[Answers, bytes]:
            answers = recall(asked, lookup)
            return answers, encode(answers.results)

        def computed() -> tuple[Answers, bytes]:
            answers = compute(loaded.classifier, asked, lookup, cache)
            return answers, encode(answers.results)

        if lookup.missing:
            answers, body = await service.line.run(computed, request.is_disconnected)
        else:
            answers, body = await _in_thread_if(large, recalled)
        headers = _headers(loaded, asked, answers)
    metrics.count_answers(model.name, asked.texts, asked.labels, lookup.missing, answers.seconds)
    return Response(body, headers=headers, media_type="application/json")


def _asked_name(request: Request) -> str:
    name: str = request.path_params.get("model_id", "default")
    return name


async def _in_thread_if(large: bool, work: Callable[[], Result]) -> Result:
    return await anyio.to_thread.run_sync(work) if large else work()


def _encoder(request: Request, asked: ClassificationRequest, default: Shape) -> Encoder:
    """Return what writes results as this client reads them, or as it asks for."""
    override = _wanted_shape(request)
    dialect = dialect_of(request.headers.get("user-agent", ""), legacy=asked.legacy, default=default)
    if asked.predictions:
        return lambda results: to_json({"predictions": results})
    if asked.batch:
        return partial(encode_batch, with_best=dialect.best_in_batch)
    shape = override or dialect.single
    return lambda results: encode_single(results[0], shape)


def _wanted_shape(request: Request) -> Shape | None:
    """Return the shape that the query or else a header asks for."""
    wanted = None
    for field, values in (("x-linnaeus-response", request.headers), ("response", request.query_params)):
        value = values.get(field)
        if value is not None:
            if value not in _SHAPES:
                raise InputError(field, f"is {value!r}: choose one of {', '.join(_SHAPES)}.")
            wanted = Shape(value)
    return wanted


def _headers(loaded: Resident, asked: ClassificationRequest, answers: Answers) -> dict[str, str]:
    headers = {
        "x-compute-type": "cache" if answers.seconds is None else loaded.compute_type,
        "x-compute-characters": str(asked.characters),
        "x-sha": loaded.revision,
        "x-linnaeus-model": loaded.name,
    }
    if answers.seconds is not None:
        headers["x-compute-time"] = f"{answers.seconds:.3f}"
    if answers.truncated:
        headers["x-linnaeus-truncated"] = str(answers.truncated)
    return headers


#: FastAPI's own routes take their arguments apart for every request; this one does that itself, as bodies come in forms
#: that no signature can declare.
ROUTES = [Route(path, classify, methods=["POST"]) for path in PATHS]
