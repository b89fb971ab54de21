"""A server in the test's own process, on the fake engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from starlette.testclient import TestClient

from linnaeus import Classifier
from linnaeus.server.app import create_app
from linnaeus.server.settings import ServerSettings

HUB_ID = "facebook/bart-large-mnli"

Serve = Callable[..., TestClient]


@pytest.fixture
def serve(fake_classifier: Classifier) -> Iterator[Serve]:
    """Start servers with settings of the test's own; `load` takes the place of loading a model."""
    with ExitStack() as running:

        def start(load: Callable[[str], Classifier] = lambda _: fake_classifier, **settings: object) -> TestClient:
            chosen = ServerSettings.model_validate({"aliases": {HUB_ID: "default"}, **settings})
            client = TestClient(create_app(chosen, load), raise_server_exceptions=False, follow_redirects=False)
            running.enter_context(client)
            return client

        yield start


@pytest.fixture
def client(serve: Serve) -> TestClient:
    return serve()


@pytest.fixture(scope="session")
def bundled_classifier() -> Classifier:
    """A real model: the faster of those in the package."""
    return Classifier("small")
