"""The parts that all routes of one server share."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from linnaeus.server.auth import Guard
from linnaeus.server.bodies import Intake
from linnaeus.server.cache import ResponseCache
from linnaeus.server.metrics import Metrics
from linnaeus.server.registry import Registry
from linnaeus.server.settings import ServerSettings
from linnaeus.server.waiting import WaitingLine


@dataclass(frozen=True, slots=True)
class Service:
    """What a server is made of; `service_of` finds it from a request."""

    settings: ServerSettings
    registry: Registry
    guard: Guard
    intake: Intake
    cache: ResponseCache
    line: WaitingLine
    metrics: Metrics


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service
