"""The real command on a fake engine, for tests that start it as a program: ``python -m tests.cli.fake_command …``."""

from __future__ import annotations

import linnaeus.classifier
from linnaeus.classifier import Classifier
from linnaeus.cli import main
from tests.conftest import make_fake_model


def fake_classifier(*_: object, **__: object) -> Classifier:
    return Classifier(make_fake_model())


if __name__ == "__main__":
    linnaeus.classifier.Classifier = fake_classifier  # type: ignore[misc, assignment]
    main()
