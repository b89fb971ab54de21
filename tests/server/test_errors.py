"""Every failure is the same small JSON object, under the right status, with the request's id."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from typing import Any, NoReturn, Protocol

import pytest
from starlette.testclient import TestClient

from linnaeus import Classifier
from tests.server.conftest import HUB_ID, Serve


class Response(Protocol):
    """What the test client returns, whichever HTTP library it is made of."""

    status_code: int

    @property
    def headers(self) -> Mapping[str, str]: ...

    def json(self) -> Any: ...  # noqa: ANN401


BODY: dict[str, Any] = {"inputs": "a text", "parameters": {"candidate_labels": ["x", "y"]}}


def sentence(response: Response, status: int) -> str:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    body = response.json()
    assert set(body) == {"error"}
    error: str = body["error"]
    return error


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_no_such_path(client: TestClient, method: str) -> None:
    error = sentence(client.request(method, "/no/such/path"), 404)
    assert error == "There is nothing at /no/such/path: post texts to /models/NAME, or see /docs."


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/", "GET, HEAD, POST"),
        ("DELETE", f"/models/{HUB_ID}", "GET, POST"),
        ("GET", "/predict", "POST"),
        ("POST", "/models/x/info", "GET"),
    ],
)
def test_no_such_method(client: TestClient, method: str, path: str, allowed: str) -> None:
    response = client.request(method, path)
    assert sentence(response, 405) == f"{method} is not possible at {path}: see /docs."
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/pipeline/{task}", f"/pipeline/{{task}}/{HUB_ID}", f"/models/{HUB_ID}/pipeline/{{task}}"]
)
def test_no_such_task(client: TestClient, path: str) -> None:
    assert client.post(path.format(task="zero-shot-classification"), json=BODY).status_code == 200
    error = sentence(client.post(path.format(task="summarization"), json=BODY), 404)
    assert error == "The task summarization is not served: post to /pipeline/zero-shot-classification."


def test_too_large_a_body(serve: Serve) -> None:
    client = serve(max_body_bytes=1000)
    expected = "The body is larger than 1,000 bytes: send fewer texts at a time, or shorter ones."
    assert client.post("/", json={**BODY, "inputs": "x" * 900}).status_code == 200
    assert sentence(client.post("/", json={**BODY, "inputs": "x" * 1000}), 413) == expected
    # Sent in pieces, whose sum nobody knows before.
    assert sentence(client.post("/", content=iter([b"x" * 600] * 2)), 413) == expected


def test_too_many_scores(serve: Serve) -> None:
    client = serve(max_scores=4)
    assert client.post("/", json={**BODY, "inputs": ["a", "b"]}).status_code == 200
    error = sentence(client.post("/", json={**BODY, "inputs": ["a", "b", "c"]}), 413)
    assert error.startswith("The request asks for 6 scores (texts times labels), and this server gives 4 at a time")


def test_a_compressed_body(client: TestClient) -> None:
    response = client.post("/", content=b"\x1f\x8b", headers={"content-encoding": "gzip"})
    assert sentence(response, 415) == "The body is compressed ('gzip'): send it as it is."
    assert response.headers["accept-encoding"] == "identity"


def test_too_much_is_waiting(serve: Serve, fake_classifier: Classifier) -> None:
    entered, gate = threading.Semaphore(0), threading.Event()

    class Held(Classifier):
        def __call__(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            entered.release()
            gate.wait()
            return super().__call__(*arguments, **options)

    client = serve(lambda _: Held(fake_classifier.model), threads=1, max_waiting=1)
    with ThreadPoolExecutor() as pool:
        computed = pool.submit(client.post, "/", json={**BODY, "inputs": "1"})
        entered.acquire()
        waiting = [pool.submit(client.post, "/", json={**BODY, "inputs": text}) for text in "234"]
        refused = [future.result() for future in islice(as_completed(waiting), 2)]
        gate.set()
        statuses = sorted(future.result().status_code for future in (computed, *waiting))
    assert statuses == [200, 200, 429, 429]
    for response in refused:
        assert sentence(response, 429) == "Too many requests: 1 are waiting already, try again in a moment."
        assert response.headers["retry-after"] == "1"


def test_too_many_bytes_are_held(serve: Serve) -> None:
    error = sentence(serve(max_held_bytes=100).post("/", json={**BODY, "inputs": "x" * 100}), 429)
    assert error.startswith("Too much is waiting: ")


def test_our_own_fault(serve: Serve, fake_classifier: Classifier, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Classifier):
        def __call__(self, *_: object, **__: object) -> NoReturn:
            raise RuntimeError("secret")

    client = serve(lambda _: Broken(fake_classifier.model))
    response = client.post("/", json=BODY, headers={"x-request-id": "my-1", "origin": "https://page.example"})
    assert (
        sentence(response, 500) == "The server failed, and it is not the request's fault: its log has more under my-1."
    )
    assert response.headers["access-control-allow-origin"] == "*"
    assert "RuntimeError: secret" in caplog.text


def test_a_request_keeps_its_id(client: TestClient) -> None:
    assert client.post("/", json=BODY, headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    ids = {client.post("/", json=BODY).headers["x-request-id"] for _ in range(3)}
    ids |= {client.post("/", json=BODY, headers={"x-request-id": bad}).headers["x-request-id"] for bad in ("", "a b")}
    assert len(ids) == 5
    assert not ids & {"", "a b"}


def test_a_line_for_each_request_has_its_facts_and_no_text(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client = serve(tokens=["secret"])
    headers = {"authorization": "Bearer secret", "x-request-id": "abc-1"}
    client.post(f"/models/{HUB_ID}", json=BODY, headers=headers)
    facts = [record.__dict__["facts"] for record in caplog.records if record.name == "linnaeus.access"]
    assert [{name: fact for name, fact in line.items() if name != "seconds"} for line in facts] == [
        {
            "request": "abc-1",
            "client": "testclient",
            "method": "POST",
            "path": f"/models/{HUB_ID}",
            "status": 200,
            "token": "token-1",
            "model": "large",
            "texts": 1,
            "labels": 2,
        }
    ]
    assert "a text" not in json.dumps(facts)


def test_quiet_is_quiet(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    serve(quiet=True).post("/", json=BODY)
    assert not [record for record in caplog.records if record.name == "linnaeus.access"]


@pytest.mark.parametrize("path", ["/", f"/models/{HUB_ID}", "/nowhere"])
def test_pages_of_any_origin_may_ask_and_read_the_headers(client: TestClient, path: str) -> None:
    response = client.post(path, json=BODY, headers={"origin": "https://page.example"})
    assert response.headers["access-control-allow-origin"] == "*"
    assert "x-compute-type" in response.headers["access-control-expose-headers"]
