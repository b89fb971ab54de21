"""The folder of a mean: a model whose logits are the mean of those of one-pass models beside it.

Two models of different backbones err on different texts, so that their mean is right more often than either. The
folder holds nothing but a ``config.json``; the models are folders beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from linnaeus.errors import ModelError
from linnaeus.models.checkpoint import own_architecture
from linnaeus.models.one_pass import CONFIG_FILE, OnePassConfig, fingerprint

ARCHITECTURE = "linnaeus-mean"


@dataclass(frozen=True, slots=True)
class MeanConfig:
    """Which models a mean is of, by the names of their folders; texts are cut into tokens as the first does.

    `calibration` has the numbers of a `linnaeus.scores.Calibration` by name, once they are fitted, and `precision` is
    that of all parts, as in `OnePassConfig`: rounding errors of the parts are not those of their mean.
    """

    of: tuple[str, ...]
    calibration: Mapping[str, float] = field(default_factory=dict)
    precision: str | None = None

    @classmethod
    def read(cls, folder: Path) -> MeanConfig:
        """Read ``config.json`` of `folder`.

        Raises:
            ModelError: it does not describe a mean.
        """
        path = folder / CONFIG_FILE
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            return cls(tuple(fields["of"]), fields["calibration"], fields.get("precision"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} cannot be read: {error}.") from error

    def write(self, folder: Path) -> None:
        fields = {"architecture": ARCHITECTURE, **asdict(self)}
        (folder / CONFIG_FILE).write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")


def read_config(folder: Path) -> MeanConfig | OnePassConfig:
    """Read the configuration of a model of our own.

    Raises:
        ModelError: it cannot be read.
    """
    return (MeanConfig if own_architecture(folder) == ARCHITECTURE else OnePassConfig).read(folder)


def part_folders(folder: Path) -> list[Path]:
    """Return the folders that have the weights of a model: of a mean those of its parts, of any other its own.

    Raises:
        ModelError: the model's configuration cannot be read.
    """
    if own_architecture(folder) != ARCHITECTURE:
        return [folder]
    return [folder.parent / name for name in MeanConfig.read(folder).of]


def own_revision(folder: Path) -> str:
    """Return a digest of all weights that a model of our own reads: the revision a server reports.

    Raises:
        ModelError: some of them are not there.
    """
    first, *others = map(fingerprint, part_folders(folder))
    return sha256("".join((first, *others)).encode()).hexdigest() if others else first
