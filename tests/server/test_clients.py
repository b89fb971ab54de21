"""The matrix of real clients: every release at which something changed, against a running server with the real model.

What a cell must give is what the library says in this process. A cell that no server can make work is expected to
fail, and says why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from linnaeus import Classifier
from linnaeus.server.settings import ServerSettings
from tests.server.clients import releases
from tests.server.live import LiveServer, SlowModel, live_server

FOLDER = Path(__file__).parent / "clients"
HUB_ID = "facebook/bart-large-mnli"

TEXT = "Hi, I recently bought a device and it does not work as advertised: I want my money back!"
LABELS = ["refund", "legal", "faq"]
LONG_LABEL = "very " * 98 + "long label"

CASES: dict[str, dict[str, Any]] = {
    "single": {"text": TEXT, "labels": LABELS, "options": {}},
    "batch": {"text": [TEXT, "What are your opening hours?"], "labels": LABELS, "options": {}},
    "multi_label": {"text": TEXT, "labels": LABELS, "options": {"multi_label": True}},
    "template": {"text": TEXT, "labels": LABELS, "options": {"hypothesis_template": "They write about {}."}},
    "odd": {"text": "say 🙂", "labels": ['say "x"', "it's", "🙂", LONG_LABEL], "options": {}},
    "comma": {"text": TEXT, "labels": ["refund, or money back", "legal, faq"], "options": {}},
    "error": {"text": "", "labels": LABELS, "options": {}},
}
SENTENCE = "inputs is empty: leave it out or give it some text."

#: Which cells cannot work: the client, the first release that can (none: no release can), the cell, the reason.
IMPOSSIBLE = (
    ("hub", "1.1.5", "batch", "the client reads one object from the answer, whatever it was given"),
    ("hub", "0.24", "template", "the client has no such argument"),
    ("hub", "0.24", "comma", "the client joins the labels with commas"),
)


def version(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


#: What each client raises for an error that the server tells.
OWN_EXCEPTIONS = {"HTTPError", "ClientResponseError", "Error", "InferenceClientProviderApiError"}

#: The labels and scores of one text.
Row = list[tuple[str, Any]]

FLAVOURS = {"hub": ("sync", "async"), "js": ("js",)}


def cells() -> Iterator[ParameterSet]:
    for client, listed in (("hub", releases.HUB), ("js", releases.JS)):
        for release, flavour, cell in product(listed, FLAVOURS[client], (*CASES, "held", "refused")):
            impossible = [
                pytest.mark.xfail(reason=reason, strict=True)
                for name, since, what, reason in IMPOSSIBLE
                if (name, what) == (client, cell) and version(release) < version(since)
            ]
            without_node = [pytest.mark.skipif(not releases.HAS_NODE, reason="Node.js is not installed")]
            marks = impossible + (without_node if client == "js" else [])
            yield pytest.param(client, release, flavour, cell, marks=marks, id=f"{client}-{release}-{flavour}-{cell}")


@dataclass(frozen=True)
class Outcomes:
    """What a release returned or raised in each cell, and how the servers that were loading their model answered."""

    cells: dict[str, dict[str, Any]]
    answered: dict[str, list[tuple[str, str, int]]]


@pytest.fixture(scope="session")
def run_release(bundled_classifier: Classifier) -> Iterator[Callable[[str, str], Outcomes]]:
    """Run all cells of a release at the first call, in one process."""
    releases.fetch()
    with live_server(lambda _: bundled_classifier, settings()) as ready:

        @cache
        def run(client: str, release: str) -> Outcomes:
            asked = {
                f"{flavour} {cell}": {**case, "url": f"{ready.url}/models/{HUB_ID}"}
                for flavour, (cell, case) in product(FLAVOURS[client], CASES.items())
            }
            with ExitStack() as servers:
                loading = {}
                for flavour in FLAVOURS[client]:
                    loading[f"{flavour} held"] = servers.enter_context(loading_server(bundled_classifier, hold=30))
                    loading[f"{flavour} refused"] = servers.enter_context(loading_server(bundled_classifier, hold=0.01))
                asked |= {
                    cell: {**CASES["single"], "url": f"{server.url}/models/{HUB_ID}"}
                    for cell, server in loading.items()
                }
                command, environment = program(client, release)
                done = subprocess.run(
                    [*command, json.dumps(asked)],
                    env={**os.environ, **environment},
                    capture_output=True,
                    text=True,
                    timeout=120,
                )
            assert done.returncode == 0, done.stderr
            return Outcomes(json.loads(done.stdout), {cell: server.answered for cell, server in loading.items()})

        yield run


def settings(hold_seconds: float = 10) -> ServerSettings:
    return ServerSettings(aliases={HUB_ID: "default"}, hold_seconds=hold_seconds)


@contextmanager
def loading_server(classifier: Classifier, hold: float) -> Iterator[LiveServer]:
    """Run a server whose model is ready once a request is held for it, or, if it is not held, once one was refused."""
    model = SlowModel(classifier)
    moment = {"on_request": model.open} if hold > 1 else {"on_answer": model.open}
    try:
        with live_server(model.load, settings(hold_seconds=hold), **moment) as server:
            yield server
    finally:
        model.open()


def program(client: str, release: str) -> tuple[list[str], dict[str, str]]:
    """Return what runs a release, and the environment that it needs."""
    if client == "hub":
        folder = str(releases.hub_folder(release))
        return [sys.executable, str(FOLDER / "hub_cells.py")], {"PYTHONPATH": folder, "PYTHONWARNINGS": "ignore"}
    return ["node", str(FOLDER / "js_cells.mjs"), releases.js_file(release).as_uri()], {}


@pytest.mark.parametrize(("client", "release", "flavour", "cell"), list(cells()))
def test_a_client_works_unmodified(
    client: str,
    release: str,
    flavour: str,
    cell: str,
    run_release: Callable[[str, str], Outcomes],
    bundled_classifier: Classifier,
) -> None:
    outcomes = run_release(client, release)
    outcome = outcomes.cells[f"{flavour} {cell}"]
    if cell == "error":
        assert SENTENCE in outcome["said"]
        assert OWN_EXCEPTIONS & set(outcome["raised"])
        return
    if cell == "refused":
        statuses = [status for *_, status in outcomes.answered[f"{flavour} refused"]]
        if "raised" in outcome:
            assert f"Model {HUB_ID} is currently loading" in outcome["said"]
            assert statuses == [503]
            return
        assert statuses == [503, 200]
    if cell == "held":
        assert [status for *_, status in outcomes.answered[f"{flavour} held"]] == [200]
    case = CASES.get(cell, CASES["single"])
    rows = rows_of(outcome["returned"], batch=isinstance(case["text"], list))
    expected = expected_rows(bundled_classifier, case)
    # huggingface_hub keeps the best label of each text of a batch.
    assert rows == [row[: len(seen)] for seen, row in zip(rows, expected, strict=True)]


def rows_of(returned: list[Any], *, batch: bool) -> list[Row]:
    """Return the labels and scores of each text, in whatever shape the client gives them to its caller."""
    if isinstance(returned[0], dict) and "labels" in returned[0]:
        # What callers of a release that gives no name read of one text is the first element.
        elements = returned if batch else returned[:1]
        return [list(zip(element["labels"], element["scores"], strict=True)) for element in elements]
    pairs = [
        (element["label"], element["score"]) if isinstance(element, dict) else tuple(element) for element in returned
    ]
    return [[pair] for pair in pairs] if batch else [pairs]


def expected_rows(classifier: Classifier, case: dict[str, Any]) -> list[Row]:
    texts = case["text"] if isinstance(case["text"], list) else [case["text"]]
    return [
        [(label, pytest.approx(score, abs=1e-3)) for label, score in zip(row["labels"], row["scores"], strict=True)]
        for row in classifier(texts, case["labels"], **case["options"])
    ]
