"""From the body of a request, in any of the forms that clients have sent over the years, to what is asked.

- Texts are ``inputs`` (once ``data``): a string, a list of strings, ``{"text": …}``, ``{"sequences": … or […]}``, or a
  list of such objects. They may be ``instances`` too, a list of any of these, whose answer is ``{"predictions": …}``.
- Labels are ``candidate_labels`` or ``candidateLabels``, a list or one string with commas, in the input itself or in
  ``parameters``.
- The template is ``hypothesis_template`` or ``hypothesisTemplate`` in ``parameters``; whether several labels may fit is
  ``multi_label``, ``multiLabel`` or ``multi_class`` there, how a long text is read ``long_text`` or ``longText``, and
  whether scores are calibrated ``calibrate``.
- Options are ``use_cache``, ``wait_for_model`` and ``dont_load_model`` in ``options``, or ``x-…`` headers.

Parameters may stand in the query string if the body has none. Unknown keys are ignored, and null is as good as absent.
What a value may be is checked here only as far as JSON allows more than the library's types do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, get_args

from starlette.datastructures import Headers, QueryParams

from linnaeus.classifier import LongText
from linnaeus.errors import InputError
from linnaeus.labels import DEFAULT_TEMPLATE, parse_labels
from linnaeus.server.errors import RefusedError

EXAMPLE = '{"inputs": "I want a refund", "parameters": {"candidate_labels": ["refund", "praise"]}}'

_INPUTS = ("inputs", "data", "instances")
_TEXT = ("text", "sequences")
_LABELS = ("candidate_labels", "candidateLabels")
_TEMPLATE = ("hypothesis_template", "hypothesisTemplate")
_MULTI_LABEL = ("multi_label", "multiLabel", "multi_class")
_LONG_TEXT = ("long_text", "longText")
_LONG_TEXTS: tuple[LongText, ...] = get_args(LongText)
_OPTION_HEADERS = ("x-use-cache", "x-wait-for-model", "x-load-model")
_CALIBRATE = ("calibrate",)
_PARAMETERS = (*_LABELS, *_TEMPLATE, *_MULTI_LABEL, *_LONG_TEXT, *_CALIBRATE)
_SWITCH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Question:
    """Texts that are asked about the same labels, and what the client calls them."""

    texts: Sequence[str]
    fields: Sequence[str]
    labels: tuple[str, ...]
    labels_field: str


@dataclass(frozen=True)
class ClassificationRequest:
    """What is asked, and how it is to be answered.

    Attributes:
        questions: in the order of the texts; more than one if inputs bring labels of their own.
        batch: whether the texts came as a list, and so must the results.
        predictions: whether the results go under that key, as they do for ``instances``.
        legacy: whether the request has a sign of a client from before July 2025.
        use_cache: whether an answer that was given before will do.
        wait_for_model: whether to wait for a loading model as long as it takes.
        load_model: whether the request may start the loading of a model.
    """

    questions: Sequence[Question]
    template: str
    template_field: str
    multi_label: bool
    long_text: LongText
    calibrate: bool
    batch: bool
    predictions: bool
    legacy: bool
    use_cache: bool
    wait_for_model: bool
    load_model: bool

    @cached_property
    def texts(self) -> int:
        return sum(len(question.texts) for question in self.questions)

    @cached_property
    def labels(self) -> int:
        """How many different lists of labels there are, in labels."""
        return sum(len(question.labels) for question in self.questions)

    @cached_property
    def scores(self) -> int:
        return sum(len(question.texts) * len(question.labels) for question in self.questions)

    @cached_property
    def characters(self) -> int:
        return sum(len(text) for question in self.questions for text in question.texts)


@dataclass(frozen=True, slots=True)
class _Value:
    """A value of the body and the field that it came from."""

    field: str
    value: Any


@dataclass(frozen=True, slots=True)
class _Text:
    field: str
    text: str
    labels: tuple[str, ...]
    labels_field: str


def parse_request(
    body: bytes, query: QueryParams, headers: Headers, long_text: LongText = "cut"
) -> ClassificationRequest:
    """Return what a request asks; `long_text` is what becomes of long texts if it does not say.

    Raises:
        InputError: a value cannot be used; the sentence names it as the client wrote it.
        RefusedError: the body is no JSON object.
    """
    content = _read_json(body)
    inputs = _first(content, "", _INPUTS)
    if inputs is None:
        raise InputError("inputs", f"is missing: send a JSON object such as {EXAMPLE}.")
    prefix, parameters = _parameters(content, query)
    options = _object(_Value("options", content.get("options")))
    sent = {name: headers[name] for name in _OPTION_HEADERS if name in headers}
    texts = list(_texts(inputs, _first(parameters, prefix, _LABELS), prefix))
    template = _first(parameters, prefix, _TEMPLATE) or _Value("", DEFAULT_TEMPLATE)
    if not isinstance(template.value, str):
        raise InputError(template.field, f"is {_kind(template.value)}, not a string such as {DEFAULT_TEMPLATE!r}.")
    multi_label = _first(parameters, prefix, _MULTI_LABEL)
    calibrate = _first(parameters, prefix, _CALIBRATE)
    return ClassificationRequest(
        questions=[_question(list(group)) for _, group in groupby(texts, key=lambda text: id(text.labels))],
        template=template.value,
        template_field=template.field,
        multi_label=multi_label is not None and _boolean(multi_label),
        long_text=_long_text(_first(parameters, prefix, _LONG_TEXT) or _Value("", long_text)),
        calibrate=calibrate is None or _boolean(calibrate),
        batch=_is_batch(inputs),
        predictions=inputs.field == "instances",
        legacy=bool(sent) or _is_legacy(content, inputs, parameters),
        use_cache=_option(sent.get("x-use-cache"), options.get("use_cache"), default=True),
        wait_for_model=_option(sent.get("x-wait-for-model"), options.get("wait_for_model"), default=False),
        load_model=_option(sent.get("x-load-model"), _negated(options.get("dont_load_model")), default=True),
    )


def _read_json(body: bytes) -> dict[str, Any]:
    if not body:
        raise RefusedError(400, f"The body is empty: send a JSON object such as {EXAMPLE}.")
    try:
        content = json.loads(body)
    except RecursionError:
        raise RefusedError(400, f"The body is nested too deeply: send a JSON object such as {EXAMPLE}.") from None
    except UnicodeDecodeError as error:
        raise RefusedError(400, f"The body is no valid UTF-8 at byte {error.start}: send JSON in UTF-8.") from None
    except ValueError as error:
        raise RefusedError(
            400, f"The body is no valid JSON ({_plain(str(error))}): send an object such as {EXAMPLE}."
        ) from None
    if not isinstance(content, dict):
        raise RefusedError(400, f"The body is {_kind(content)}, not a JSON object: send one such as {EXAMPLE}.")
    return content


def _plain(message: str) -> str:
    """Return what is wrong without Python's own advice, as on the length of integers."""
    return message.partition(";")[0].rstrip(".")


