"""Releases of huggingface_hub that are redirected as a whole, and ask for a model by its name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from linnaeus import Classifier
from linnaeus.server.settings import ServerSettings
from tests.server.clients import releases
from tests.server.conftest import HUB_ID
from tests.server.live import LiveServer, live_server

SCRIPT = Path(__file__).parent / "clients" / "hub_names.py"


@pytest.fixture(scope="module")
def server(bundled_classifier: Classifier) -> Iterator[LiveServer]:
    releases.fetch()
    with live_server(lambda _: bundled_classifier, ServerSettings(aliases={HUB_ID: "default"})) as running:
        yield running


@pytest.mark.parametrize("release", releases.HUB)
def test_a_redirected_process_finds_all_that_it_asks_for(release: str, server: LiveServer) -> None:
    addresses = {"HF_ENDPOINT": server.url, "HF_INFERENCE_ENDPOINT": server.url, "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), server.url],
        env={**os.environ, **addresses, "PYTHONPATH": str(releases.hub_folder(release)), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    expected = {
        "by name": "refund",
        "by no name": "refund",
        "InferenceApi": ["labels", "scores", "sequence"],
        "status": True,
        "deployed": True,
        "health": True,
        "info": "linnaeus",
    }
    outcomes = json.loads(done.stdout)
    if release.startswith("0.28."):
        # Its address for names is built in, and no setting changes that.
        assert "api-inference.huggingface.co" in outcomes.pop("by name")
        assert "api-inference.huggingface.co" in outcomes.pop("by no name")
    assert outcomes
    assert outcomes == {name: expected[name] for name in outcomes}
