"""Reading plain TOML tables into structs, with every mistake and its place.

Law: one mistake never hides the next; what is wrong is said in a planner's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin

from msgspec import Struct, ValidationError, convert
from msgspec.structs import FieldInfo, fields

__all__ = ["ID_LETTERS", "LONGEST", "MOST_DAYS", "Reader", "Words", "fields_of", "plain_words"]

S = TypeVar("S", bound=Struct)
#: {"zh": …, "en": …}
Words = dict[str, str]
#: What an id is written with.
ID_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
#: No duration or count of a plan is longer than this (TOML knows inf and nan).
LONGEST = 1e8
#: Working days: what is promised further ahead is a slip of the pen, and lies beyond every calendar.
MOST_DAYS = 3650


class Reader:
    """Reads tables field by field, so that one mistake does not hide the next."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def say(self, place: str, what: str) -> None:
        self.problems.append(f"{place}: {what}")

    def rows(self, tables: dict[str, Any], name: str) -> list[Any]:
        """The array of tables `name`, empty when it is missing or no array."""
        rows = tables.get(name, [])
        if isinstance(rows, list):
            return rows
        self.say(name, "must be an array of tables ([[…]])")
        return []

    def table(self, kind: type[Any], table: object, place: str) -> Any:
        """`table` as a `kind`, or None; every wrong field is noted."""
        if not isinstance(table, dict):
            self.say(place, "must be a table")
            return None
        known = fields_of(kind)  # type: ignore[arg-type] # a class can be hashed
        for name in sorted(table.keys() - known.keys()):
            self.say(f"{place}.{name}", f"is not known here; known are {', '.join(sorted(known))}")
        values: dict[str, Any] = {}
        whole = True
        for name, f in known.items():
            if name in table:
                inner = inner_struct(f.type)
                if inner is not None and table[name] is not None:
                    values[f.name] = self.table(inner, table[name], f"{place}.{name}")
                    continue
                try:
                    values[f.name] = convert(table[name], f.type, strict=True)
                except ValidationError as err:
                    self.explain(f.type, table[name], f"{place}.{name}", str(err))
                    whole &= not f.required  # an optional field falls back, so that what else is wrong shows too
            elif f.required:
                self.say(f"{place}.{name}", "is missing")
                whole = False
        return kind(**values) if whole else None

    def explain(self, kind: Any, value: object, place: str, error: str) -> None:
        """Say what is wrong with `value`, which is no `kind`: of a list or a table every row, by its own place."""
        inner, before = get_args(kind), len(self.problems)
        if get_origin(kind) is dict and isinstance(value, dict):
            for key, row in value.items():
                self.try_one(inner[0], key, f"{place}.{key}")
                self.try_one(inner[1], row, f"{place}.{key}")
        elif get_origin(kind) is tuple and inner[1:] == (Ellipsis,) and isinstance(value, list):
            for i, row in enumerate(value):
                self.try_one(inner[0], row, f"{place}[{i}]")
        elif isinstance(kind, type) and issubclass(kind, Struct):
            self.table(kind, value, place)
        if len(self.problems) == before:
            at = AT.search(error)
            self.say(place + (at[1] if at else ""), plain_words(AT.sub("", error)) + choices(kind, error))

    def try_one(self, kind: Any, value: object, place: str) -> None:
        """Explain what is wrong, if anything is."""
        try:
            convert(value, kind, strict=True)
        except ValidationError as err:
            self.explain(kind, value, place, str(err))

    def sections(self, kind: type[S], table: object, place: str, check: Callable[[Reader, Any, str], None]) -> S:
        """`table` as a `kind` whose every field is a table with a default: what is not said, or wrong, is as usual;
        `check` notes the values of one that make no sense."""
        if not isinstance(table, dict):
            self.say(place, f"must hold tables ([{place}.NAME])")
            return kind()
        known = fields_of(kind)
        found: dict[str, Any] = {}
        for name, row in table.items():
            if name not in known:
                self.say(f"{place}.{name}", f"is not known here; known are {', '.join(sorted(known))}")
                continue
            section = self.table(type(known[name].default), row, f"{place}.{name}")
            if section is not None:
                found[name] = section
                check(self, section, f"{place}.{name}")
        return kind(**found)


@cache
def fields_of(kind: type[Any]) -> dict[str, FieldInfo]:
    """A table's fields by the names that they have in the file; msgspec reads the annotations anew each time."""
    return {f.encode_name: f for f in fields(kind)}


def inner_struct(kind: Any) -> type[Struct] | None:
    """The struct of a field that holds one or nothing, so that its own mistakes are told one by one too."""
    found = [part for part in get_args(kind) if isinstance(part, type) and issubclass(part, Struct)]
    return found[0] if len(found) == 1 and type(None) in get_args(kind) else None


def choices(kind: Any, error: str) -> str:
    """What may stand there, where only some words may."""
    if not error.startswith("Invalid enum value") or get_origin(kind) is not Literal:
        return ""
    return f"; write one of {', '.join(map(str, get_args(kind)))}"


#: Where in a value a mistake lies, as msgspec says it.
AT = re.compile(r" - at `\$([^`]*)`$")
#: msgspec's names of types → a planner's words.
TYPES = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "array": "a list",
    "object": "a table",
}  # fmt: skip


def plain_words(error: str) -> str:
    """ "Expected `int`, got `str`" → "must be a whole number, not text"."""
    found = re.match(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`(?P<rest>.*)", error)
    if found is None:
        return error.replace(" - at `$", " at `")
    wanted, got = (" or ".join(TYPES.get(t.strip(), t.strip()) for t in found[n].split("|")) for n in ("wanted", "got"))
    return f"must be {wanted}, not {got}{found['rest'].replace(' - at `$', ' at `')}"
