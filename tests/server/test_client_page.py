"""Every snippet of docs/clients.md, run as it stands, the address apart."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from linnaeus import Classifier
from linnaeus.server.settings import ServerSettings
from tests.server.clients import releases
from tests.server.conftest import HUB_ID
from tests.server.live import LiveServer, live_server

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")


def snippets() -> Iterator[ParameterSet]:
    section = ""
    for heading, language, code in re.findall(r"^## (.+?)$|^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        section = heading or section
        if code:
            yield pytest.param(section, language, code, id=f"{section} {language}")


@pytest.fixture(scope="module")
def server(bundled_classifier: Classifier) -> Iterator[LiveServer]:
    releases.fetch()
    with live_server(lambda _: bundled_classifier, ServerSettings(aliases={HUB_ID: "default"})) as running:
        yield running


@pytest.mark.parametrize(("section", "language", "code"), list(snippets()))
def test_a_snippet_runs_as_it_stands(
    section: str, language: str, code: str, server: LiveServer, tmp_path: Path
) -> None:
    code = code.replace("http://127.0.0.1:8080", server.url)
    before = len(server.answered)
    done = subprocess.run(
        command(section, language, code, tmp_path),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(python_path(section)), "GRADIO_ANALYTICS_ENABLED": "False"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert re.search("refund|delivery", done.stdout)
    assert server.answered[before:][-1][::2] == ("POST", 200)


def command(section: str, language: str, code: str, folder: Path) -> list[str]:
    """Return what runs the code of a snippet."""
    file = folder / f"snippet.{'mjs' if language == 'javascript' else language}"
    file.write_text(code, encoding="utf-8")
    if language == "sh":
        _toolchain("curl")
        return [_toolchain("bash"), str(file)]
    if language == "javascript":
        node = _toolchain("node")
        package = folder / "node_modules" / "@huggingface" / "inference"
        package.parent.mkdir(parents=True)
        package.symlink_to(releases.js_package(releases.JS[-1]))
        return [node, str(file)]
    if language == "go":
        return [_toolchain("go"), "run", str(file)]
    if language == "r":
        return [_toolchain("Rscript"), str(file)]
    if section == "gradio":
        ask = "print(runpy.run_path('snippet.python')['demo'].fn('I want my money back!', 'refund,legal'))"
        return [sys.executable, "-c", f"import runpy; {ask}"]
    return [sys.executable, str(file)]


def python_path(section: str) -> Path:
    return releases.gradio_folder() if section == "gradio" else releases.hub_folder(releases.HUB[-1])


def _toolchain(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found
