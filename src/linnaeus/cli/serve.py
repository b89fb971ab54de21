"""``linnaeus serve``: the options of the server, over those of the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from linnaeus.cli.failures import failures_told
from linnaeus.cli.options import Device, LongText, Precision


def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes a free one.  [default: 8080]")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="A model to serve: a bundled one, a folder, or a hub id as owner/name or owner/name@revision. May be "
            "repeated; the first answers where a request names none.  [default: default]",
        ),
    ] = None,
    alias: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=MODEL",
            help="Let a model answer for another name: one that is served, such as default, or a further one. May be "
            "repeated.",
        ),
    ] = None,
    device: Annotated[Device | None, typer.Option(help="Where the models run.  [default: auto]")] = None,
    precision: Annotated[Precision | None, typer.Option(help="How they compute.  [default: auto]")] = None,
    preload: Annotated[
        bool | None,
        typer.Option(
            "--preload/--no-preload",
            help="Load the models at the start, as far as there is room.  [default: preload]",
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="What the weights of all models may take together, as in 8GB; the model longest unused is unloaded "
            "for another.  [default: no limit]",
        ),
    ] = None,
    token: Annotated[
        list[str] | None, typer.Option(help="A Bearer token that may use the server. May be repeated.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="A file of tokens, NAME TOKEN a line, read again whenever it changes.")
    ] = None,
    open_to_all: Annotated[
        bool | None, typer.Option("--open-to-all", help="Listen on a public address although no token is asked for.")
    ] = None,
    response: Annotated[
        Literal["list", "object", "wrapped", "superset"] | None,
        typer.Option(help="The shape of answers to clients that are not recognised.  [default: list]"),
    ] = None,
    long_text: Annotated[
        LongText | None,
        typer.Option(
            help="What becomes of a text longer than a model, unless a request says: its end is cut, or it is read in "
            "windows.  [default: cut]"
        ),
    ] = None,
    log: Annotated[
        Literal["auto", "text", "json"] | None,
        typer.Option(help="Log lines for people or for programs; auto looks for a terminal.  [default: auto]"),
    ] = None,
    quiet: Annotated[bool | None, typer.Option("--quiet", help="Write no line for each request.")] = None,
) -> None:
    """Answer HTTP requests as the hosted zero-shot-classification API does.

    \b
    Examples:
      linnaeus serve
      linnaeus serve --port 8099 --alias facebook/bart-large-mnli=default
      linnaeus serve --model facebook/bart-large-mnli --model ./tickets --memory 4GB
      linnaeus serve --host 0.0.0.0 --token-file tokens.txt

    Every option may be set in the environment too, as LINNAEUS_PORT=8099 does for --port; LINNAEUS_MODELS,
    LINNAEUS_ALIASES and LINNAEUS_TOKENS hold several with commas between them. More settings are in docs/operating.md.
    """  # noqa: D301
    options = {
        "host": host,
        "port": port,
        "models": model,
        "aliases": alias,
        "device": device,
        "precision": precision,
        "preload": preload,
        "memory": memory,
        "tokens": token,
        "token_file": token_file,
        "open_to_all": open_to_all,
        "response": response,
        "long_text": long_text,
        "log": log,
        "quiet": quiet,
    }
    names = {name: f"--{name.replace('_', '-')}" for name in options}
    names |= {"models": "--model", "aliases": "--alias", "tokens": "--token"}
    with failures_told(**names):
        from linnaeus.server.run import serve as run
        from linnaeus.server.settings import read_settings

        run(read_settings({name: value for name, value in options.items() if value is not None}))
