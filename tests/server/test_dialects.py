"""The table of clients against what each is known to read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from linnaeus import Classification
from linnaeus.server.dialects import Shape, dialect_of, encode_batch, encode_single
from tests.server.conftest import HUB_ID, Serve

RESULT: Classification = {"sequence": "a text", "labels": ["x", "ü"], "scores": [0.75, 0.25]}

NODE = "Node.js/22"
KNOWN = [
    ("unknown/None; hf_hub/0.17.3; python/3.11.7", Shape.OBJECT),
    ("unknown/None; hf_hub/0.36.2; python/3.11.7; torch/2.9", Shape.OBJECT),
    ("unknown/None; hf_hub/1.0.1; python/3.11.7", Shape.OBJECT),
    ("unknown/None; hf_hub/1.1.4; python/3.11.7", Shape.OBJECT),
    ("unknown/None; hf_hub/1.1.5; python/3.11.7", Shape.LIST),
    ("unknown/None; hf_hub/1.10; python/3.11.7", Shape.LIST),
    ("unknown/None; hf_hub/1.29.0.dev0; python/3.11.7", Shape.LIST),
    ("my-app/3; hf_hub/2.4.0; agent/x", Shape.LIST),
    ("hf_hub/" + "9" * 5000, Shape.LIST),
    ("@huggingface/inference/3.2.0", Shape.OBJECT),
    (f"@huggingface/inference/3.7.0 {NODE}", Shape.OBJECT),
    (f"@huggingface/inference/3.7.1 {NODE}", Shape.WRAPPED),
    (f"@huggingface/inference/4.4.0 {NODE}", Shape.WRAPPED),
    (f"@huggingface/inference/4.5.0 {NODE}", Shape.LIST),
    (f"@huggingface/inference/4.13.30 {NODE}", Shape.LIST),
]


@pytest.mark.parametrize(("user_agent", "shape"), KNOWN)
@pytest.mark.parametrize("legacy", [False, True])
def test_a_client_that_names_itself_gets_its_shape_whatever_else_it_sends(
    user_agent: str, shape: Shape, legacy: bool
) -> None:
    assert dialect_of(user_agent, legacy=legacy, default=Shape.SUPERSET).single is shape


@pytest.mark.parametrize("user_agent", ["node", "undici", "Deno/2.1", "Bun/1.1", "Mozilla/5.0 (X11; Linux)"])
def test_a_javascript_client_without_a_name_gets_what_all_of_them_read(user_agent: str) -> None:
    assert dialect_of(user_agent, legacy=False, default=Shape.LIST).single is Shape.SUPERSET
    assert dialect_of(user_agent, legacy=True, default=Shape.LIST).single is Shape.OBJECT


@pytest.mark.parametrize("user_agent", ["", "curl/8.5", "python-requests/2.32", "nodeless", "hf_hub/x"])
@pytest.mark.parametrize("default", Shape)
def test_any_other_client_gets_the_operators_choice(user_agent: str, default: Shape) -> None:
    assert dialect_of(user_agent, legacy=False, default=default).single is default
    assert dialect_of(user_agent, legacy=True, default=default).single is Shape.OBJECT


PAIRS = [{"label": "x", "score": 0.75}, {"label": "ü", "score": 0.25}]


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        (Shape.LIST, PAIRS),
        (Shape.OBJECT, RESULT),
        (Shape.WRAPPED, [RESULT]),
        (Shape.SUPERSET, [{**pair, **RESULT} for pair in PAIRS]),
    ],
)
def test_shapes(shape: Shape, body: Any) -> None:  # noqa: ANN401
    assert json.loads(encode_single(RESULT, shape)) == body


def test_json_is_compact_and_unescaped() -> None:
    assert encode_single(RESULT, Shape.LIST) == '[{"label":"x","score":0.75},{"label":"ü","score":0.25}]'.encode()


def test_the_superset_of_a_long_list_does_not_grow_with_its_square() -> None:
    labels = [f"label {number}" for number in range(2000)]
    long: Classification = {"sequence": "a text", "labels": labels, "scores": [0.5] * 2000}
    body = json.loads(encode_single(long, Shape.SUPERSET))
    assert body[0] == {"label": "label 0", "score": 0.5, **long}
    assert body[1999] == {
        "label": "label 1999",
        "score": 0.5,
        "sequence": "",
        "labels": ["label 1999"],
        "scores": [0.5],
    }


def test_a_batch_is_a_list_of_objects_and_says_the_best_where_it_is_looked_for() -> None:
    assert json.loads(encode_batch([RESULT], with_best=False)) == [RESULT]
    assert json.loads(encode_batch([RESULT], with_best=True)) == [{"label": "x", "score": 0.75, **RESULT}]


BODY = {"inputs": "a text", "parameters": {"candidate_labels": ["x", "y"]}}
OLD_CLIENT = {"user-agent": "hf_hub/0.36.2"}


def test_a_request_may_ask_for_a_shape(serve: Serve) -> None:
    client = serve(response="object")
    assert set(client.post("/", json=BODY).json()) == {"sequence", "labels", "scores"}
    assert set(client.post("/?response=list", json=BODY, headers=OLD_CLIENT).json()[0]) == {"label", "score"}
    wrapped = client.post(f"/models/{HUB_ID}", json=BODY, headers={**OLD_CLIENT, "x-linnaeus-response": "wrapped"})
    assert set(wrapped.json()[0]) == {"sequence", "labels", "scores"}


@pytest.mark.parametrize("shape", ["", "List", "detailed"])
def test_a_shape_that_is_none_is_refused(serve: Serve, shape: str) -> None:
    response = serve().post("/", params={"response": shape}, json=BODY)
    assert response.status_code == 400
    assert response.json()["error"] == f"response is {shape!r}: choose one of list, object, wrapped, superset."


def test_instances_are_answered_with_predictions(serve: Serve) -> None:
    body = {"instances": ["a text"], "parameters": {"candidate_labels": ["x", "y"]}}
    assert set(serve().post("/predict", json=body).json()["predictions"][0]) == {"sequence", "labels", "scores"}
