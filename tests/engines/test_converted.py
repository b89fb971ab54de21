"""Graphs that are kept: used again, made anew when damaged, done without where nothing can be kept."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from linnaeus import Classifier, EngineError
from linnaeus.engines.converted import GRAPH_FILE
from linnaeus.engines.kept import forget, graphs_folder
from linnaeus.models.weights import SAFETENSORS_FILE
from tests.checkpoints import make_checkpoint
from tests.processor import HAS, needs_int8

TEXT, LABELS = "The parcel never came.", ["refund", "praise"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint") / "bert"
    make_checkpoint(folder, "bert")
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LINNAEUS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def classify(folder: Path, precision: str = "fp32") -> Classifier:
    return Classifier(folder, device="cpu", precision=precision)  # type: ignore[arg-type]


def kept() -> list[Path]:
    return sorted(path.parent for path in graphs_folder().glob(f"*/{GRAPH_FILE}"))


def test_a_second_start_needs_no_weights(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = classify(folder)(TEXT, LABELS)
    with caplog.at_level(logging.INFO):
        assert classify(folder)(TEXT, LABELS) == first
    assert "Converting" not in caplog.text
    assert len(kept()) == 1


def test_nothing_unfinished_stays(folder: Path, cache: Path) -> None:
    classify(folder)
    assert [path.name for path in (cache / "graphs").iterdir()] == [kept()[0].name]


@needs_int8
def test_int8_is_another_graph_and_bf16_the_same(folder: Path) -> None:
    for precision in ("fp32", "int8", "auto"):
        classify(folder, precision)
    assert len(kept()) == 2


def test_a_checkpoint_that_changed_is_converted_anew(folder: Path, tmp_path: Path) -> None:
    changing = tmp_path / "changing"
    make_checkpoint(changing, "bert", seed=1)
    before = classify(changing)(TEXT, LABELS)
    (changing / SAFETENSORS_FILE).write_bytes((folder / SAFETENSORS_FILE).read_bytes())
    assert classify(changing)(TEXT, LABELS) != before
    assert len(kept()) == 2


def test_a_damaged_graph_is_made_anew(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = classify(folder)(TEXT, LABELS)
    (kept()[0] / GRAPH_FILE).write_text("<net")
    assert classify(folder)(TEXT, LABELS) == first
    assert "cannot be used, and is made anew" in caplog.text
    caplog.clear()
    classify(folder)
    assert "made anew" not in caplog.text


def test_where_nothing_can_be_kept_it_works_all_the_same(
    folder: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = classify(folder)(TEXT, LABELS)
    forget(classify(folder).model.revision)
    (cache / "graphs").rmdir()
    (cache / "graphs").write_text("a file where the folder should be")
    assert classify(folder)(TEXT, LABELS) == first
    assert "cannot be kept" in caplog.text


def test_a_forgotten_revision_leaves_nothing(folder: Path) -> None:
    revision = classify(folder).model.revision
    if HAS["int8"]:
        classify(folder, "int8")
    forget(revision)
    assert kept() == []


@needs_int8
def test_onnx_is_not_said_to_be_int8_when_it_is_not(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "onnx")
    (tmp_path / "onnx" / SAFETENSORS_FILE).rename(tmp_path / "onnx" / "model.onnx")
    with pytest.raises(EngineError, match="cannot be rounded to int8"):
        classify(tmp_path / "onnx", "int8")
