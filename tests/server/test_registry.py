"""Models that are loading, cannot be loaded, or are not to be loaded; and by what names they are asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from linnaeus import Classifier
from linnaeus.errors import InputError, ModelError
from linnaeus.server import served
from tests.hub_server import hub_server
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
    assert 0 < response.json()["estimated_time"] <= served.EXPECTED_SECONDS
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
    assert loaded == ["large"]


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
    monkeypatch.setattr(served, "RETRY_SECONDS", 0)
    assert client.post("/", json=BODY).status_code == 200


def test_what_nobody_foresaw_is_not_shown(serve: Serve) -> None:
    def load(_: str) -> Classifier:
        raise RuntimeError("secret path")

    response = serve(load).post("/", json=BODY)
    assert response.status_code == 500
    assert response.json() == {"error": "Model default could not be loaded: see the server's log."}


def test_names(serve: Serve, fake_classifier: Classifier) -> None:
    client = serve(lambda _: fake_classifier, models=["small"], aliases={"acme/tickets": "default", "one": "small"})
    paths = ["/models/default", "/models/small", "/models/acme/tickets", "/models/one", "/models/one/"]
    answers = [client.post(path, json=BODY) for path in ("/", *paths)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-linnaeus-model"] for answer in answers} == {"small"}
    assert {answer.headers["x-sha"] for answer in answers} == {"0" * 64}


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], str]:
    """Make folders that could hold a model."""

    def make(name: str) -> str:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "model.safetensors").touch()
        return str(tmp_path / name)

    return make


def test_each_model_is_asked_by_its_own_name_and_the_first_by_none(
    serve: Serve, fake_classifier: Classifier, folder: Callable[[str], str]
) -> None:
    loaded = []

    def load(source: str) -> Classifier:
        loaded.append(source)
        return fake_classifier

    first, second = folder("first"), folder("models/tickets-v2")
    client = serve(load, models=[first, second], aliases={"acme/tickets": "tickets-v2", HUB_ID: "default"})
    asked = {
        path: client.post(path, json=BODY).headers["x-linnaeus-model"]
        for path in ("/", "/models/first", f"/models/{HUB_ID}", "/models/tickets-v2", "/models/acme/tickets")
    }
    assert list(asked.values()) == ["first"] * 3 + ["tickets-v2"] * 2
    assert loaded == [first, second]
    assert client.get("/api/tasks").json()["zero-shot-classification"]["widgetModels"] == ["first"]


def test_a_hub_id_is_asked_with_or_without_its_revision(
    serve: Serve, fake_classifier: Classifier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with hub_server() as hub:
        hub.redirect(monkeypatch, tmp_path)
        for name, branch in (("acme/tickets", "v1"), ("acme/tickets", "v2"), ("acme/mail", "main")):
            hub.push(name, {"config.json": b"{}", "model.safetensors": branch.encode()}, branch=branch)
        client = serve(lambda _: fake_classifier, models=["acme/tickets@v2", "acme/tickets@v1", "acme/mail"])
        asked = {
            path: client.post(f"/models/{path}", json=BODY).headers["x-linnaeus-model"]
            for path in ("acme/tickets", "acme/tickets@v1", "acme%2Ftickets%40v1", "acme/mail", HUB_ID)
        }
        assert list(asked.values()) == [
            *("acme/tickets@v2", "acme/tickets@v1", "acme/tickets@v1", "acme/mail", "acme/tickets@v2")
        ]
        fetched = list(hub.asked)
        assert client.post("/models/acme/other", json=BODY).status_code == 404
        assert hub.asked == fetched


def test_one_name_is_for_one_model(serve: Serve, folder: Callable[[str], str]) -> None:
    with pytest.raises(InputError, match="models give the name model to a second model: rename its folder"):
        serve(models=[folder("a/model"), folder("b/model")])
    with pytest.raises(InputError, match="aliases give the name model to a second model: choose another"):
        serve(models=["default", folder("c/model")], aliases={"model": "default"})


def test_a_folder_may_take_the_name_of_a_bundled_model(
    serve: Serve, fake_classifier: Classifier, folder: Callable[[str], str]
) -> None:
    client = serve(lambda _: fake_classifier, models=["default"], aliases={"x": folder("other/small-2")})
    assert [model["name"] for model in client.get("/info").json()["models"]] == ["large", "small-2", "base", "small"]
    client = serve(lambda _: fake_classifier, models=[folder("small")])
    assert [model["name"] for model in client.get("/info").json()["models"]] == ["small", "base", "large"]
