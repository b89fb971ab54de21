"""Results as a person reads them, and as a program does."""

from __future__ import annotations

import json
from collections.abc import Sequence

import typer
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from linnaeus.classifier import Classification

BAR_WIDTH = 30

#: More of a text than any terminal is wide; what does not fit its line is cut by the terminal's own measure.
HEADING_CHARACTERS = 1000


def print_json(results: Sequence[Classification]) -> None:
    """Print each result as a JSON object on a line of its own, in UTF-8 whatever the terminal speaks."""
    lines = "".join(json.dumps(result, ensure_ascii=False) + "\n" for result in results)
    typer.echo(lines.encode(), nl=False)


def print_bars(results: Sequence[Classification], *, headings: bool) -> None:
    """Print a bar for every label of each result, below its text if `headings`."""
    console = Console()
    for result in results:
        if headings:
            console.print(
                Text(_printable(result["sequence"][:HEADING_CHARACTERS]), "bold"), overflow="ellipsis", no_wrap=True
            )
        console.print(_bars(result, min(BAR_WIDTH, console.width // 3)))
        if result.get("truncated"):
            console.print("The text is longer than the model reads: its end was left out.", style="dim")
        if headings:
            console.print()


def _bars(result: Classification, width: int) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    for label, score in zip(result["labels"], result["scores"], strict=True):
        bar = ProgressBar(total=1, completed=score, width=width, complete_style="cyan", finished_style="cyan")
        table.add_row(Text(_printable(label)), f"{score:.3f}", bar)
    return table


def _printable(text: str) -> str:
    """Put a text on one line, without the control characters that would move a terminal's cursor."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())
