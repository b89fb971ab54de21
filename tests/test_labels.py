"""Labels to hypotheses, held against transformers' own handler where the two should agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.pipelines.zero_shot_classification import ZeroShotClassificationArgumentHandler

from linnaeus import InputError, Label
from linnaeus.labels import HypothesisTemplate, parse_labels

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(st.lists(names, min_size=1, max_size=5), st.sampled_from(["This example is {}.", "{}", "{0}? {0}!", "{{{}}}"]))
def test_hypotheses_are_those_of_transformers(labels: list[str], template: str) -> None:
    pairs, _ = ZeroShotClassificationArgumentHandler()(["text"], labels, template)
    filled = HypothesisTemplate(template)
    assert [filled.hypothesis(label) for label in parse_labels(labels)] == [hypothesis for _, hypothesis in pairs]


@given(names.filter(lambda text: text.replace(",", "").strip()))
def test_a_string_is_split_as_transformers_splits_it(labels: str) -> None:
    expected = ZeroShotClassificationArgumentHandler()._parse_labels(labels)
    assert [label.name for label in parse_labels(labels)] == expected


def test_a_label_may_carry_its_own_hypothesis() -> None:
    label = Label("refund", hypothesis="The customer wants {} money back.")
    assert HypothesisTemplate("This is {}.").hypothesis(label) == "The customer wants {} money back."


def test_duplicates_are_kept() -> None:
    assert [label.name for label in parse_labels(["a", "a"])] == ["a", "a"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "candidate_labels is empty: give at least one label."),
        (" , ", "candidate_labels is empty: give at least one label."),
        (["a", " "], "candidate_labels[1] is empty: remove it or give it a name."),
        (["a", 3], "candidate_labels[1] is int, not a string: write every label as a string."),
        (["a", None], "candidate_labels[1] is NoneType, not a string: write every label as a string."),
        ([Label("a", "")], "candidate_labels[0] has an empty hypothesis: remove it or write one."),
        ({"a": 1}, "candidate_labels must be a list of strings, or one string with commas between the labels."),
        (
            ["\ud800"],
            "candidate_labels[0] is no valid Unicode (a lone surrogate at character 0): remove or replace it.",
        ),
        ("a\udfff", "candidate_labels is no valid Unicode (a lone surrogate at character 1): remove or replace it."),
    ],
)
def test_unusable_labels_are_named(labels: object, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_labels(labels)  # type: ignore[arg-type]
    assert str(error.value) == message


@pytest.mark.parametrize(
    "template",
    [
        "This example is.",
        "",
        "{{}}",
        "{0.__class__}",
        "{:>99999999}",
        "{!r}",
        "{1}",
        "{label}",
        "{} {}",
        "{} {0}",
        "{",
        "}",
        "{:{}}",
        "a\ud800{}",
    ],
)
def test_other_templates_are_refused(template: str) -> None:
    with pytest.raises(InputError, match=r"^hypothesis_template "):
        HypothesisTemplate(template)


def test_a_template_must_be_a_string() -> None:
    with pytest.raises(InputError, match="must be a string"):
        HypothesisTemplate(None)  # type: ignore[arg-type]


def test_a_message_can_call_the_field_by_another_name() -> None:
    with pytest.raises(InputError) as error:
        parse_labels(["a", ""])
    renamed = error.value.renamed({"candidate_labels": "--labels"})
    assert str(renamed) == "--labels[1] is empty: remove it or give it a name."
