"""From the table of calls to Starlette routes: language, principal, body and key; then the handler; then one answer.

Law: whatever comes in, what goes out is the call's answer or a problem document. The order of refusals is fixed: who
asks (401, 403) before everything else, then the hall, then what was asked. `routes` and `handlers` are for the
composition root.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from html import escape
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tidehall.display import views
from tidehall.display.http.access import COOKIE, LASTS_S, Access, Links
from tidehall.display.http.accounts import ACCOUNT_CALLS
from tidehall.display.http.alerts import ALERT_CALLS
from tidehall.display.http.api import CALLS, LEAST_STRANGERS_KEY, PHONE, good, reached
from tidehall.display.http.bodies import read
from tidehall.display.http.calls import AFTER, Asked, Call, Edge
from tidehall.display.http.docs import docs_page
from tidehall.display.http.hand_offs import HAND_OFF_CALLS
from tidehall.display.http.journal import JOURNAL_CALLS
from tidehall.display.http.limits import Rates, body_of
from tidehall.display.http.matters import MATTER_CALLS
from tidehall.display.http.metrics import CONTENT_TYPE_LATEST, Metrics
from tidehall.display.http.offices import OFFICE_CALLS
from tidehall.display.http.openapi import document
from tidehall.display.http.persons import PERSON_CALLS
from tidehall.display.http.problems import Fault, Problem, answer_problem, of_live, of_refusal
from tidehall.display.http.services import SERVICE_CALLS
from tidehall.display.http.sessions import Sessions
from tidehall.display.http.statistics import STATISTICS_CALLS
from tidehall.display.http.supervision import SUPERVISION_CALLS
from tidehall.display.http.tide import TIDE_CALLS
from tidehall.display.http.traces import TRACE_CALLS
from tidehall.hall.errors import Refusal
from tidehall.hall.plan import Plan
from tidehall.live import House, JournalUnavailable, LiveError
from tidehall.locales import language, say
from tidehall.records.periods import Reported
from tidehall.store.errors import StoreError

__all__ = ["ALL_CALLS", "SYSTEM_CALLS", "handlers", "routes"]

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?\Z")
#: Every call of the house but those of the server itself; the busiest first.
ALL_CALLS = (
    CALLS
    + JOURNAL_CALLS
    + OFFICE_CALLS
    + HAND_OFF_CALLS
    + MATTER_CALLS
    + SERVICE_CALLS
    + TIDE_CALLS
    + SUPERVISION_CALLS
    + ALERT_CALLS
    + STATISTICS_CALLS
    + TRACE_CALLS
    + PERSON_CALLS
    + ACCOUNT_CALLS
)
#: Seconds after which the journal counts as not answering, for /readyz.
READY_WITHIN_S = 2.0


# ---- one request


async def serve(edge: Edge, call: Call, asked: Asked) -> Response:
    """Answer one call. Raises Problem, Refusal, LiveError, StoreError."""
    request = asked.request
    raw = await _who(edge, call, asked)
    if "hall" in request.path_params:
        asked.hall = edge.house.halls.get(asked.path("hall"))
        if asked.keeper.committed.state.plan is None:
            raise Refusal("no_plan")
        if AFTER in call.query:
            await reached(asked.keeper, asked)
    if call.body is not None:
        await _what(edge, call, asked, raw)
    return await call.run(edge, asked)


async def _who(edge: Edge, call: Call, asked: Asked) -> bytes | None:
    """Find the principal where one is needed; what had to be read for that is returned."""
    if not call.rights:
        return None
    path = asked.request.path_params
    try:
        asked.principal = edge.access.allow(asked.request, call.rights, path.get("hall"), path.get("window"))
    except Problem as no:
        if not call.phone or no.code != "not_signed_in":
            raise
        try:
            raw = await body_of(asked.request)
        except Problem as large:
            raise Problem(no.code, headers=large.headers) from None
        if not _on_the_phone(raw):
            raise
        await edge.rates.phone(asked.request)
        asked.principal = PHONE
        return raw
    return None


class _Channel(msgspec.Struct):
    channel: str


def _on_the_phone(raw: bytes) -> bool:
    """Whether a body says that it comes through the phone channel."""
    try:
        return msgspec.json.decode(raw, type=_Channel).channel == "phone"
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False


async def _what(edge: Edge, call: Call, asked: Asked, raw: bytes | None) -> None:
    """Read the body and the key under which a repeat is known."""
    request = asked.request
    assert call.body is not None  # the caller has looked
    if raw is None:
        raw = await body_of(request)
    key = request.headers.get("idempotency-key")
    faulty = key is not None and (
        _KEY.match(key) is None or (asked.principal is PHONE and len(key) < LEAST_STRANGERS_KEY)
    )
    try:
        asked.body = read(raw, call.body)
    except Problem as problem:
        if faulty and problem.code == "invalid":
            raise Problem("invalid", errors=[Fault("Idempotency-Key", "key"), *problem.errors]) from None
        raise
    if faulty:
        raise Problem("invalid", errors=[Fault("Idempotency-Key", "key")])
    asked.key = key or secrets.token_urlsafe(16)
    asked.fingerprint = edge.house.persons.fingerprint(f"{request.method} {request.url.path}\n".encode() + raw)


async def answer(edge: Edge, call: Call, request: Request) -> Response:
    """Answer one call, or say why not."""
    asked = Asked(request, language(request.headers.get("accept-language")))
    try:
        return await serve(edge, call, asked)
    except Problem as no:
        problem = no
    except Refusal as no:
        problem = _refused(asked, no)
    except LiveError as error:
        problem = of_live(error)
    except StoreError:
        problem = Problem("journal_unavailable", retry_after_s=JournalUnavailable.retry_after_s)
    except Exception:
        log.exception("%s %s failed", call.method, call.path)
        problem = Problem("unexpected")
    edge.metrics.refused(problem.code)
    return answer_problem(problem, asked.lang)


def _refused(asked: Asked, no: Refusal) -> Problem:
    """The rules' no, with the open ticket as an object and with what this window may do now."""
    if asked.hall is None:
        return Problem(no.code, details=no.details)
    hall, now = asked.hall.committed, asked.hall.now()
    state = hall.state
    ticket = state.tickets.get(str(no.details.get("ticket")))
    window = asked.request.path_params.get("window")
    problem = of_refusal(
        no, state, now, asked.lang, None if ticket is None else views.ticket_view(hall, ticket, now, staff=True)
    )
    if problem.allowed is None and asked.request.method == "POST" and window in state.windows:
        problem.allowed = state.allowed(window, now)
    return problem


# ---- what belongs to no hall


async def _health(edge: Edge, asked: Asked) -> Response:
    return good(StatusView("up"))


async def _ready(edge: Edge, asked: Asked) -> Response:
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            await edge.house.journal.clock()
    except (StoreError, TimeoutError) as error:
        raise Problem("not_ready", retry_after_s=1) from error
    keepers = edge.house.halls.values()
    if any(keeper.stale_since is not None or keeper.committed.state.plan is None for keeper in keepers):
        raise Problem("not_ready", retry_after_s=1)
    return good(StatusView("ready", list(edge.house.halls)))


async def _metrics(edge: Edge, asked: Asked) -> Response:
    return Response(edge.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _openapi(edge: Edge, asked: Asked) -> Response:
    return Response(_documents()[0], media_type="application/json", headers={"Cache-Control": "no-cache"})


async def _docs(edge: Edge, asked: Asked) -> Response:
    return HTMLResponse(docs_page(_documents()[1], asked.lang))


class StatusView(msgspec.Struct, frozen=True):
    """How the process is; `halls`: those it serves."""

    status: str
    halls: list[str] | msgspec.UnsetType = msgspec.UNSET


_made: list[tuple[bytes, dict[str, Any]]] = []


def _documents() -> tuple[bytes, dict[str, Any]]:
    """The OpenAPI document, made once, as bytes and as data."""
    if not _made:
        data = document(ALL_CALLS + SYSTEM_CALLS)
        _made.append((msgspec.json.encode(data), data))
    return _made[0]


SYSTEM_CALLS: tuple[Call, ...] = (
    Call("GET", "/healthz", "healthz", "The process is up.", _health, StatusView, part="server"),
    Call("GET", "/readyz", "readyz", "The database answers and the halls are loaded.", _ready, StatusView,
         problems=("not_ready",), part="server"),
    Call("GET", "/metrics", "metrics", "Figures for Prometheus.", _metrics, media="text/plain", part="server"),
    Call("GET", "/api/openapi.json", "openapi", "This document.", _openapi, dict[str, Any], part="server"),
    Call("GET", "/api/docs", "docs", "This document as a page.", _docs, media="text/html", part="server"),
)  # fmt: skip


# ---- routes


def routes(
    house: House,
    *,
    access: Access,
    links: Links,
    demo: bool = False,
    rates: Rates | None = None,
    metrics: Metrics | None = None,
    sessions: Sessions | None = None,
    report: Callable[[Reported, Plan, str, bool], str] | None = None,
) -> list[Route]:
    """All routes of this room, for the composition root; give `handlers()` to the application beside them."""
    edge = Edge(house, access, rates or Rates(), metrics or Metrics(), sessions or Sessions(house), demo, report)
    by_path: dict[str, dict[str, Call]] = {}
    for call in ALL_CALLS + SYSTEM_CALLS:
        by_path.setdefault(call.path, {})[call.method] = call
    found = [Route(path, _endpoint(edge, path, calls), methods=list(calls)) for path, calls in by_path.items()]
    return [*found, Route("/enter/{code}", _enter(access, links), methods=["GET"])]


def _endpoint(edge: Edge, path: str, calls: dict[str, Call]) -> Handler:
    async def endpoint(request: Request) -> Response:
        begun = time.perf_counter()
        method = "GET" if request.method == "HEAD" else request.method
        response = await answer(edge, calls[method], request)
        if path.startswith("/api/v1/"):
            response.headers.setdefault("Cache-Control", "no-store")
        edge.metrics.answered(method, path, response.status_code, time.perf_counter() - begun)
        return response

    return endpoint


def _enter(access: Access, links: Links) -> Handler:
    """/enter/{code}: the link's place is added to what this browser holds, and the browser goes on to its page."""

    async def enter(request: Request) -> Response:
        if request.method == "HEAD":  # a preview must not use the link up
            return Response(status_code=204)
        try:
            grant, page = await asyncio.to_thread(links.use, str(request.path_params["code"]))
        except Problem as no:
            return _page_or_problem(request, no)
        response = RedirectResponse(page, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        response.set_cookie(
            COOKIE, access.joined(request, grant), max_age=LASTS_S, httponly=True, samesite="lax",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return response

    return enter


def handlers() -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """Exception handlers for the application: unknown paths, wrong methods and what nobody expected."""
    return {HTTPException: _of_starlette, Exception: _unexpected}


async def _of_starlette(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    code = codes.get(error.status_code, "bad_json" if error.status_code < 500 else "unexpected")
    return _page_or_problem(request, Problem(code, headers=error.headers, details={}))


async def _unexpected(request: Request, error: Exception) -> Response:
    return _page_or_problem(request, Problem("unexpected"))


def _page_or_problem(request: Request, problem: Problem) -> Response:
    """A problem; for somebody who opened an address in a browser, as a plain page."""
    lang = language(request.headers.get("accept-language"))
    answered = answer_problem(problem, lang)
    if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return answered
    title, detail = (say(f"problem.{problem.code}.{part}", lang) for part in ("title", "detail"))
    page = (
        f'<!doctype html><html lang="{lang}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><h1>{escape(title)}</h1><p>{escape(detail)}</p>"
        f'<p><a href="/">{escape(say("problem.to_front_door", lang))}</a></p></html>'
    )
    return HTMLResponse(page, problem.status, problem.headers)
