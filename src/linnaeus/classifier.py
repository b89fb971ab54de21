"""The one door: texts and candidate labels in, labels and scores out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, TypeAlias, get_args, overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import NotRequired, TypedDict

from linnaeus.engines.base import Reading, Tokens
from linnaeus.errors import InputError
from linnaeus.labels import DEFAULT_TEMPLATE, CandidateLabels, HypothesisTemplate, check_unicode, parse_labels
from linnaeus.loading import Device, Model, Precision, load_model
from linnaeus.scheduling.scheduler import Scheduler
from linnaeus.scores import UNCALIBRATED, best_windows, label_scores, ranking
from linnaeus.windows import HypothesisGroup, group_hypotheses

#: A stream of texts is read this many at a time, or fewer when they are long: enough to sort them by length.
CHUNK_TEXTS = 512
CHUNK_CHARACTERS = 2_000_000

#: What becomes of a text that is longer than the model reads: its end is left out, or it is read in windows.
LongText: TypeAlias = Literal["cut", "windows"]


class Classification(TypedDict):
    """What is returned for one text: `labels` from the best to the worst, `scores` in the same order.

    `truncated` is there, and true, when the text was longer than the model reads, and its end was left out. `windows`
    is there when such a text was read in windows: for each of `labels` the [start, end) characters of the one that
    spoke for it most, and gave it its score.
    """

    sequence: str
    labels: list[str]
    scores: list[float]
    truncated: NotRequired[bool]
    windows: NotRequired[list[tuple[int, int]]]


class Classifier:
    """Says which labels fit a text, without having been trained on them.

    It is called as transformers' zero-shot-classification pipeline is, and may be called from several threads; their
    texts share batches.

    Args:
        model: a bundled model (``default``, which is ``large``, ``base`` or ``small``), a folder with an NLI checkpoint
            or a model of ours, a checkpoint of the Hub (``facebook/bart-large-mnli``, or with ``@revision``), or a
            loaded `Model`.
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
        *,
        long_text: LongText = ...,
        calibrate: bool = ...,
    ) -> Classification: ...

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        sequences: Sequence[str],
        candidate_labels: CandidateLabels,
        hypothesis_template: str = ...,
        multi_label: bool = ...,
        *,
        long_text: LongText = ...,
        calibrate: bool = ...,
    ) -> list[Classification]: ...

    @overload
    def __call__(
        self,
        sequences: Iterable[str],
        candidate_labels: CandidateLabels,
        hypothesis_template: str = ...,
        multi_label: bool = ...,
        *,
        long_text: LongText = ...,
        calibrate: bool = ...,
    ) -> Iterator[Classification]: ...

    def __call__(
        self,
        sequences: str | Iterable[str],
        candidate_labels: CandidateLabels,
        hypothesis_template: str = DEFAULT_TEMPLATE,
        multi_label: bool = False,
        *,
        long_text: LongText = "cut",
        calibrate: bool = True,
    ) -> Classification | list[Classification] | Iterator[Classification]:
        """Score every label for every text.

        Args:
            sequences: one text, a sequence of texts, or any other iterable of texts, which is read as results are
                taken, so that a stream of any length needs constant memory.
            candidate_labels: a sequence of names or `Label`, or one string with commas between the names.
            hypothesis_template: the sentence put to the model for each label, with ``{}`` where the label goes.
            multi_label: whether several labels may fit one text. If so each score stands alone; if not, they sum to 1.
            long_text: ``cut`` leaves out what is beyond the model's reach, as the pipeline does, and the result says
                so; ``windows`` reads all of it, and gives each label its best window.
            calibrate: whether scores are made probabilities, if the model was fitted for that, as the bundled ones
                are; if not, they are what the pipeline would make of its logits. The order of labels is the same.

        Returns:
            One result for one text, a list for a sequence, an iterator (in order) for any other iterable.

        Raises:
            InputError: a text, a label, the template or an option cannot be used; the message names which. In a
                stream it is raised when the text's turn comes.
            EngineError: the engine failed.
        """
        question = _Question(self.model, candidate_labels, hypothesis_template, multi_label, long_text, calibrate)
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
        premises = question.premises(texts)
        readings = [reading for premise in premises for reading in question.readings(premise)]
        logits = iter(self._scheduler.logits(readings))
        return [question.answer(text, premise, logits) for text, premise in zip(texts, premises, strict=True)]


