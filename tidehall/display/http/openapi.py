"""The OpenAPI 3.1 document, made from the table of calls and the structs themselves.

Law: nothing stands here that the table does not say, and nothing of the table is left out: every answer of every call
has its status, its content type and its schema.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
from msgspec.structs import fields

from tidehall.display.http.access import COOKIE
from tidehall.display.http.calls import Call
from tidehall.display.http.problems import ProblemView
from tidehall.display.http.sessions import SESSION
from tidehall.locales import say

__all__ = ["document"]

_REF = "#/components/schemas/{name}"
_PATH_PART = re.compile(r"\{(\w+)\}")
_PARTS = {
    "hall": "The hall's id.",
    "window": "The window's id.",
    "ticket": "The ticket's id.",
    "token": "The ticket's secret token, from the answer that gave the number.",
    "board": "The board's id, or `window:ID`.",
    "text": "A reference `sealed:…` as an event holds it.",
    "staff": "The staff id.",
    "case": "The case's id.",
    "item": "The item's code.",
    "hand_off": "The hand-off's id.",
    "runner": "The runner's id.",
    "support": "The question's id.",
    "matter": "The matter's id.",
    "alert": "The alert's id.",
    "notice": "The notice's id.",
    "person": "The person's id, as events name it.",
    "period": "A month YYYY-MM, a quarter YYYY-Q1 … Q4, a year YYYY or a day YYYY-MM-DD.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names this request; a repeat with the same key gets the first answer. Made up when absent.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}
_LANGUAGE = {
    "name": "Accept-Language",
    "in": "header",
    "description": "The language of sentences: zh (default) or en.",
    "schema": {"type": "string"},
}
_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"cookie": []}, {"session": []}]


def document(calls: Sequence[Call]) -> dict[str, Any]:
    """The whole document as plain data."""
    types = [ProblemView, *(t for call in calls for t in (*call.types(), call.body) if t is not None)]
    types = list({repr(t): t for t in types}.values())
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = {repr(t): schema for t, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "TideHall",
            "version": version("tidehall"),
            "description": (
                "One hall, from ticket to call to board. Times are RFC 3339, durations end in `_s`. Every command's "
                "answer carries `seq`. What is refused is answered as application/problem+json with a stable `code`."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": part} for part in dict.fromkeys(call.part for call in calls)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "session": {"type": "apiKey", "in": "cookie", "name": SESSION},
            },
        },
    }


def _operation(call: Call, schema_of: dict[str, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "description": _PARTS[name], "schema": {"type": "string"}}
        for name in _PATH_PART.findall(call.path)
    ]
    parameters += [
        {"name": query.name, "in": "query", "description": query.about, "schema": dict(query.schema)}
        for query in call.query
    ]
    parameters += [_LANGUAGE] if call.described else []
    found: dict[str, Any] = {"operationId": call.name, "summary": call.about, "tags": [call.part]}
    if call.body is not None:
        parameters.append(_KEY)
        found["requestBody"] = {
            "required": any(field.required for field in fields(call.body)),
            "content": {"application/json": {"schema": schema_of[repr(call.body)]}},
        }
    if parameters:
        found["parameters"] = parameters
    if call.rights:
        found["security"] = [*_SECURITY, {}] if call.phone else _SECURITY
    answers = [schema_of[repr(t)] for t in call.types()] or [{"type": "string"}]
    content = {call.media: {"schema": answers[0] if len(answers) == 1 else {"anyOf": answers}}}
    content |= {media: {"schema": {"type": "string"}} for media in call.files}
    found["responses"] = {str(call.status): {"description": "Done.", "content": content}}
    for status, codes in call.answering().items():
        found["responses"][str(status)] = _refused(status, codes, schema_of[repr(ProblemView)])
    return found


def _refused(status: int, codes: list[str], schema: Any) -> dict[str, Any]:
    sentences = "\n".join(f"- `{code}`: {say(f'problem.{code}.title', 'en')}" for code in codes)
    found: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}.\n{sentences}",
        "content": {"application/problem+json": {"schema": schema}},
    }
    if status in (429, 503):
        seconds = {
            "description": "Seconds to wait before the same request is sent again.",
            "schema": {"type": "integer"},
        }
        found["headers"] = {"Retry-After": seconds}
    if status == 401:
        found["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return found