def _parameters(content: Mapping[str, Any], query: QueryParams) -> tuple[str, Mapping[str, Any]]:
    """Return the parameters and what goes before their names in a message."""
    if "parameters" in content:
        return "parameters.", _object(_Value("parameters", content["parameters"]))
    values = {name: query.getlist(name) for name in query}
    found = {name: listed if len(listed) > 1 else listed[0] for name, listed in values.items()}
    return ("", found) if any(name in found for name in _PARAMETERS) else ("parameters.", {})


def _texts(inputs: _Value, shared: _Value | None, prefix: str) -> Iterator[_Text]:
    shared_labels = _parse_labels(shared) if shared is not None else None
    # Inputs with labels of their own mostly have the same ones: one object for each list lets them be asked together.
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for item in _items(inputs):
        own = _first(item.value, f"{item.field}.", _LABELS) if isinstance(item.value, dict) else None
        labels = _parse_labels(own) if own is not None else shared_labels
        if labels is None:
            raise InputError(f"{prefix}candidate_labels", f"is missing: name at least one label, as in {EXAMPLE}.")
        labels = known.setdefault(labels, labels)
        for text in _strings(item):
            yield _Text(text.field, text.value, labels, (own or shared or item).field)


def _items(inputs: _Value) -> Sequence[_Value]:
    """Return what is at the top of the inputs: strings and objects."""
    if inputs.field == "instances" and not isinstance(inputs.value, list):
        raise InputError(inputs.field, f"is {_kind(inputs.value)}, not a list of texts.")
    return _elements(inputs) if isinstance(inputs.value, list) else [inputs]


