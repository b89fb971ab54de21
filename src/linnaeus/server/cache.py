"""Answers that were given before, in a bounded amount of memory; the one used longest ago goes first.

What is kept is the answer to one text and one question: labels in their order, template, `multi_label`, `long_text`,
`calibrate`, and the digest of the model's files, so that another model of the same name cannot answer. The shape in
which a client reads it is not part of it, nor is the list that the text came in. The key is a digest of all that: texts
are not kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from sys import getsizeof
from threading import Lock

from linnaeus.server.requests import ClassificationRequest, Question

#: Bytes of an entry beside its labels and scores: its key, its place in the order, its tuples.
ENTRY_BYTES = 400
SCORE_BYTES = 24 + 2 * 8
WINDOW_BYTES = 2 * 28 + 56 + 2 * 8


@dataclass(frozen=True, slots=True)
class Answer:
    """A classification without its text."""

    labels: tuple[str, ...]
    scores: tuple[float, ...]
    truncated: bool
    windows: tuple[tuple[int, int], ...] = ()

    @property
    def bytes(self) -> int:
        numbers = SCORE_BYTES * len(self.scores) + WINDOW_BYTES * len(self.windows)
        return ENTRY_BYTES + sum(map(getsizeof, self.labels)) + numbers


class ResponseCache:
    """Keeps answers up to `max_bytes`; may be used from several threads."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()
        self._lock = Lock()
        self.bytes = 0

    def get(self, key: bytes) -> Answer | None:
        with self._lock:
            answer = self._answers.get(key)
            if answer is not None:
                self._answers.move_to_end(key)
            return answer

    def put(self, key: bytes, answer: Answer) -> None:
        if answer.bytes > self._max_bytes:
            return
        with self._lock:
            replaced = self._answers.pop(key, None)
            self.bytes += answer.bytes - (replaced.bytes if replaced is not None else 0)
            self._answers[key] = answer
            while self.bytes > self._max_bytes:
                self.bytes -= self._answers.popitem(last=False)[1].bytes


def keys(request: ClassificationRequest, question: Question, files: str) -> Iterator[bytes]:
    """Yield the key of each text of `question`; `files` is the digest of what the model was loaded from."""
    # Python's own notation is unambiguous, escapes what UTF-8 cannot hold, and is fast.
    asked = repr((files, question.labels, request.template, request.multi_label, request.long_text, request.calibrate))
    digest = blake2b(asked.encode(), digest_size=32)
    for text in question.texts:
        whole = digest.copy()
        whole.update(text.encode(errors="surrogatepass"))
        yield whole.digest()
