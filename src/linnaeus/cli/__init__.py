"""The command line: what is typed, to a call of the library.

Nothing here imports NumPy, a tokenizer or an engine before a command needs it, so that ``--help`` is there at once.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper


def main() -> None:
    """Run the command that was typed.

    Raises:
        SystemExit: always, with the command's exit code: 0 when all went well, 2 for what the user can mend in what
            was typed or piped, 1 for the rest, and 130 after Ctrl-C.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that cannot show a character of a label gets its escape, not a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        from linnaeus.cli.app import app

        app(prog_name="linnaeus")
    except KeyboardInterrupt:  # before typer was there to take it
        raise SystemExit(130) from None
