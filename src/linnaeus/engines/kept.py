"""The folder of ours on this machine: converted graphs, and the precision that a trial chose for a model."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from platformdirs import user_cache_path

#: Digits of a revision in a name: enough to tell any two apart, and a person can read them.
REVISION_DIGITS = 16


def graphs_folder() -> Path:
    """Return the folder: in the one that ``LINNAEUS_CACHE`` names, or in the user's cache folder."""
    chosen = os.environ.get("LINNAEUS_CACHE")
    return (Path(chosen) if chosen else user_cache_path("linnaeus")) / "graphs"


def kept_name(revision: str, what: str) -> str:
    """Return the name of what is kept of a revision."""
    return f"{revision[:REVISION_DIGITS]}-{what}"


def forget(revision: str) -> None:
    """Remove all that is kept of a revision."""
    for path in graphs_folder().glob(kept_name(revision, "*")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def chosen_precision(revision: str) -> str | None:
    """Return the precision that a trial of this revision chose here, if there was one."""
    path = _choice_file(revision)
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


def choose(revision: str, precision: str) -> None:
    """Keep the precision that a trial has chosen."""
    graphs_folder().mkdir(parents=True, exist_ok=True)
    _choice_file(revision).write_text(f"{precision}\n", encoding="utf-8")


def _choice_file(revision: str) -> Path:
    return graphs_folder() / kept_name(revision, "precision")
