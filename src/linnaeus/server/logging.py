"""Log lines: JSON for programs, text for people; the same facts in both.

The standard library's logging does it, with a formatter of a few lines: what is logged is a line for each request and
a handful of events, and uvicorn logs that way too.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from typing import Literal

#: Made once: `json.dumps` with options makes an encoder for each line.
_encode = json.JSONEncoder(default=str).encode


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _encode(line)


class TextFormatter(logging.Formatter):
    """Time, event, and the facts that the event does not say itself."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s%(said)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        facts: dict[str, object] = getattr(record, "facts", {})
        shown = {name: value for name, value in facts.items() if name not in {"method", "path", "status"}}
        record.said = "".join(f" {name}={value}" for name, value in shown.items())
        return super().format(record)


def configure_logging(style: Literal["auto", "text", "json"]) -> None:
    """Send every log line to standard error; ``auto`` is text on a terminal and JSON elsewhere."""
    if style == "auto":
        style = "text" if sys.stderr.isatty() else "json"
    handler = logging.StreamHandler()
    handler.setFormatter(TextFormatter() if style == "text" else JsonFormatter())
    # Of other libraries only warnings: what fetches models from the Hub would log each of its requests.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("linnaeus").setLevel(logging.INFO)
    if style == "json":
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()  # they would stand between the lines
