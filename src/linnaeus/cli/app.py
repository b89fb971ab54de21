"""The commands of ``linnaeus``."""

from __future__ import annotations

from typing import Annotated

import typer

from linnaeus import __version__
from linnaeus.cli import models
from linnaeus.cli.classify import classify
from linnaeus.cli.serve import serve

app = typer.Typer(
    help="Zero-shot text classification: any text, any labels, no training.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Errors and help as plain text: they are read by programs too.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(classify)
app.command()(serve)
app.add_typer(models.app, name="models")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"linnaeus {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Declare what may stand before a command."""
