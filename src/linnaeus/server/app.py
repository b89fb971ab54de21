"""The parts put together: one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from linnaeus import __version__
from linnaeus.classifier import Classifier
from linnaeus.loading import load_model
from linnaeus.models.catalogue import bundled_models, model_folder
from linnaeus.models.hub import is_hub_name
from linnaeus.server import errors, metadata, routes
from linnaeus.server.auth import Authorization, Guard
from linnaeus.server.bodies import Intake
from linnaeus.server.cache import ResponseCache
from linnaeus.server.memory import Load, Memory
from linnaeus.server.metrics import Metrics
from linnaeus.server.openapi import ANSWER_HEADERS, REQUEST_ID_HEADER, complete
from linnaeus.server.paths import TrailingSlash
from linnaeus.server.registry import Registry
from linnaeus.server.service import Service
from linnaeus.server.settings import ServerSettings
from linnaeus.server.telemetry import Telemetry
from linnaeus.server.waiting import WaitingLine


def create_app(settings: ServerSettings, load: Load | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: the operator's choices.
        load: makes a classifier of a model's name; left out, the library does with the device and precision chosen.

    Raises:
        InputError: the token file cannot be used, or two models have one name.
        UnknownModelError: there is no model of a name that the settings give.
    """
    metrics = Metrics()

    def load_observed(name: str) -> Classifier:
        model = load_model(name, device=settings.device, precision=settings.precision)
        return Classifier(metrics.observe(model))

    memory = Memory(settings.memory, load or load_observed, metrics)
    registry = Registry(settings.models, settings.aliases, bundled_models(), memory, metrics)
    if load is None:
        # A name of the Hub is looked up when its model is loaded, which may take a while.
        for source in registry.sources:
            if not is_hub_name(source):
                model_folder(source)
    service = Service(
        settings=settings,
        registry=registry,
        guard=Guard(settings.tokens, settings.token_file),
        intake=Intake(settings.max_body_bytes, settings.max_held_bytes),
        cache=ResponseCache(settings.cache_bytes),
        line=WaitingLine(settings.threads, settings.max_waiting, metrics),
        metrics=metrics,
    )
    metrics.read_gauges(lambda: service.cache.bytes, lambda: service.line.waiting)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if settings.preload:
            registry.preload()
        yield

    app: FastAPI = FastAPIOffline(
        redoc_url=None,
        title="Linnaeus",
        version=__version__,
        routes=[*routes.ROUTES, *metadata.router.routes],
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.service = service
    for error, handler in errors.HANDLERS.items():
        app.add_exception_handler(error, handler)
    app.openapi = lambda: complete(FastAPI.openapi(app), [route.path_format for route in routes.ROUTES])  # type: ignore[method-assign]
    # The last one added is the first to see a request.
    app.add_middleware(Authorization, guard=service.guard)
    app.add_middleware(Telemetry, metrics=metrics, quiet=settings.quiet)
    app.add_middleware(
        # Any page may ask: what it is told is no secret of its reader.
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=[*ANSWER_HEADERS, *REQUEST_ID_HEADER],
    )
    app.add_middleware(TrailingSlash)
    return app
