"""``python -m linnaeus`` is ``linnaeus``."""

from linnaeus.cli import main

main()
