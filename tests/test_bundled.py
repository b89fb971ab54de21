"""The models in the package, asked as users ask them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from linnaeus import Classifier
from linnaeus.engines.base import Reading
from linnaeus.engines.torch_one_pass import TorchEngine
from linnaeus.loading import load_model
from linnaeus.models.catalogue import model_folder
from linnaeus.models.one_pass import WEIGHTS_FILE

REIMBURSED = (
    "Hi, I recently bought a device from your company but it is not working as advertised and I would like to get "
    "reimbursed!"
)


@pytest.fixture(scope="module", params=["base", "large", "small"])
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


@pytest.mark.parametrize("name", ["base", "small"])
def test_both_engines_agree_on_the_shipped_weights(name: str) -> None:
    classify = Classifier(name, precision="fp32")
    reference = TorchEngine(model_folder(name), device="cpu", precision="fp32")
    tokenizer = classify.model.tokenizer
    asked = [
        Reading(premise, tokenizer.hypotheses(["This example is refund.", "The weather is nice today.", "legal"]))
        for premise in tokenizer.premises([REIMBURSED, "word " * 300, "?"], limit=400)
    ]
    for left, right in zip(classify.model.engine.logits(asked), reference.logits(asked), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-3)


def test_large_is_the_mean_of_the_others() -> None:
    """Each of them cuts the texts with its own tokenizer here."""

    def logits(name: str) -> list[NDArray[np.float32]]:
        model = load_model(name, precision="fp32")
        hypotheses = model.tokenizer.hypotheses(["This example is refund.", "Legal: naïve 漢字?"])
        premises = model.tokenizer.premises([REIMBURSED, "Ünïcode, 漢字, \U0001f600", "?", ""], limit=400)
        return model.engine.logits([Reading(premise, hypotheses) for premise in premises])

    for base, small, large in zip(*map(logits, ("base", "small", "large")), strict=True):
        np.testing.assert_allclose(large, (base + small) / 2, atol=1e-3)


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
