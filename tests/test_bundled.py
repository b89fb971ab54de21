"""The models in the package, asked as users ask them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from linnaeus import Classifier
from linnaeus.engines.base import Reading
from linnaeus.engines.torch_one_pass import TorchEngine
from linnaeus.models.catalogue import model_folder
from linnaeus.models.one_pass import WEIGHTS_FILE

REIMBURSED = (
    "Hi, I recently bought a device from your company but it is not working as advertised and I would like to get "
    "reimbursed!"
)


@pytest.fixture(scope="module", params=["base", "small"])
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def classify(model: str) -> Classifier:
    return Classifier(model, precision="fp32")


@pytest.mark.parametrize(("name", "megabytes"), [("base", 100), ("small", 30)])
def test_the_weights_are_small(name: str, megabytes: int) -> None:
    assert (model_folder(name) / WEIGHTS_FILE).stat().st_size < megabytes * 1e6


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        (REIMBURSED, ["refund", "legal", "faq"], "refund"),
        ("The striker scored twice in the final minutes of the match.", ["sports", "politics", "cooking"], "sports"),
        ("Parliament votes on the new tax bill tomorrow.", ["sports", "politics", "cooking"], "politics"),
        ("Simmer the sauce for ten minutes, then add the basil.", ["sports", "politics", "cooking"], "cooking"),
        ("What a waste of money, it broke after one day.", ["positive", "negative"], "negative"),
        ("Absolutely love it, best purchase this year!", ["positive", "negative"], "positive"),
        ("wake me up at six tomorrow", ["set an alarm", "play music", "weather forecast"], "set an alarm"),
    ],
)
def test_plain_cases_are_right(classify: Classifier, text: str, labels: Sequence[str], expected: str) -> None:
    assert classify(text, labels)["labels"][0] == expected


def test_both_engines_agree_on_the_shipped_weights(model: str, classify: Classifier) -> None:
    reference = TorchEngine(model_folder(model), device="cpu", precision="fp32")
    tokenizer = classify.model.tokenizer
    asked = [
        Reading(premise, tokenizer.hypotheses(["This example is refund.", "The weather is nice today.", "legal"]))
        for premise in tokenizer.premises([REIMBURSED, "word " * 300, "?"], limit=400)
    ]
    for left, right in zip(classify.model.engine.logits(asked), reference.logits(asked), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-3)


def test_other_labels_change_no_score(classify: Classifier) -> None:
    labels = ["refund", "legal", "faq", "an offer to pay for a device that was bought and returned", "weather"]
    together = classify(REIMBURSED, labels, multi_label=True)
    for label, score in zip(together["labels"], together["scores"], strict=True):
        assert classify(REIMBURSED, [label])["scores"][0] == pytest.approx(score, abs=1e-5)


def test_a_thousand_labels(classify: Classifier) -> None:
    labels = [f"{number} {letter}" for number in range(100) for letter in "abcdefghij"]
    result = classify(REIMBURSED, labels)
    assert sorted(result["labels"]) == sorted(labels)
    assert result["scores"] == sorted(result["scores"], reverse=True)
    assert sum(result["scores"]) == pytest.approx(1, abs=1e-4)
