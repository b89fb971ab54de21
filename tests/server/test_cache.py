"""What is kept, what counts as the same question, and what the answer says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from linnaeus import Classifier
from linnaeus.engines.base import Reading
from linnaeus.server.cache import Answer, ResponseCache
from tests.server.conftest import HUB_ID, Serve

BODY: dict[str, Any] = {"inputs": "a text", "parameters": {"candidate_labels": ["x", "y"]}}


@pytest.fixture
def calls(fake_classifier: Classifier) -> Sequence[Sequence[Reading]]:
    engine: Any = fake_classifier.model.engine
    batches: Sequence[Sequence[Reading]] = engine.calls
    return batches


def computed(client: TestClient, body: dict[str, Any], **options: Any) -> bool:  # noqa: ANN401
    response = client.post("/", json=body, **options)
    assert response.status_code == 200
    return response.headers["x-compute-type"] != "cache"


def test_the_same_question_is_computed_once(client: TestClient, calls: Sequence[object]) -> None:
    first, second = client.post("/", json=BODY), client.post(f"/models/{HUB_ID}", json=BODY)
    assert first.headers["x-compute-type"] == "cpu"
    assert "x-compute-time" in first.headers
    assert second.headers["x-compute-type"] == "cache"
    assert "x-compute-time" not in second.headers
    assert first.content == second.content
    assert len(calls) == 1


def test_form_and_shape_do_not_matter(client: TestClient) -> None:
    assert computed(client, BODY)
    assert not computed(client, {"inputs": {"text": "a text", "candidateLabels": "x, y"}})
    assert not computed(client, {**BODY, "inputs": ["a text", "a text"]})
    assert not computed(client, BODY, headers={"user-agent": "hf_hub/0.36.2"})


@pytest.mark.parametrize(
    "other",
    [
        {"candidate_labels": ["y", "x"]},
        {"candidate_labels": ["x"]},
        {"candidate_labels": ["x", "y", "y"]},
        {"candidate_labels": ["x", "y"], "multi_label": True},
        {"candidate_labels": ["x", "y"], "hypothesis_template": "About {}."},
        {"candidate_labels": ["x", "y"], "long_text": "windows"},
        {"candidate_labels": ["x", "y"], "calibrate": False},
    ],
)
def test_every_part_of_the_question_matters(client: TestClient, other: dict[str, Any]) -> None:
    assert computed(client, BODY)
    assert computed(client, {"inputs": "a text", "parameters": other})
    assert computed(client, {**BODY, "inputs": "a text "})
    assert not computed(client, BODY)


def test_of_a_list_only_new_texts_are_computed(client: TestClient, calls: Sequence[Sequence[Reading]]) -> None:
    assert computed(client, BODY)
    mixed = {**BODY, "inputs": ["new", "a text", "newer"]}
    expected = client.post("/", json=mixed, headers={"x-use-cache": "false"}).json()
    calls_before = len(calls)
    assert computed(client, {**BODY, "inputs": ["newest", "a text", "x"]})
    assert sum(map(len, calls[calls_before:])) == 2
    assert client.post("/", json=mixed, headers={"x-use-cache": "true"}).json() == expected


@pytest.mark.parametrize("refusal", [{"headers": {"x-use-cache": "false"}}, {"headers": {"X-Use-Cache": "0"}}])
def test_a_client_may_refuse_old_answers(client: TestClient, refusal: dict[str, Any]) -> None:
    assert computed(client, BODY)
    assert computed(client, BODY, **refusal)
    assert computed(client, {**BODY, "options": {"use_cache": False}})


def test_a_cut_text_is_still_said_to_be_cut(client: TestClient) -> None:
    long = {**BODY, "inputs": ["long " * 1000]}
    first, second = client.post("/", json=long), client.post("/", json=long)
    assert second.headers["x-compute-type"] == "cache"
    assert first.headers["x-linnaeus-truncated"] == second.headers["x-linnaeus-truncated"] == "1"
    assert first.json() == second.json()


def test_mistakes_are_found_again(client: TestClient) -> None:
    for _ in range(2):
        assert client.post("/", json={**BODY, "inputs": ["a text", ""]}).status_code == 400


def test_a_cache_of_no_bytes_keeps_nothing(serve: Serve) -> None:
    client = serve(cache_bytes=0)
    assert computed(client, BODY)
    assert computed(client, BODY)


def answer(label: str) -> Answer:
    return Answer((label,), (0.5,), truncated=False)


def test_the_answer_used_longest_ago_goes_first() -> None:
    cache = ResponseCache(2 * answer("a").bytes)
    cache.put(b"1", answer("a"))
    cache.put(b"2", answer("b"))
    assert cache.get(b"1") == answer("a")
    cache.put(b"3", answer("c"))
    assert (cache.get(b"1"), cache.get(b"2"), cache.get(b"3")) == (answer("a"), None, answer("c"))


def test_bytes_are_bounded_and_counted() -> None:
    cache = ResponseCache(3000)
    for number in range(100):
        cache.put(str(number % 20).encode(), answer("label" * (number % 7)))
        assert cache.bytes <= 3000
    assert cache.bytes == sum(kept.bytes for kept in map(cache.get, _keys(20)) if kept)
    assert replace(answer("a"), windows=((0, 9),)).bytes > answer("a").bytes
    cache.put(b"huge", answer("x" * 4000))
    assert cache.get(b"huge") is None


def _keys(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]
