"""Figures as Markdown: tables, and where they go in a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def put(text: str, name: str, figures: str) -> str:
    """Return `text` with `figures` between its markers, ``<!-- name:begin -->`` and ``<!-- name:end -->``.

    Raises:
        SystemExit: there are no such markers.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    place = re.compile(f"{begin}.*?{end}", re.DOTALL)
    if not place.search(text):
        raise SystemExit(f"There is no place for the {name} figures: write {begin} and {end} where they should go.")
    return place.sub(lambda _: f"{begin}\n{figures}\n{end}", text)


def table(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table whose first column is text and whose others are figures."""
    rule = ("---", *["---:"] * (len(head) - 1))
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))
