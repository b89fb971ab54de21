"""Listening: the application behind uvicorn, until a signal says to stop and what was accepted has been answered."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys

import uvicorn

from linnaeus.errors import InputError
from linnaeus.server.app import create_app
from linnaeus.server.heap import share_one_heap
from linnaeus.server.logging import configure_logging
from linnaeus.server.registry import Registry
from linnaeus.server.settings import ServerSettings

log = logging.getLogger(__name__)


def serve(settings: ServerSettings) -> None:
    """Serve until the process is told to stop, which ends it well: what was accepted is answered first.

    Raises:
        SystemExit: with code 0, after SIGTERM or Ctrl-C.
        InputError: the address cannot be listened on, or the token file not be used.
        UnknownModelError: there is no model of a name that the settings give.
    """
    share_one_heap()
    configure_logging(settings.log)
    app = create_app(settings)
    listener = listen(settings.host, settings.port)
    host, port = listener.getsockname()[:2]
    log.info(
        "Linnaeus listens at http://%s:%d and explains itself at /docs", f"[{host}]" if ":" in host else host, port
    )
    config = uvicorn.Config(
        app, log_config=None, log_level=logging.WARNING, access_log=False, server_header=False, ws="none"
    )
    for stop in (signal.SIGTERM, signal.SIGINT):
        # uvicorn sends itself again what it has stopped for; that is no reason to end by the signal.
        signal.signal(stop, _end_well)
    _Server(config, app.state.service.registry).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Looks for new files of its models when SIGHUP says so, where there is such a signal."""

    def __init__(self, config: uvicorn.Config, registry: Registry) -> None:
        super().__init__(config)
        self._registry = registry

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if sys.platform != "win32":
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._refresh)
        await super().startup(sockets)

    def _refresh(self) -> None:
        log.info("Looking for new files of the models")
        self._registry.refresh()


def _end_well(*_: object) -> None:
    raise SystemExit(0)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at the address.

    Raises:
        InputError: it cannot be listened on.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise InputError(
            "port", f"{port} of {host} cannot be listened on ({error.strerror}): choose another."
        ) from None
    # asyncio does this for the listeners that it opens itself. Without it an answer waits for the client to
    # acknowledge its headers, which clients put off for 40 ms; connections inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.set_inheritable(True)
    return listener
