"""Requests that nobody would write: none of them gets a 500, or anything that is not what the document says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from linnaeus import Classifier
from linnaeus.server.app import create_app
from linnaeus.server.settings import ServerSettings
from tests.server.live import live_server

NAMES = [
    "inputs",
    "data",
    "instances",
    "parameters",
    "options",
    "text",
    "sequences",
    "candidate_labels",
    "candidateLabels",
]
NAMES += ["hypothesis_template", "multi_label", "multi_class", "use_cache", "wait_for_model", "dont_load_model"]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**30, max_value=10**400),
    st.floats(),
    # Lone surrogates and all.
    st.text(st.characters(codec=None)),
    st.sampled_from(["a,b", "{}", "{0.__class__}", "{:>99999999}", "true", "\x00"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=5),
    max_leaves=12,
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "inputs": VALUES,
        "parameters": st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)) | VALUES,
        "options": VALUES,
    },
)


def document(value: object) -> bytes:
    return json.dumps(value).encode()


def twice(value: dict[str, object]) -> bytes:
    """Give every key two times, with another value first."""
    pairs = [f"{json.dumps(name)}: {json.dumps(part)}" for name, each in value.items() for part in (None, each)]
    return f"{{{', '.join(pairs)}}}".encode()


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    whole = draw(BODIES.map(document))
    start = draw(st.integers(0, len(whole)))
    length = draw(st.integers(0, 5))
    return whole[:start] + draw(st.binary(max_size=5)) + whole[start + length :]


DEEP = st.integers(1, 200_000).flatmap(
    lambda depth: st.sampled_from([b"[" * depth, b'{"inputs":' * depth, b"[" * depth + b"]" * depth])
)


@pytest.fixture(scope="module")
def fuzzed(bundled_classifier: Classifier) -> Iterator[TestClient]:
    app = create_app(ServerSettings(quiet=True, max_scores=1000), lambda _: bundled_classifier)
    with TestClient(app) as client:
        yield client


@given(content=BODIES.map(document) | BODIES.map(twice) | broken() | DEEP | st.binary())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_body_gets_a_500(fuzzed: TestClient, content: bytes) -> None:
    response = fuzzed.post("/", content=content)
    assert response.status_code in {200, 400, 413}
    if response.status_code != 200:
        assert isinstance(response.json()["error"], str)


#: Paths that are other names for /models/{model_id}.
ALIASES = "^/$|^/hf-inference|^/predict|^/api/inference-proxy|pipeline"


def test_the_server_is_what_its_document_says(bundled_classifier: Classifier, tmp_path: Path) -> None:
    with live_server(lambda _: bundled_classifier, ServerSettings(quiet=True)) as server:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
                *("--checks", "all", "--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--seed", "1"),
                *("--exclude-path-regex", ALIASES, "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout
