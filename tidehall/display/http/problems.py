"""Every "no" of the house as an answer: application/problem+json (RFC 9457) in the reader's language.

Law: a code is stable and has one status, one title and one sentence that says what happened, where, and what to do;
nothing of the inside (no exception text, no path, no person) ever stands in it. The sentences are in locales/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType
from starlette.responses import Response

from tidehall.hall.calendar import local_text
from tidehall.hall.errors import STATUS as REFUSALS
from tidehall.hall.errors import Refusal
from tidehall.hall.state import HallState
from tidehall.hall.wire import TicketView
from tidehall.live import ClockUnsure, JournalUnavailable, KeyReused, LiveError
from tidehall.locales import has, say

__all__ = [
    "STATUS", "Fault", "FieldView", "Problem", "ProblemView", "answer_problem", "of_field", "of_live", "of_refusal",
]  # fmt: skip

#: code → status of what the door itself says no with; the rules' own codes are in hall/errors.py, else 409.
STATUS: dict[str, int] = {
    **REFUSALS,
    "bad_json": 400,
    "not_signed_in": 401,
    "wrong_login": 401,
    "must_change_password": 403,
    "not_allowed": 403,
    "wrong_password": 403,
    "not_found": 404,
    "unknown_account": 404,
    "unknown_period": 404,
    "period_not_begun": 404,
    "unknown_person": 404,
    "no_charts": 404,
    "unknown_text": 404,
    "method_not_allowed": 405,
    "account_exists": 409,
    "link_spent": 410,
    "too_large": 413,
    "key_reused": 422,
    "account_locked": 429,
    "too_many": 429,
    "unexpected": 500,
    "behind": 503,
    "clock_unsure": 503,
    "journal_unavailable": 503,
    "not_ready": 503,
}

#: Refusal details that are moments (µs); they are answered as RFC 3339 with the hall's offset.
_MOMENTS = ("allowed_at", "opens_at", "due_at")
#: What the rules say of a field (English, in hall/) → our word for it (locales: problem.field.WORD).
_RULES = {
    "is needed": "missing",
    "is needed for front or end": "reason",
    "is needed for a chosen call": "reason",
    "give a line or a window, one of the two": "line_or_window",
    "is the same window": "same_window",
    "list everything that is missing": "missing",
    "is needed for another fee": "fee_reason",
    "is more than may be asked for": "much",
    "needs at least one item": "missing",
    "is not among the items": "not_among_items",
    "give a zone or a board, one of the two": "zone_or_board",
    "is over already": "over",
}


class Fault(NamedTuple):
    """One wrong field: the way to it, our word for what is wrong, and what fills the sentence."""

    field: str
    word: str
    params: Mapping[str, Any] = {}


def of_field(field: str, detail: str, lang: str) -> str:
    """What is wrong in a field, with the name that it has on pages, where it has one.

    The same rule as `sentence` in static/js/api.js.
    """
    key = "common.field." + re.sub(r"\[\d+\]$", "", field).rpartition(".")[2]
    return (say(key, lang) + say("common.colon", lang) if has(key) else "") + detail


class FieldView(Struct, frozen=True):
    """One wrong field."""

    field: str
    detail: str


class ProblemView(Struct, frozen=True):
    """A problem document. `allowed`: what can be done now. Further members fill in the sentence's particulars."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    allowed: tuple[str, ...] | UnsetType = UNSET
    errors: tuple[FieldView, ...] | UnsetType = UNSET
    ticket: TicketView | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    line: str | UnsetType | None = UNSET
    window: str | UnsetType | None = UNSET
    number: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    allowed_at: str | UnsetType = UNSET
    opens_at: str | UnsetType | None = UNSET


class Problem(Exception):
    """The door says no with `code`. `details` fill the sentence and stand in the document."""

    def __init__(
        self,
        code: str,
        *,
        errors: Sequence[Fault] = (),
        allowed: Sequence[str] | None = None,
        retry_after_s: int | None = None,
        seq: int | None = None,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
        sentence: Mapping[str, Any] | None = None,
    ) -> None:
        """`sentence` fills the words beside `details`, but does not stand in the document."""
        super().__init__(code)
        self.code = code
        self.errors = tuple(errors)
        self.allowed = allowed
        self.retry_after_s = retry_after_s
        self.seq = seq
        self.headers = dict(headers or {})
        self.details = dict(details or {})
        self.sentence = dict(sentence or {})

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return STATUS.get(self.code, 409)


def of_live(error: LiveError) -> Problem:
    """What the keeper can't do now."""
    match error:
        case KeyReused():
            return Problem("key_reused")
        case ClockUnsure():
            return Problem("clock_unsure", retry_after_s=error.retry_after_s)
        case JournalUnavailable():
            return Problem("journal_unavailable", retry_after_s=error.retry_after_s)
        case _:
            return Problem("journal_unavailable", retry_after_s=JournalUnavailable.retry_after_s)


def of_refusal(no: Refusal, state: HallState, now: int, lang: str, ticket: TicketView | None = None) -> Problem:
    """What the rules refused, with labels, moments and words filled in. `now` in µs."""
    details = dict(no.details)
    allowed: tuple[str, ...] | None = tuple(no.allowed) or None
    errors: list[Fault] = []
    if no.code == "invalid":
        errors = [Fault(name, *_rule(str(text))) for name, text in details.pop("fields", {}).items()]
    details.pop("ticket", None)
    sentence = _particulars(details, state, now, lang)
    for name in _MOMENTS:
        if isinstance(details.get(name), int):
            details[name] = local_text(details[name], state.zone_name)
    if ticket is not None:
        details["ticket"] = ticket
    return Problem(
        no.code,
        errors=errors,
        allowed=allowed,
        seq=getattr(no, "seq", None),
        details=details,
        sentence=sentence,
    )


def _rule(text: str) -> tuple[str, Mapping[str, Any]]:
    return _RULES.get(text, "rule"), {"text": text}


def _particulars(details: Mapping[str, Any], state: HallState, now: int, lang: str) -> dict[str, Any]:
    """What the sentence says beside the bare ids: a window's label, a line's name, times as people read them."""
    found: dict[str, Any] = {}
    window = state.windows.get(str(details.get("window")))
    found["label"] = details.get("label") or (window.label if window is not None else details.get("window", ""))
    line = next((row for row in state.plan.lines if row.id == details.get("line")), None) if state.plan else None
    found["line_name"] = (line.name.get(lang) or line.name.get("zh") or line.id) if line else details.get("line", "")
    if isinstance(allowed_at := details.get("allowed_at"), int):
        found["seconds"] = max(1, -(-(allowed_at - now) // 1_000_000))
    opens_at = details.get("opens_at")
    found["opens"] = local_text(opens_at, state.zone_name)[5:16].replace("T", " ") if isinstance(opens_at, int) else ""
    due_at = details.get("due_at")
    found["due"] = local_text(due_at, state.zone_name)[5:16].replace("T", " ") if isinstance(due_at, int) else ""
    zone = next((row for row in state.plan.zones if row.id == details.get("zone")), None) if state.plan else None
    found["zone_name"] = (zone.name.get(lang) or zone.name.get("zh") or zone.id) if zone else details.get("zone", "")
    method_key = f"office.method.{details.get('method')}"
    found["method_name"] = say(method_key, lang) if has(method_key) else ""
    key = f"problem.state.{details.get('state')}"
    found["state_name"] = say(key, lang) if has(key) else ""
    stage_key = f"problem.stage.{details.get('stage')}"
    found["stage_name"] = say(stage_key, lang) if has(stage_key) else ""
    item = state.items.get(str(details.get("item"))) if state.plan else None
    found["item_name"] = item.name.get(lang) or item.name.get("zh") or item.code if item else details.get("item", "")
    missing = details.get("missing")
    names = {m.code: m.name.get(lang) or m.code for m in item.materials} if item is not None else {}
    if isinstance(missing, list):
        found["missing_names"] = say("office.comma", lang).join(names.get(str(m), str(m)) for m in missing)
    departments = details.get("departments")
    if isinstance(departments, list):
        rows = {id: row.name for id, row in state.departments.items()}
        named = [rows[id].get(lang) or rows[id].get("zh") or id if id in rows else str(id) for id in departments]
        found["departments_text"] = say("office.comma", lang).join(named)
    against = details.get("against")
    found["against_text"] = "; ".join(map(str, against)) if isinstance(against, (list, tuple)) else ""
    return found


_encode = msgspec.json.Encoder().encode


def answer_problem(problem: Problem, lang: str) -> Response:
    """The problem as an HTTP answer."""
    code, status = problem.code, problem.status
    filled = {**problem.details, **problem.sentence}
    variants = [f"problem.{code}.{name}" for name in ("number", "opens", "due") if filled.get(name)]
    detail_key = next((key for key in variants if has(key)), f"problem.{code}.detail")
    document: dict[str, Any] = {
        "type": f"/api/docs#{code}",
        "title": say(f"problem.{code}.title", lang),
        "status": status,
        "detail": say(detail_key, lang, **filled),
        "code": code,
    }
    if problem.errors:
        document["errors"] = [
            FieldView(fault.field, say(f"problem.field.{fault.word}", lang, **fault.params)) for fault in problem.errors
        ]
    if problem.allowed is not None:
        document["allowed"] = list(problem.allowed)
    if problem.seq is not None:
        document["seq"] = problem.seq
    document |= {name: value for name, value in problem.details.items() if name not in document}
    headers = {"Content-Language": lang, "Cache-Control": "no-store", **problem.headers}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(_encode(document), status, headers, media_type="application/problem+json")
