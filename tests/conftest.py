"""Parts that tests of several rooms share: small, real, made here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from linnaeus import Classifier
from linnaeus.engines.fake import FakeEngine
from linnaeus.engines.one_pass_module import OnePassModule
from linnaeus.loading import Model
from linnaeus.models.one_pass import TOKENIZER_FILE, OnePassConfig, write_weights
from linnaeus.models.tokenizer import PieceTokenizer
from linnaeus.scores import LogitColumns
from linnaeus.windows import Reach


def byte_tokenizer() -> Tokenizer:
    """Return a tokenizer with one token a byte, and [CLS] and [SEP] around."""
    special = ["[PAD]", "[CLS]", "[SEP]"]
    vocabulary = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({token: index for index, token in enumerate(vocabulary)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return tokenizer


def make_fake_model() -> Model:
    """Return a model that reads 512 bytes and finds labels by the letters they share with the text."""
    return Model(
        name="fake",
        revision="0" * 64,
        tokenizer=PieceTokenizer(byte_tokenizer()),
        reach=Reach(positions=512, reserve=64),
        columns=LogitColumns(entailment=0, opposing=(1, 2)),
        engine=FakeEngine(),
        group_tokens=2048,
    )


@pytest.fixture
def fake_model() -> Model:
    return make_fake_model()


@pytest.fixture
def fake_classifier(fake_model: Model) -> Classifier:
    return Classifier(fake_model)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a one-pass model with random weights, large enough that its matrices are stored in int8."""
    return make_one_pass_folder(tmp_path_factory.mktemp("tiny"))


def make_one_pass_folder(folder: Path, relative_buckets: int = 0) -> Path:
    """Write a one-pass model with random weights: like BERT, or with `relative_buckets` like MPNet."""
    config = OnePassConfig(
        hidden_size=128,
        layers=3,
        heads=4,
        intermediate_size=256,
        vocabulary_size=259,
        positions=128,
        norm_epsilon=1e-12,
        hypothesis_reserve=16,
        relative_buckets=relative_buckets,
    )
    torch.manual_seed(0)
    weights = {name: weight.detach() for name, weight in OnePassModule(config).state_dict().items()}
    for name, weight in weights.items():
        if weight.ndim == 2:
            weight.normal_(std=0.02 if name.startswith("head") else 0.2)
        elif name.endswith("bias"):
            weight.normal_(std=0.1)
    if relative_buckets:
        weights["relative.weight"].normal_(std=2.0)
    config.write(folder)
    write_weights(folder, {name: weight.numpy() for name, weight in weights.items()})
    byte_tokenizer().save(str(folder / TOKENIZER_FILE))
    return folder
