"""A server on a port of its own, run by uvicorn in a thread, for clients that are programs themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socket import create_server

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from linnaeus import Classifier
from linnaeus.server.app import create_app
from linnaeus.server.settings import ServerSettings


@dataclass
class LiveServer:
    """Where it listens, and the method, path and status of every request."""

    url: str
    answered: list[tuple[str, str, int]] = field(default_factory=list)


class SlowModel:
    """A model that is loaded only when `open` is called."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._gate = threading.Event()
        self.open = self._gate.set

    def load(self, _: str) -> Classifier:
        self._gate.wait()
        return self._classifier


def _nothing() -> None:
    pass


@contextmanager
def live_server(
    load: Callable[[str], Classifier],
    settings: ServerSettings,
    *,
    on_request: Callable[[], None] = _nothing,
    on_answer: Callable[[], None] = _nothing,
    on_stop: Callable[[], None] = _nothing,
) -> Iterator[LiveServer]:
    """Run a server; the callbacks are called when a request has come, when its answer is on its way, and
    when the server has been told to stop.
    """
    app = create_app(settings, load)
    listener = create_server(("127.0.0.1", 0))
    live = LiveServer(f"http://127.0.0.1:{listener.getsockname()[1]}")

    async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_recorded(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                live.answered.append((scope["method"], scope["path"], message["status"]))
                on_answer()

        if scope["type"] == "http":
            on_request()
        await app(scope, receive, send_recorded)

    server = uvicorn.Server(uvicorn.Config(recorded, log_config=None, access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield live
    finally:
        server.should_exit = True
        on_stop()
        thread.join()
