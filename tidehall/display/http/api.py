"""The calls for halls, lines, tickets and windows (contract.md "HTTP").

Law: a handler turns a request into one command or one projection; the rules answer, nothing is decided here except
who a claimed priority was confirmed by. Times are µs inside and RFC 3339 outside.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from tidehall.display import views
from tidehall.display.board_notices import references
from tidehall.display.http import bodies as b
from tidehall.display.http.access import Principal
from tidehall.display.http.calls import AFTER, Asked, Call, Edge, Query, whole_number
from tidehall.display.http.cards import age_on
from tidehall.display.http.problems import Fault, Problem
from tidehall.display.http.receipts import collecting
from tidehall.display.http.texts import (
    REASONS,
    Sealer,
    on_the_list,
    open_tickets,
    open_windows,
    opened_if_possible,
)
from tidehall.display.reasons import known_reasons
from tidehall.hall import commands as c
from tidehall.hall.calendar import local_text
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.wire import HallRef, HallView, LineView, TicketView, WindowAnswer, WindowView
from tidehall.live import Ask, HallKeeper, Outcome
from tidehall.queue.tickets import Channel, Ticket, TicketState

__all__ = [
    "CALLS",
    "LEAST_STRANGERS_KEY",
    "PHONE",
    "BoardAnswer",
    "StripAnswer",
    "TicketId",
    "answer_window",
    "good",
    "reached",
    "ticket_by_token",
]

#: Whoever takes a number on the phone channel without a principal.
PHONE = Principal("phone", frozenset())
#: Characters of a key by which alone a stranger is recognised; a shorter one could be guessed.
LEAST_STRANGERS_KEY = 16
#: The age that a card confirms as the priority class `senior` (domain.md 3).
SENIOR_AGE = 60
#: Events that no hall writes within the 5 s for which ?after waits: what lies further ahead is not waited for.
MOST_TO_COME = 100_000

encode = msgspec.json.Encoder().encode


class TicketId(Struct):
    """What is read of a ticket's answer to add its token."""

    id: str


class BoardAnswer(Struct, frozen=True):
    """A board as its channel's snapshot has it."""

    epoch: str
    seq: int
    at: str
    board: views.BoardView


class StripAnswer(Struct, frozen=True):
    """The strip above a window, likewise."""

    epoch: str
    seq: int
    at: str
    board: views.StripView


