"""A mean reads the folders beside it, and answers to what is in them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from linnaeus import Classifier
from linnaeus.errors import ModelError
from linnaeus.models.mean import MeanConfig, own_revision, part_folders, read_config
from linnaeus.models.one_pass import WEIGHTS_FILE, OnePassConfig, fingerprint
from linnaeus.scores import Calibration
from tests.conftest import make_one_pass_folder


@pytest.fixture
def mean(tiny_folder: Path, tmp_path: Path) -> Path:
    """The mean of a model like BERT and one like MPNet."""
    shutil.copytree(tiny_folder, tmp_path / "one")
    for name in ("other", "mean"):
        (tmp_path / name).mkdir()
    make_one_pass_folder(tmp_path / "other", relative_buckets=8)
    MeanConfig(("one", "other")).write(tmp_path / "mean")
    return tmp_path / "mean"


def test_it_reads_both_and_classifies(mean: Path) -> None:
    assert part_folders(mean) == [mean.parent / "one", mean.parent / "other"]
    result = Classifier(mean)("text", ["a", "b", "c"])
    assert sorted(result["labels"]) == ["a", "b", "c"]
    assert sum(result["scores"]) == pytest.approx(1)


def test_its_calibration_is_its_own(mean: Path) -> None:
    plain = Classifier(mean).model.calibration
    MeanConfig(("one", "other"), {"slope": 0.5}).write(mean)
    assert Classifier(mean).model.calibration == Calibration(slope=0.5) != plain


def test_its_revision_changes_with_either(mean: Path) -> None:
    before = own_revision(mean)
    with (mean.parent / "other" / WEIGHTS_FILE).open("ab") as weights:
        weights.write(b" ")
    assert own_revision(mean) != before
    assert own_revision(mean.parent / "one") == fingerprint(mean.parent / "one")


def test_configurations_are_told_apart(mean: Path) -> None:
    assert read_config(mean) == MeanConfig(("one", "other"))
    assert isinstance(read_config(mean.parent / "one"), OnePassConfig)


def test_what_is_missing_is_named(mean: Path) -> None:
    shutil.rmtree(mean.parent / "other")
    with pytest.raises(ModelError, match="other"):
        Classifier(mean)
    (mean / "config.json").write_text('{"architecture": "linnaeus-mean"}')
    with pytest.raises(ModelError, match=r"config\.json cannot be read: 'of'"):
        Classifier(mean)
