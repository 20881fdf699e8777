"""The form of a call: one row of the table from which routes and OpenAPI are both made.

Law: what is not said here cannot be asked, and what is said here is answered; `answering` gives every status.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tidehall.display.http.access import Access, Principal
from tidehall.display.http.limits import Rates
from tidehall.display.http.metrics import Metrics
from tidehall.display.http.problems import STATUS, Fault, Problem
from tidehall.display.http.sessions import Sessions
from tidehall.hall.plan import Plan
from tidehall.live import HallKeeper, House
from tidehall.records.periods import Reported

__all__ = ["AFTER", "Asked", "Call", "Edge", "Query", "whole_number"]

#: The largest whole number in a query; JSON readers keep it exact.
MOST = 2**53


@dataclass(frozen=True, slots=True)
class Edge:
    """What every call has at hand. `demo`: the hall is a demonstration; `report`: makes a report's page with its
    charts, in a language, with or without persons (None: no charts are installed); `reckoning`: statistics of many days
    take a core and memory, so they are made one after the other."""

    house: House
    access: Access
    rates: Rates
    metrics: Metrics
    sessions: Sessions
    demo: bool = False
    report: Callable[[Reported, Plan, str, bool], str] | None = None
    reckoning: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Asked:
    """One request, understood so far: who, where, in which language, what and under which key.

    `begun`: when it came, in seconds of the monotonic clock; how long it may wait counts from there.
    """

    request: Request
    lang: str
    principal: Principal | None = None
    hall: HallKeeper | None = None
    body: Any = None
    key: str = ""
    fingerprint: bytes = b""
    begun: float = field(default_factory=time.monotonic)

    @property
    def keeper(self) -> HallKeeper:
        """The hall that the path names. Raises Problem unknown_hall."""
        if self.hall is None:
            raise Problem("unknown_hall", details={"hall": self.request.path_params.get("hall", "")})
        return self.hall

    @property
    def who(self) -> Principal:
        """Who acts. Raises Problem not_signed_in."""
        if self.principal is None:
            raise Problem("not_signed_in")
        return self.principal

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter; `schema` is JSON Schema."""

    name: str
    about: str
    schema: Mapping[str, Any]


AFTER = Query(
    "after",
    "Wait until this server has come to this position of the journal, at most 5 s; then 503 `behind`.",
    {"type": "integer", "minimum": 0, "maximum": MOST},
)

Run = Callable[[Edge, Asked], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `answer`: the type of its JSON (a tuple: one of several), or None; `media` then says what it is.

    `files`: other media types in which the same is given, as a file. `rights`: the principal needs one of these; none:
    open to all. `phone`: without a principal the rate-limited phone channel is let in. `problems`: codes beside those
    that follow from the rest.
    """

    method: str
    path: str
    name: str
    about: str
    run: Run
    answer: Any = None
    media: str = "application/json"
    files: tuple[str, ...] = ()
    status: int = 200
    body: type[Any] | None = None
    rights: tuple[str, ...] = ()
    phone: bool = False
    query: tuple[Query, ...] = ()
    problems: tuple[str, ...] = ()
    part: str = "hall"
    described: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Collect every code with which this call may be refused."""
        found = list(self.problems)
        if self.rights:
            found += ["not_signed_in", "not_allowed", "must_change_password", "journal_unavailable"]
        if "{hall}" in self.path:
            found += ["unknown_hall", "no_plan"]
        if self.query:
            found.append("invalid")
        if AFTER in self.query:
            found.append("behind")
        if self.method == "POST":
            found += ["bad_json", "too_large", "invalid", "key_reused", "journal_unavailable", "clock_unsure"]
        if self.phone:
            found.append("too_many")
        object.__setattr__(self, "described", tuple(dict.fromkeys(found)))

    def types(self) -> tuple[Any, ...]:
        """The types that an answer may have."""
        if self.answer is None:
            return ()
        return self.answer if isinstance(self.answer, tuple) else (self.answer,)

    def answering(self) -> dict[int, list[str]]:
        """Every status that is no success, with its codes."""
        found: dict[int, list[str]] = {}
        for code in self.described:
            found.setdefault(STATUS.get(code, 409), []).append(code)
        return dict(sorted(found.items()))


def whole_number(text: str | None, name: str, *, least: int = 0) -> int | None:
    """A query's whole number, or None when it is absent. Raises Problem invalid."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 16) or not least <= int(text) <= MOST:
        raise Problem("invalid", errors=[Fault(name, "number", {"least": least})])
    return int(text)
