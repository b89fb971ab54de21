"""The checkpoints that are measured: of the published shapes, and once made, kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers

from benchmarks import checkpoints
from benchmarks.checkpoints import SHAPES, checkpoint_folder
from tests.checkpoints import FAMILIES


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checkpoints, "STORE", tmp_path)
    transformers.logging.disable_progress_bar()
    return tmp_path


#: The parameters of the published checkpoints, as their pages on the Hub have them, in millions.
MILLIONS = {"facebook/bart-large-mnli": 407, "MoritzLaurer/mDeBERTa-v3-base-xnli-multilingual-nli-2mil7": 279}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_have_as_many_parameters_as_what_was_published(name: str) -> None:
    shape = SHAPES[name]
    config = transformers.AutoConfig.for_model(
        shape.architecture, **{**FAMILIES[shape.architecture].shape, **shape.config}, num_labels=3
    )
    with torch.device("meta"):
        model = transformers.AutoModelForSequenceClassification.from_config(config)
    parameters = sum(weight.numel() for weight in model.parameters())
    assert parameters / 1e6 == pytest.approx(MILLIONS[name], abs=1)


@pytest.mark.parametrize("name", SHAPES)
def test_a_checkpoint_is_made_once(store: Path, name: str) -> None:
    folder = checkpoint_folder(name, tiny=True)
    made = (folder / "model.safetensors").stat().st_mtime_ns
    assert checkpoint_folder(name, tiny=True) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made
    labels = json.loads((folder / "config.json").read_text(encoding="utf-8"))["label2id"]
    assert tuple(labels) == SHAPES[name].labels
    assert [path.name for path in (store / "tiny").iterdir()] == [folder.name]
