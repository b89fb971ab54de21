"""From a trained module to a model folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from linnaeus.engines.one_pass_module import OnePassModule
from linnaeus.models.one_pass import TOKENIZER_FILE, write_weights
from training.train import read_tokenizer


def export(module: OnePassModule, backbone: Path, folder: Path) -> None:
    """Write config, weights and tokenizer to `folder`, in place of what it held."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    module.config.write(folder)
    weights = {name: weight.detach().float().cpu().numpy() for name, weight in module.state_dict().items()}
    write_weights(folder, {name: np.ascontiguousarray(weight) for name, weight in weights.items()})
    read_tokenizer(backbone).save(str(folder / TOKENIZER_FILE))
