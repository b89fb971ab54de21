"""What ``auto`` is for a model whose makers settled it: their word, and for a mean that on the mean."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from linnaeus.loading import load_model
from linnaeus.models.mean import MeanConfig
from linnaeus.models.one_pass import OnePassConfig
from tests.processor import HAS

PRECISIONS = ("fp32", *(name for name in HAS if HAS[name]))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_model_says_what_auto_is(tiny_folder: Path, tmp_path: Path, precision: str) -> None:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "one"))
    replace(OnePassConfig.read(folder), precision=precision).write(folder)
    assert load_model(folder, device="cpu").engine.description.endswith(f"in {precision}")
    assert load_model(folder, device="cpu", precision="fp32").engine.description.endswith("in fp32")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_parts_of_a_mean_follow_the_mean(tiny_folder: Path, tmp_path: Path, precision: str) -> None:
    part = Path(shutil.copytree(tiny_folder, tmp_path / "one"))
    replace(OnePassConfig.read(part), precision="fp32").write(part)
    (tmp_path / "mean").mkdir()
    MeanConfig(("one", "one"), precision=precision).write(tmp_path / "mean")
    in_parts = load_model(tmp_path / "mean", device="cpu").engine.description
    assert in_parts == f"mean of OpenVINO on cpu in {precision}, OpenVINO on cpu in {precision}"
