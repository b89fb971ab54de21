"""The one door: texts and candidate labels in, labels and scores out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import NotRequired, TypedDict

from linnaeus.errors import InputError
from linnaeus.labels import DEFAULT_TEMPLATE, CandidateLabels, HypothesisTemplate, check_unicode, parse_labels
from linnaeus.loading import Device, Model, Precision, load_model
from linnaeus.scheduling.scheduler import Scheduler
from linnaeus.scores import label_scores, ranking
from linnaeus.windows import HypothesisGroup, group_hypotheses

#: A stream of texts is read this many at a time, or fewer when they are long: enough to sort them by length.
CHUNK_TEXTS = 512
CHUNK_CHARACTERS = 2_000_000

#: Tokens of the hypotheses that are read with one text at a time; a longer list of labels reads the text again.
GROUP_TOKENS = 2048


class Classification(TypedDict):
    """What is returned for one text: `labels` from the best to the worst, `scores` in the same order.

    `truncated` is there, and true, when the text was longer than the model reads, and its end was left out.
    """

    sequence: str
    labels: list[str]
    scores: list[float]
    truncated: NotRequired[bool]


class Classifier:
    """Says which labels fit a text, without having been trained on them.

    It is called as transformers' zero-shot-classification pipeline is, and may be called from several threads; their
    texts share batches.

    Args:
        model: a bundled model (``default``, ``small``), the folder of a one-pass model, or a loaded `Model`.
        device: ``cpu``, ``cuda`` (needs the ``torch`` extra), or ``auto``: a GPU if there is one that can be used.
        precision: ``fp32``, ``bf16``, ``int8``, or ``auto``: the fastest of them here that keeps the scores.

    Raises:
        UnknownModelError: there is no model of that name.
        ModelError: the model's files are damaged.
        EngineError: this machine has no such device or precision.
    """

    def __init__(
        self,
        model: str | Path | Model = "default",
        *,
        device: Device = "auto",
        precision: Precision = "auto",
    ) -> None:
        self.model = model if isinstance(model, Model) else load_model(model, device=device, precision=precision)
        self._scheduler = Scheduler(self.model.engine)

    # A string is a sequence of strings too, so the first two overlap; the first that matches wins.
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        sequences: str,
        candidate_labels: CandidateLabels,
        hypothesis_template: str = ...,
        multi_label: bool = ...,
    ) -> Classification: ...

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        sequences: Sequence[str],
        candidate_labels: CandidateLabels,
        hypothesis_template: str = ...,
        multi_label: bool = ...,
    ) -> list[Classification]: ...

    @overload
    def __call__(
        self,
        sequences: Iterable[str],
        candidate_labels: CandidateLabels,
        hypothesis_template: str = ...,
        multi_label: bool = ...,
    ) -> Iterator[Classification]: ...

    def __call__(
        self,
        sequences: str | Iterable[str],
        candidate_labels: CandidateLabels,
        hypothesis_template: str = DEFAULT_TEMPLATE,
        multi_label: bool = False,
    ) -> Classification | list[Classification] | Iterator[Classification]:
        """Score every label for every text.

        Args:
            sequences: one text, a sequence of texts, or any other iterable of texts, which is read as results are
                taken, so that a stream of any length needs constant memory.
            candidate_labels: a sequence of names or `Label`, or one string with commas between the names.
            hypothesis_template: the sentence put to the model for each label, with ``{}`` where the label goes.
            multi_label: whether several labels may fit one text. If so each score stands alone; if not, they sum to 1.

        Returns:
            One result for one text, a list for a sequence, an iterator (in order) for any other iterable.

        Raises:
            InputError: a text, a label or the template cannot be used; the message names which. In a stream it is
                raised when the text's turn comes.
            EngineError: the engine failed.
        """
        question = _Question(self.model, candidate_labels, hypothesis_template, multi_label)
        if isinstance(sequences, str):
            return self._classify(["sequences"], [sequences], question)[0]
        if isinstance(sequences, Sequence):
            return list(self._stream(sequences, question))
        if isinstance(sequences, Iterable):
            return self._stream(sequences, question)
        raise InputError("sequences", "must be a string or an iterable of strings.")

    def _stream(self, texts: Iterable[str], question: _Question) -> Iterator[Classification]:
        start = 0
        for chunk in _chunks(texts):
            fields = [f"sequences[{start + offset}]" for offset in range(len(chunk))]
            yield from self._classify(fields, chunk, question)
            start += len(chunk)

    def _classify(self, fields: Sequence[str], texts: Sequence[str], question: _Question) -> list[Classification]:
        for field, text in zip(fields, texts, strict=True):
            _check_text(field, text)
        longest = self.model.reach.longest_text
        premises = self.model.tokenizer.premises(texts, longest)
        readings = [group.reading(premise) for premise in premises for group in question.groups]
        logits = self._scheduler.logits(readings)
        per_text = len(question.groups)
        return [
            question.answer(text, len(premise), logits[index * per_text : (index + 1) * per_text])
            for index, (text, premise) in enumerate(zip(texts, premises, strict=True))
        ]


class _Question:
    """What is asked of every text of a call: the labels as hypotheses, and how their logits become an answer."""

    def __init__(self, model: Model, labels: CandidateLabels, template: str, multi_label: bool) -> None:
        if not isinstance(multi_label, bool):
            raise InputError("multi_label", "must be true or false.")
        parsed = parse_labels(labels)
        filled = HypothesisTemplate(template)
        hypotheses = model.tokenizer.hypotheses([filled.hypothesis(label) for label in parsed])
        for index, hypothesis in enumerate(hypotheses):
            if len(hypothesis) > model.reach.longest_hypothesis:
                raise InputError(
                    f"candidate_labels[{index}]",
                    f"makes a hypothesis of {len(hypothesis)} tokens, and the model reads at most "
                    f"{model.reach.longest_hypothesis}: shorten it.",
                )
        self.groups: list[HypothesisGroup] = group_hypotheses(hypotheses, model.reach, GROUP_TOKENS)
        self._names = [label.name for label in parsed]
        self._columns = model.columns
        self._multi_label = multi_label
        self._order = np.argsort(np.concatenate([group.indexes for group in self.groups]))
        self._shortest_room = min(group.text_room for group in self.groups)

    def answer(self, text: str, tokens: int, logits: Sequence[NDArray[np.float32]]) -> Classification:
        in_order = np.concatenate(logits)[self._order]
        scores = label_scores(in_order, self._columns, multi_label=self._multi_label)
        best = ranking(scores)
        result: Classification = {
            "sequence": text,
            "labels": [self._names[index] for index in best],
            "scores": scores[best].tolist(),
        }
        if tokens > self._shortest_room:
            result["truncated"] = True
        return result


def _check_text(field: str, text: object) -> None:
    if not isinstance(text, str):
        raise InputError(field, f"is {type(text).__name__}, not a string: give every text as a string.")
    if not text:
        raise InputError(field, "is empty: leave it out or give it some text.")
    check_unicode(field, text)


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    characters = 0
    for text in texts:
        chunk.append(text)
        characters += len(text) if isinstance(text, str) else 0  # type: ignore[redundant-expr]
        if len(chunk) == CHUNK_TEXTS or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk
