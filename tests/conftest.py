"""Parts that tests of several rooms share: small, real, made here."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from linnaeus import Classifier
from linnaeus.engines.fake import FakeEngine
from linnaeus.loading import Model
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


@pytest.fixture
def fake_model() -> Model:
    """A model that reads 512 bytes and finds labels by the letters they share with the text."""
    return Model(
        name="fake",
        revision="0" * 64,
        tokenizer=PieceTokenizer(byte_tokenizer()),
        reach=Reach(positions=512, reserve=64),
        columns=LogitColumns(entailment=0, opposing=(1, 2)),
        engine=FakeEngine(),
    )


@pytest.fixture
def fake_classifier(fake_model: Model) -> Classifier:
    return Classifier(fake_model)
