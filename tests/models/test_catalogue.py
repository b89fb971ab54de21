from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from linnaeus import UnknownModelError
from linnaeus.models.catalogue import BUNDLED_FOLDER, bundled_models, local_folder, model_folder
from tests.hub_server import Hub, hub_server


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with a model called ``acme/nli``, and an empty folder to work in."""
    with hub_server() as running:
        running.redirect(monkeypatch, tmp_path / "home")
        running.push("acme/nli", {"config.json": b"{}", "model.safetensors": b""})
        here = tmp_path / "here"
        here.mkdir()
        monkeypatch.chdir(here)
        yield running


def test_default_is_bundled() -> None:
    assert bundled_models() == ["base", "large", "small"]
    assert model_folder("default") == model_folder("large") == BUNDLED_FOLDER / "large"


@pytest.mark.parametrize("name", ["acme/nli", "acme/nli@main"])
def test_a_name_of_the_hub_is_fetched(hub: Hub, name: str) -> None:
    assert local_folder(name) is None
    assert model_folder(name).name == hub.repositories["acme/nli"].branches["main"]


def test_a_folder_comes_before_a_model_of_the_hub(hub: Hub) -> None:
    Path("acme/nli").mkdir(parents=True)
    assert model_folder("acme/nli") == local_folder("acme/nli") == Path("acme/nli")
    assert hub.asked == []


def test_a_bundled_model_comes_before_a_folder(hub: Hub) -> None:
    Path("small").mkdir()
    assert model_folder("small") == BUNDLED_FOLDER / "small"
    assert model_folder("./small") == Path("small")
    assert hub.asked == []


@pytest.mark.parametrize("name", ["enormous", "./acme/nli", "/nowhere/nli", "a/b/c", Path("acme/nli")])
def test_what_is_no_name_of_the_hub_is_not_asked_for(hub: Hub, name: str | Path) -> None:
    with pytest.raises(UnknownModelError) as told:
        model_folder(name)
    assert (
        "name a bundled one (default, base, large, small), a folder that exists, or one of the Hub as owner/name."
        in str(told.value)
    )
    assert hub.asked == []


def test_a_folder_that_does_not_exist_may_have_been_meant(hub: Hub) -> None:
    with pytest.raises(
        UnknownModelError, match=f"no model 'models/mine' on {hub.url} .* or the path if it is a folder"
    ):
        model_folder("models/mine")
