"""The words of the OpenAPI document: what may be posted, what comes back, and every way to fail."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeAlias, get_args

from linnaeus.classifier import LongText
from linnaeus.server.dialects import Shape

Schema: TypeAlias = dict[str, Any]

_EXAMPLE_TEXT = "Hi, I recently bought a device from your company but it is not working as advertised."
_EXAMPLE_SCORES = [0.86, 0.1, 0.04]
_EXAMPLE_LABELS = ["refund", "faq", "legal"]

_TEXT: Schema = {"type": "string", "minLength": 1}
_TEXTS: Schema = {"type": "array", "minItems": 1, "items": _TEXT}
_NULL: Schema = {"type": "null"}

#: What Python strips from a label, in a pattern's brackets: the separators at the end are none of `\s` in JSON Schema.
_BLANK = r"\s\u001c-\u001f\u0085"

_LABELS: Schema = {
    "description": "The labels: a list, or one string with commas between them.",
    "anyOf": [
        {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": f"[^{_BLANK}]"}},
        {"type": "string", "pattern": f"[^,{_BLANK}]"},
    ],
}

#: What counts as true or false.
_SWITCH: list[Schema] = [
    {"type": "boolean"},
    {"enum": [0, 1]},
    {"type": "string", "pattern": r"^\s*(?:[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|0|1)\s*$"},
    _NULL,
]

_LITERAL = r"(?:[^{}]|\{\{|\}\})*"

_PARAMETERS: Schema = {
    "type": "object",
    "properties": {
        "candidate_labels": {**_LABELS, "anyOf": [*_LABELS["anyOf"], _NULL]},
        "hypothesis_template": {
            "description": "The sentence that is weighed for each label, with one `{}` where the label goes.",
            "default": "This example is {}.",
            "anyOf": [
                {"type": "string", "pattern": rf"^{_LITERAL}(?:\{{\}}{_LITERAL}|(?:\{{0\}}{_LITERAL})+)$"},
                _NULL,
            ],
        },
        "multi_label": {
            "description": "Whether several labels may fit. If so each score stands alone; if not, they sum to 1.",
            "default": False,
            "anyOf": _SWITCH,
        },
        "calibrate": {
            "description": "Whether scores are made probabilities, if the model was fitted for that, as the bundled "
            "ones are; if not, they are what transformers' pipeline would make of its logits. The order of the labels "
            "is the same.",
            "default": True,
            "anyOf": _SWITCH,
        },
        "long_text": {
            "description": "What becomes of a text that is longer than the model reads: `cut` leaves out its end, "
            "`windows` reads all of it and gives each label its best window. The operator may have chosen another "
            "default.",
            "default": "cut",
            "enum": [*get_args(LongText), None],
        },
    },
}

_OPTIONS: Schema = {
    "description": "The options of earlier clients, each of which is a header now.",
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "use_cache": {"description": "As the header `x-use-cache`."},
                "wait_for_model": {"description": "As the header `x-wait-for-model`."},
                "dont_load_model": {"description": "If true, as the header `x-load-model: 0`."},
            },
        },
        _NULL,
    ],
}


def _object_input(own: Schema, required: list[str]) -> Schema:
    """Return an input that is an object: `text`, or `sequences` in its place."""
    return {
        "anyOf": [
            {"type": "object", "required": ["text", *required], "properties": {"text": _TEXT, **own}},
            {
                "type": "object",
                "required": ["sequences", *required],
                "properties": {"sequences": {"anyOf": [_TEXT, _TEXTS]}, "text": _NULL, **own},
            },
        ]
    }


def _list_of(item: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": item}


_MAYBE_LABELS: Schema = {"candidateLabels": {"anyOf": [*_LABELS["anyOf"], _NULL]}}
_PLAIN_INPUT: Schema = {"anyOf": [_TEXT, _object_input(_MAYBE_LABELS, [])]}
_LABELLED_INPUT: Schema = _object_input({"candidateLabels": _LABELS}, ["candidateLabels"])

REQUEST_SCHEMA: Schema = {
    "description": "Texts and labels. Unknown keys are ignored; null is as good as absent where a key may be absent.",
    "anyOf": [
        {
            "title": "Labels in the parameters",
            "type": "object",
            "required": ["inputs", "parameters"],
            "properties": {
                "inputs": {"anyOf": [_PLAIN_INPUT, _list_of(_PLAIN_INPUT)]},
                "parameters": {
                    **_PARAMETERS,
                    "required": ["candidate_labels"],
                    "properties": {**_PARAMETERS["properties"], "candidate_labels": _LABELS},
                },
                "options": _OPTIONS,
            },
        },
        {
            "title": "Labels in the inputs",
            "type": "object",
            "required": ["inputs"],
            "properties": {
                "inputs": {"anyOf": [_LABELLED_INPUT, _list_of(_LABELLED_INPUT)]},
                "parameters": {"anyOf": [_PARAMETERS, _NULL]},
                "options": _OPTIONS,
            },
        },
    ],
}

_REQUEST_EXAMPLES: Schema = {
    "documented": {
        "summary": "One text",
        "value": {"inputs": _EXAMPLE_TEXT, "parameters": {"candidate_labels": ["refund", "legal", "faq"]}},
    },
    "batch": {
        "summary": "Several texts, several labels each, another template",
        "value": {
            "inputs": ["Where is my parcel?", "I want my money back."],
            "parameters": {
                "candidate_labels": ["refund", "delivery", "praise"],
                "hypothesis_template": "The customer writes about {}.",
                "multi_label": True,
            },
        },
    },
    "labels in the input": {
        "summary": "The form of the first documentation",
        "value": {"inputs": {"text": _EXAMPLE_TEXT, "candidateLabels": ["refund", "legal", "faq"]}},
    },
}

_PAIR: Schema = {
    "type": "object",
    "required": ["label", "score"],
    "properties": {"label": {"type": "string"}, "score": {"type": "number", "minimum": 0, "maximum": 1}},
}
_RESULT: Schema = {
    "type": "object",
    "required": ["sequence", "labels", "scores"],
    "properties": {
        "sequence": {"type": "string", "description": "The text."},
        "labels": {"type": "array", "items": {"type": "string"}, "description": "From the best to the worst."},
        "scores": {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}},
        "truncated": {"type": "boolean", "description": "Present, and true, if the text lost its end."},
        "windows": {
            "type": "array",
            "description": "Present if a long text was read in windows: for each label the start and end, in "
            "characters, of the one that gave it its score.",
            "items": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer", "minimum": 0}},
        },
    },
}
_ANSWER_SCHEMA: Schema = {
    "anyOf": [
        {"title": "list", "type": "array", "minItems": 1, "items": _PAIR},
        {"title": "object", **_RESULT},
        {"title": "wrapped, and the answer to several texts", "type": "array", "minItems": 1, "items": _RESULT},
        {
            "title": "the answer to instances",
            "type": "object",
            "required": ["predictions"],
            "properties": {"predictions": {"type": "array", "items": _RESULT}},
        },
    ]
}
_RESULT_EXAMPLE = {"sequence": _EXAMPLE_TEXT, "labels": _EXAMPLE_LABELS, "scores": _EXAMPLE_SCORES}
_ANSWER_EXAMPLES: Schema = {
    "list": {
        "summary": "One text",
        "value": [
            {"label": label, "score": score} for label, score in zip(_EXAMPLE_LABELS, _EXAMPLE_SCORES, strict=True)
        ],
    },
    "object": {"summary": "One text, for clients from before July 2025", "value": _RESULT_EXAMPLE},
    "batch": {"summary": "Several texts", "value": [_RESULT_EXAMPLE]},
}

#: What the headers of an answer say.
ANSWER_HEADERS = {
    "x-compute-type": "`cpu` or `gpu`, or `cache` if every text was answered before.",
    "x-compute-time": "Seconds that the texts were computed; absent if none was.",
    "x-compute-characters": "Characters of all texts.",
    "x-sha": "The revision that answered: the commit of a hub id, or a digest of the files.",
    "x-linnaeus-model": "The model that answered, whatever name it was asked by.",
    "x-linnaeus-truncated": "How many texts were longer than the model reads and lost their end; absent if none.",
}

REQUEST_ID_HEADER = {"x-request-id": "The id that the log has for this request: the client's own if it sent one."}

_ERRORS = {
    400: ("The request cannot be understood.", "parameters.candidate_labels[2] is empty: remove it or give it a name."),
    401: (
        "No token, or none that is known.",
        "Give a token: this server wants the header Authorization: Bearer TOKEN.",
    ),
    403: ("The token is for other models.", "This token does not have sufficient permissions to use model large: …"),
    404: ("No such model, task or path.", "Model some/other is not loaded: use one of base, default, large, …"),
    405: ("No such method on this path.", "PUT is not possible at /models/large: see /docs."),
    413: ("Too large.", "The body is larger than 67,108,864 bytes: send fewer texts at a time, or shorter ones."),
    415: ("A compressed body.", "The body is compressed ('gzip'): send it as it is."),
    429: ("Too much is waiting.", "Too many requests: 256 are waiting already, try again in a moment."),
    500: ("The server's own fault.", "The server failed, and it is not the request's fault: its log has more under …"),
    503: ("The model is loading.", "Model base is currently loading"),
}

_ERROR_HEADERS = {
    401: {"WWW-Authenticate": "How to authenticate.", "X-Error-Message": "The same sentence."},
    403: {"X-Error-Message": "The same sentence."},
    405: {"Allow": "The methods that are possible."},
    415: {"Accept-Encoding": "What a body may be encoded with."},
    429: {"Retry-After": "Seconds until another try makes sense."},
    503: {"Retry-After": "Seconds until another try makes sense."},
}

_ERROR_SCHEMA: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "One sentence that names what is wrong, and the way out."},
        "estimated_time": {"type": "number", "description": "Seconds until a loading model will be there."},
    },
}

#: Content of an answer that is some JSON object.
JSON_OBJECT: Schema = {"application/json": {"schema": {"type": "object"}}}

BEARER: Schema = {"type": "http", "scheme": "bearer", "description": "Wanted if the operator has set tokens."}

_PATH_PARAMETERS: dict[str, Schema] = {
    "model_id": {
        "description": "A name that `/info` lists: one segment, or an owner and a name with a slash between them.",
        "schema": {"type": "string", "pattern": r"^[^/]+(?:/[^/]+)?$"},
        "example": "large",
    },
    "task": {"description": "The task.", "schema": {"const": "zero-shot-classification"}},
    "framework": {"description": "A library.", "schema": {"type": "string"}, "example": "transformers"},
}

_SHAPE: Schema = {"type": "string", "enum": [shape.value for shape in Shape]}
_ANY_STRING: Schema = {"type": "string"}

_NAMES = re.compile(r"{(\w+)}")

_QUERY_PARAMETERS: dict[str, Schema] = {
    "response": {"description": "The shape of the answer to one text, whatever the client.", "schema": _SHAPE},
}

_HEADER_PARAMETERS: dict[str, Schema] = {
    "x-use-cache": {
        "description": "`false`: compute the answer even if it was given before.",
        "schema": _ANY_STRING,
        "example": "false",
    },
    "x-wait-for-model": {
        "description": "`true`: wait for a loading model, not only a short while.",
        "schema": _ANY_STRING,
        "example": "true",
    },
    "x-load-model": {
        "description": "`0`: answer 503 rather than start to load the model.",
        "schema": _ANY_STRING,
        "example": "0",
    },
    "x-linnaeus-response": {"description": "As the query parameter `response`.", "schema": _SHAPE},
    "x-request-id": {
        "description": "The id for the log and the answer.",
        "schema": _ANY_STRING,
        "example": "7f3a-checkout",
    },
}


def described(summary: str, description: str, content: Schema) -> dict[str, Any]:
    """Return what a route that is read says of itself, for the route's decorator."""
    return {
        "summary": summary,
        "description": description,
        "responses": {200: {"description": "Done.", "headers": _headers(REQUEST_ID_HEADER), "content": content}},
    }


