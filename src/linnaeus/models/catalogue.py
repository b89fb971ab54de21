"""Names of models to the folders of their files."""

from __future__ import annotations

from pathlib import Path

from linnaeus.errors import UnknownModelError
from linnaeus.models.hub import fetch, is_hub_name
from linnaeus.models.one_pass import CONFIG_FILE

BUNDLED_FOLDER = Path(__file__).parent / "bundled"

#: The bundled model that ``default`` stands for.
DEFAULT = "large"


def bundled_models() -> list[str]:
    return sorted(path.parent.name for path in BUNDLED_FOLDER.glob(f"*/{CONFIG_FILE}"))


def model_folder(name: str | Path) -> Path:
    """Return the folder of a model: a bundled one, else a folder of that name, else one of the Hub, fetched if need be.

    Raises:
        UnknownModelError: it is none of these.
        ModelError: it is a model of the Hub that cannot be fetched or read.
    """
    return local_folder(name) or _hub_folder(name)


def local_folder(name: str | Path) -> Path | None:
    """Return the folder of a bundled model, or `name` itself if it is a folder."""
    bundled = DEFAULT if name == "default" else str(name)
    if bundled in bundled_models():
        return BUNDLED_FOLDER / bundled
    folder = Path(name)
    return folder if folder.is_dir() else None


def _hub_folder(name: str | Path) -> Path:
    # A `Path` was meant as a folder, and so was what cannot be a name of the Hub.
    if isinstance(name, str) and is_hub_name(name):
        return fetch(name)
    raise UnknownModelError(
        f"There is no model {str(name)!r}: name a bundled one (default, {', '.join(bundled_models())}), "
        "a folder that exists, or one of the Hub as owner/name."
    )
