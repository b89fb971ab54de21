"""How labels are put into words in training: templates by what the labels are, other names, descriptions.

A model that has met each label in one wording only learns the wording. Every training row draws its template and its
names from here, so what is left to learn is the label. The templates that the development sets suggest are not in it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITTEN = Path(__file__).parent / "data"

#: How often a template of any kind of label is used, and one under which a label that holds makes the sentence false.
GENERIC_SHARE = 0.35
NEGATED_SHARE = 0.04

#: The kind of labels that are whole sentences, and so need no template.
STATEMENT = "statement"

#: How often a label goes by its description, and by one of its other names.
DESCRIPTION_SHARE = 0.1
OTHER_NAME_SHARE = 0.45


def load(name: str) -> Any:  # noqa: ANN401 - the shape of each file is told where it is used
    return json.loads((WRITTEN / name).read_text(encoding="utf-8"))


def read_written(folder: str, files: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a folder of JSON lines, or of some of its files."""
    for path in sorted((WRITTEN / folder).glob("*.jsonl")):
        if files is None or path.stem in files:
            for line in path.read_text(encoding="utf-8").splitlines():
                yield json.loads(line)


#: Templates by kind of label, ``generic`` and ``negated`` among them.
TEMPLATES: Mapping[str, list[str]] = load("templates.json")


@dataclass(frozen=True, slots=True)
class DrawnTemplate:
    template: str
    negated: bool


def draw_template(kind: str, draw: random.Random, *, may_negate: bool = True) -> DrawnTemplate:
    if kind == STATEMENT:
        return DrawnTemplate("{}", negated=False)
    if may_negate and draw.random() < NEGATED_SHARE:
        return DrawnTemplate(draw.choice(TEMPLATES["negated"]), negated=True)
    kind = "generic" if draw.random() < GENERIC_SHARE else kind
    return DrawnTemplate(draw.choice(TEMPLATES[kind]), negated=False)


class Wordings:
    """The names that the labels of a set go by."""

    def __init__(self, labels: Mapping[str, Mapping[str, Any]]) -> None:
        self._labels = labels

    @classmethod
    def of(cls, *sets: str) -> Wordings:
        """Return what is written for the labels of these sets, the earlier before the later."""
        written = load("wordings.json")
        return cls({label: about for name in reversed(sets) for label, about in written[name].items()})

    def draw(self, label: str, draw: random.Random) -> str:
        about = self._labels.get(label)
        chance = draw.random()
        if about is None or chance > DESCRIPTION_SHARE + OTHER_NAME_SHARE:
            return label
        return str(about["description"] if chance < DESCRIPTION_SHARE else draw.choice(about["names"]))
