"""The models that are made here, each with its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from training.train import Settings

#: Files of our own texts, in the order in which they were written, and of vocabularies: a run reads what was there.
_FIRST_TEXTS = ("customers", "people", "public", "work")
_LATER_TEXTS = (
    *("emotion", "intents", "long", "manners", "markets"),
    *("questions", "sentiment", "statements_records", "topics"),
)
_NEWS = ("civic", "forums", "opinions")
_TEXTS = (*_FIRST_TEXTS, *_LATER_TEXTS, *_NEWS, "statements_people")
_VOCABULARIES = ("kinds", "voices")
_CLOSE = ("public", "questions", "topics", *_VOCABULARIES, "assistants", "offices")

_BASE_FIRST = Settings(
    backbone="all-mpnet-base-v2",
    # Eleven would be more than 100 MB; without the two highest it learns slowly (LAB.md).
    layers=(0, 1, 2, 3, 5, 6, 8, 9, 10, 11),
    frozen_layers=4,
    learning_rate=8e-5,
    batch_tokens=2048,
    own_files=_FIRST_TEXTS,
    max_examples=56_000,
)

_BASE_THIRD = replace(
    _BASE_FIRST,
    starts_from="base-second",
    mixed_with={"base-second": 0.3},
    seed=10,
    learning_rate=5e-5,
    own_turns=1,
    own_files=(*_FIRST_TEXTS, *_LATER_TEXTS),
    max_published=13_000,
    max_examples=None,
)

_SMALL_FIRST = Settings(backbone="all-MiniLM-L6-v2", own_files=_FIRST_TEXTS)

#: In the order in which they are made: a later one may start from an earlier one, or be taught by it.
RECIPES: Mapping[str, Settings] = {
    "base-first": _BASE_FIRST,
    "base-second": replace(
        _BASE_FIRST, starts_from="base-first", mixed_with={"base-first": 0.4}, seed=8, learning_rate=5e-5
    ),
    # More of the same taught it no more (LAB.md): mostly texts of our own, and enough of the rest to keep it.
    "base-third": _BASE_THIRD,
    # The newest of them, which came when that run was nearly over.
    "base-fourth": replace(
        _BASE_THIRD,
        starts_from="base-third",
        mixed_with={},
        seed=11,
        learning_rate=3e-5,
        own_turns=2,
        own_files=_NEWS,
        max_published=2_000,
    ),
    # Long lists of close labels, and again what it knows least of.
    "base-fifth": replace(
        _BASE_THIRD,
        starts_from="base-fourth",
        mixed_with={"base-fourth": 0.3},
        seed=12,
        own_files=(
            *_VOCABULARIES,
            *("emotion", "intents", "manners", "questions", "statements_people", "statements_records", "topics"),
        ),
        max_published=2_000,
    ),
    # What the backbone knew of long lists before all that.
    "base-sixth": replace(
        _BASE_THIRD,
        starts_from="base-fifth",
        mixed_with={"base-fourth": 0.3, "base-fifth": 0.3},
        seed=13,
        own_files=("assistants", "offices", "public", "services1", "services2"),
        max_published=2_500,
        open_lists=1_800,
    ),
    "small-first": _SMALL_FIRST,
    # What base and small and the backbone know together.
    "base": replace(
        _BASE_THIRD,
        starts_from="base-sixth",
        mixed_with={"base-sixth": 0.5},
        seed=14,
        learning_rate=7e-5,
        own_files=(
            *_VOCABULARIES,
            *("assistants", "markets", "offices", "questions", "services1", "services2", "topics"),
        ),
        max_published=1_500,
        open_lists=4_500,
        closeness_weight=12.0,
        judges=("base-fifth", "small-first"),
    ),
    "small-second": replace(
        _SMALL_FIRST,
        starts_from="small-first",
        seed=8,
        learning_rate=1e-4,
        own_turns=1,
        own_files=(*_TEXTS, *_VOCABULARIES),
        max_published=6_000,
    ),
    # What the backbone knew of many labels before all that.
    "small-third": replace(
        _SMALL_FIRST,
        starts_from="small-first",
        seed=8,
        learning_rate=1e-4,
        own_turns=1,
        own_files=_CLOSE,
        max_published=3_000,
        open_lists=4_000,
    ),
    # The same of the kinds of labels alone of which it knows something, and the mean of all runs.
    "small": replace(
        _SMALL_FIRST,
        starts_from="small-first",
        mixed_with={"small-first": 0.2, "small-second": 0.2, "small-third": 0.3},
        seed=10,
        learning_rate=1e-4,
        own_turns=1,
        own_files=_CLOSE,
        max_published=2_000,
        open_lists=3_000,
        open_kinds=("answer", "content", "department", "document", "intent", "other", "topic"),
    ),
}

#: Models that are the mean of others.
MEANS: Mapping[str, tuple[str, ...]] = {"large": ("base", "small")}
