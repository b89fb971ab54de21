"""What clients ask before, or instead of, posting texts: is it alive, which models are there, what is this one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from linnaeus import __version__
from linnaeus.server.errors import RefusedError
from linnaeus.server.openapi import JSON_OBJECT, described
from linnaeus.server.paths import MODEL_ID, TASK
from linnaeus.server.served import ServedModel, State
from linnaeus.server.service import Service, service_of

#: Clients group models by the library that runs them, and know this one for the task.
FRAMEWORK = "transformers"

_HUB_STATES = {
    State.IDLE: "Loadable",
    State.LOADING: "Loadable",
    State.READY: "Loaded",
    State.FAILED: "error",
    State.TOO_LARGE: "TooBig",
}

router = APIRouter()


@router.head("/", include_in_schema=False)
@router.head("/health", include_in_schema=False)
@router.get("/", **described("Say that the server lives", "Also at `/health`.", JSON_OBJECT))
@router.get(
    "/health", **described("Say that the server lives", "A model may still be loading: see `/info`.", JSON_OBJECT)
)
async def health() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/info", **described("Describe the server", "Its version, and each model with its state.", JSON_OBJECT))
async def info(request: Request) -> dict[str, Any]:
    service = service_of(request)
    return {
        "name": "linnaeus",
        "version": __version__,
        "task": TASK,
        "memory": {"bytes": service.registry.memory.bytes, "budget_bytes": service.registry.memory.budget},
        "models": [_describe(model, service) for model in service.registry.models],
    }


@router.get("/metrics", **described("Report what was counted", "For Prometheus.", {"text/plain": {}}))
async def metrics(request: Request) -> Response:
    return Response(generate_latest(service_of(request).metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get(f"/models/{MODEL_ID}/info", **described("Describe a model", "By any of its names.", JSON_OBJECT))
async def model_info(request: Request) -> dict[str, Any]:
    service = service_of(request)
    return _describe(_asked_model(request, service), service)


@router.get(
    f"/models/{MODEL_ID}/health",
    **described("Say whether a model is ready", "Status 503 until it has been loaded.", JSON_OBJECT),
)
async def model_health(request: Request) -> dict[str, str]:
    model = _asked_model(request, service_of(request))
    if model.state is not State.READY:
        raise RefusedError(503, f"Model {model.name} is {model.state.value}: it is loaded when it is asked.")
    return {"status": "ok"}


@router.get(f"/models/{MODEL_ID}", **described("Describe a model as the Hub does", "", JSON_OBJECT))
@router.get(
    f"/api/models/{MODEL_ID}",
    **described("Describe a model as the Hub does", "Clients ask this before they post.", JSON_OBJECT),
)
async def hub_model(request: Request) -> dict[str, Any]:
    model = _asked_model(request, service_of(request))
    name = request.path_params["model_id"]
    return {
        "id": name,
        "modelId": name,
        "sha": model.resident.revision if model.resident else None,
        "private": False,
        # Releases of huggingface_hub about 0.20 insist on these two.
        "downloads": 0,
        "likes": 0,
        "pipeline_tag": TASK,
        "library_name": FRAMEWORK,
        "tags": [TASK, FRAMEWORK],
        "inference": "warm" if model.state is State.READY else "cold",
        "inferenceProviderMapping": {"hf-inference": {"status": "live", "providerId": name, "task": TASK}},
    }


@router.get(f"/status/{MODEL_ID}", **described("Say whether a model is loaded, as the Hub does", "", JSON_OBJECT))
async def hub_status(request: Request) -> dict[str, Any]:
    model = _asked_model(request, service_of(request))
    return {
        "loaded": model.state is State.READY,
        "state": _HUB_STATES[model.state],
        "compute_type": _compute_type(model),
        "framework": FRAMEWORK,
    }


@router.get(
    "/framework/{framework}",
    **described("List the models that run with a library, as the Hub does", "", {"application/json": {}}),
)
async def hub_framework(request: Request) -> list[dict[str, str]]:
    if request.path_params["framework"] != FRAMEWORK:
        return []
    return [
        {"model_id": name, "task": TASK, "framework": FRAMEWORK, "compute_type": _compute_type(model)}
        for name, model in service_of(request).registry.names.items()
    ]


@router.get("/api/tasks", **described("Name a model for the task, as the Hub does", "", JSON_OBJECT))
async def hub_tasks(request: Request) -> dict[str, Any]:
    names = list(service_of(request).registry.names)
    return {TASK: {"models": [{"id": name} for name in names], "widgetModels": names[:1]}}


def _asked_model(request: Request, service: Service) -> ServedModel:
    return service.registry.find(request.path_params["model_id"])


def _describe(model: ServedModel, service: Service) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": model.name,
        "names": [name for name, known in service.registry.names.items() if known is model],
        "state": model.state.value,
        "task": TASK,
    }
    if model.failure:
        facts["failure"] = model.failure
    if model.resident is not None:
        loaded = model.resident.classifier.model
        facts |= {
            "sha": loaded.revision,
            "engine": loaded.engine.description,
            "weight_bytes": loaded.engine.weight_bytes,
            "load_seconds": round(model.resident.load_seconds, 3),
            "longest_text": loaded.reach.longest_text,
            "longest_hypothesis": loaded.reach.longest_hypothesis,
        }
    return facts


def _compute_type(model: ServedModel) -> str:
    return model.resident.compute_type if model.resident else "cpu"
