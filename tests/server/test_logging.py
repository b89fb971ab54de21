"""Lines for programs and for people."""

from __future__ import annotations

import json
import logging

from linnaeus.server.logging import JsonFormatter, TextFormatter


def record(**facts: object) -> logging.LogRecord:
    made = logging.LogRecord("linnaeus.access", logging.INFO, "", 0, "POST %s 200", ("/models/ü",), None)
    made.created = 1_000_000_000.5
    made.facts = facts
    return made


def test_json_has_one_object_a_line_with_all_facts() -> None:
    line = JsonFormatter().format(record(path="/models/ü", status=200, odd="a\nb"))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2001-09-09T01:46:40.500+00:00",
        "level": "info",
        "event": "POST /models/ü 200",
        "path": "/models/ü",
        "status": 200,
        "odd": "a\nb",
    }


def test_json_keeps_the_traceback_inside_the_object() -> None:
    failed = record()
    failed.exc_info = (RuntimeError, RuntimeError("broken"), None)
    line = JsonFormatter().format(failed)
    assert "\n" not in line
    assert "RuntimeError: broken" in json.loads(line)["traceback"]


def test_text_says_each_fact_once() -> None:
    line = TextFormatter().format(record(path="/models/ü", status=200, seconds=0.01))
    assert line.endswith(" POST /models/ü 200 seconds=0.01")