def _strings(item: _Value) -> Sequence[_Value]:
    """Return the texts of one item."""
    texts = [item]
    if isinstance(item.value, dict):
        text = _first(item.value, f"{item.field}.", _TEXT)
        if text is None:
            raise InputError(f"{item.field}.text", "is missing: write the text under it, or as a plain string.")
        texts = _elements(text) if isinstance(text.value, list) else [text]
    for text in texts:
        if not isinstance(text.value, str):
            raise InputError(text.field, f"is {_kind(text.value)}, not a string: give every text as a string.")
    return texts


def _elements(value: _Value) -> list[_Value]:
    if not value.value:
        raise InputError(value.field, "is empty: give at least one text.")
    return [_Value(f"{value.field}[{index}]", element) for index, element in enumerate(value.value)]


def _is_batch(inputs: _Value) -> bool:
    if isinstance(inputs.value, dict):
        text = _first(inputs.value, "", _TEXT)
        return text is not None and isinstance(text.value, list)
    return isinstance(inputs.value, list)


def _parse_labels(labels: _Value) -> tuple[str, ...]:
    if isinstance(labels.value, list):
        for index, label in enumerate(labels.value):
            if not isinstance(label, str):
                raise InputError(
                    f"{labels.field}[{index}]", f"is {_kind(label)}, not a string: write every label as a string."
                )
    elif not isinstance(labels.value, str):
        raise InputError(
            labels.field,
            f"is {_kind(labels.value)}: give a list of strings, or one string with commas between the labels.",
        )
    try:
        return tuple(label.name for label in parse_labels(labels.value))
    except InputError as error:
        raise error.renamed({"candidate_labels": labels.field}) from None


def _question(texts: Sequence[_Text]) -> Question:
    return Question(
        [text.text for text in texts], [text.field for text in texts], texts[0].labels, texts[0].labels_field
    )


def _first(values: Mapping[str, Any], prefix: str, names: Sequence[str]) -> _Value | None:
    """Return the first of `names` that is there and not null."""
    return next((_Value(prefix + name, values[name]) for name in names if values.get(name) is not None), None)


def _object(value: _Value) -> Mapping[str, Any]:
    if value.value is None:
        return {}
    if not isinstance(value.value, dict):
        raise InputError(value.field, f"is {_kind(value.value)}, not an object.")
    return value.value


def _boolean(value: _Value) -> bool:
    switch = _switch(value.value)
    if switch is None:
        raise InputError(value.field, f"is {_kind(value.value)}, not true or false.")
    return switch


def _long_text(value: _Value) -> LongText:
    for choice in _LONG_TEXTS:
        if value.value == choice:
            return choice
    raise InputError(value.field, f"is none of {', '.join(_LONG_TEXTS)}: choose one of them.")


def _switch(value: object) -> bool | None:
    """Read what clients send for true and false: JSON booleans, 0 and 1, and either in a string."""
    if isinstance(value, str):
        return _SWITCH.get(value.strip().lower())
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None


def _option(*values: object, default: bool) -> bool:
    """Return the first value that says true or false, the header before the body; anything else counts as absent."""
    return next((switch for switch in map(_switch, values) if switch is not None), default)


def _negated(value: object) -> bool | None:
    switch = _switch(value)
    return None if switch is None else not switch


def _is_legacy(content: Mapping[str, Any], inputs: _Value, parameters: Mapping[str, Any]) -> bool:
    """Say whether a body has something that only clients from before July 2025 send."""
    if "options" in content or "multi_class" in parameters:
        return True
    places = [content.get("parameters"), inputs.value]
    return any(isinstance(place, dict) and isinstance(place.get(name), str) for place in places for name in _LABELS)


def _kind(value: object) -> str:
    """Return what JSON calls a value, with its article."""
    for kinds, name in _KINDS:
        if isinstance(value, kinds):
            return name
    return "null"


#: A boolean is an int in Python, so it comes first.
_KINDS: Sequence[tuple[type | tuple[type, ...], str]] = (
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "a string"),
    (list, "a list"),
    (dict, "an object"),
)
