"""Rows of sets as examples, and the data that we wrote."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from training import examples
from training.development import own_lists
from training.examples import (
    CONTRADICTION,
    ENTAILMENT,
    MAX_HYPOTHESES,
    MAX_HYPOTHESES_OF_VOCABULARY,
    NOT_ENTAILMENT,
    build_examples,
    classification_examples,
    nli_examples,
    own_text_examples,
    own_texts,
    vocabulary_examples,
)
from training.sources import CLASSIFICATION, NLI, ClassificationSource, NliSource, classification_rows, nli_rows
from training.templates import STATEMENT, TEMPLATES, Wordings, load
from training.vocabularies import Vocabulary, read_vocabularies

LABELS = ["alarm", "music", "weather", "news", "lights"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with one set of each kind."""
    write(tmp_path / "set.train.jsonl.gz", [{"text": f"text {n}", "label": LABELS[n % 5]} for n in range(300)])
    (tmp_path / "set.labels.json").write_text(json.dumps({"labels": LABELS}))
    write(
        tmp_path / "nli.train.jsonl.gz",
        [
            {"premise": f"premise {n // 4}", "hypothesis": f"hypothesis {n}", "label": "neutral", "task": task}
            for n, task in enumerate(["sentiment", "ner", "ner", "puns"] * 25)
        ],
    )
    return tmp_path


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def reverse_order(_: str, others: Sequence[str]) -> Sequence[str]:
    return others[::-1]


def test_a_classification_row_has_its_label_first_and_wrong_ones_after(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TEMPLATES, "topic", ["{}"])
    monkeypatch.setitem(TEMPLATES, "generic", ["{}"])
    monkeypatch.setitem(TEMPLATES, "negated", ["not {}"])
    monkeypatch.setattr("training.examples.Wordings.of", lambda *_: Wordings({}))
    source = ClassificationSource("set.train.jsonl.gz", "topic")
    examples = list(classification_examples(data, source, random.Random(0), reverse_order))
    assert len(examples) == 300
    for example in examples:
        number = int(example.premise.split()[1])
        true = LABELS[number % 5]
        assert 2 <= len(example.hypotheses) <= MAX_HYPOTHESES
        assert len(set(example.hypotheses)) == len(example.hypotheses)
        for hypothesis, target in zip(example.hypotheses, example.targets, strict=True):
            holds, denies = hypothesis.removeprefix("not ") == true, hypothesis.startswith("not ")
            assert (
                target
                == {
                    (True, False): ENTAILMENT,
                    (False, False): NOT_ENTAILMENT,
                    (True, True): CONTRADICTION,
                    (False, True): ENTAILMENT,
                }[holds, denies]
            )
        if example.listwise:
            assert example.targets[0] == ENTAILMENT
            assert ENTAILMENT not in example.targets[1:]
    assert 200 < sum(example.listwise for example in examples) < 300


def test_hypotheses_of_one_premise_are_read_together(data: Path) -> None:
    examples = list(nli_examples(data, NliSource("nli.train.jsonl.gz"), random.Random(0)))
    assert len(examples) == 25
    assert all(len(example.hypotheses) == 3 for example in examples)


def test_rows_of_forbidden_tasks_are_never_read(data: Path) -> None:
    rows = nli_rows(data, NliSource("nli.train.jsonl.gz", limits={"ner": 10, "puns": 99}), random.Random(0))
    assert Counter(row["task"] for row in rows) == {"ner": 10, "puns": 25}
    assert all(source.limits.get("sentiment", 0) == 0 for source in NLI)


def test_broader_labels_replace_those_of_a_set(data: Path) -> None:
    source = ClassificationSource("set.train.jsonl.gz", "topic", limit=50, regroup={"alarm": "home", "lights": "home"})
    rows = classification_rows(data, source, random.Random(0))
    assert len(rows) == 50
    assert {label for _, labels in rows for label in labels} == {"home"}


def test_no_source_is_a_development_set() -> None:
    for source in (*NLI, *CLASSIFICATION):
        assert "/train/" in source.path


def test_templates_have_one_place_for_the_label() -> None:
    for kind, templates in TEMPLATES.items():
        assert len(set(templates)) == len(templates) >= 10, kind
        assert all(template.count("{}") == 1 and template.format("x").count("x") for template in templates), kind


def test_wordings_name_one_label_each() -> None:
    for name, labels in load("wordings.json").items():
        names = Counter(wording.lower() for about in labels.values() for wording in about["names"])
        assert max(names.values()) == 1, (name, names.most_common(3))
        assert all(about["description"] for about in labels.values())


