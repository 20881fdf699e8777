"""What may be sent in a POST, and every fault of what was.

Law: a body is either wholly understood or refused with *all* its wrong fields; unknown fields, control characters and
texts longer than 200 characters never come further than here. These structs are the request schemas of OpenAPI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from tidehall.display.http.problems import Fault, Problem
from tidehall.queue.tickets import Channel, Parked

__all__ = [
    "MOST_TEXT",
    "NO_CONTROL",
    "CallBody",
    "Empty",
    "HolderBody",
    "ItemsBody",
    "LinesBody",
    "PauseBody",
    "PriorityBody",
    "ReasonBody",
    "ReceiptBody",
    "RejectBody",
    "SignInBody",
    "SuspendBody",
    "TakeBody",
    "TransferBody",
    "UnsuspendBody",
    "faults",
    "read",
]

#: Characters in any text that people send.
MOST_TEXT = 200

# Python's and ECMA's `$` differ about a last line break, so the end is said by a look-ahead that both read alike.
# Blanks alone are no text.
NO_CONTROL = r"^(?=[\s\S]*\S)(?![\s\S]*[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069])"
Text = Annotated[str, Meta(min_length=1, max_length=MOST_TEXT, pattern=NO_CONTROL)]
#: What names a thing of the plan, a ticket or a member of staff; no name of a person fits in by accident.
Id = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9._:@\-]+(?![\s\S])")]
Ids = Annotated[list[Id], Meta(min_length=1, max_length=50)]


class Body(Struct, frozen=True, forbid_unknown_fields=True):
    """The root of all request bodies."""


class Empty(Body, frozen=True):
    """Nothing has to be said; no body at all is as good."""


class HolderBody(Body, frozen=True):
    """Who takes the number: sealed before anything else sees it, masked wherever it is shown."""

    name: Text | None = None
    id_number: Annotated[str, Meta(min_length=4, max_length=40, pattern=NO_CONTROL)] | None = None
    phone: Annotated[str, Meta(min_length=3, max_length=32, pattern=r"^[0-9+() \-]+(?![\s\S])")] | None = None


class ReceiptBody(Body, frozen=True):
    """By what a citizen may know of his case: the receipt's number and the last four of his id number or telephone."""

    number: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[0-9A-Za-z]+(?![\s\S])")]
    last_four: Annotated[str, Meta(min_length=4, max_length=4, pattern=r"^[0-9A-Za-z]+(?![\s\S])")]


class TakeBody(Body, frozen=True):
    """Take a number for a line or for an item (one of the two; both when the item belongs to the line), or to collect
    results: by `receipt`, or by `cases` (staff); the line is then the pickup line of their zone. `helper`: the staff id
    of whoever goes along (帮办); only the guide names one."""

    channel: Channel
    line: Id | None = None
    item: Id | None = None
    priority: Id | None = None
    holder: HolderBody | None = None
    receipt: ReceiptBody | None = None
    cases: Ids | None = None
    helper: Id | None = None


class SignInBody(Body, frozen=True):
    """Who sits down; `take_over` displaces whoever sits there."""

    staff: Id
    take_over: bool = False


class PauseBody(Body, frozen=True):
    """Why the window rests: a known code or a text (sealed)."""

    reason: Text


class CallBody(Body, frozen=True):
    """A chosen `ticket` is called out of turn and needs a `reason`."""

    ticket: Id | None = None
    reason: Text | None = None


class SuspendBody(Body, frozen=True):
    """away: fetches papers · hold: papers stay here · step: something else must happen first."""

    kind: Parked


class UnsuspendBody(Body, frozen=True):
    """The parked ticket to take up again."""

    ticket: Id


class TransferBody(Body, frozen=True):
    """To a line or to a window, one of the two; `front` and `end` need a `reason`."""

    line: Id | None = None
    window: Id | None = None
    place: Literal["arrival", "front", "end"] = "arrival"
    reason: Text | None = None
    note: Text | None = None


class RejectBody(Body, frozen=True):
    """Everything that is missing, at once: codes of materials or texts (sealed)."""

    missing: Annotated[list[Text], Meta(min_length=1, max_length=50)]


class ItemsBody(Body, frozen=True):
    """What this visit is about; `current` is the item in work."""

    items: Ids
    current: Id | None = None


class LinesBody(Body, frozen=True):
    """What the window serves, until the end of the day unless `keep`."""

    lines: Annotated[list[Id], Meta(max_length=50)]
    keep: bool = False


class ReasonBody(Body, frozen=True):
    """Why: a known code or a text (sealed)."""

    reason: Text


class PriorityBody(Body, frozen=True):
    """The priority class whose proof was seen; `normal` refuses a claim."""

    priority: Id


def read(raw: bytes, kind: type[Any]) -> Any:
    """`raw` as a `kind`. Raises Problem bad_json, or invalid with every wrong field."""
    try:
        value = msgspec.json.decode(raw) if raw.strip() else {}
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem("bad_json") from error
    if not isinstance(value, dict):
        raise Problem("bad_json")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:  # the walk names every fault; what it has no word for is just wrong
        raise Problem("invalid", errors=list(faults(value, kind, "")) or [Fault("", "wrong", {})]) from error


def faults(value: Any, kind: Any, place: str) -> Iterator[Fault]:
    """Everything that is wrong in `value` as a `kind`; `place` is the way to it ("holder.phone", "missing[2]")."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield from _table(value, kind, place)
        return
    if get_origin(kind) in (Union, UnionType):
        rest = [part for part in get_args(kind) if part is not type(None)]
        if value is None and len(rest) < len(get_args(kind)):
            return
        if len(rest) == 1:
            yield from faults(value, rest[0], place)
            return
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if get_origin(plain) is list and isinstance(value, list):
        inner = [fault for i, part in enumerate(value) for fault in faults(part, get_args(plain)[0], f"{place}[{i}]")]
        if inner:
            yield from inner
            return
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        yield _named(str(error), place, plain)


def _table(value: Any, kind: type[Struct], place: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(place, "object", {})
        return
    hints: Mapping[str, Any] = get_type_hints(kind, include_extras=True)
    dot = f"{place}." if place else ""
    for field in msgspec.structs.fields(kind):
        if field.encode_name in value:
            yield from faults(value[field.encode_name], hints[field.name], dot + field.encode_name)
        elif field.required:
            yield Fault(dot + field.encode_name, "missing", {})
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    for name in value:
        if name not in known:
            yield Fault(dot + str(name)[:MOST_TEXT], "unknown", {})


#: msgspec's sentences → our words for them (locales: problem.field.WORD).
_SENTENCES = (
    (re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`"), "type"),
    (re.compile(r"of length <= (?P<most>\d+)"), "long"),
    (re.compile(r"of length >= (?P<least>\d+)"), "short"),
    (re.compile(r"matching regex"), "characters"),
    (re.compile(r"Invalid enum value"), "choice"),
)


def _named(sentence: str, place: str, kind: Any) -> Fault:
    for pattern, word in _SENTENCES:
        if match := pattern.search(sentence):
            params: dict[str, Any] = match.groupdict()
            if word == "choice":
                choices = kind if isinstance(kind, type) and issubclass(kind, StrEnum) else get_args(kind)
                params["choices"] = ", ".join(str(choice) for choice in choices)
            return Fault(place, word, params)
    return Fault(place, "wrong", {})
