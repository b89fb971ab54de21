"""From candidate labels to hypotheses.

The rules are those of transformers' zero-shot-classification pipeline (5.23), with two differences: a label that is
empty is refused, and a template may hold ``{}`` or ``{0}`` only, as its other fields reach attributes or make a
hypothesis of any length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter
from typing import TypeAlias

from linnaeus.errors import InputError

DEFAULT_TEMPLATE = "This example is {}."


@dataclass(frozen=True, slots=True)
class Label:
    """A label that carries its own wording.

    `name` is what results call it. `hypothesis` is the sentence that is put to the model in its place, whole, without
    a template.
    """

    name: str
    hypothesis: str | None = None


#: Labels as a caller may give them: one string with commas between them, or a sequence.
CandidateLabels: TypeAlias = str | Sequence[str | Label]


def parse_labels(candidate_labels: CandidateLabels) -> list[Label]:
    """Return the labels in the order given, duplicates kept.

    A string is split at its commas, each part stripped, empty parts dropped. A sequence is taken word for word.

    Raises:
        InputError: there is no label, or one is empty or no string.
    """
    if isinstance(candidate_labels, str):
        check_unicode("candidate_labels", candidate_labels)
        names = [name.strip() for name in candidate_labels.split(",")]
        labels = [Label(name) for name in names if name]
    elif isinstance(candidate_labels, Sequence):
        labels = [_as_label(f"candidate_labels[{index}]", label) for index, label in enumerate(candidate_labels)]
    else:
        raise InputError("candidate_labels", "must be a list of strings, or one string with commas between the labels.")
    if not labels:
        raise InputError("candidate_labels", "is empty: give at least one label.")
    return labels


def _as_label(field: str, label: object) -> Label:
    if isinstance(label, str):
        label = Label(label)
    if not isinstance(label, Label):
        raise InputError(field, f"is {type(label).__name__}, not a string: write every label as a string.")
    if not label.name.strip():
        raise InputError(field, "is empty: remove it or give it a name.")
    if label.hypothesis is not None and not label.hypothesis.strip():
        raise InputError(field, "has an empty hypothesis: remove it or write one.")
    check_unicode(field, label.name)
    check_unicode(field, label.hypothesis or "")
    return label


class HypothesisTemplate:
    """A sentence with a place for a label, such as "This example is {}.".

    ``{0}`` may stand for ``{}`` (and more than once); ``{{`` and ``}}`` are literal braces, as in `str.format`.

    Raises:
        InputError: there is no such place, or another kind of replacement field.
    """

    def __init__(self, template: str) -> None:
        if not isinstance(template, str):
            raise InputError("hypothesis_template", "must be a string such as 'This example is {}.'")
        check_unicode("hypothesis_template", template)
        try:
            parts = list(Formatter().parse(template))
        except ValueError as error:
            raise InputError(
                "hypothesis_template", f"cannot be read ({error}): write a literal brace as {{{{ or }}}}."
            ) from None
        fields = [part[1:] for part in parts if part[1] is not None]
        if not fields:
            raise InputError("hypothesis_template", "has no {} where the label should go.")
        if fields != [("", "", None)] and set(fields) != {("0", "", None)}:
            raise InputError("hypothesis_template", "may hold one plain {} only, where the label goes.")
        self._literals = [""]
        for literal, field, *_ in parts:
            self._literals[-1] += literal
            if field is not None:
                self._literals.append("")

    def hypothesis(self, label: Label) -> str:
        return label.name.join(self._literals) if label.hypothesis is None else label.hypothesis


def check_unicode(field: str, text: str) -> None:
    """Refuse what no tokenizer and no JSON body can hold: half of a surrogate pair.

    Raises:
        InputError: `text` has a lone surrogate.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            field, f"is no valid Unicode (a lone surrogate at character {error.start}): remove or replace it."
        ) from None
