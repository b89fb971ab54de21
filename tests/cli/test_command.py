"""The command as a program: what it imports, what it does with pipes, signals and terminals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import linnaeus

SCRIPT = Path(sys.executable).with_name("linnaeus")

FAKE = [sys.executable, "-m", "tests.cli.fake_command", "classify", "--labels", "refund,legal"]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*FAKE, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("command", [[str(SCRIPT)], [sys.executable, "-m", "linnaeus"]])
def test_tells_its_version(command: list[str]) -> None:
    done = subprocess.run([*command, "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"linnaeus {linnaeus.__version__}\n")


@pytest.mark.parametrize("arguments", [["--help"], ["classify", "--help"], ["serve", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "linnaeus", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: linnaeus")
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert imported & {"numpy", "openvino", "tokenizers", "fastapi", "pydantic_settings", "torch"} == set()


def test_labels_a_text_with_the_bundled_model() -> None:
    text = "I recently bought a device from you, it does not work, and I would like to get my money back!"
    done = subprocess.run(
        [str(SCRIPT), "classify", text, "--labels", "refund,legal,faq"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == "refund"


def test_answers_a_line_before_the_next_is_written() -> None:
    with start("--json") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in ("first", "second"):
            process.stdin.write(f"{text}\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["sequence"] == text
        process.stdin.close()
        assert process.wait() == 0


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_ends_quietly_when_nobody_reads_on(form: list[str]) -> None:
    with start(*form) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write("a text\n" * 1000)
        process.stdin.close()
        assert process.stderr.read() == ""
        assert process.wait() == 1


@pytest.fixture
def ctrl_c_heard() -> Iterator[None]:
    """Tests that run in the background may ignore Ctrl-C, and what they start would ignore it too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_heard")
def test_ctrl_c_ends_quietly() -> None:
    with start("--json") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write("a text\n")
        process.stdin.flush()
        process.stdout.readline()
        while process.poll() is None:
            # A signal just before a read begins is heard after it only; a person would press Ctrl-C again, too.
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
        assert process.returncode == 130
        assert process.stderr.read() == ""


def test_asks_for_a_text_when_standard_input_is_a_terminal() -> None:
    _, terminal = os.openpty()
    done = subprocess.run(FAKE, stdin=terminal, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: TEXT is missing: give one in quotes, or pipe texts in, a line each.\n"


def test_standard_input_may_be_closed() -> None:
    done = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *FAKE], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: TEXT is missing")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_prints_on_a_terminal_that_knows_ascii_only(form: list[str]) -> None:
    done = subprocess.run(
        [*FAKE, "schöne Grüße 🎉", *form], capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"refund" in done.stdout


def test_bars_have_colour_on_a_terminal_only() -> None:
    environment = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "FORCE_COLOR"}}
    plain = subprocess.run([*FAKE, "refund"], capture_output=True, text=True, env=environment)
    coloured = subprocess.run(
        [*FAKE, "refund"], capture_output=True, text=True, env={**environment, "FORCE_COLOR": "1"}
    )
    assert "\x1b" not in plain.stdout
    assert "\x1b[36m" in coloured.stdout
