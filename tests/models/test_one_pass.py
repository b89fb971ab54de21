from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from linnaeus import Classifier, ModelError, UnknownModelError
from linnaeus.models.one_pass import (
    CONFIG_FILE,
    SMALLEST_ROUNDED,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    OnePassConfig,
    fingerprint,
    quantise_rows,
    read_stored,
    read_weights,
    weight_shapes,
    write_weights,
)


def test_weights_come_back_within_half_a_step(tiny_folder: Path, tmp_path: Path) -> None:
    config = OnePassConfig.read(tiny_folder)
    draw = np.random.default_rng(0)
    weights = {name: draw.normal(size=shape).astype(np.float32) for name, shape in weight_shapes(config).items()}
    weights["layers.0.up.weight"][7] = 0
    write_weights(tmp_path, weights)
    read = read_weights(tmp_path, config)
    assert read.keys() == weights.keys()
    assert read_stored(tmp_path, config)["layers.0.up.weight"].dtype == np.int8
    for name, weight in weights.items():
        step = quantise_rows(weight)[1][:, None] if weight.size >= SMALLEST_ROUNDED else 0
        assert (np.abs(read[name] - weight) <= step * 0.5001).all()


def test_config_comes_back(tiny_folder: Path, tmp_path: Path) -> None:
    config = OnePassConfig.read(tiny_folder)
    config.write(tmp_path)
    assert OnePassConfig.read(tmp_path) == config


def test_a_fingerprint_tells_weights_apart(tiny_folder: Path, tmp_path: Path) -> None:
    write_weights(tmp_path, {"a": np.ones(3, np.float32)})
    assert fingerprint(tmp_path) != fingerprint(tiny_folder)


def test_a_folder_is_a_model(tiny_folder: Path) -> None:
    assert Classifier(tiny_folder, precision="fp32")("abc", ["a", "b"])["sequence"] == "abc"
    assert Classifier(str(tiny_folder)).model.name == str(tiny_folder)


def test_an_unknown_name_is_answered_with_what_there_is() -> None:
    with pytest.raises(UnknownModelError, match=r"'nomodel': name a bundled one \(default, base, large, small\)"):
        Classifier("nomodel")


@pytest.mark.parametrize("file", [CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE])
@pytest.mark.parametrize("damage", ["missing", "cut short", "nonsense"])
def test_a_damaged_folder_is_named(tiny_folder: Path, tmp_path: Path, file: str, damage: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_folder, folder)
    if damage == "missing":
        (folder / file).unlink()
    elif damage == "cut short":
        (folder / file).write_bytes((folder / file).read_bytes()[:100])
    else:
        (folder / file).write_text("[]")
    with pytest.raises(ModelError, match=file):
        Classifier(folder)


def test_weights_of_another_shape_are_refused(tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_folder, folder)
    fields = json.loads((folder / CONFIG_FILE).read_text())
    (folder / CONFIG_FILE).write_text(json.dumps({**fields, "layers": 9}))
    with pytest.raises(ModelError, match=r"has no layers\.3"):
        Classifier(folder)


def test_another_architecture_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_folder, folder)
    (folder / CONFIG_FILE).write_text('{"architecture": "bart"}')
    with pytest.raises(ModelError, match="does not describe a linnaeus-one-pass model"):
        Classifier(folder)
