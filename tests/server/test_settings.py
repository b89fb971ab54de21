"""What an operator may choose, and what is a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo

from linnaeus.errors import InputError
from linnaeus.server.dialects import Shape
from linnaeus.server.settings import ServerSettings, is_loopback, read_settings

OPERATING = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")


def test_the_environment_fills_in_what_was_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINNAEUS_PORT", "8099")
    monkeypatch.setenv("LINNAEUS_RESPONSE", "object")
    monkeypatch.setenv("LINNAEUS_ALIASES", "facebook/bart-large-mnli=default, acme/tickets = /srv/tickets")
    monkeypatch.setenv("LINNAEUS_TOKENS", "one, two")
    monkeypatch.setenv("LINNAEUS_MODELS", "facebook/bart-large-mnli@v1, /srv/tickets")
    monkeypatch.setenv("LINNAEUS_MEMORY", "1.5GiB")
    settings = read_settings({"response": "wrapped"})
    assert (settings.port, settings.response) == (8099, Shape.WRAPPED)
    assert settings.aliases == {"facebook/bart-large-mnli": "default", "acme/tickets": "/srv/tickets"}
    assert settings.tokens == ("one", "two")
    assert settings.models == ("facebook/bart-large-mnli@v1", "/srv/tickets")
    assert settings.memory == 3 * 2**29


def test_aliases_as_the_command_line_gives_them() -> None:
    assert read_settings({"aliases": ["a/b=default", "c=small"]}).aliases == {"a/b": "default", "c": "small"}


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"port": 70000}, "port cannot be used: input should be less than or equal to 65535."),
        ({"port": "http"}, "port cannot be used: input should be a valid integer"),
        ({"device": "tpu"}, "device cannot be used: input should be 'auto', 'cpu' or 'cuda'."),
        ({"memory": "8XB"}, "memory cannot be used: could not interpret byte unit: XB."),
        ({"memory": "0"}, "memory cannot be used: input should be greater than 0."),
        ({"models": []}, "models cannot be used: tuple should have at least 1 item after validation, not 0."),
        ({"aliases": ["bart"]}, "aliases cannot be used: write each alias as NAME=MODEL, as in "),
        ({"aliases": ["bart="]}, "aliases cannot be used: write each alias as NAME=MODEL, as in "),
        (
            {"host": "192.0.2.1"},
            "host cannot be used: 192.0.2.1 can be reached from other machines and no token is asked ",
        ),
    ],
)
def test_a_mistake_gets_one_sentence(chosen: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(chosen)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("guard", [{"tokens": ["secret"]}, {"token_file": "tokens"}, {"open_to_all": True}])
@pytest.mark.parametrize("host", ["::", "192.168.1.5", "example.org", ""])
def test_a_public_address_wants_tokens_or_the_operators_word(host: str, guard: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="can be reached from other machines"):
        read_settings({"host": host})
    assert ServerSettings(host=host, **guard).host == host


@pytest.mark.parametrize(("name", "field"), ServerSettings.model_fields.items())
def test_the_page_for_operators_has_every_setting_and_its_default(name: str, field: FieldInfo) -> None:
    rows = [row for row in OPERATING.splitlines() if f"`LINNAEUS_{name.upper()}`" in row and row.startswith("|")]
    assert len(rows) == 1
    shown = rows[0].split("|")[3].strip().strip("`")
    default = field.get_default(call_default_factory=True)
    if isinstance(default, tuple):
        default = ",".join(default)
    # An empty cell is for what holds nothing: no token, no alias, no file.
    assert shown == ("" if default in ({}, "", None) else json.dumps(default).strip('"').removesuffix(".0"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)
