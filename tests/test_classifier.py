"""The one door, on an engine without a model."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

import pytest

from linnaeus import Classifier, InputError, Label
from linnaeus.classifier import CHUNK_TEXTS, LongText
from linnaeus.engines.fake import FakeEngine
from linnaeus.loading import Model
from linnaeus.scores import Calibration


def test_one_text_gives_one_result(fake_classifier: Classifier) -> None:
    result = fake_classifier("I want a refund", ["zebra", "refund"])
    assert result["sequence"] == "I want a refund"
    assert result["labels"] == ["refund", "zebra"]
    assert result["scores"] == sorted(result["scores"], reverse=True)
    assert sum(result["scores"]) == pytest.approx(1)
    assert set(result) == {"sequence", "labels", "scores"}


def test_a_list_gives_a_list_even_of_one(fake_classifier: Classifier) -> None:
    assert fake_classifier(["abc"], "a,b") == [fake_classifier("abc", "a,b")]
    assert fake_classifier([], "a,b") == []


def test_several_labels_may_hold(fake_classifier: Classifier) -> None:
    result = fake_classifier("abc", ["a", "b"], hypothesis_template="{}", multi_label=True)
    assert sum(result["scores"]) > 1


def test_one_label_alone_is_scored_as_if_several_might_hold(fake_classifier: Classifier) -> None:
    alone = fake_classifier("abc", ["xyz"], hypothesis_template="{}")
    assert alone["scores"] == fake_classifier("abc", ["xyz"], hypothesis_template="{}", multi_label=True)["scores"]
    assert alone["scores"][0] < 1


def test_a_label_with_a_hypothesis_is_asked_in_its_own_words(fake_classifier: Classifier) -> None:
    own = fake_classifier("abc", [Label("first", hypothesis="abc"), "second"], hypothesis_template="zzz {}")
    assert own["labels"] == ["first", "second"]


def test_a_stream_is_read_no_farther_than_its_results_are_taken(fake_classifier: Classifier) -> None:
    taken = 0

    def texts() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield f"text {taken}"

    results = fake_classifier(texts(), ["text", "other"])
    assert [result["sequence"] for result in islice(results, 3)] == ["text 1", "text 2", "text 3"]
    assert taken == CHUNK_TEXTS


def test_a_stream_gives_what_a_list_gives(fake_classifier: Classifier) -> None:
    texts = [f"text {'x' * (number % 97)}" for number in range(CHUNK_TEXTS + 5)]
    assert list(fake_classifier(iter(texts), ["text", "x"])) == fake_classifier(texts, ["text", "x"])


def test_a_text_that_was_cut_says_so(fake_classifier: Classifier) -> None:
    limit = fake_classifier.model.reach.longest_text - 2
    assert "truncated" not in fake_classifier("x" * limit, ["a", "b"])
    assert fake_classifier("x" * (limit + 1), ["a", "b"])["truncated"] is True


def test_a_long_label_cuts_the_text_for_itself_alone(fake_classifier: Classifier) -> None:
    text, long_label = "x" * 300 + "y" * 100, "z" * 300
    alone = fake_classifier(text, ["y"], multi_label=True)["scores"][0]
    together = fake_classifier(text, ["y", long_label], multi_label=True)
    assert together["truncated"] is True
    assert together["scores"][together["labels"].index("y")] == alone


def test_ten_megabytes_of_text_are_not_all_read(fake_model: Model) -> None:
    result = Classifier(fake_model)("x" * 10_000_000, ["a", "b"])
    assert result["truncated"] is True
    assert len(result["sequence"]) == 10_000_000


def test_a_thousand_labels_come_back_in_the_order_of_their_scores(fake_classifier: Classifier) -> None:
    labels = [f"label {number}" for number in range(1000)]
    result = fake_classifier("text 7", labels)
    assert sorted(result["labels"]) == sorted(labels)
    assert result["scores"] == sorted(result["scores"], reverse=True)
    assert len(set(result["scores"])) > 1


def test_threads_get_their_own_answers(fake_classifier: Classifier) -> None:
    texts = [f"text number {number}" for number in range(64)]
    with ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda text: fake_classifier(text, ["number", "text"]), texts))
    assert results == fake_classifier(texts, ["number", "text"])


def test_texts_of_one_call_share_batches(fake_model: Model) -> None:
    Classifier(fake_model)([f"text {number}" for number in range(50)], ["a", "b"])
    assert isinstance(fake_model.engine, FakeEngine)
    assert len(fake_model.engine.calls) < 10


@pytest.mark.parametrize("long_text", ["cut", "windows"])
def test_a_text_that_comes_again_is_read_once(fake_model: Model, long_text: LongText) -> None:
    classifier = Classifier(fake_model)
    once = classifier(["fine", "x " * 200], ["fine", "x"], long_text=long_text)
    assert isinstance(fake_model.engine, FakeEngine)
    read = sum(map(len, fake_model.engine.calls))
    again = classifier(["fine", "x " * 200, "fine", "fine"], ["fine", "x"], long_text=long_text)
    assert sum(map(len, fake_model.engine.calls)) == 2 * read
    assert again == [*once, once[0], once[0]]
    again[0]["scores"].clear()
    assert again[2:] == [once[0], once[0]]


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ("", "sequences is empty: leave it out or give it some text."),
        (["a", ""], "sequences[1] is empty: leave it out or give it some text."),
        (["a", 5], "sequences[1] is int, not a string: give every text as a string."),
        (5, "sequences must be a string or an iterable of strings."),
        ("\ud83d", "sequences is no valid Unicode (a lone surrogate at character 0): remove or replace it."),
    ],
)
def test_unusable_texts_are_named(fake_classifier: Classifier, sequences: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        fake_classifier(sequences, ["a", "b"])
    assert str(error.value) == message


def test_a_label_longer_than_the_model_is_named(fake_classifier: Classifier) -> None:
    with pytest.raises(InputError, match=r"^candidate_labels\[1\] makes a hypothesis of \d+ tokens"):
        fake_classifier("text", ["a", "b" * 600])


def test_multi_label_is_a_truth_value(fake_classifier: Classifier) -> None:
    with pytest.raises(InputError, match="multi_label must be true or false"):
        fake_classifier("text", ["a"], multi_label="false")  # type: ignore[call-overload]


@pytest.mark.parametrize("text", ["a\x00b", " ", "\u202e\ufeff", "👩‍👩‍👧‍👦" * 50])
def test_odd_but_valid_texts_work(fake_classifier: Classifier, text: str) -> None:
    assert fake_classifier(text, ["a", "b"])["sequence"] == text


def test_wrong_choices_are_named() -> None:
    with pytest.raises(InputError, match=r"^precision is 'fp8': choose one of auto, fp32, bf16, int8\.$"):
        Classifier(precision="fp8")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^device is 'tpu'"):
        Classifier(device="tpu")  # type: ignore[arg-type]


def test_a_long_text_is_read_in_windows_when_asked(fake_classifier: Classifier) -> None:
    text = "a" * 600 + "needle" + "a" * 600
    result = fake_classifier(text, ["needle", "aaa"], hypothesis_template="{}", multi_label=True, long_text="windows")
    assert "truncated" not in result
    spans = dict(zip(result["labels"], result["windows"], strict=True))
    start, end = spans["needle"]
    assert "needle" in text[start:end]
    assert "needle" not in text[: spans["aaa"][1]]
    cut = fake_classifier(text, ["needle", "aaa"], hypothesis_template="{}", multi_label=True)
    scores, cut_scores = (dict(zip(found["labels"], found["scores"], strict=True)) for found in (result, cut))
    assert scores["needle"] > cut_scores["needle"]
    assert scores["aaa"] == cut_scores["aaa"]
    assert cut["truncated"]


def test_windows_change_nothing_for_a_text_that_fits(fake_classifier: Classifier) -> None:
    for text in ("abc", " ", "x" * 380):
        asked = (text, ["a", "b" * 100], "{}")
        assert fake_classifier(*asked, long_text="windows") == fake_classifier(*asked)


def test_what_becomes_of_a_long_text_is_one_of_two(fake_classifier: Classifier) -> None:
    with pytest.raises(InputError, match="long_text is 'fold': choose one of cut, windows"):
        fake_classifier("abc", ["a"], long_text="fold")  # type: ignore[call-overload]


@pytest.mark.parametrize("multi_label", [False, True])
def test_scores_are_calibrated_unless_told_otherwise(fake_model: Model, multi_label: bool) -> None:
    calibrated = Classifier(replace(fake_model, calibration=Calibration(temperature=3.0, slope=0.3)))
    asked = ("abc", ["a", "xyz"], "{}", multi_label)
    plain = Classifier(fake_model)(*asked)
    assert calibrated(*asked)["labels"] == plain["labels"]
    assert calibrated(*asked)["scores"] != pytest.approx(plain["scores"], abs=0.01)
    assert calibrated(*asked, calibrate=False) == plain


def test_calibrate_is_true_or_false(fake_classifier: Classifier) -> None:
    with pytest.raises(InputError, match="calibrate must be true or false"):
        fake_classifier("abc", ["a"], calibrate="no")  # type: ignore[call-overload]
