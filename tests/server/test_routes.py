"""What a client gets for what it posts."""

from __future__ import annotations

import json

import pytest
from starlette.testclient import TestClient

from linnaeus import Classifier
from tests.server.conftest import Serve

TEXT = "Hi, I recently bought a device and would like a refund!"
LABELS = ["refund", "legal", "faq"]
BODY = {"inputs": TEXT, "parameters": {"candidate_labels": LABELS}}


def test_the_documented_request_gets_labels_from_best_to_worst(client: TestClient, fake_classifier: Classifier) -> None:
    response = client.post("/models/facebook/bart-large-mnli", json=BODY)
    expected = fake_classifier(TEXT, LABELS)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == [
        {"label": label, "score": score} for label, score in zip(expected["labels"], expected["scores"], strict=True)
    ]


def test_the_form_of_the_first_documentation_gets_the_same(client: TestClient) -> None:
    first = {"inputs": {"text": TEXT, "candidateLabels": LABELS}}
    assert client.post("/", json=first).json() == client.post("/", json=BODY).json()


def test_a_list_gets_a_list_of_objects_even_for_one_text(client: TestClient, fake_classifier: Classifier) -> None:
    response = client.post("/", json={**BODY, "inputs": [TEXT]})
    assert response.json() == [fake_classifier(TEXT, LABELS)]


def test_a_name_without_a_model_is_told_what_there_is(client: TestClient) -> None:
    response = client.post("/models/some/other", json=BODY)
    assert response.status_code == 404
    sentence = response.json()["error"]
    assert sentence.startswith("Model some/other is not loaded: use one of base, default, facebook/bart-large-mnli")
    assert sentence.endswith("--alias some/other=default to have its default model answer.")


def test_a_header_says_how_many_texts_were_cut(client: TestClient) -> None:
    assert "x-linnaeus-truncated" not in client.post("/", json=BODY).headers
    response = client.post("/", json={**BODY, "inputs": ["long " * 1000, "short", "long " * 1001]})
    assert response.headers["x-linnaeus-truncated"] == "2"
    assert [result.get("truncated") for result in response.json()] == [True, None, True]


def test_a_long_text_is_read_in_windows_if_the_request_says_so(client: TestClient, fake_classifier: Classifier) -> None:
    long = "long " * 1000
    expected = fake_classifier(long, LABELS, long_text="windows")
    assert len(expected["windows"]) == len(LABELS)
    body = {"inputs": long, "parameters": {"candidate_labels": LABELS, "longText": "windows"}}
    for compute_type in ("cpu", "cache"):
        response = client.post("/", params={"response": "object"}, json=body)
        assert response.headers["x-compute-type"] == compute_type
        assert "x-linnaeus-truncated" not in response.headers
        assert response.json() == {**expected, "windows": [list(window) for window in expected["windows"]]}
    # A list of pairs is what it always is.
    assert [set(pair) for pair in client.post("/", json=body).json()] == [{"label", "score"}] * 3


def test_the_operator_may_choose_what_becomes_of_long_texts(serve: Serve) -> None:
    client, body = serve(long_text="windows"), {**BODY, "inputs": ["long " * 1000, "short"]}
    assert ["windows" in result for result in client.post("/", json=body).json()] == [True, False]
    cut = {**body, "parameters": {"candidate_labels": LABELS, "long_text": "cut"}}
    assert client.post("/", json=cut).headers["x-linnaeus-truncated"] == "1"


def test_health(client: TestClient) -> None:
    assert client.get("/health").status_code == 200


IDS = ["default", "facebook/bart-large-mnli", "facebook%2Fbart-large-mnli"]
WITH_ID = [
    "/models/{id}",
    "/hf-inference/models/{id}",
    "/pipeline/zero-shot-classification/{id}",
    "/models/{id}/pipeline/zero-shot-classification",
    "/hf-inference/models/{id}/pipeline/zero-shot-classification",
    "/api/inference-proxy/hf-inference/models/{id}",
]
PATHS = ["/", "/predict", "/pipeline/zero-shot-classification"]
PATHS += [path.format(id=model_id) for path in WITH_ID for model_id in IDS]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_path_answers_without_a_redirect(client: TestClient, path: str, slash: str) -> None:
    response = client.post(path.rstrip("/") + slash or "/", json=BODY)
    assert response.status_code == 200
    preflight = {"origin": "https://page.example", "access-control-request-method": "POST"}
    assert client.options(path + slash, headers=preflight).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "x"],
)
def test_a_body_is_json_whatever_it_is_called(client: TestClient, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type is not None else {}
    assert client.post("/", content=json.dumps(BODY).encode(), headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "body"),
    [
        ("Go-http-client/1.1", {"inputs": [TEXT], "parameters": {"candidate_labels": LABELS}, "options": {}}),
        ("libcurl/8.5 r-curl/6.0 httr/1.4", {**BODY, "inputs": [TEXT], "options": {"wait_for_model": True}}),
        ("python-requests/2.32", {"inputs": [TEXT], "parameters": {"candidate_labels": ",".join(LABELS)}}),
    ],
)
def test_old_clients_in_other_languages_get_a_list_of_objects(
    client: TestClient, fake_classifier: Classifier, user_agent: str, body: dict[str, object]
) -> None:
    response = client.post("/models/facebook/bart-large-mnli", json=body, headers={"user-agent": user_agent})
    assert response.json() == [fake_classifier(TEXT, LABELS)]


def test_headers_say_what_answered(client: TestClient) -> None:
    response = client.post("/models/facebook/bart-large-mnli", json={**BODY, "inputs": ["ü" * 10, "x"]})
    headers = response.headers
    assert headers["x-compute-type"] == "cpu"
    assert headers["x-compute-characters"] == "11"
    assert len(headers["x-compute-time"].partition(".")[2]) == 3
    assert headers["x-sha"] == "0" * 64
    assert headers["x-linnaeus-model"] == "large"


def test_large_requests_and_answers_are_the_same_as_small_ones(client: TestClient, fake_classifier: Classifier) -> None:
    labels = [f"label {number}" for number in range(300)]
    texts = ["long " * 3000, *(f"text {number}" for number in range(50))]
    body = {"inputs": texts, "parameters": {"candidate_labels": labels}}
    expected = fake_classifier(texts, labels)
    for compute_type in ("cpu", "cache"):
        response = client.post("/", json=body)
        assert response.headers["x-compute-type"] == compute_type
        assert response.json() == expected