@dataclass(frozen=True, slots=True)
class _Premise:
    """A text as tokens, and where they stand in it if it is read in windows: for each group, which windows."""

    tokens: Tokens
    characters: Sequence[tuple[int, int]] = ()
    windows: Sequence[Sequence[slice]] = ()

    def span(self, window: slice) -> tuple[int, int]:
        """Return the [start, end) characters of a window."""
        return self.characters[window.start][0], self.characters[window.stop - 1][1]


class _Question:
    """What is asked of every text of a call: the labels as hypotheses, and how their logits become an answer."""

    def __init__(
        self,
        model: Model,
        labels: CandidateLabels,
        template: str,
        multi_label: bool,
        long_text: LongText,
        calibrate: bool,
    ) -> None:
        for field, value in (("multi_label", multi_label), ("calibrate", calibrate)):
            if not isinstance(value, bool):
                raise InputError(field, "must be true or false.")
        if long_text not in get_args(LongText):
            raise InputError("long_text", f"is {long_text!r}: choose one of {', '.join(get_args(LongText))}.")
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
        self._groups: list[HypothesisGroup] = group_hypotheses(hypotheses, model.reach, model.group_tokens)
        self._model = model
        self._names = [label.name for label in parsed]
        self._multi_label = multi_label
        self._calibration = model.calibration if calibrate else UNCALIBRATED
        self._in_windows = long_text == "windows"
        self._order = np.argsort(np.concatenate([group.indexes for group in self._groups]))
        self._shortest_room = min(group.text_room for group in self._groups)

    def premises(self, texts: Sequence[str]) -> list[_Premise]:
        tokenizer, reach = self._model.tokenizer, self._model.reach
        if not self._in_windows:
            return [_Premise(tokens) for tokens in tokenizer.premises(texts, reach.longest_text)]
        return [
            _Premise(tokens, characters, [reach.windows(tokens, group.text_room) for group in self._groups])
            for tokens, characters in tokenizer.located_premises(texts)
        ]

    def readings(self, premise: _Premise) -> Iterator[Reading]:
        """Yield what is to be read for a text: group by group, and of each group window by window."""
        reach = self._model.reach
        if self._in_windows:
            for group, windows in zip(self._groups, premise.windows, strict=True):
                for window in windows:
                    yield Reading(reach.window(premise.tokens, window), group.hypotheses)
        else:
            for group in self._groups:
                yield Reading(reach.cut(premise.tokens, group.text_room), group.hypotheses)

    def answer(self, text: str, premise: _Premise, logits: Iterator[NDArray[np.float32]]) -> Classification:
        """Put the answer together from the logits of a text's readings, which it takes from `logits`."""
        if self._in_windows:
            chosen, found = self._best_windows(premise, logits)
        else:
            chosen, found = np.concatenate(list(islice(logits, len(self._groups)))), []
        scores = label_scores(
            chosen[self._order], self._model.columns, multi_label=self._multi_label, calibration=self._calibration
        )
        best = ranking(scores)
        result: Classification = {
            "sequence": text,
            "labels": [self._names[index] for index in best],
            "scores": scores[best].tolist(),
        }
        if len(premise.tokens) > self._shortest_room:
            if self._in_windows:
                result["windows"] = [premise.span(found[self._order[index]]) for index in best]
            else:
                result["truncated"] = True
        return result

    def _best_windows(
        self, premise: _Premise, logits: Iterator[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], list[slice]]:
        """Return for each hypothesis, group by group, the logits of its best window and that window."""
        alone = self._multi_label or len(self._names) == 1
        chosen: list[NDArray[np.float32]] = []
        found: list[slice] = []
        for windows in premise.windows:
            stacked = np.stack(list(islice(logits, len(windows))))
            best = best_windows(stacked, self._model.columns, multi_label=alone)
            chosen.append(stacked[best, np.arange(stacked.shape[1])])
            found += [windows[index] for index in best]
        return np.concatenate(chosen), found


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
