"""From what is asked to results: the cache before the classifier, and mistakes named as the client named things."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter

from linnaeus.classifier import Classification, Classifier
from linnaeus.errors import InputError
from linnaeus.server.cache import Answer, ResponseCache, keys
from linnaeus.server.requests import ClassificationRequest, Question

_TEXT_FIELD = re.compile(r"sequences\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Answers:
    """The results of a request, in the order of its texts, and the seconds that computing them took."""

    results: Sequence[Classification]
    seconds: float | None = None

    @property
    def truncated(self) -> int:
        """How many texts were cut."""
        return sum("truncated" in result for result in self.results)


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the cache knows of a request: the key of each text, and its answer if there is one."""

    keys: Sequence[bytes]
    answers: Sequence[Answer | None]

    @property
    def missing(self) -> int:
        return sum(answer is None for answer in self.answers)


def look_up(request: ClassificationRequest, files: str, cache: ResponseCache) -> Lookup:
    """Look every text of `request` up in the cache, or none if the client wants no old answers.

    `files` is the digest of what the model was loaded from.
    """
    known = [key for question in request.questions for key in keys(request, question, files)]
    return Lookup(known, [cache.get(key) if request.use_cache else None for key in known])


def recall(request: ClassificationRequest, lookup: Lookup) -> Answers:
    """Return the answers of a request of which the cache knows every text."""
    texts = [text for question in request.questions for text in question.texts]
    return Answers([_result(text, answer) for text, answer in zip(texts, lookup.answers, strict=True) if answer])


def compute(classifier: Classifier, request: ClassificationRequest, lookup: Lookup, cache: ResponseCache) -> Answers:
    """Return the answers of a request, computing those that the cache does not know, which it learns.

    Raises:
        InputError: a value cannot be used; the sentence names it as the client wrote it.
        EngineError: the engine failed.
    """
    start = perf_counter()
    remaining = zip(lookup.keys, lookup.answers, strict=True)
    results: list[Classification] = []
    for question in request.questions:
        found = list(islice(remaining, len(question.texts)))
        results += _compute_question(classifier, request, question, found, cache)
    return Answers(results, perf_counter() - start)


def _compute_question(
    classifier: Classifier,
    request: ClassificationRequest,
    question: Question,
    found: Sequence[tuple[bytes, Answer | None]],
    cache: ResponseCache,
) -> list[Classification]:
    missing = [index for index, (_, answer) in enumerate(found) if answer is None]
    texts = [question.texts[index] for index in missing]
    try:
        computed = classifier(
            texts,
            question.labels,
            request.template,
            request.multi_label,
            long_text=request.long_text,
            calibrate=request.calibrate,
        )
    except InputError as error:
        raise _named_by_client(error, request, question, missing) from None
    fresh = dict(zip(missing, computed, strict=True))
    for index, result in fresh.items():
        cache.put(found[index][0], _answer(result))
    return [
        fresh[index] if answer is None else _result(question.texts[index], answer)
        for index, (_, answer) in enumerate(found)
    ]


def _answer(result: Classification) -> Answer:
    return Answer(
        tuple(result["labels"]), tuple(result["scores"]), "truncated" in result, tuple(result.get("windows", ()))
    )


def _result(text: str, answer: Answer) -> Classification:
    result: Classification = {"sequence": text, "labels": list(answer.labels), "scores": list(answer.scores)}
    if answer.truncated:
        result["truncated"] = True
    if answer.windows:
        result["windows"] = list(answer.windows)
    return result


def _named_by_client(
    error: InputError, request: ClassificationRequest, question: Question, asked: Sequence[int]
) -> InputError:
    if match := _TEXT_FIELD.fullmatch(error.field):
        return InputError(question.fields[asked[int(match[1])]], error.problem)
    return error.renamed({"candidate_labels": question.labels_field, "hypothesis_template": request.template_field})
