"""What clients ask before they post."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from linnaeus import Classifier, __version__
from linnaeus.server.app import create_app
from linnaeus.server.metrics import Metrics
from linnaeus.server.settings import ServerSettings
from tests.server.conftest import HUB_ID

BODY = {"inputs": ["a text", "another"], "parameters": {"candidate_labels": ["x", "y"]}}


@pytest.mark.parametrize("path", ["/", "/health", "/health/"])
def test_it_lives(client: TestClient, path: str) -> None:
    assert client.get(path).json() == {"status": "ok"}
    assert client.head(path).status_code == 200


@pytest.mark.parametrize("path", [f"/models/{HUB_ID}", f"/api/models/{HUB_ID}", f"/models/{HUB_ID}/"])
def test_a_model_as_the_hub_describes_it(client: TestClient, path: str) -> None:
    described = client.get(path, params={"expand": "inferenceProviderMapping"}).json()
    assert described["id"] == HUB_ID
    assert described["pipeline_tag"] == "zero-shot-classification"
    assert "zero-shot-classification" in described["tags"]
    assert described["inferenceProviderMapping"] == {
        "hf-inference": {"status": "live", "providerId": HUB_ID, "task": "zero-shot-classification"}
    }


@pytest.mark.parametrize("path", ["/models/x/y", "/api/models/x", "/status/x", "/models/x/info", "/models/x/y/health"])
def test_a_model_that_is_not_there(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert " is not loaded: use one of " in response.json()["error"]


def test_the_models_of_a_library(client: TestClient) -> None:
    listed = client.get("/framework/transformers").json()
    assert {"default", HUB_ID} <= {model["model_id"] for model in listed}
    assert client.get("/framework/spacy").json() == []


def test_a_model_for_the_task(client: TestClient) -> None:
    task = client.get("/api/tasks").json()["zero-shot-classification"]
    assert client.post(f"/models/{task['widgetModels'][0]}", json=BODY).status_code == 200
    assert {"id": HUB_ID} in task["models"]


def test_info(client: TestClient) -> None:
    client.post("/", json=BODY)
    info = client.get("/info").json()
    assert info["version"] == __version__
    model = client.get(f"/models/{HUB_ID}/info").json()
    assert model in info["models"]
    assert model["state"] == "ready"
    assert {"default", HUB_ID} <= set(model["names"])
    assert info["memory"] == {"bytes": 1000, "budget_bytes": None}
    assert model["weight_bytes"] == 1000
    assert model["load_seconds"] >= 0
    assert (model["engine"], model["longest_text"], model["longest_hypothesis"]) == ("fake", 448, 448)


def test_metrics(client: TestClient) -> None:
    client.post("/", json=BODY)
    client.post("/", json=BODY)
    client.post("/", json={})
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    lines = set(response.text.splitlines())
    assert lines >= {
        'linnaeus_requests_total{endpoint="classify",status="200"} 2.0',
        'linnaeus_requests_total{endpoint="classify",status="400"} 1.0',
        'linnaeus_texts_total{model="large"} 4.0',
        'linnaeus_labels_total{model="large"} 4.0',
        "linnaeus_cache_hits_total 2.0",
        "linnaeus_cache_misses_total 2.0",
        "linnaeus_queue_requests 0.0",
        "linnaeus_queue_seconds_count 1.0",
        "linnaeus_compute_seconds_count 1.0",
        'linnaeus_model_state{model="large",state="ready"} 1.0',
        'linnaeus_model_state{model="large",state="loading"} 0.0',
        'linnaeus_model_weight_bytes{model="large"} 1000.0',
        'linnaeus_model_loads_total{model="large"} 1.0',
        'linnaeus_model_unloads_total{model="large"} 0.0',
        'linnaeus_model_load_failures_total{model="large"} 0.0',
    }
    assert any(line.startswith("linnaeus_cache_bytes ") and not line.endswith(" 0.0") for line in lines)


def test_paths_of_clients_make_no_series_of_their_own(client: TestClient) -> None:
    for path in ("/models/a", "/models/b", "/nowhere", "/elsewhere"):
        client.post(path, json=BODY)
    lines = client.get("/metrics").text.splitlines()
    assert [line for line in lines if line.startswith("linnaeus_requests_total") and 'status="404"' in line] == [
        'linnaeus_requests_total{endpoint="classify",status="404"} 2.0',
        'linnaeus_requests_total{endpoint="none",status="404"} 2.0',
    ]


def test_batches_are_counted(fake_classifier: Classifier) -> None:
    metrics = Metrics()
    observed = Classifier(metrics.observe(fake_classifier.model))
    assert observed(["a", "b"], ["x"]) == fake_classifier(["a", "b"], ["x"])
    assert metrics.registry.get_sample_value("linnaeus_batch_readings_sum") == 2
    assert metrics.registry.get_sample_value("linnaeus_batch_seconds_count") == 1
    assert observed.model.engine.description == "fake"


def test_the_document_is_complete(fake_classifier: Classifier) -> None:
    document = create_app(ServerSettings(), lambda _: fake_classifier).openapi()
    posts = {path: methods["post"] for path, methods in document["paths"].items() if "post" in methods}
    assert len(posts) == 9
    for operation in posts.values():
        assert set(operation["responses"]) == {
            *("200", "400", "401", "403", "404", "405", "413", "415", "429", "500", "503")
        }
        for response in operation["responses"].values():
            assert "x-request-id" in response["headers"]
            content = response["content"]["application/json"]
            assert "example" in content or "examples" in content
        headers = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
        assert headers >= {"x-use-cache", "x-wait-for-model", "x-load-model"}


def test_the_page_of_the_document_needs_no_other_server(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "//cdn" not in page.text
    assert client.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200
