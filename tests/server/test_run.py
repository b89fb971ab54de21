"""The server as a process, and how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from safetensors.numpy import load_file, save_file

from linnaeus import Classifier
from linnaeus.errors import InputError
from linnaeus.models.one_pass import WEIGHTS_FILE
from linnaeus.server.run import listen
from linnaeus.server.settings import ServerSettings
from tests.hub_server import hub_server
from tests.server.live import SlowModel, live_server

BODY: dict[str, Any] = {"inputs": "I want my money back!", "parameters": {"candidate_labels": ["refund", "praise"]}}


def test_what_was_accepted_is_answered_before_the_server_ends(fake_classifier: Classifier) -> None:
    model, accepted = SlowModel(fake_classifier), threading.Semaphore(0)
    with ThreadPoolExecutor() as pool:
        with live_server(
            model.load, ServerSettings(hold_seconds=60), on_request=accepted.release, on_stop=model.open
        ) as server:
            asked = [pool.submit(httpx.post, f"{server.url}/", json=BODY, timeout=60) for _ in range(5)]
            for _ in asked:
                accepted.acquire()
        assert [future.result().status_code for future in asked] == [200] * 5
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/health")


def test_an_address_in_use_is_one_sentence() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} of 127.0.0.1 cannot be listened on .*: choose another."):
            listen("127.0.0.1", port)


@contextmanager
def command(*options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """Run ``linnaeus serve`` until its address is known; give the process, the address and the log so far."""
    process = subprocess.Popen(
        [sys.executable, "-m", "linnaeus", "serve", "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("LINNAEUS_")} | environment,
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    try:
        yield process, json.loads(first)["event"].split()[3], [first]
    finally:
        process.kill()
        process.communicate()


def test_the_command_serves_until_it_is_told_to_stop(tiny_folder: Path) -> None:
    with command("--model", str(tiny_folder), "--alias", "facebook/bart-large-mnli=default") as (process, url, log):
        headers = {"x-request-id": "abc-1"}
        answer = httpx.post(f"{url}/models/facebook/bart-large-mnli", json=BODY, headers=headers, timeout=60)
        assert {row["label"] for row in answer.json()} == {"refund", "praise"}
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=30)
        assert process.returncode == 0
    lines = [json.loads(line) for line in (*log, *rest.splitlines())]
    [request] = [line for line in lines if line.get("request")]
    assert (request["request"], request["status"], request["model"]) == ("abc-1", 200, tiny_folder.name)
    assert all({"time", "level", "event"} <= set(line) for line in lines)


def test_a_model_is_fetched_from_the_hub_and_the_log_is_json_all_the_while(tiny_folder: Path, tmp_path: Path) -> None:
    with hub_server() as hub:
        commit = hub.push("acme/tiny", {path.name: path.read_bytes() for path in tiny_folder.iterdir()})
        environment = hub.environment(tmp_path)
        del environment["HF_HUB_DISABLE_PROGRESS_BARS"]
        with command("--model", "acme/tiny@main", **environment) as (process, url, _):
            answer = httpx.post(f"{url}/models/acme/tiny", json=BODY, headers={"x-wait-for-model": "true"}, timeout=60)
            assert answer.status_code == 200
            assert answer.headers["x-linnaeus-model"] == "acme/tiny@main"
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=30)
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events[0].startswith("Model acme/tiny@main is ready")
    assert events[1:] == ["POST /models/acme/tiny 200"]
    assert commit in {path.name for path in tmp_path.rglob("snapshots/*")}


def test_a_new_revision_answers_after_sighup_and_no_request_is_dropped(tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_folder, folder)
    with command("--model", str(folder), "--quiet") as (process, url, log), httpx.Client(base_url=url) as client:
        headers = {"x-wait-for-model": "true", "x-use-cache": "false"}
        first = client.post("/", json=BODY, headers=headers, timeout=60)
        weights = load_file(folder / WEIGHTS_FILE)
        weights["head.classifier.weight"] *= 2
        save_file(weights, tmp_path / WEIGHTS_FILE)
        (tmp_path / WEIGHTS_FILE).replace(folder / WEIGHTS_FILE)
        process.send_signal(signal.SIGHUP)
        answers = [first]
        while answers[-1].headers["x-sha"] == first.headers["x-sha"]:
            answers.append(client.post("/", json=BODY, headers=headers, timeout=60))
            assert answers[-1].status_code == 200
        assert answers[-1].headers["x-sha"] == hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
        assert answers[-1].json() != first.json()
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=30)
    events = [json.loads(line)["event"] for line in (*log, *rest.splitlines())]
    assert [event for event in events if event.startswith("Model tiny is ready")] == [events[1], events[3]]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--host", "192.0.2.1"], "Error: --host cannot be used: 192.0.2.1 can be reached from other machines"),
        (["--alias", "bart"], "Error: --alias cannot be used: write each alias as NAME=MODEL"),
        (["--memory", "much"], "Error: --memory cannot be used: could not parse value and unit from byte string."),
        (["--token-file", "none"], "Error: --token-file cannot be read: No such file or directory (none)."),
    ],
)
def test_a_mistake_in_an_option_ends_it_with_one_sentence(
    options: list[str], sentence: str, tiny_folder: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "linnaeus", "serve", "--port", "0", "--model", str(tiny_folder), *options],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=30,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


def test_a_model_that_is_not_there_ends_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "linnaeus", "serve", "--port", "0", "--alias", "a/b=none"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: There is no model 'none'")


def test_ipv6_is_listened_on() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with listen("::1", 0) as listener:
        assert listener.family == socket.AF_INET6
