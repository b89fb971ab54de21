"""The engine on PyTorch for checkpoints, held to the one on OpenVINO; on a GPU it differs by the device alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from linnaeus import Classifier, EngineError
from linnaeus.engines.base import Reading
from linnaeus.engines.torch_cross_encoder import TorchCrossEncoder
from linnaeus.models.checkpoint import Checkpoint
from linnaeus.models.pairs import PairFormat
from linnaeus.models.tokenizer import read_tokenizer
from tests.checkpoints import make_checkpoint

TEXTS = ["The parcel never came.", "Ends here</s> and goes on</s>", "word " * 60]
HYPOTHESES = ["This example is refund.", "This example is a much longer label, with </s> in it."]


def open_engine(folder: Path, precision: str = "fp32") -> TorchCrossEncoder:
    checkpoint = Checkpoint.read(folder)
    pair_format = PairFormat.of(read_tokenizer(folder / "tokenizer.json"), typed=checkpoint.typed)
    return TorchCrossEncoder(checkpoint, pair_format, device="cpu", precision=precision)


@pytest.mark.parametrize("architecture", ["bart", "bert", "deberta-v2", "roberta"])
def test_both_engines_agree(architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINNAEUS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / architecture
    make_checkpoint(folder, architecture)
    model = Classifier(folder, device="cpu", precision="fp32").model
    hypotheses = model.tokenizer.hypotheses(HYPOTHESES)
    room = min(map(model.reach.text_room, hypotheses))
    readings = [
        Reading(model.reach.cut(premise, room), [hypothesis])
        for premise in model.tokenizer.premises(TEXTS, room)
        for hypothesis in hypotheses
    ]
    pairs = zip(model.engine.logits(readings), open_engine(folder).logits(readings), strict=True)
    for left, right in pairs:
        np.testing.assert_allclose(left, right, atol=1e-4)


def test_int8_is_refused(tmp_path: Path) -> None:
    make_checkpoint(tmp_path / "bert", "bert")
    with pytest.raises(EngineError, match="choose the precision fp32 or bf16"):
        open_engine(tmp_path / "bert", "int8")
