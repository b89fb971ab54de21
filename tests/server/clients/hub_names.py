"""Asks by a model's name, with the process redirected as docs/clients.md says; prints what came of each call as JSON.

The argument is the address of a server, which HF_ENDPOINT and HF_INFERENCE_ENDPOINT name too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import huggingface_hub
from huggingface_hub import constants

release = tuple(int(part) for part in huggingface_hub.__version__.split(".")[:2])
constants.INFERENCE_PROXY_TEMPLATE = sys.argv[1] + "/{provider}"

from huggingface_hub import InferenceClient  # noqa: E402 - it reads the template

NAME = "facebook/bart-large-mnli"
options: dict[str, Any] = {"provider": "hf-inference"} if release >= (0, 28) else {}
client: Any = InferenceClient(token="hf_x", **options)  # noqa: S106
outcomes: dict[str, Any] = {}


def call(name: str, function: Callable[[], Any]) -> None:
    try:
        outcomes[name] = function()
    except Exception as error:  # noqa: BLE001
        outcomes[name] = repr(error)


def best(model: str | None) -> str:
    label: str = client.zero_shot_classification("a refund", ["refund", "legal"], model=model)[0]["label"]
    return label


def old_api() -> Any:  # noqa: ANN401 - whatever JSON says
    api = huggingface_hub.InferenceApi(NAME, token="hf_x")  # noqa: S106
    return sorted(api("a refund", params={"candidate_labels": ["refund", "legal"]}))


call("by name", lambda: best(NAME))
call("by no name", lambda: best(None))
if release < (1, 0):
    call("InferenceApi", old_api)
if release < (0, 28):
    call("status", lambda: client.get_model_status(NAME).loaded)
    call("deployed", lambda: NAME in client.list_deployed_models(["transformers"])["zero-shot-classification"])
if release >= (0, 24):
    call("health", lambda: client.health_check(sys.argv[1]))
    call("info", lambda: client.get_endpoint_info(model=sys.argv[1])["name"])
print(json.dumps(outcomes))  # noqa: T201
