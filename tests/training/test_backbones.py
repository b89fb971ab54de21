"""Backbones become one-pass modules that read a text as transformers reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, MPNetConfig, MPNetModel, PreTrainedModel

from linnaeus.engines.base import Reading
from linnaeus.engines.packing import pack
from training.backbones import load_bert, load_mpnet

SHAPE = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 98,
}
BERT, MPNET = BertConfig(**SHAPE), MPNetConfig(**SHAPE)


def save(backbone: PreTrainedModel, folder: Path) -> PreTrainedModel:
    for parameter in backbone.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    backbone.save_pretrained(folder)
    return backbone.eval()


@pytest.mark.parametrize(
    ("backbone", "load"), [(BertModel(BERT), load_bert), (MPNetModel(MPNET), load_mpnet)], ids=["BERT", "MPNet"]
)
def test_a_text_is_read_as_transformers_reads_it(backbone: PreTrainedModel, load: type, tmp_path: Path) -> None:
    save(backbone, tmp_path)
    module = load(tmp_path).eval()
    tokens = [2, *torch.randint(5, 60, (70,)).tolist(), 3]
    first = torch.zeros((1, 1), dtype=torch.long)
    with torch.inference_mode():
        ours = module(*pack([Reading(tokens, ())]).to("cpu")[:3], first)[0, 0]
        theirs = module.head.classifier(backbone(torch.tensor([tokens])).pooler_output)[0]
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_some_layers_can_be_kept(tmp_path: Path) -> None:
    backbone = save(MPNetModel(MPNET), tmp_path)
    module = load_mpnet(tmp_path, layers=(0, 2))
    assert len(module.layers) == module.config.layers == 2
    torch.testing.assert_close(
        module.state_dict()["layers.1.up.weight"], backbone.encoder.layer[2].intermediate.dense.weight
    )
