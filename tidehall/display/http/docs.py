"""/api/docs: the OpenAPI document as a plain page that needs no network and no script.

Law: the page shows the document that machines get, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from tidehall.display.http.problems import STATUS
from tidehall.locales import say, words

__all__ = ["docs_page"]

_pages = Environment(loader=PackageLoader("tidehall.display", "templates"), autoescape=True, undefined=StrictUndefined)


class Operation(NamedTuple):
    """One call as the page shows it."""

    method: str
    path: str
    id: str
    summary: str
    signed_in: bool
    parameters: list[dict[str, Any]]
    body: str | None
    answer: str
    responses: list[tuple[str, list[str]]]


def docs_page(data: dict[str, Any], lang: str) -> str:
    """The document as HTML."""
    schemas = {
        name: msgspec.json.format(msgspec.json.encode(schema), indent=2).decode()
        for name, schema in sorted(data["components"]["schemas"].items())
    }
    parts: dict[str, list[Operation]] = {tag["name"]: [] for tag in data["tags"]}
    for part, operation in _operations(data):
        parts[part].append(operation)
    names = sorted(key.split(".")[1] for key in words(lang) if key.startswith("problem.") and key.endswith(".title"))
    problems = [(code, STATUS.get(code, 409), say(f"problem.{code}.title", lang)) for code in names]
    return _pages.get_template("api_docs.html").render(
        info=data["info"], parts=parts, schemas=schemas, problems=problems, lang=lang
    )


def _operations(data: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in data["paths"].items():
        for method, said in methods.items():
            body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            done = next(status for status in said["responses"] if status.startswith("2"))
            schema = next(iter(said["responses"][done]["content"].values()))["schema"]
            yield (
                said["tags"][0],
                Operation(
                    method.upper(), path, said["operationId"], said["summary"], "security" in said,
                    [p for p in said.get("parameters", ()) if p["in"] != "header"],
                    None if body is None else _name(body), f"{done} {_name(schema)}",
                    [(status, _codes(no["description"])) for status, no in said["responses"].items() if status != done],
                ),
            )  # fmt: skip


def _name(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if schema.get("type") == "array":
        return f"[{_name(schema['items'])}]"
    if "anyOf" in schema:
        return " | ".join(map(_name, schema["anyOf"]))
    return str(schema.get("type", ""))


def _codes(description: str) -> list[str]:
    return [line.split("`")[1] for line in description.splitlines() if line.startswith("- `")]
