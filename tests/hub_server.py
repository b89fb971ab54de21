"""A hub on a port of its own: as much of the Hugging Face Hub's HTTP as huggingface_hub asks for to fetch a model.

Programs find it by the environment, as people have them find a mirror; the test's own process, which has read its
environment long ago, by `Hub.redirect`:

    with hub_server() as hub:
        commit = hub.push("acme/nli", {"config.json": b"{}"})
        subprocess.run([...], env={**os.environ, **hub.environment(tmp_path)})
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants

Files = Mapping[str, bytes]

#: The token that may read gated and private repositories.
TOKEN = "hf_mayread"  # noqa: S105

_INFO = re.compile(r"/api/models/(?P<name>[^/]+/[^/]+)(?:/revision/(?P<revision>[^/]+))?")
_TREE = re.compile(r"/api/models/(?P<name>[^/]+/[^/]+)/tree/(?P<revision>[^/]+)")
_FILE = re.compile(r"/(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")


@dataclass
class Repository:
    """Files by commit, and commits by branch or tag."""

    gated: bool = False
    private: bool = False
    commits: dict[str, Files] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, revision: str | None) -> str | None:
        named = self.branches.get(revision or "main", revision)
        return named if named in self.commits else None


class Hub:
    """What is served, and what was asked for: methods and paths, in order."""

    def __init__(self) -> None:
        self.url = ""
        self.repositories: dict[str, Repository] = {}
        self.asked: list[tuple[str, str]] = []
        #: Paths that end so are answered with status 501: one that nobody tries again.
        self.broken: str | None = None

    def push(self, name: str, files: Files, *, branch: str = "main", gated: bool = False, private: bool = False) -> str:
        """Add a commit to a branch of a repository, made if need be, and return it: the same for the same files."""
        repository = self.repositories.setdefault(name, Repository(gated, private))
        commit = sha1(repr(sorted(files.items())).encode(), usedforsecurity=False).hexdigest()
        repository.commits[commit] = files
        repository.branches[branch] = commit
        return commit

    def environment(self, home: Path) -> dict[str, str]:
        """Return the variables that point a process here, with its cache in `home` and nothing on standard error."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
            "HF_TOKEN": "",
            "HF_HUB_OFFLINE": "",
            "TRANSFORMERS_OFFLINE": "",
            "HF_HUB_CACHE": str(home / "hub"),
        }

    def redirect(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        """Point huggingface_hub in this process here, with its cache in `home`."""
        for name, value in self.environment(home).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(constants, "ENDPOINT", self.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", self.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)

    def fetched(self) -> set[str]:
        """Return the names of the files whose content was asked for."""
        matches = (_FILE.fullmatch(path) for method, path in self.asked if method == "GET")
        return {match["file"] for match in matches if match}


@contextmanager
def hub_server() -> Iterator[Hub]:
    """Serve a hub until the block ends; after it, its address refuses connections."""
    hub = Hub()
    # ThreadingHTTPServer takes a class, and the handler needs to know its hub.
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("HubHandler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep standard error to the tests."""

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        self.hub.asked.append((self.command, path))
        if self.hub.broken and path.endswith(self.hub.broken):
            self._refuse(501, "")
            return
        if self.headers.get("Authorization") not in {None, f"Bearer {TOKEN}"}:
            self._refuse(401, "", message="Invalid credentials in Authorization header")
            return
        for pattern, answer in ((_TREE, self._tree), (_INFO, self._info), (_FILE, self._file)):
            match = pattern.fullmatch(path)
            if match is None:
                continue
            asked = {key: unquote(value) for key, value in match.groupdict().items() if value is not None}
            repository = self.hub.repositories.get(asked["name"])
            if repository is None or (repository.private and not self._may_read()):
                self._refuse(401 if not self._may_read() else 404, "RepoNotFound")
            elif repository.gated and answer == self._file and not self._may_read():
                self._refuse(403, "GatedRepo")
            elif (commit := repository.commit(asked.get("revision"))) is None:
                self._refuse(404, "RevisionNotFound")
            else:
                answer(asked, commit, repository.commits[commit])
            return
        self._refuse(404, "")

    def _may_read(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _info(self, asked: Mapping[str, str], commit: str, files: Files) -> None:
        self._send_json({"id": asked["name"], "sha": commit, "siblings": [{"rfilename": file} for file in files]})

    def _tree(self, _asked: Mapping[str, str], _commit: str, files: Files) -> None:
        self._send_json(
            [
                {"type": "file", "path": file, "size": len(content), "oid": _etag(content)}
                for file, content in files.items()
            ]
        )

    def _file(self, asked: Mapping[str, str], commit: str, files: Files) -> None:
        content = files.get(asked["file"])
        if content is None:
            self._refuse(404, "EntryNotFound", commit=commit)
            return
        headers = {
            "ETag": f'"{_etag(content)}"',
            "X-Repo-Commit": commit,
            "X-Linked-Size": str(len(content)),
            "Content-Type": "application/octet-stream",
        }
        self._send(200, headers, content)

    def _send_json(self, answer: Any) -> None:  # noqa: ANN401 - whatever JSON says
        self._send(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def _refuse(self, status: int, code: str, *, message: str = "", commit: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message, "X-Repo-Commit": commit}
        self._send(status, {name: value for name, value in headers.items() if value}, b"")

    def _send(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


def _etag(content: bytes) -> str:
    return sha1(content, usedforsecurity=False).hexdigest()
