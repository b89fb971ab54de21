"""What a client gets for what it posts."""

from __future__ import annotations

from starlette.testclient import TestClient

from linnaeus import Classifier

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
    assert sentence.startswith("Model some/other is not loaded: use one of default, facebook/bart-large-mnli")
    assert sentence.endswith("--alias some/other=default to have its default model answer.")


def test_a_header_says_how_many_texts_were_cut(client: TestClient) -> None:
    assert "x-linnaeus-truncated" not in client.post("/", json=BODY).headers
    response = client.post("/", json={**BODY, "inputs": ["long " * 1000, "short", "long " * 1001]})
    assert response.headers["x-linnaeus-truncated"] == "2"
    assert [result.get("truncated") for result in response.json()] == [True, None, True]


def test_health(client: TestClient) -> None:
    assert client.get("/health").status_code == 200
