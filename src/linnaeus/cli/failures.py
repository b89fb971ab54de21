"""How a command ends when it cannot do what was asked: one sentence on standard error, and an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from linnaeus.errors import InputError, LinnaeusError


@contextmanager
def failures_told(**options: str) -> Iterator[None]:
    """End the command as `linnaeus.errors` promises.

    Args:
        options: what the command line calls each argument of the library, as in ``candidate_labels="--labels"``.

    Raises:
        typer.Exit: with code 2 in place of an `InputError`, 1 in place of another `LinnaeusError`.
    """
    try:
        yield
    except InputError as error:
        raise _failure(str(error.renamed(options)), 2) from error
    except LinnaeusError as error:
        raise _failure(str(error), 1) from error


def _failure(sentence: str, code: int) -> typer.Exit:
    typer.echo(f"Error: {sentence}", err=True)
    return typer.Exit(code)
