"""Every form in which a request has been sent, and every mistake that can be made in one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.datastructures import Headers, QueryParams
from starlette.testclient import TestClient

from linnaeus.server.requests import ClassificationRequest, parse_request

LABELS = ["refund", "legal"]


def parse(body: object, query: str = "", **headers: str) -> ClassificationRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse_request(json.dumps(body).encode(), QueryParams(query), Headers(named))


def asked(request: ClassificationRequest) -> list[tuple[list[str], list[str]]]:
    return [(list(question.texts), list(question.labels)) for question in request.questions]


@pytest.mark.parametrize(
    ("body", "texts", "batch"),
    [
        ({"inputs": "a", "parameters": {"candidate_labels": LABELS}}, ["a"], False),
        ({"inputs": "a", "parameters": {"candidateLabels": LABELS}}, ["a"], False),
        ({"inputs": "a", "parameters": {"candidate_labels": "refund, legal,"}}, ["a"], False),
        ({"inputs": ["a"], "parameters": {"candidate_labels": LABELS}}, ["a"], True),
        ({"inputs": ["a", "b"], "parameters": {"candidate_labels": LABELS}}, ["a", "b"], True),
        ({"inputs": {"text": "a"}, "parameters": {"candidate_labels": LABELS}}, ["a"], False),
        ({"inputs": {"sequences": "a"}, "parameters": {"candidate_labels": LABELS}}, ["a"], False),
        ({"inputs": {"sequences": ["a", "b"]}, "parameters": {"candidate_labels": LABELS}}, ["a", "b"], True),
        ({"inputs": {"text": "a", "candidateLabels": LABELS}}, ["a"], False),
        ({"inputs": {"text": "a", "candidate_labels": "refund,legal"}, "parameters": None}, ["a"], False),
        ({"inputs": [{"text": "a"}, "b"], "parameters": {"candidate_labels": LABELS}}, ["a", "b"], True),
        ({"inputs": [{"text": t, "candidateLabels": LABELS} for t in "ab"], "parameters": {}}, ["a", "b"], True),
        ({"data": {"text": "a", "candidateLabels": LABELS}}, ["a"], False),
        ({"instances": ["a", {"text": "b"}], "parameters": {"candidate_labels": LABELS}}, ["a", "b"], True),
        (
            {"inputs": "a", "parameters": {"candidate_labels": LABELS, "top_k": 1}, "model": "m", "signal": {}},
            ["a"],
            False,
        ),
    ],
)
def test_every_form_asks_the_same(body: object, texts: list[str], batch: bool) -> None:
    request = parse(body)
    assert asked(request) == [(texts, LABELS)]
    assert request.batch is batch
    assert request.template == "This example is {}."
    assert request.multi_label is False


def test_inputs_with_different_labels_are_different_questions_in_order() -> None:
    inputs = [
        {"text": "a", "candidateLabels": ["x"]},
        {"text": "b", "candidateLabels": ["x"]},
        {"text": "c", "candidateLabels": ["y"]},
        {"text": "d"},
    ]
    request = parse({"inputs": inputs, "parameters": {"candidate_labels": ["z"]}})
    assert asked(request) == [(["a", "b"], ["x"]), (["c"], ["y"]), (["d"], ["z"])]


@pytest.mark.parametrize("name", ["multi_label", "multiLabel", "multi_class"])
@pytest.mark.parametrize(
    ("value", "meant"), [(True, True), (False, False), ("true", True), ("0", False), (1, True), (1.0, True)]
)
def test_several_labels_by_every_name(name: str, value: object, meant: bool) -> None:
    request = parse({"inputs": "a", "parameters": {"candidate_labels": LABELS, name: value}})
    assert request.multi_label is meant


@pytest.mark.parametrize("name", ["hypothesis_template", "hypothesisTemplate"])
def test_the_template_by_both_names(name: str) -> None:
    request = parse({"inputs": "a", "parameters": {"candidate_labels": LABELS, name: "About {}."}})
    assert request.template == "About {}."


@pytest.mark.parametrize("name", ["long_text", "longText"])
def test_what_becomes_of_a_long_text_by_both_names(name: str) -> None:
    request = parse({"inputs": "a", "parameters": {"candidate_labels": LABELS, name: "windows"}})
    assert request.long_text == "windows"
    assert parse({"inputs": {"text": "a", "candidateLabels": LABELS}}, f"{name}=windows").long_text == "windows"


def test_null_is_as_good_as_absent() -> None:
    names = ("hypothesis_template", "multi_label", "long_text", "calibrate")
    parameters = {"candidate_labels": LABELS, **dict.fromkeys(names)}
    request = parse({"inputs": "a", "parameters": parameters, "options": None})
    assert (request.template, request.multi_label, request.long_text) == ("This example is {}.", False, "cut")
    assert request.calibrate


@pytest.mark.parametrize("value", [False, "false", 0])
def test_calibration_can_be_switched_off(value: object) -> None:
    assert not parse({"inputs": "a", "parameters": {"candidate_labels": LABELS, "calibrate": value}}).calibrate
    assert not parse({"inputs": {"text": "a", "candidateLabels": LABELS}}, "calibrate=false").calibrate


def test_parameters_in_the_query_count_if_the_body_has_none() -> None:
    request = parse({"inputs": "a"}, "candidate_labels=refund,legal&multi_label=true")
    assert asked(request) == [(["a"], LABELS)]
    assert request.multi_label
    assert not request.legacy
    repeated = parse({"inputs": "a"}, "candidate_labels=refund&candidate_labels=le,gal")
    assert asked(repeated) == [(["a"], ["refund", "le,gal"])]
    body_wins = parse({"inputs": "a", "parameters": {"candidate_labels": ["own"]}}, "candidate_labels=x")
    assert asked(body_wins) == [(["a"], ["own"])]


@pytest.mark.parametrize(
    ("options", "headers", "expected"),
    [
        ({}, {}, (True, False, True)),
        ({"use_cache": False, "wait_for_model": True, "dont_load_model": True}, {}, (False, True, False)),
        ({}, {"x_use_cache": "false", "x_wait_for_model": "1", "x_load_model": "0"}, (False, True, False)),
        ({"use_cache": False}, {"x_use_cache": "TRUE"}, (True, False, True)),
        ({"use_cache": "never", "use_gpu": True}, {"x_wait_for_model": "perhaps"}, (True, False, True)),
    ],
)
def test_options_in_the_body_and_in_headers(
    options: dict[str, object], headers: dict[str, str], expected: tuple[bool, bool, bool]
) -> None:
    request = parse({"inputs": "a", "parameters": {"candidate_labels": LABELS}, "options": options}, **headers)
    assert (request.use_cache, request.wait_for_model, request.load_model) == expected


@pytest.mark.parametrize(
    ("body", "headers", "legacy"),
    [
        ({"parameters": {"candidate_labels": LABELS}}, {}, False),
        ({"parameters": {"candidate_labels": LABELS}, "options": {}}, {}, True),
        ({"parameters": {"candidate_labels": LABELS, "multi_class": False}}, {}, True),
        ({"parameters": {"candidate_labels": "refund,legal"}}, {}, True),
        ({"parameters": {"candidate_labels": LABELS}}, {"x_use_cache": "true"}, True),
    ],
)
def test_signs_of_a_client_from_before_the_change(body: dict[str, Any], headers: dict[str, str], legacy: bool) -> None:
    assert parse({"inputs": "a", **body}, **headers).legacy is legacy


GOOD = {"candidate_labels": LABELS}

MISTAKES = [
    (b"", "The body is empty: send a JSON object such as"),
    (b"{'inputs': 1}", "The body is no valid JSON (Expecting property name enclosed in double quotes"),
    (b'{"inputs": "a"', "The body is no valid JSON"),
    (b'{"inputs": "\xff"}', "The body is no valid UTF-8 at byte 12: send JSON in UTF-8."),
    (b"[" * 100_000, "The body is"),
    (b'{"inputs":' * 100_000, "The body is"),
    (b'{"inputs": ' + b"9" * 5000 + b"}", "The body is no valid JSON"),
    (b"[]", "The body is a list, not a JSON object"),
    (b"null", "The body is null, not a JSON object"),
    ({"parameters": GOOD}, "inputs is missing: "),
    ({"inputs": None, "parameters": GOOD}, "inputs is missing: "),
    ({"inputs": 5, "parameters": GOOD}, "inputs is a number, not a string"),
    ({"inputs": True, "parameters": GOOD}, "inputs is a boolean, not a string"),
    ({"inputs": "", "parameters": GOOD}, "inputs is empty: "),
    ({"inputs": [], "parameters": GOOD}, "inputs is empty: "),
    ({"inputs": ["a", ""], "parameters": GOOD}, "inputs[1] is empty: "),
    ({"inputs": ["a", ["b"]], "parameters": GOOD}, "inputs[1] is a list, not a string"),
    ({"inputs": {}, "parameters": GOOD}, "inputs.text is missing: "),
    ({"inputs": {"text": 5}, "parameters": GOOD}, "inputs.text is a number, not a string"),
    ({"inputs": {"sequences": ["a", ""]}, "parameters": GOOD}, "inputs.sequences[1] is empty: "),
    ({"inputs": [{"text": ""}], "parameters": GOOD}, "inputs[0].text is empty: "),
    ({"inputs": "\ud800", "parameters": GOOD}, "inputs is no valid Unicode (a lone surrogate at character 0)"),
    ({"inputs": "a"}, "parameters.candidate_labels is missing: "),
    ({"inputs": "a", "parameters": []}, "parameters is a list, not an object."),
    ({"inputs": "a", "parameters": GOOD, "options": 5}, "options is a number, not an object."),
    ({"inputs": "a", "parameters": {"candidate_labels": []}}, "parameters.candidate_labels is empty: "),
    ({"inputs": "a", "parameters": {"candidate_labels": " , "}}, "parameters.candidate_labels is empty: "),
    ({"inputs": "a", "parameters": {"candidate_labels": {}}}, "parameters.candidate_labels is an object: "),
    ({"inputs": "a", "parameters": {"candidate_labels": ["x", "y", " "]}}, "parameters.candidate_labels[2] is empty: "),
    ({"inputs": "a", "parameters": {"candidate_labels": ["x", None]}}, "parameters.candidate_labels[1] is null, not"),
    ({"inputs": "a", "parameters": {"candidateLabels": [5]}}, "parameters.candidateLabels[0] is a number, not"),
    ({"inputs": {"text": "a", "candidateLabels": [""]}}, "inputs.candidateLabels[0] is empty: "),
    ({"inputs": [{"text": "a", "candidateLabels": ["\udfff"]}]}, "inputs[0].candidateLabels[0] is no valid Unicode"),
    (
        {"inputs": "a", "parameters": {"candidate_labels": ["long " * 500]}},
        "parameters.candidate_labels[0] makes a hypothesis of",
    ),
    (
        {"inputs": "a", "parameters": {**GOOD, "hypothesis_template": "none"}},
        "parameters.hypothesis_template has no {} where the label should go.",
    ),
    (
        {"inputs": "a", "parameters": {**GOOD, "hypothesisTemplate": "{0.__class__}"}},
        "parameters.hypothesisTemplate may hold one plain {} only",
    ),
    (
        {"inputs": "a", "parameters": {**GOOD, "hypothesis_template": "{:>99999999}"}},
        "parameters.hypothesis_template may hold one plain {} only",
    ),
    (
        {"inputs": "a", "parameters": {**GOOD, "hypothesis_template": 5}},
        "parameters.hypothesis_template is a number, not a string",
    ),
    ({"inputs": "a", "parameters": {**GOOD, "multi_label": "maybe"}}, "parameters.multi_label is a string, not true"),
    ({"inputs": "a", "parameters": {**GOOD, "multiLabel": 2}}, "parameters.multiLabel is a number, not true or false."),
    ({"inputs": "a", "parameters": {**GOOD, "calibrate": []}}, "parameters.calibrate is a list, not true or false."),
    ({"inputs": "a", "parameters": {**GOOD, "long_text": "split"}}, "parameters.long_text is none of cut, windows: "),
    ({"inputs": "a", "parameters": {**GOOD, "longText": True}}, "parameters.longText is none of cut, windows: "),
    ({"instances": "a", "parameters": GOOD}, "instances is a string, not a list of texts."),
]


@pytest.mark.parametrize(("body", "sentence"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_gets_one_sentence_that_names_the_field(client: TestClient, body: object, sentence: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = client.post("/", content=content)
    assert response.status_code == 400
    assert set(response.json()) == {"error"}
    assert response.json()["error"].startswith(sentence)
    assert "\n" not in response.json()["error"]


def test_a_mistake_in_the_query_is_named_without_the_body(client: TestClient) -> None:
    response = client.post("/?candidate_labels=a&candidate_labels=", json={"inputs": "x"})
    assert response.json()["error"].startswith("candidate_labels[1] is empty: ")


@pytest.mark.parametrize("text", ["\x00", "a\x00b", " ", "🙂", "x" * 10_000_000])
def test_what_is_only_strange_works(client: TestClient, text: str) -> None:
    response = client.post("/", json={"inputs": text, "parameters": {"candidate_labels": ["x", "x", 'a,"b"']}})
    assert response.status_code == 200
    assert sorted(row["label"] for row in response.json()) == ['a,"b"', "x", "x"]
