"""Names of models to the folders of their files."""

from __future__ import annotations

from pathlib import Path

from linnaeus.errors import UnknownModelError
from linnaeus.models.one_pass import CONFIG_FILE

BUNDLED_FOLDER = Path(__file__).parent / "bundled"

#: The bundled model that ``default`` stands for.
DEFAULT = "small"


def bundled_models() -> list[str]:
    return sorted(path.parent.name for path in BUNDLED_FOLDER.glob(f"*/{CONFIG_FILE}"))


def model_folder(name: str | Path) -> Path:
    """Return the folder of a bundled model, or `name` itself if it is a folder.

    Raises:
        UnknownModelError: it is neither.
    """
    bundled = DEFAULT if name == "default" else str(name)
    if bundled in bundled_models():
        return BUNDLED_FOLDER / bundled
    folder = Path(name)
    if folder.is_dir():
        return folder
    raise UnknownModelError(
        f"There is no model {str(name)!r}: name a bundled one (default, {', '.join(bundled_models())}) "
        "or the folder of a one-pass model."
    )