def complete(document: Schema, post_paths: Iterable[str]) -> Schema:
    """Add to the document that FastAPI makes where texts are posted, and what is the same on all paths."""
    document["components"] = {
        "schemas": {"Error": _ERROR_SCHEMA, "Request": REQUEST_SCHEMA, "Answer": _ANSWER_SCHEMA},
        "securitySchemes": {"token": BEARER},
    }
    paths = document["paths"]
    for path in post_paths:
        paths.setdefault(path, {})["post"] = _post_operation(path)
    for path, operation in ((path, operation) for path, methods in paths.items() for operation in methods.values()):
        operation["security"] = [{}, {"token": []}]
        operation["parameters"] = [
            *(
                {"name": name, "in": "path", "required": True, **_PATH_PARAMETERS[name]}
                for name in _NAMES.findall(path)
            ),
            *operation.get("parameters", ()),
        ]
        for status, (description, example) in _ERRORS.items():
            if "requestBody" in operation or status not in {413, 415, 429}:
                operation["responses"][str(status)] = _error(status, description, example)
    return document


def _path_parameter(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, **_PATH_PARAMETERS[name]}


def _post_operation(path: str) -> Schema:
    content = {"schema": {"$ref": "#/components/schemas/Request"}, "examples": _REQUEST_EXAMPLES}
    answer = {"schema": {"$ref": "#/components/schemas/Answer"}, "examples": _ANSWER_EXAMPLES}
    return {
        "summary": "Classify texts",
        "description": "Score every label for every text.",
        "operationId": f"classify{re.sub('[^a-z]+', '_', path)}",
        "parameters": [
            {"name": name, "in": place, "required": False, **parameter}
            for place, parameters in (("query", _QUERY_PARAMETERS), ("header", _HEADER_PARAMETERS))
            for name, parameter in parameters.items()
        ],
        "requestBody": {
            "required": True,
            "description": "JSON, whatever the Content-Type says. A body without `parameters` may have them in the "
            "query string, as in `?candidate_labels=refund,legal&multi_label=true`.",
            "content": {"application/json": content},
        },
        "responses": {
            "200": {
                "description": "One text is answered in the shape that the client reads, several in a list of objects.",
                "headers": _headers({**ANSWER_HEADERS, **REQUEST_ID_HEADER}),
                "content": {"application/json": answer},
            }
        },
    }


def _error(status: int, description: str, example: str) -> Schema:
    body = {"error": example, "estimated_time": 12.5} if status == 503 else {"error": example}
    return {
        "description": description,
        "headers": _headers({**_ERROR_HEADERS.get(status, {}), **REQUEST_ID_HEADER}),
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}, "example": body}},
    }


def _headers(descriptions: dict[str, str]) -> Schema:
    return {
        name: {"description": description, "schema": {"type": "string"}} for name, description in descriptions.items()
    }