def test_wordings_are_drawn_from_all_that_is_written() -> None:
    wordings = Wordings({"a": {"names": ["b", "c"], "description": "d"}})
    draw = random.Random(0)
    assert {wordings.draw("a", draw) for _ in range(200)} == {"a", "b", "c", "d"}
    assert wordings.draw("other", draw) == "other"


def test_own_texts_are_well_formed_and_different() -> None:
    rows = own_texts(development=False) + own_texts(development=True)
    assert len({row["text"].casefold() for row in rows}) == len(rows)
    for row in rows:
        assert row["text"].strip()
        assert row["sets"]
        for labels in row["sets"]:
            assert labels["kind"] in {*TEMPLATES, STATEMENT}
            assert labels["false"]
            assert not set(labels["true"]) & set(labels["false"]), row["text"]
            asked = [*labels["true"], *labels["false"]]
            assert len(set(asked)) == len(asked), row["text"]


def test_own_texts_are_weighed_against_the_published_sets(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"text": "ours", "sets": [{"kind": "topic", "true": ["a"], "false": ["b", "c"]}]}
    monkeypatch.setattr(examples, "NLI", (NliSource("nli.train.jsonl.gz"),))
    monkeypatch.setattr(
        examples, "CLASSIFICATION", (ClassificationSource("set.train.jsonl.gz", "topic", wordings=("sentiment",)),)
    )
    monkeypatch.setattr(examples, "own_texts", lambda **_: [own])
    monkeypatch.setattr(examples, "read_vocabularies", lambda **_: [])
    built = build_examples(data, 7, reverse_order, own_turns=3, max_published=5)
    assert Counter(one.premise == "ours" for one in built) == {True: 3, False: 5}
    assert len(build_examples(data, 7, reverse_order, own_turns=1)) == 1 + 300 + 25


def test_a_statement_is_asked_once_and_as_it_stands() -> None:
    labels = {"kind": STATEMENT, "true": ["It rains.", "It is wet."], "false": ["The sun shines."]}
    (example,) = own_text_examples({"text": "It's pouring.", "sets": [labels]}, 3, random.Random(0))
    assert example.hypotheses == ("It rains.", "It is wet.", "The sun shines.")
    assert example.targets == (ENTAILMENT, ENTAILMENT, NOT_ENTAILMENT)
    assert not example.listwise


def test_a_text_of_a_vocabulary_is_asked_beside_many_labels_of_it() -> None:
    labels = {f"label {number}": [f"one of {number}", f"another of {number}"] for number in range(40)}
    made = list(vocabulary_examples(Vocabulary("ours", "topic", labels), 2, random.Random(0), reverse_order))
    assert Counter(one.premise for one in made) == dict.fromkeys((text for of in labels.values() for text in of), 2)
    assert max(len(one.hypotheses) for one in made) == MAX_HYPOTHESES_OF_VOCABULARY
    first = next(one for one in made if one.premise == "one of 7" and one.listwise)
    assert "label 7" in first.hypotheses[0]


def test_vocabularies_are_well_formed_and_their_texts_different() -> None:
    apart, trained = (read_vocabularies(development=development) for development in (True, False))
    assert 0 < len(apart) < len(trained) / 3
    rows = [row for vocabulary in apart + trained for row in vocabulary.rows]
    assert len({text.casefold() for text, _ in rows}) == len(rows)
    assert all(text.strip() and label.strip() for text, label in rows)
    assert all(vocabulary.kind in TEMPLATES for vocabulary in apart + trained)
    assert not {vocabulary.name for vocabulary in apart} & {vocabulary.name for vocabulary in trained}


def test_own_texts_can_be_read_by_file() -> None:
    whole, part = (own_texts(development=False, files=files) for files in (None, ("civic", "forums")))
    assert 0 < len(part) < len(whole)
    assert all(row in whole for row in part)


def test_own_lists_are_drawn_from_all_files() -> None:
    ends = [[one.text for one in own_lists(rows)] for rows in (None, 50)]
    assert {ends[0][0], ends[0][-1]} <= set(ends[1])
    assert len(set(ends[1])) <= 50


def test_own_texts_kept_apart_are_not_trained_on() -> None:
    trained = {row["text"] for row in own_texts(development=False)}
    apart = {row["text"] for row in own_texts(development=True)}
    assert not trained & apart
    assert 0.05 < len(apart) / len(trained | apart) < 0.2


def test_an_own_text_asks_its_lists() -> None:
    row = {"text": "text", "sets": [{"kind": "topic", "true": ["a"], "false": ["b", "c"]}]}
    for example in own_text_examples(row, 3, random.Random(0)):
        assert len(example.hypotheses) == 3
        assert "a" in example.hypotheses[0]
