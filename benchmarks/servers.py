"""Servers that are measured: started, waited for, stopped."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    address: str
    process: int

    @property
    def resident_bytes(self) -> int:
        """The memory that its process holds."""
        status = Path(f"/proc/{self.process}/status").read_text(encoding="utf-8")
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(resident.split()[1]) * 1024


@contextmanager
def serving(command: Sequence[str | Path]) -> Iterator[Server]:
    """Run a command that serves on the port of its option ``--port``, which is added, until the context ends."""
    port = _free_port()
    quiet = subprocess.DEVNULL
    with subprocess.Popen([*command, "--port", str(port)], stdout=quiet, stderr=quiet) as process:
        try:
            server = Server(f"http://127.0.0.1:{port}", process.pid)
            _wait_for(f"{server.address}/health")
            yield server
        finally:
            process.terminate()


def _free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_for(address: str) -> None:
    """Return once a server answers at `address`."""
    stop = time.monotonic() + START_SECONDS
    while not _answers(address):
        if time.monotonic() > stop:
            raise SystemExit(f"The server did not answer within {START_SECONDS} seconds.")
        time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        urlopen(address).close()  # noqa: S310
    except URLError:
        return False
    return True
