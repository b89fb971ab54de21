"""Models that are loading, cannot be loaded, or are not to be loaded."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from linnaeus import Classifier
from linnaeus.errors import ModelError
from linnaeus.server import registry
from tests.server.conftest import HUB_ID, Serve
from tests.server.live import SlowModel

BODY: dict[str, Any] = {"inputs": "a text", "parameters": {"candidate_labels": ["x", "y"]}}


@pytest.fixture
def slow_model(fake_classifier: Classifier) -> SlowModel:
    return SlowModel(fake_classifier)


def test_a_loading_model_gets_a_503_that_clients_understand(serve: Serve, slow_model: SlowModel) -> None:
    client = serve(slow_model.load, hold_seconds=0)
    response = client.post(f"/models/{HUB_ID}", json=BODY)
    assert response.status_code == 503
    assert response.json()["error"] == f"Model {HUB_ID} is currently loading"
    assert 0 < response.json()["estimated_time"] <= registry.EXPECTED_SECONDS
    assert int(response.headers["retry-after"]) > 0
    slow_model.open()
    assert client.post("/", json=BODY, headers={"x-wait-for-model": "true"}).status_code == 200


@pytest.mark.parametrize("settings", [{"hold_seconds": 60}, {"hold_seconds": 0, "wait_seconds": 60}])
def test_a_request_is_held_until_the_model_is_there(
    serve: Serve, slow_model: SlowModel, settings: dict[str, float]
) -> None:
    client = serve(slow_model.load, **settings)
    body = {**BODY, "options": {"wait_for_model": True}}
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(client.post, "/", json=body) for _ in range(3)]
        # The others are answered all the while.
        assert client.get("/health").status_code == 200
        assert client.get("/models/default/health").status_code == 503
        assert client.get("/status/default").json()["state"] == "Loadable"
        slow_model.open()
        assert [future.result().status_code for future in waiting] == [200, 200, 200]
    assert client.get("/models/default/health").status_code == 200
    assert client.get("/status/default").json() == {
        "loaded": True,
        "state": "Loaded",
        "compute_type": "cpu",
        "framework": "transformers",
    }


def test_mistakes_are_told_before_the_model_is_there(serve: Serve, slow_model: SlowModel) -> None:
    client = serve(slow_model.load, hold_seconds=60)
    assert client.post("/", json={"inputs": "a"}).status_code == 400
    slow_model.open()


def test_a_model_is_loaded_once_and_at_the_first_request_if_it_is_not_preloaded(
    serve: Serve, fake_classifier: Classifier
) -> None:
    loaded = []

    def load(name: str) -> Classifier:
        loaded.append(name)
        return fake_classifier

    client = serve(load, preload=False)
    assert client.get("/info").json()["models"][0]["state"] == "idle"
    assert loaded == []
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: client.post("/", json=BODY), range(4)))
    client.post(f"/models/{HUB_ID}", json=BODY)
    assert loaded == ["small"]


@pytest.mark.parametrize(
    "refusal", [{"headers": {"x-load-model": "0"}}, {"json": {**BODY, "options": {"dont_load_model": True}}}]
)
def test_a_request_may_forbid_loading(serve: Serve, fake_classifier: Classifier, refusal: dict[str, Any]) -> None:
    client = serve(lambda _: fake_classifier, preload=False, hold_seconds=0)
    response = client.post("/", **{"json": BODY, **refusal})
    assert response.status_code == 503
    assert response.json()["error"] == "Model default is not loaded: ask without x-load-model: 0 to load it"
    assert client.get("/info").json()["models"][0]["state"] == "idle"
    assert client.post("/", json=BODY, headers={"x-wait-for-model": "true"}).status_code == 200
    assert client.post("/", **{"json": BODY, **refusal}).status_code == 200


def test_a_model_that_cannot_be_loaded_says_why_and_is_tried_again_later(
    serve: Serve, fake_classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = threading.Semaphore(1)

    def load(_: str) -> Classifier:
        if tries.acquire(blocking=False):
            raise ModelError("model.safetensors cannot be read: it is cut short.")
        return fake_classifier

    client = serve(load)
    for _ in range(2):
        response = client.post("/", json=BODY)
        assert response.status_code == 500
        assert response.json()["error"] == (
            "Model default could not be loaded: model.safetensors cannot be read: it is cut short."
        )
    assert client.get("/status/default").json()["state"] == "error"
    monkeypatch.setattr(registry, "RETRY_SECONDS", 0)
    assert client.post("/", json=BODY).status_code == 200


def test_what_nobody_foresaw_is_not_shown(serve: Serve) -> None:
    def load(_: str) -> Classifier:
        raise RuntimeError("secret path")

    response = serve(load).post("/", json=BODY)
    assert response.status_code == 500
    assert response.json() == {"error": "Model default could not be loaded: see the server's log."}


def test_names(serve: Serve, fake_classifier: Classifier) -> None:
    client = serve(lambda _: fake_classifier, model="small", aliases={"acme/tickets": "default", "one": "small"})
    paths = ["/models/default", "/models/small", "/models/acme/tickets", "/models/one", "/models/one/"]
    answers = [client.post(path, json=BODY) for path in ("/", *paths)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-linnaeus-model"] for answer in answers} == {"small"}
    assert {answer.headers["x-sha"] for answer in answers} == {"0" * 64}


def test_two_models_are_two(serve: Serve, fake_classifier: Classifier) -> None:
    loaded = []

    def load(source: str) -> Classifier:
        loaded.append(source)
        return fake_classifier

    client = serve(load, aliases={"acme/tickets": "/srv/models/tickets-v2"})
    assert client.post("/models/acme/tickets", json=BODY).headers["x-linnaeus-model"] == "tickets-v2"
    assert client.post("/", json=BODY).headers["x-linnaeus-model"] == "small"
    assert sorted(loaded) == ["/srv/models/tickets-v2", "small"]
