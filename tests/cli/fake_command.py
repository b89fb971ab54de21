"""The real command on a fake engine, for tests that start it as a program: ``python -m tests.cli.fake_command …``."""

from __future__ import annotations

import linnaeus.classifier
from linnaeus.classifier import Classifier
from linnaeus.cli import main
from linnaeus.engines.fake import FakeEngine
from linnaeus.loading import Model
from linnaeus.models.tokenizer import PieceTokenizer
from linnaeus.scores import LogitColumns
from linnaeus.windows import Reach
from tests.conftest import byte_tokenizer


def fake_classifier(*_: object, **__: object) -> Classifier:
    return Classifier(
        Model(
            name="fake",
            revision="0" * 64,
            tokenizer=PieceTokenizer(byte_tokenizer()),
            reach=Reach(positions=512, reserve=64),
            columns=LogitColumns(entailment=0, opposing=(1, 2)),
            engine=FakeEngine(),
        )
    )


if __name__ == "__main__":
    linnaeus.classifier.Classifier = fake_classifier  # type: ignore[misc, assignment]
    main()
