"""Who may ask."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from linnaeus.errors import InputError
from linnaeus.server.auth import Guard
from tests.server.conftest import HUB_ID, Serve

BODY = {"inputs": "a text", "parameters": {"candidate_labels": ["x", "y"]}}


def post(client: TestClient, authorization: str | None, path: str = "/") -> tuple[int, dict[str, str]]:
    headers = {"authorization": authorization} if authorization is not None else {}
    response = client.post(path, json=BODY, headers=headers)
    return response.status_code, response.json() if response.status_code != 200 else {}


def test_without_tokens_anything_goes(client: TestClient) -> None:
    assert post(client, None)[0] == 200
    assert post(client, "Bearer hf_x")[0] == 200
    assert post(client, "nonsense")[0] == 200


@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        (None, "Give a token: this server wants the header Authorization: Bearer TOKEN."),
        ("", "Invalid credentials in Authorization header: write it as Authorization: Bearer TOKEN."),
        ("Basic c2VjcmV0", "Invalid credentials in Authorization header: write it as Authorization: Bearer TOKEN."),
        ("Bearer", "Invalid credentials in Authorization header: write it as Authorization: Bearer TOKEN."),
        ("Bearer  ", "Invalid credentials in Authorization header: write it as Authorization: Bearer TOKEN."),
        ("Bearer secre", "Invalid token: this server does not know it."),
        ("Bearer secrets", "Invalid token: this server does not know it."),
        ("Bearer s\xe9cret", "Invalid token: this server does not know it."),
    ],
)
def test_who_has_no_token_is_told_so(serve: Serve, authorization: str | None, error: str) -> None:
    client = serve(tokens=["secret"])
    headers = {b"authorization": authorization.encode("latin-1")} if authorization is not None else {}
    response = client.post("/", json=BODY, headers=headers)
    assert response.status_code == 401
    assert response.json() == {"error": error}
    assert response.headers["www-authenticate"].startswith("Bearer ")
    assert response.headers["x-error-message"] == error
    assert response.headers["x-request-id"]


def test_every_token_is_good(serve: Serve) -> None:
    client = serve(tokens=["first", "second"])
    assert [
        post(client, f"{scheme} {token}")[0] for scheme in ("Bearer", "bearer") for token in ("first", "second")
    ] == [200] * 4


@pytest.mark.parametrize("path", ["/", "/health", "/docs", "/openapi.json"])
def test_what_tells_nothing_is_open(serve: Serve, path: str) -> None:
    assert serve(tokens=["secret"]).get(path).status_code == 200


@pytest.mark.parametrize("path", ["/info", "/metrics", f"/api/models/{HUB_ID}", "/nowhere"])
def test_all_else_is_not(serve: Serve, path: str) -> None:
    client = serve(tokens=["secret"])
    assert client.get(path).status_code == 401
    assert client.get(path, headers={"authorization": "Bearer secret"}).status_code != 401


def test_browsers_may_ask_before_they_show_a_token(serve: Serve) -> None:
    headers = {
        "origin": "https://page.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-use-cache",
    }
    response = serve(tokens=["secret"]).options(f"/models/{HUB_ID}/", headers=headers)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert "authorization" in response.headers["access-control-allow-headers"]


def test_a_file_of_tokens_is_read_again_when_it_changes(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# those who may\n\nsales  hf_sales\n", encoding="utf-8")
    client = serve(token_file=file)
    assert post(client, "Bearer hf_sales")[0] == 200
    assert post(client, "Bearer hf_support")[0] == 401
    file.write_text("support hf_support\n", encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert post(client, "Bearer hf_sales")[0] == 401
    assert post(client, "Bearer hf_support")[0] == 200


def test_while_the_file_cannot_be_read_its_last_word_counts(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("sales hf_sales\n", encoding="utf-8")
    guard = Guard(token_file=file)
    file.unlink()
    assert guard.admit("Bearer hf_sales").name == "sales"
    file.write_text("a line of too many words\n", encoding="utf-8")
    assert guard.admit("Bearer hf_sales").name == "sales"


def test_a_file_that_cannot_be_used_at_the_start_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="token_file cannot be read: No such file"):
        Guard(token_file=tmp_path / "none")
    file = tmp_path / "tokens"
    file.write_text("sales hf_sales\nalone\n", encoding="utf-8")
    with pytest.raises(InputError, match="token_file has a line 2 that is not of the form NAME TOKEN"):
        Guard(token_file=file)


def test_a_token_may_be_for_some_models_only(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"narrow hf_narrow {HUB_ID},other\nelsewhere hf_elsewhere small-talk\n", encoding="utf-8")
    client = serve(token_file=file)
    # Both names are of the same model.
    assert post(client, "Bearer hf_narrow", f"/models/{HUB_ID}")[0] == 200
    assert post(client, "Bearer hf_narrow", "/models/default")[0] == 200
    status, body = post(client, "Bearer hf_elsewhere")
    assert status == 403
    assert body["error"].startswith("This token does not have sufficient permissions to use model ")
