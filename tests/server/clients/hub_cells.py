"""Runs one release of huggingface_hub, which PYTHONPATH gives, against servers, and prints what came of it as JSON.

The argument: by name, starting with ``sync`` or ``async``, what is asked of which address.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from typing import Any

from huggingface_hub import AsyncInferenceClient, InferenceClient

cases: dict[str, dict[str, Any]] = json.loads(sys.argv[1])


def ask(kind: type[Any], case: dict[str, Any]) -> Any:  # noqa: ANN401 - a list, or what gives one when awaited
    known = inspect.signature(kind.zero_shot_classification).parameters
    if unknown := set(case["options"]) - set(known):
        raise LookupError(f"This release has no {unknown}.")
    client = kind(model=case["url"], token="hf_x", timeout=30)  # noqa: S106
    return client.zero_shot_classification(case["text"], case["labels"], **case["options"])


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    try:
        return returned(ask(InferenceClient, case))
    except Exception as error:  # noqa: BLE001
        return raised(error)


async def outcome_async(case: dict[str, Any]) -> dict[str, Any]:
    try:
        return returned(await ask(AsyncInferenceClient, case))
    except Exception as error:  # noqa: BLE001
        return raised(error)


def returned(answer: list[Any]) -> dict[str, Any]:
    return {"returned": [[element["label"], element["score"]] for element in answer]}


def raised(error: Exception) -> dict[str, Any]:
    said = f"{error} {getattr(error, 'response_error_payload', '')}"
    return {"raised": [kind.__name__ for kind in type(error).__mro__], "said": said}


async def run_async() -> dict[str, Any]:
    return {name: await outcome_async(case) for name, case in cases.items() if name.startswith("async")}


outcomes = {name: outcome(case) for name, case in cases.items() if name.startswith("sync")}
print(json.dumps(outcomes | asyncio.run(run_async())))  # noqa: T201
