"""From a model's name to a model that answers: its files, its tokenizer, its engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from tokenizers import Tokenizer

from linnaeus.engines.base import Engine
from linnaeus.engines.kept import chosen_precision
from linnaeus.errors import EngineError, InputError
from linnaeus.models.catalogue import model_folder
from linnaeus.models.checkpoint import Checkpoint, own_architecture
from linnaeus.models.mean import ARCHITECTURE as MEAN
from linnaeus.models.mean import MeanConfig, own_revision, part_folders
from linnaeus.models.one_pass import TOKENIZER_FILE, OnePassConfig, fingerprint
from linnaeus.models.pairs import PairFormat
from linnaeus.models.tokenizer import PieceTokenizer, read_tokenizer
from linnaeus.scores import UNCALIBRATED, Calibration, LogitColumns
from linnaeus.windows import Reach

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Precision: TypeAlias = Literal["auto", "fp32", "bf16", "int8"]

#: Tokens of the hypotheses that a one-pass model reads with a text; a longer list of labels reads the text again.
GROUP_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is ready to answer.

    Attributes:
        name: what it was called by.
        revision: of a hub checkpoint the commit, of any other a digest of its files.
        group_tokens: how many tokens of hypotheses are read with one text; 0 where each pair is read on its own.
        calibration: what makes its scores probabilities; a checkpoint keeps the pipeline's scores.
    """

    name: str
    revision: str
    tokenizer: PieceTokenizer
    reach: Reach
    columns: LogitColumns
    engine: Engine
    group_tokens: int
    calibration: Calibration = UNCALIBRATED


def load_model(name: str | Path, *, device: Device = "auto", precision: Precision = "auto") -> Model:
    """Load a model: a bundled one, that of a folder, or a checkpoint of the Hub.

    Raises:
        InputError: no such choice of device or precision.
        UnknownModelError: there is no model of that name.
        ModelError: the model's files are damaged or missing, or it is of a kind that is not supported.
        EngineError: this machine has no such device or precision, or lacks a package that the model needs.
    """
    _check_choice("device", device, get_args(Device))
    _check_choice("precision", precision, get_args(Precision))
    folder = model_folder(name)
    architecture = own_architecture(folder)
    load = _load_checkpoint if architecture is None else _load_mean if architecture == MEAN else _load_one_pass
    return load(str(name), folder, device, precision)


def _load_one_pass(
    name: str,
    folder: Path,
    device: Device,
    precision: Precision,
    revision: str | None = None,
    mean: MeanConfig | None = None,
) -> Model:
    config = OnePassConfig.read(folder)
    revision = revision or fingerprint(folder)
    chosen = chosen_precision(revision) or (mean or config).precision
    engine = _open_one_pass(folder, config, device, precision, chosen)
    return Model(
        name=name,
        revision=revision,
        tokenizer=PieceTokenizer(read_tokenizer(folder / TOKENIZER_FILE)),
        reach=Reach(config.positions, config.hypothesis_reserve),
        columns=_columns(config),
        engine=engine,
        group_tokens=GROUP_TOKENS,
        calibration=Calibration(**config.calibration),
    )


def _load_mean(name: str, folder: Path, device: Device, precision: Precision) -> Model:
    from linnaeus.engines.mean import MeanEngine

    # Precisions were tried on the mean, so its parts go by what is known of the mean.
    folders, revision, config = part_folders(folder), own_revision(folder), MeanConfig.read(folder)
    # Side by side, as OpenVINO leaves a core idle while it prepares a model.
    with ThreadPoolExecutor() as pool:
        models = list(pool.map(lambda part: _load_one_pass(name, part, device, precision, revision, config), folders))
    engine = MeanEngine([model.engine for model in models], [model.tokenizer.tokenizer for model in models])
    return replace(
        models[0],
        engine=engine,
        calibration=Calibration(**config.calibration),
    )


def _load_checkpoint(name: str, folder: Path, device: Device, precision: Precision) -> Model:
    checkpoint = Checkpoint.read(folder)
    tokenizer = _checkpoint_tokenizer(folder)
    pair_format = PairFormat.of(tokenizer, typed=checkpoint.typed)
    return Model(
        name=name,
        revision=checkpoint.revision,
        tokenizer=PieceTokenizer(tokenizer, special_tokens=False),
        reach=Reach(checkpoint.longest - pair_format.special_tokens, reserve=0, opening=0, closing=0),
        columns=LogitColumns(checkpoint.entailment, (checkpoint.opposing,)),
        engine=_open_cross_encoder(checkpoint, pair_format, device, precision),
        group_tokens=0,
    )


def _checkpoint_tokenizer(folder: Path) -> Tokenizer:
    """Read ``tokenizer.json``; where there is none, have transformers make it of older files."""
    if (folder / TOKENIZER_FILE).is_file():
        return read_tokenizer(folder / TOKENIZER_FILE)
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise EngineError(
            f"{folder} has no {TOKENIZER_FILE}, and transformers is not there to make it of older files: "
            "pip install 'linnaeus[torch]'."
        ) from None
    tokenizer: Tokenizer = AutoTokenizer.from_pretrained(folder).backend_tokenizer
    return tokenizer


def _check_choice(field: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(field, f"is {value!r}: choose one of {', '.join(choices)}.")


def _columns(config: OnePassConfig) -> LogitColumns:
    """Weigh entailment against every other column: the model is trained to tell their sum from it."""
    entailment = config.labels.index("entailment")
    others = tuple(column for column in range(len(config.labels)) if column != entailment)
    return LogitColumns(entailment, others)


def _open_one_pass(
    folder: Path, config: OnePassConfig, device: Device, precision: Precision, chosen: str | None
) -> Engine:
    # Imported here, as OpenVINO and PyTorch take a second to load and only one of them is ever needed.
    from linnaeus.engines.selection import uses_cuda

    if uses_cuda(device):
        from linnaeus.engines.torch_one_pass import TorchEngine

        return TorchEngine(folder, device="cuda", precision=precision)
    from linnaeus.engines.openvino_one_pass import OpenVinoEngine

    return OpenVinoEngine(folder, config, precision=precision, chosen=chosen)


def _open_cross_encoder(
    checkpoint: Checkpoint, pair_format: PairFormat, device: Device, precision: Precision
) -> Engine:
    from linnaeus.engines.selection import uses_cuda

    if uses_cuda(device):
        from linnaeus.engines.torch_cross_encoder import TorchCrossEncoder

        return TorchCrossEncoder(checkpoint, pair_format, device="cuda", precision=precision)
    from linnaeus.engines.openvino_cross_encoder import OpenVinoCrossEncoder

    return OpenVinoCrossEncoder(checkpoint, pair_format, precision=precision)