def good(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(encode(value), status, media_type="application/json")


def of_outcome(outcome: Outcome) -> Response:
    """The keeper's answer as it stands."""
    return Response(outcome.body, outcome.status, media_type="application/json")


# ---- halls, lines, boards


def sees_all(edge: Edge, asked: Asked) -> bool:
    """Whether this reader may see what only staff see."""
    return edge.access.admits(asked.request, ("staff",), asked.keeper.id) is not None


async def list_halls(edge: Edge, asked: Asked) -> Response:
    """All halls of this server."""
    halls = [keeper.committed for keeper in edge.house.halls.values() if keeper.committed.state.plan is not None]
    return good([views.hall_ref(hall) for hall in halls])


async def get_hall(edge: Edge, asked: Asked) -> Response:
    """One hall."""
    keeper = asked.keeper
    staff = sees_all(edge, asked)
    view = views.hall_view(keeper.committed, keeper.now(), staff=staff)
    if staff:
        windows = await open_windows(keeper, edge.house.persons, view.windows)
        view = msgspec.structs.replace(view, windows=tuple(windows))
    return good(view)


async def list_lines(edge: Edge, asked: Asked) -> Response:
    """How the lines stand."""
    keeper = asked.keeper
    hall, now = keeper.committed, keeper.now()
    return good([views.line_view(hall, line, now) for line in hall.state.lines])


async def get_board(edge: Edge, asked: Asked) -> Response:
    """A board or a window's strip, as its channel shows it first."""
    keeper = asked.keeper
    hall, now, board = keeper.committed, keeper.now(), asked.path("board")
    state = hall.state
    at = local_text(now, state.zone_name)
    if board.startswith(views.STRIP):
        window = state.windows.get(board.removeprefix(views.STRIP))
        if window is None:
            raise Refusal("unknown_board", board=board)
        strip = views.strip_view(hall, window.id, now, stale_since=keeper.stale_since, demo=edge.demo)
        return good(StripAnswer(keeper.epoch, views.strip_position(state, window.id), at, strip))
    seq = views.board_position(state, views.board_plan(hall, board))
    words = await opened_if_possible(keeper, edge.house.persons, references(state))
    view = views.board_view(hall, board, now, stale_since=keeper.stale_since, demo=edge.demo, words=words)
    return good(BoardAnswer(keeper.epoch, seq, at, view))


# ---- tickets


async def take(edge: Edge, asked: Asked) -> Response:
    """Give a number. The token is added here, after the keeper's answer, so that it is never stored."""
    keeper, body, who = asked.keeper, asked.body, asked.who
    if (body.line, body.item, body.receipt, body.cases) == (None, None, None, None):
        raise Problem("invalid", errors=[Fault("line", "line_or_item")])
    if (body.channel == Channel.GUIDE or body.helper is not None) and "guide" not in who.rights:
        raise Problem("not_allowed")
    sealed, holder = [], None
    if body.holder is not None:
        if (body.holder.name, body.holder.id_number, body.holder.phone) == (None, None, None):
            raise Problem("invalid", errors=[Fault("holder", "missing")])
        found = edge.house.persons.seal_holder(body.holder.name, body.holder.id_number, body.holder.phone)
        sealed, holder = [found.row], found.row.id
    cases = await collecting(edge, asked)
    command = c.TakeTicket(
        ticket=f"{keeper.id}.{secrets.token_urlsafe(9)}",
        line=body.line,
        item=body.item,
        channel=body.channel,
        priority=body.priority or "normal",
        confirmed=confirmed(body, who, keeper.committed.state.day),
        holder=holder,
        cases=cases,
        helper=body.helper,
    )

    def answer(hall: Hall, events: list[Event]) -> tuple[int, bytes]:
        ticket = hall.state.tickets[command.ticket]
        return 201, encode(views.ticket_view(hall, ticket, hall.state.last_at, staff=False))

    try:
        outcome = await submit(asked, command, answer, sealed)
    except Refusal as no:
        if no.code == "already_queueing" and "case" not in no.details and not card_read(body, who):
            no.details.pop("number", None)
        if body.receipt is not None:  # the citizen knows his case by its receipt
            no.details.pop("case", None)
        raise
    token = edge.house.persons.token(msgspec.json.decode(outcome.body, type=TicketId).id)
    rest = encode({"token": token, "url": f"/t/{token}"})
    return Response(outcome.body[:-1] + b"," + rest[1:], outcome.status, media_type="application/json")


def card_read(body: b.TakeBody, who: Principal) -> bool:
    """Whether somebody of the hall, or its kiosk, has seen this person's card."""
    seen = body.channel in (Channel.KIOSK, Channel.GUIDE) and "take" in who.rights
    return seen and body.holder is not None and body.holder.id_number is not None


def confirmed(body: b.TakeBody, who: Principal, day: str) -> bool:
    """Whether the claimed priority is confirmed: by the guide desk, or `senior` by the age on a card."""
    if body.channel == Channel.GUIDE or who.name == "guide":
        return True
    if body.priority != "senior" or not card_read(body, who) or body.holder is None:
        return False
    age = age_on(body.holder.id_number or "", day)
    return age is not None and age >= SENIOR_AGE


async def ticket_by_token(edge: Edge, token: str) -> tuple[HallKeeper, Ticket]:
    """The hall and ticket of a citizen's token. Raises Problem unknown_ticket, StoreError.

    A genuine token whose ticket is not here may have been made at another server a moment ago, so the journal's head
    is asked before anything is said (law 5).
    """
    id = edge.house.persons.ticket_of(token)
    keeper = edge.house.halls.get(id.rpartition(".")[0]) if id is not None else None
    if id is None or keeper is None:
        raise Problem("unknown_ticket")
    if id not in keeper.committed.state.tickets:
        head = await keeper.journal.head(keeper.id)
        if head is not None:
            await keeper.reached(head.seq)
    ticket = keeper.committed.state.tickets.get(id)
    if ticket is None:
        raise Problem("unknown_ticket")
    return keeper, ticket


async def get_own_ticket(edge: Edge, asked: Asked) -> Response:
    """The citizen's own ticket, masked."""
    keeper, ticket = await ticket_by_token(edge, asked.path("token"))
    return await waited_for(keeper, asked, ticket.id, staff=False)


async def waited_for(keeper: HallKeeper, asked: Asked, id: str, *, staff: bool) -> Response:
    """The ticket as it stands once this server has come to ?after."""
    await reached(keeper, asked)
    ticket = keeper.committed.state.ticket(id)
    return good(views.ticket_view(keeper.committed, ticket, keeper.now(), staff=staff))


async def reached(keeper: HallKeeper, asked: Asked) -> None:
    """Wait for ?after=SEQ. Raises Problem invalid, behind."""
    after = whole_number(asked.request.query_params.get("after"), "after")
    if after is None:
        return
    hopeless = after > keeper.committed.state.seq + MOST_TO_COME
    if hopeless or not await keeper.reached(after):
        raise Problem("behind", retry_after_s=1, seq=keeper.committed.state.seq)


def by_citizen(command: Callable[[str], c.Command]) -> Any:
    """A citizen's step with his own ticket: the token is the right."""

    async def run(edge: Edge, asked: Asked) -> Response:
        keeper, ticket = await ticket_by_token(edge, asked.path("token"))
        await edge.rates.ticket(ticket.id)
        asked.hall = keeper
        asked.principal = Principal(f"ticket:{ticket.id}", frozenset())
        return of_outcome(await submit(asked, command(ticket.id), answer_ticket(asked, ticket.id, staff=False)))

    return run


async def list_tickets(edge: Edge, asked: Asked) -> Response:
    """The staff's list, in the order of taking."""
    keeper = asked.keeper
    query = asked.request.query_params
    wanted = frozenset(query["state"].split(",")) if "state" in query else None
    states = ", ".join(state.value for state in TicketState)
    if wanted is not None and not wanted <= {state.value for state in TicketState}:
        raise Problem("invalid", errors=[Fault("state", "choice", {"choices": states})])
    hall, now = keeper.committed, keeper.now()
    found = sorted(
        (t for t in hall.state.tickets.values() if wanted is None or t.state.value in wanted), key=lambda t: t.serial
    )
    line = query.get("line")
    rows = [views.ticket_view(hall, t, now, staff=True) for t in found if line is None or t.line == line]
    return good(await open_tickets(keeper, edge.house.persons, rows))


async def get_ticket(edge: Edge, asked: Asked) -> Response:
    """One ticket, for staff."""
    keeper = asked.keeper
    view = views.ticket_view(
        keeper.committed, keeper.committed.state.ticket(asked.path("ticket")), keeper.now(), staff=True
    )
    return good((await open_tickets(keeper, edge.house.persons, [view]))[0])


Build = Callable[[str, Any, Sealer], c.Command]


def in_his_zone(asked: Asked, rights: Sequence[str], id: str) -> None:
    """Whoever has but the supervisor's right to this step has it in his zone. Raises Problem not_allowed."""
    state = asked.keeper.committed.state
    ticket = state.tickets.get(id)
    line = state.lines.get(ticket.line) if ticket is not None else None
    zone = line.zone if line is not None else None
    if not any(asked.who.covers(right, zone=zone if right == "supervise" else None) for right in rights):
        raise Problem("not_allowed")


def by_guide(build: Build, rights: Sequence[str]) -> Any:
    """A step of the guide desk with somebody's ticket."""

    async def run(edge: Edge, asked: Asked) -> Response:
        id, sealer = asked.path("ticket"), Sealer(edge.house.persons)
        in_his_zone(asked, rights, id)
        command = build(id, asked.body, sealer)
        return of_outcome(await submit(asked, command, answer_ticket(asked, id, staff=True), sealer.rows))

    return run


# ---- windows


async def get_window(edge: Edge, asked: Asked) -> Response:
    """One window; for staff with its ticket and what is allowed now."""
    keeper = asked.keeper
    staff = sees_all(edge, asked)
    view = views.window_view(keeper.committed, asked.path("window"), keeper.now(), staff=staff)
    return good((await open_windows(keeper, edge.house.persons, [view]))[0] if staff else view)


def own_name(asked: Asked, window: str) -> None:
    """A signed-in person acts under no other name: sits down as himself, and presses no key where another sits.

    Raises Problem not_allowed, Refusal window_taken.
    """
    me = asked.who.staff
    if me is None:
        return
    if isinstance(asked.body, b.SignInBody):
        if asked.body.staff != me:
            raise Problem("not_allowed")
        return
    there = asked.keeper.committed.state.windows.get(window)
    if there is not None and there.staff not in (None, me):
        raise Refusal("window_taken", window=window, staff=there.staff, allowed=("take_over",))


def at_window(build: Build, *, materials: bool = False, supervised: bool = False) -> Any:
    """A window's action; `materials`: the codes of the plan's materials pass unsealed; `supervised`: whoever supervises
    its zone may do it, whoever sits there."""

    async def run(edge: Edge, asked: Asked) -> Response:
        keeper, window = asked.keeper, asked.path("window")
        if not (supervised and asked.who.covers("supervise")):
            own_name(asked, window)
        state, known = keeper.committed.state, REASONS
        if materials:
            on_the_list(state.rules, "reject", asked.body.missing, "missing", state.materials)
            known = state.materials | known_reasons(state.rules, "reject")
        sealer = Sealer(edge.house.persons, known)
        command = build(window, asked.body, sealer)
        return of_outcome(await submit(asked, command, answer_window(asked, window), sealer.rows))

    return run


# ---- the way to the keeper


def answer_window(asked: Asked, window: str) -> Callable[[Hall, list[Event]], tuple[int, bytes]]:
    """The answer to a command about one window."""
    keeper = asked.keeper

    def answer(hall: Hall, events: list[Event]) -> tuple[int, bytes]:
        now = max(keeper.now(), hall.state.last_at)
        view = views.window_view(hall, window, now, staff=True)
        ticket = view.ticket if isinstance(view.ticket, TicketView) else None
        return 200, encode(WindowAnswer(view, ticket, hall.state.seq))

    return answer


def answer_ticket(asked: Asked, id: str, *, staff: bool) -> Callable[[Hall, list[Event]], tuple[int, bytes]]:
    """The answer to a command about one ticket."""
    keeper = asked.keeper

    def answer(hall: Hall, events: list[Event]) -> tuple[int, bytes]:
        now = max(keeper.now(), hall.state.last_at)
        return 200, encode(views.ticket_view(hall, hall.state.ticket(id), now, staff=staff))

    return answer


async def submit(
    asked: Asked,
    command: c.Command,
    answer: Callable[[Hall, list[Event]], tuple[int, bytes]],
    sealed: list[Any] | None = None,
) -> Outcome:
    """Send the command to its hall. Raises Refusal and what the keeper can't do now."""
    ask = Ask(command, asked.who.name, asked.key, asked.fingerprint, answer, sealed or [])
    return await asked.keeper.submit(ask)


# ---- the table

_HALL = "/api/v1/halls/{hall}"
_WINDOW = _HALL + "/windows/{window}"
_TICKET = _HALL + "/tickets/{ticket}"
_OWN = "/api/v1/tickets/{token}"
_BUSY = ("unknown_window", "window_busy")
_SERVING = ("unknown_window", "ticket_not_serving")
_CALLED = ("unknown_window", "ticket_not_called")
_CALLING = (*_BUSY, "window_paused", "window_closed", "window_closing")


def _window(
    action: str, about: str, body: type[Any], build: Build, *problems: str, materials: bool = False,
    supervised: bool = False,
) -> Call:  # fmt: skip
    run = at_window(build, materials=materials, supervised=supervised)
    return Call(
        "POST", f"{_WINDOW}/{action}", f"window_{action.replace('-', '_')}", about, run, WindowAnswer,
        body=body, rights=("window", "supervise") if supervised else ("window",),
        problems=(*problems, "window_taken"), part="windows",
    )  # fmt: skip


def _guide(action: str, about: str, body: type[Any], build: Build, *problems: str, rights: tuple[str, ...]) -> Call:
    return Call(
        "POST", f"{_TICKET}/{action}", f"ticket_{action}", about, by_guide(build, rights),
        TicketView, body=body, rights=rights, problems=("unknown_ticket", "ticket_ended", *problems), part="tickets",
    )  # fmt: skip


def _own(action: str, about: str, command: Callable[[str], c.Command], *problems: str) -> Call:
    return Call(
        "POST", f"{_OWN}/{action}", f"own_ticket_{action}", about, by_citizen(command), TicketView, body=b.Empty,
        problems=("unknown_ticket", "too_many", "ticket_ended", *problems), part="own ticket",
    )  # fmt: skip


_STATE = Query(
    "state",
    "Only tickets in these states, separated by commas.",
    {
        "type": "string",
        "pattern": "^({0})(,({0}))*$".format("|".join(state.value for state in TicketState)),
        "maxLength": 200,
    },
)
_LINE = Query("line", "Only tickets of this line.", {"type": "string"})

#: Every call of contract.md that stands so far. The busiest come first: routes are tried in this order.
CALLS: tuple[Call, ...] = (
    _window(
        "call", "Call the next ticket, or a chosen one with a reason. Nobody waiting is no error: `ticket` is null.",
        b.CallBody, lambda w, q, seal: c.CallTicket(w, q.ticket, seal.optional(q.reason)),
        *_CALLING, "unknown_ticket", "ticket_not_waiting", "ticket_suspended", "ticket_ended", "line_not_served",
    ),
    _window("start", "The called citizen stands at the window.", b.Empty,
            lambda w, q, seal: c.StartService(w), *_CALLED),
    _window("finish", "The visit is done.", b.Empty, lambda w, q, seal: c.FinishTicket(w), *_SERVING),
    _window("next", "Finish and call in one decision.", b.Empty, lambda w, q, seal: c.NextTicket(w),
            *_CALLING, "ticket_not_serving"),
    Call("POST", f"{_HALL}/tickets", "take_ticket", "Take a number for a line, an item or ready results.", take,
         TicketView, status=201, body=b.TakeBody, rights=("take",), phone=True, part="tickets",
         problems=("unknown_line", "unknown_item", "unknown_priority", "issuing_ended", "line_full",
                   "already_queueing", "numbers_exhausted", "unknown_receipt", "unknown_case", "result_not_ready",
                   "not_collected_here", "no_pickup_line", "other_zone")),
    Call("GET", _OWN, "get_own_ticket", "The citizen's own ticket, masked; the token is the right.", get_own_ticket,
         TicketView, query=(AFTER,), problems=("unknown_ticket", "journal_unavailable"), part="own ticket"),
    _window("recall", "Call the same ticket again.", b.Empty, lambda w, q, seal: c.RecallTicket(w),
            *_CALLED, "too_early", "calls_used_up"),
    _window("no-show", "The called citizen did not appear.", b.Empty, lambda w, q, seal: c.MissTicket(w),
            *_CALLED, "too_early"),
    _window("suspend", "Park the citizen in front.", b.SuspendBody, lambda w, q, seal: c.SuspendTicket(w, q.kind),
            *_SERVING),
    _window("unsuspend", "Take a parked citizen up again.", b.UnsuspendBody,
            lambda w, q, seal: c.UnsuspendTicket(w, q.ticket),
            *_CALLING, "unknown_ticket", "ticket_not_suspended", "ticket_ended", "window_keeps_ticket",
            "line_not_served"),
    _window("transfer", "Send the citizen to another line or window; the number stays.", b.TransferBody,
            lambda w, q, seal: c.TransferTicket(
                w, q.line, q.window, q.place, seal.optional(q.reason), seal.optional(q.note)),
            *_SERVING, "unknown_line", "line_not_served", "already_queueing"),
    _window("reject", "Send the citizen home with one notice of everything that is missing.", b.RejectBody,
            lambda w, q, seal: c.RejectTicket(w, tuple(seal(entry) for entry in q.missing)), *_SERVING,
            materials=True),
    _window("undo", "Take back the last finish, no-show, reject or transfer.", b.Empty,
            lambda w, q, seal: c.Undo(w), *_BUSY, "nothing_to_undo", "too_late", "already_queueing"),
    _window("items", "What this visit is about.", b.ItemsBody,
            lambda w, q, seal: c.SetItems(w, tuple(q.items), q.current), *_SERVING, "unknown_item"),
    _window("lines", "What the window serves.", b.LinesBody,
            lambda w, q, seal: c.SetLines(w, tuple(q.lines), q.keep), "unknown_window", "unknown_line",
            supervised=True),
    _window("sign-in", "A clerk sits down.", b.SignInBody, lambda w, q, seal: c.SignIn(w, q.staff, q.take_over),
            "unknown_window", "window_taken", "signed_in_elsewhere"),
    _window("sign-out", "The clerk leaves.", b.Empty, lambda w, q, seal: c.SignOut(w), *_BUSY, "window_unstaffed"),
    _window("open", "Begin to serve.", b.Empty, lambda w, q, seal: c.OpenWindow(w), "unknown_window", "window_paused",
            "window_unstaffed", supervised=True),
    _window("close", "Stop serving.", b.Empty, lambda w, q, seal: c.CloseWindow(w), *_BUSY, supervised=True),
    _window("pause", "Rest, with a reason.", b.PauseBody, lambda w, q, seal: c.PauseWindow(w, seal(q.reason)),
            "unknown_window", "window_closed", supervised=True),
    _window("resume", "Serve again.", b.Empty, lambda w, q, seal: c.ResumeWindow(w), "unknown_window",
            "window_closed", supervised=True),
    Call("GET", _WINDOW, "get_window", "One window.", get_window, WindowView, query=(AFTER,),
         problems=("unknown_window",), part="windows"),
    _own("cancel", "Give the number back.", c.CancelTicket, "ticket_not_waiting"),
    _own("postpone", "Let the next ones go first.", c.PostponeTicket, "ticket_not_waiting", "ticket_suspended"),
    _own("back", "Back with the papers.", c.BringBack, "ticket_not_suspended", "window_keeps_ticket"),
    Call("GET", f"{_HALL}/tickets", "list_tickets", "Today's tickets, for staff.", list_tickets, list[TicketView],
         rights=("staff",), query=(_STATE, _LINE, AFTER), part="tickets"),
    Call("GET", _TICKET, "get_ticket", "One ticket, for staff.", get_ticket, TicketView, rights=("staff",),
         query=(AFTER,), problems=("unknown_ticket",), part="tickets"),
    _guide("restore", "A void ticket waits again.", b.ReasonBody,
           lambda t, q, seal: c.RestoreTicket(t, seal(q.reason)), "ticket_not_void", "already_queueing",
           rights=("guide", "supervise")),
    _guide("cancel", "Give the number back for the citizen.", b.Empty, lambda t, q, seal: c.CancelTicket(t),
           "ticket_not_waiting", rights=("guide",)),
    _guide("postpone", "Let the next ones go first.", b.Empty, lambda t, q, seal: c.PostponeTicket(t),
           "ticket_not_waiting", "ticket_suspended", rights=("guide",)),
    _guide("back", "The citizen is back with the papers.", b.Empty, lambda t, q, seal: c.BringBack(t),
           "ticket_not_suspended", "window_keeps_ticket", rights=("guide", "take")),
    _guide("priority", "Confirm a priority class; `normal` refuses the claim.", b.PriorityBody,
           lambda t, q, seal: c.ConfirmPriority(t, q.priority), "ticket_not_waiting", "ticket_suspended",
           "unknown_priority", rights=("guide", "window")),
    Call("GET", "/api/v1/halls", "list_halls", "All halls.", list_halls, list[HallRef]),
    Call("GET", _HALL, "get_hall", "One hall; clerks and tickets only for staff.", get_hall, HallView, query=(AFTER,)),
    Call("GET", f"{_HALL}/lines", "list_lines", "How the lines stand now.", list_lines, list[LineView],
         query=(AFTER,)),
    Call("GET", f"{_HALL}/boards/{{board}}", "get_board", "A board, or a window's strip as `window:ID`.", get_board,
         (BoardAnswer, StripAnswer), query=(AFTER,), problems=("unknown_board",)),
)  # fmt: skip
