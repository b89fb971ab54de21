"""Bearer tokens: who may ask, and which models."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from os import stat_result
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from linnaeus.errors import InputError
from linnaeus.server.errors import RefusedError, error_response
from linnaeus.server.registry import Registry
from linnaeus.server.served import ServedModel
from linnaeus.server.telemetry import record_of

log = logging.getLogger(__name__)

#: Where a request's `Token` is kept.
_ADMITTED = "linnaeus.token"

#: What anyone may read: that the server lives, and how it is used.
_OPEN_PATHS = {"/", "/health", "/docs", "/openapi.json"}
_OPEN_PREFIX = "/static-offline-docs/"

_CHALLENGE = 'Bearer realm="Authentication required", charset="UTF-8"'


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its digest, the name that the log calls it by, and the models it is for (none named: all)."""

    digest: bytes
    name: str
    models: frozenset[str] = frozenset()


class Guard:
    """Knows the tokens. The file is read again when it has changed, so that tokens come and go without a restart.

    A line of the file is ``NAME TOKEN``, or ``NAME TOKEN MODEL,MODEL`` for a token that is good for some models only;
    empty lines and lines that start with ``#`` say nothing.

    Raises:
        InputError: the file cannot be read, or one of its lines not be understood.
    """

    def __init__(self, tokens: Sequence[str] = (), token_file: Path | None = None) -> None:
        self._given = [Token(_digest(token), f"token-{number}") for number, token in enumerate(tokens, 1)]
        self._file = token_file
        self._stamp: tuple[int, ...] = ()
        self._from_file: list[Token] = []
        self.required = bool(tokens) or token_file is not None
        if token_file is not None:
            try:
                self._read(token_file.stat(), token_file)
            except OSError as error:
                raise InputError("token_file", f"cannot be read: {error.strerror} ({token_file}).") from None

    def admit(self, authorization: str | None) -> Token:
        """Return the token of an ``Authorization`` header.

        Raises:
            RefusedError: there is none, or none that is known, with status 401.
        """
        if authorization is None:
            raise _unauthorized("Give a token: this server wants the header Authorization: Bearer TOKEN.")
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise _unauthorized("Invalid credentials in Authorization header: write it as Authorization: Bearer TOKEN.")
        self._refresh()
        digest = _digest(secret.strip())
        # All are compared, so that the time taken says nothing about which one was nearly right.
        matches = [token for token in (*self._given, *self._from_file) if compare_digest(token.digest, digest)]
        if not matches:
            raise _unauthorized("Invalid token: this server does not know it.")
        return matches[0]

    def _refresh(self) -> None:
        """Read the file again if it has changed; while it cannot be read, what it said last is in force."""
        if self._file is None:
            return
        try:
            status = self._file.stat()
            if _stamp(status) != self._stamp:
                self._read(status, self._file)
                log.info("Tokens were read again: %d", len(self._from_file))
        except (OSError, InputError) as error:
            log.warning("The token file was not read again: %s", error)

    def _read(self, status: stat_result, path: Path) -> None:
        self._stamp = _stamp(status)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        self._from_file = [
            _token(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")
        ]


class Authorization:
    """ASGI middleware: only requests with a token pass, but for what tells nothing."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._guard.required and not _is_open(scope):
            try:
                token = self._guard.admit(Headers(scope=scope).get("authorization"))
            except RefusedError as refusal:
                await error_response(refusal.status, str(refusal), refusal.headers)(scope, receive, send)
                return
            scope[_ADMITTED] = token
            record_of(scope).facts["token"] = token.name
        await self._app(scope, receive, send)


def check_scope(scope: Scope, model: ServedModel, registry: Registry) -> None:
    """Refuse a token that is for other models only.

    Raises:
        RefusedError: with status 403.
    """
    token: Token | None = scope.get(_ADMITTED)
    if token is None or not token.models or any(registry.names.get(name) is model for name in token.models):
        return
    sentence = f"This token does not have sufficient permissions to use model {model.name}: use another token."
    raise RefusedError(403, sentence, {"X-Error-Message": sentence})


def _is_open(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["method"] in {"GET", "HEAD"} and (path in _OPEN_PATHS or path.startswith(_OPEN_PREFIX))


def _token(number: int, line: str) -> Token:
    name, secret, *models = line.split()[:3] if len(line.split()) in (2, 3) else ("", "")
    if not secret:
        raise InputError("token_file", f"has a line {number} that is not of the form NAME TOKEN or NAME TOKEN MODELS.")
    return Token(_digest(secret), name, frozenset(models[0].split(",")) if models else frozenset())


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogateescape")).digest()


def _stamp(status: stat_result) -> tuple[int, ...]:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _unauthorized(sentence: str) -> RefusedError:
    return RefusedError(401, sentence, {"WWW-Authenticate": _CHALLENGE, "X-Error-Message": sentence})
