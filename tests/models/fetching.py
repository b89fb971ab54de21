"""Fetches models by name as a program: ``python -m tests.models.fetching NAME…`` prints what came of each as JSON.

A process of its own, since huggingface_hub reads the environment when it is imported.
"""

from __future__ import annotations

import json
import sys

from linnaeus.errors import ModelError
from linnaeus.models.hub import fetch

for name in sys.argv[1:]:
    try:
        outcome = {"folder": str(fetch(name))}
    except ModelError as error:
        outcome = {"error": type(error).__name__, "sentence": str(error)}
    print(json.dumps(outcome))  # noqa: T201
