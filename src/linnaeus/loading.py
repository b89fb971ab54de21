"""From a model's name to a model that answers: its files, its tokenizer, its engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from linnaeus.engines.base import Engine
from linnaeus.errors import InputError
from linnaeus.models.catalogue import model_folder
from linnaeus.models.one_pass import TOKENIZER_FILE, WEIGHTS_FILE, OnePassConfig, fingerprint
from linnaeus.models.tokenizer import PieceTokenizer
from linnaeus.scores import LogitColumns
from linnaeus.windows import Reach

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Precision: TypeAlias = Literal["auto", "fp32", "bf16", "int8"]


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is ready to answer.

    Attributes:
        name: what it was called by.
        revision: the SHA-256 of its weights.
        weight_bytes: the memory that its weights take.
    """

    name: str
    revision: str
    tokenizer: PieceTokenizer
    reach: Reach
    columns: LogitColumns
    engine: Engine
    weight_bytes: int


def load_model(name: str | Path, *, device: Device = "auto", precision: Precision = "auto") -> Model:
    """Load a model by the name of a bundled one or by its folder.

    Raises:
        InputError: no such choice of device or precision.
        UnknownModelError: there is no model of that name.
        ModelError: the model's files are damaged.
        EngineError: this machine has no such device or precision.
    """
    _check_choice("device", device, get_args(Device))
    _check_choice("precision", precision, get_args(Precision))
    folder = model_folder(name)
    config = OnePassConfig.read(folder)
    engine = _open_engine(folder, config, device, precision)
    return Model(
        name=str(name),
        revision=fingerprint(folder),
        tokenizer=PieceTokenizer.read(folder / TOKENIZER_FILE),
        reach=Reach(config.positions, config.hypothesis_reserve),
        columns=_columns(config),
        engine=engine,
        weight_bytes=(folder / WEIGHTS_FILE).stat().st_size,
    )


def _check_choice(field: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(field, f"is {value!r}: choose one of {', '.join(choices)}.")


def _columns(config: OnePassConfig) -> LogitColumns:
    """Weigh entailment against every other column: the model is trained to tell their sum from it."""
    entailment = config.labels.index("entailment")
    others = tuple(column for column in range(len(config.labels)) if column != entailment)
    return LogitColumns(entailment, others)


def _open_engine(folder: Path, config: OnePassConfig, device: Device, precision: Precision) -> Engine:
    # Imported here, as OpenVINO and PyTorch take a second to load and only one of them is ever needed.
    from linnaeus.engines.selection import uses_cuda

    if uses_cuda(device):
        from linnaeus.engines.torch_one_pass import TorchEngine

        return TorchEngine(folder, config, device="cuda", precision=precision)
    from linnaeus.engines.openvino_one_pass import OpenVinoEngine

    return OpenVinoEngine(folder, config, precision=precision)
