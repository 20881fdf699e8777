"""The calls for cases and hand-offs: papers taken in, carried, checked, decided, handed out, filed (contract.md).

Law: as in api.py. A signed-in person acts as himself, within his posts' zones, departments and items; a place, and the
admin's token, may name who acts. Persons and free texts are sealed here, before the hall hears of them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace
from starlette.responses import Response

from tidehall.audit import ticket_number
from tidehall.display import office_views as v
from tidehall.display.http import office_bodies as b
from tidehall.display.http.api import encode, good, of_outcome, submit
from tidehall.display.http.bodies import Empty
from tidehall.display.http.calls import AFTER, Asked, Call, Edge, Query
from tidehall.display.http.problems import Fault, Problem
from tidehall.display.http.receipts import find_case, here, people
from tidehall.display.http.rights import covers, may, may_receive
from tidehall.display.http.texts import REASONS, Sealer, on_the_list, open_all
from tidehall.display.reasons import known_reasons
from tidehall.hall.calendar import local_text
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.offices.cases import known_case
from tidehall.hall.papers import commands as c
from tidehall.hall.papers.objects import Case, Delivery, Stage
from tidehall.hall.state import HallState, Window
from tidehall.store.persons import Person, Persons, mask_id, mask_name, mask_phone

__all__ = [
    "OFFICE_CALLS", "READERS", "TEXT", "Build", "OfficeSeal", "acting", "asked_for", "choice", "here", "listed",
    "named", "people", "reach", "reads", "seal_person", "shown_person", "told", "words_query",
]  # fmt: skip

Thing = TypeVar("Thing")
Build = Callable[[Asked, str, Any, Sealer], c.OfficeCommand]

#: Rights by which opinions, notes and persons of a case are opened; a runner or maker carries and makes only.
READERS = ("window", "guide", "office", "middle", "issue", "supervise", "audit")
#: Characters in a query that names several words.
MOST_WORDS = 300
#: Cases in one list at most.
MOST_CASES = 1000


# ---- who acts, and how far


def acting(asked: Asked, name: str | None) -> str | None:
    """Who acts: a person always himself (naming another: not_allowed), a place whoever is named, or who sits there."""
    staff = asked.who.staff
    if staff is not None:
        if name not in (None, staff):
            raise Problem("not_allowed")
        return staff
    window = own_window(asked)
    return name or (window.staff if window is not None else None)


def own_window(asked: Asked) -> Window | None:
    """The window whose link this is; None for all other principals."""
    kind, _, id = asked.who.name.partition(":")
    return asked.keeper.committed.state.windows.get(id) if kind == "window" else None


def named(asked: Asked, name: str | None, field: str = "staff") -> str:
    """The same where somebody must be named. Raises Problem invalid, not_allowed."""
    found = acting(asked, name)
    if found is None:
        raise Problem("invalid", errors=[Fault(field, "missing")])
    return found


def reach(
    asked: Asked,
    rights: Sequence[str],
    *,
    zone: str | None = None,
    departments: Sequence[str | None] = (None,),
    item: str | None = None,
) -> None:
    """Refuse whoever's posts, or window, do not reach there. Zones bind the front, departments the back office."""
    window = own_window(asked)
    if zone is not None and window is not None and window.zone != zone:
        raise Problem("not_allowed")
    if not any(covers(asked.who, right, zone, departments, item) for right in rights):
        raise Problem("not_allowed")


def reach_case(asked: Asked, rights: Sequence[str], case: Case, department: str | None = None) -> None:
    """The same for a case; `department`: for its part of a joint case."""
    departments = [department] if department else [case.department, *(p.department for p in case.parts)]
    reach(asked, rights, zone=case.zone, departments=departments, item=case.item)


# ---- persons and texts


class OfficeSeal(Sealer):
    """Seals what one command says; codes of reasons, and of the plan's materials, pass."""

    def __init__(self, asked: Asked, persons: Persons) -> None:
        state = asked.keeper.committed.state
        super().__init__(persons, REASONS | known_reasons(state.rules) | state.materials)


def seal_person(persons: Persons, sealer: Sealer, body: Any) -> str | None:
    """Seal who a body names; the id under which the hall knows the row."""
    if body is None:
        return None
    found = persons.seal_holder(body.name, body.id_number, body.phone)
    sealer.rows.append(found.row)
    return found.row.id


def shown_person(person: Person | None, *, plain: bool) -> v.PersonView | None:
    """A person with masked numbers; `plain`: with the whole name and telephone."""
    if person is None:
        return None
    name, number, phone = person["name"], person["id_number"], person["phone"]
    return v.PersonView(
        name=name if plain or name is None else mask_name(name),
        id_number=None if number is None else mask_id(number),
        phone=phone if plain or phone is None else mask_phone(phone),
    )


def reads(asked: Asked, case: Case) -> bool:
    """Whether this reader may know who the applicant is and what was written."""
    try:
        reach_case(asked, READERS, case)
    except Problem:
        return False
    return True


# ---- finding things, and the way to the keeper


async def case_here(asked: Asked) -> Case:
    """The case that the path names. Raises Refusal unknown_case."""
    id = asked.path("case")
    return await here(asked.keeper, lambda s: s.offices.cases.get(id), Refusal("unknown_case", case=id))


async def case_known(edge: Edge, asked: Asked) -> Case:
    """The same by id or receipt number, also a case that has left the state. Raises Problem behind too."""
    id = asked.path("case")
    return await find_case(edge, asked.keeper, id, Refusal("unknown_case", case=id), begun=asked.begun)


async def told(
    asked: Asked,
    command: c.OfficeCommand,
    view: Callable[[Hall, int], Any],
    sealer: Sealer | None = None,
    *,
    status: int = 200,
    allowed: Callable[[HallState], Sequence[str]] | None = None,
) -> Response:
    """Send a command and answer with `view` of the hall after it; a refusal says what is `allowed` instead."""
    keeper = asked.keeper

    def answer(hall: Hall, events: list[Event]) -> tuple[int, bytes]:
        return status, encode(view(hall, max(keeper.now(), hall.state.last_at)))

    try:
        return of_outcome(await submit(asked, command, answer, sealer.rows if sealer is not None else None))
    except Refusal as no:
        if allowed is not None:
            no.allowed = tuple(allowed(keeper.committed.state))
        raise


async def listed(edge: Edge, asked: Asked, rows: Any) -> Response:
    """A list with its texts opened."""
    return good(await open_all(asked.keeper, edge.house.persons, rows))


# ---- intake


async def receive(edge: Edge, asked: Asked) -> Response:
    """Take papers in at a window."""
    keeper, body, persons = asked.keeper, asked.body, edge.house.persons
    state, who = keeper.committed.state, asked.who
    window = state.windows.get(asked.path("window"))
    if window is not None and not may_receive(who, state.items.get(body.item), body.item, window.zone):
        raise Problem("not_allowed")
    sealer = OfficeSeal(asked, persons)
    command = c.ReceiveCase(
        case=f"c{secrets.token_hex(8)}",
        window=asked.path("window"),
        item=body.item,
        present=tuple(sealer(m.code) for m in body.materials if m.present),
        delivery=Delivery(body.delivery.method, sealer.optional(body.delivery.address)),
        ticket=body.ticket,
        source=body.source,
        urgent=body.urgent,
        applicant=seal_person(persons, sealer, body.applicant),
        agent=seal_person(persons, sealer, body.agent),
        bundle=body.bundle,
        staff=acting(asked, body.staff),
        incomplete=body.incomplete,
        helper=body.helper,
        origin=body.origin,
    )
    return await told(
        asked, command, lambda hall, now: v.case_answer(hall, known_case(hall.state, command.case), now), sealer,
        status=201,
    )  # fmt: skip


# ---- cases


def asked_for(asked: Asked, name: str) -> str | None:
    """A query's text."""
    return asked.request.query_params.get(name)


def choice(asked: Asked, name: str, known: Sequence[str]) -> frozenset[str] | None:
    """A query's words, separated by commas, each one of `known`. Raises Problem invalid."""
    text = asked_for(asked, name)
    found = frozenset(text.split(",")) if text is not None else None
    if found is not None and (not found <= set(known) or len(text or "") > MOST_WORDS):
        raise Problem("invalid", errors=[Fault(name, "choice", {"choices": ", ".join(known)})])
    return found


async def list_cases(edge: Edge, asked: Asked) -> Response:
    """Open cases by their due moment."""
    keeper = asked.keeper
    hall, now = keeper.committed, keeper.now()
    zone_name = hall.state.zone_name
    stages = choice(asked, "stage", [stage.value for stage in Stage])
    due, department = asked_for(asked, "due"), asked_for(asked, "department")
    if due is not None and re.fullmatch(r"overdue|\d{4}-\d\d-\d\d", due, re.ASCII) is None:
        raise Problem("invalid", errors=[Fault("due", "choice", {"choices": "overdue, YYYY-MM-DD"})])
    exact = {name: text for name in _EXACT if (text := asked_for(asked, name)) is not None}

    def fits(case: Case) -> bool:
        if stages is not None and case.stage.value not in stages:
            return False
        if department is not None and department not in (case.department, *(p.department for p in case.parts)):
            return False
        if due is not None:
            waiting = bool(case.due_at) and not case.decided_at and case.stage != Stage.WITHDRAWN
            on_time = case.due_at >= now if due == "overdue" else local_text(case.due_at, zone_name)[:10] > due
            if not waiting or on_time:
                return False
        return all(getattr(case, name) == text for name, text in exact.items())

    found = [case for case in hall.state.offices.cases.values() if fits(case)]
    found.sort(key=lambda case: (not case.due_at, case.due_at, case.received_at, case.id))
    rows = [v.case_view(hall, case, now) for case in found[:MOST_CASES]]
    # Where an applicant lives is told in the answer about his case alone.
    rows = [replace(row, delivery=replace(row.delivery, address=None)) for row in rows]
    return await listed(edge, asked, rows)


async def get_item(edge: Edge, asked: Asked) -> Response:
    """The handbook of one item (办事指南)."""
    return good(v.item_view(asked.keeper.committed, asked.path("item")))


async def get_case(edge: Edge, asked: Asked) -> Response:
    """One case, with its applicant, by its id or its receipt's number, also when it has left the hall's state."""
    case = await case_known(edge, asked)
    keeper, plain = asked.keeper, reads(asked, case)
    who = await people(keeper, edge.house.persons, case.applicant, case.agent)
    view = replace(
        v.case_view(keeper.committed, case, keeper.now()),
        applicant=shown_person(who.get(case.applicant or ""), plain=plain),
        agent=shown_person(who.get(case.agent or ""), plain=plain),
    )
    return good(await open_all(keeper, edge.house.persons, view) if plain else view)


async def get_receipt(edge: Edge, asked: Asked) -> Response:
    """The receipt as it is printed, also when the case, or only its ticket, has left the hall's state."""
    case = await case_known(edge, asked)
    keeper, plain = asked.keeper, reads(asked, case)
    who = await people(keeper, edge.house.persons, case.applicant, case.agent)
    view = v.receipt_view(
        keeper.committed,
        case,
        applicant=shown_person(who.get(case.applicant or ""), plain=plain),
        agent=shown_person(who.get(case.agent or ""), plain=plain),
    )
    if view.ticket_number is None and case.ticket is not None:
        number = await ticket_number(keeper.journal, edge.house.projections, keeper.id, case.ticket)
        view = replace(view, ticket_number=number)
    return good(await open_all(keeper, edge.house.persons, view) if plain else view)


def at_case(build: Build, rights: tuple[str, ...]) -> Callable[[Edge, Asked], Awaitable[Response]]:
    """A case's action."""

    async def run(edge: Edge, asked: Asked) -> Response:
        case = await case_here(asked)
        reach_case(asked, rights, case, getattr(asked.body, "department", None))
        sealer = OfficeSeal(asked, edge.house.persons)
        command = build(asked, case.id, asked.body, sealer)
        if not may(asked.who, case, command):
            raise Problem("not_allowed")

        def view(hall: Hall, now: int) -> v.CaseView:
            return v.case_view(hall, known_case(hall.state, case.id), now, seq=hall.state.seq)

        def allowed(state: HallState) -> tuple[str, ...]:
            return v.case_actions(state, state.offices.cases.get(case.id, case))

        return await told(asked, command, view, sealer, allowed=allowed)

    return run


def stepping(asked: Asked, case: str, body: b.StepBody, seal: Sealer) -> c.OfficeCommand:
    """A special step begins or ends."""
    if body.done == (body.step is not None):
        raise Problem("invalid", errors=[Fault("step", "step_or_done")])
    return c.EndStep(case) if body.step is None else c.StartStep(case, body.step)


def correcting(asked: Asked, case: str, body: b.PresentBody, seal: Sealer) -> c.OfficeCommand:
    """What has come, by its code or by the reference under which it was asked for."""
    missing = asked.keeper.committed.state.offices.cases[case].missing
    return c.CorrectPapers(case, tuple(code if code in missing else seal(code) for code in body.present))


def requesting(asked: Asked, case: str, body: b.CorrectionBody, seal: Sealer) -> c.OfficeCommand:
    """What must be put right: materials, reasons of the list, and words beside them."""
    state = asked.keeper.committed.state
    on_the_list(state.rules, "correction", body.missing, "missing", state.materials)
    return c.RequestCorrection(case, tuple(seal(m) for m in body.missing), acting(asked, body.staff))


def withdrawing(asked: Asked, case: str, body: b.WithdrawBody, seal: Sealer) -> c.OfficeCommand:
    """The applicant takes the case back."""
    if body.reason is not None:
        on_the_list(asked.keeper.committed.state.rules, "withdraw", [body.reason], "reason")
    return c.WithdrawCase(case, seal.optional(body.reason))


def delivering(asked: Asked, case: str, body: b.DeliverBody, seal: Sealer) -> c.OfficeCommand:
    """The applicant has it; who takes it at the window signs."""
    found = asked.keeper.committed.state.offices.cases.get(case)
    if body.method == "window" and body.signature is None and found is not None and found.stage == Stage.READY:
        raise Problem("invalid", errors=[Fault("signature", "missing")])
    return c.DeliverResult(case, body.method, seal.optional(body.signature))


def accepting(asked: Asked, case: str, body: b.StaffBody, seal: Sealer) -> c.OfficeCommand:
    """Whoever accepts is known (R4): where nobody is named, the clerk at the case's window."""
    state = asked.keeper.committed.state
    window = state.windows.get(state.offices.cases[case].window or "")
    return c.AcceptCase(case, acting(asked, body.staff) or (window.staff if window is not None else None))


# ---- the table

_HALL = "/api/v1/halls/{hall}"
_CASE = _HALL + "/cases/{case}"
TEXT = {"type": "string"}
_EXACT = ("zone", "kind", "officer", "holder", "window", "receipt", "ticket", "bundle")


def _case(
    action: str, about: str, body: type[Any], build: Build, *problems: str, rights: tuple[str, ...]
) -> Call:  # fmt: skip
    return Call(
        "POST", f"{_CASE}/{action}", f"case_{action.replace('-', '_')}", about, at_case(build, rights), v.CaseView,
        body=body, rights=rights, problems=("unknown_case", "wrong_stage", *problems), part="cases",
    )  # fmt: skip


def words_query(name: str, about: str, known: Sequence[str]) -> Query:
    """A query of words from a list, separated by commas."""
    pattern = "^({0})(,({0}))*$".format("|".join(known))
    return Query(name, about, {"type": "string", "pattern": pattern, "maxLength": MOST_WORDS})


_FRONT, _DESKS = ("window",), ("window", "middle", "office")
_BUSY = ("step_open", "already_correcting")

#: Every call of this part.
OFFICE_CALLS: tuple[Call, ...] = (
    Call("POST", f"{_HALL}/windows/{{window}}/cases", "receive_case",
         "Take papers in: the receipt's three copies, and the hand-off that begins at once.", receive, v.CaseAnswer,
         status=201, body=b.CaseBody, rights=_FRONT, part="cases",
         problems=("unknown_window", "unknown_item", "unknown_ticket", "ticket_not_serving", "not_authorised_item",
                   "urgent_not_allowed", "materials_missing", "nothing_received", "case_exists", "agent_limit")),
    Call("GET", f"{_HALL}/cases", "list_cases", "Cases by their due moment.", list_cases, list[v.CaseView],
         rights=("staff",), part="cases",
         query=(words_query("stage", "Only at these stages, separated by commas.", [stage.value for stage in Stage]),
                Query("department", "Only cases of this department, parts of joint ones too.", TEXT),
                Query("due", "`overdue`, or due until the end of this day.",
                      {"type": "string", "pattern": r"^(overdue|[0-9]{4}-[0-9]{2}-[0-9]{2})$"}),
                *(Query(name, f"Only with this {name}.", TEXT) for name in _EXACT), AFTER)),
    Call("GET", f"{_HALL}/items/{{item}}", "get_item", "An item's handbook: materials, days, fee, bundles.", get_item,
         v.ItemDetail, query=(AFTER,), part="items", problems=("unknown_item",)),
    Call("GET", _CASE, "get_case", "One case by its id or its receipt's number, archived ones too; with its "
         "applicant for those who may know.", get_case, v.CaseView,
         rights=("staff",), query=(AFTER,), part="cases", problems=("unknown_case", "journal_unavailable")),
    Call("GET", f"{_CASE}/receipt", "get_receipt", "The receipt's three copies, as they are printed.", get_receipt,
         v.ReceiptView, rights=("staff",), query=(AFTER,), part="cases",
         problems=("unknown_case", "journal_unavailable")),
    _case("request-correction", "One notice of everything that is missing; a second one is counted as a breach.",
          b.CorrectionBody,
          requesting, *_BUSY, rights=_DESKS),
    _case("correct", "The missing papers have come.", b.PresentBody,
          correcting, *_BUSY, rights=_DESKS),
    _case("accept", "The papers are complete: accept the case.", b.StaffBody, accepting, "materials_missing",
          rights=("window", "middle")),
    _case("withdraw", "The applicant takes the case back.", b.WithdrawBody, withdrawing,
          rights=("window", "guide", "office")),
    _case("claim", "An officer takes the case; never who accepted it.", b.StaffBody,
          lambda a, x, q, seal: c.ClaimCase(x, named(a, q.staff)), "acceptor_decides", rights=("office",)),
    _case("opine", "An opinion in the file; with `department` the end of that part of a joint case.", b.OpineBody,
          lambda a, x, q, seal: c.GiveOpinion(x, seal(q.opinion), acting(a, q.staff), q.department),
          "part_done", rights=("office",)),
    _case("step", "A special step begins (`step`) or ends (`done`).", b.StepBody, stepping, *_BUSY, "no_step",
          rights=("office",)),
    _case("request-fee", "The applicant must pay; he is told.", b.FeeBody,
          lambda a, x, q, seal: c.RequestFee(x, q.amount, seal.optional(q.reason)), *_BUSY, rights=("office",)),
    _case("paid", "Paid: the case goes on.", b.PaidBody, lambda a, x, q, seal: c.PayFee(x, q.reference),
          rights=("office", "window", "issue")),
    _case("decide", "Approve or refuse; never who accepted it.", b.DecideBody,
          lambda a, x, q, seal: c.DecideCase(x, q.outcome, seal(q.opinion), acting(a, q.staff)),
          *_BUSY, "acceptor_decides", "opinion_missing", "parts_open", rights=("office", "window")),
    _case("make", "The certificate room has made the result.", b.StaffBody,
          lambda a, x, q, seal: c.MakeResult(x, acting(a, q.staff)), rights=("make", "office")),
    _case("ready", "The result lies at the zone's issue post.", Empty, lambda a, x, q, seal: c.ReadyResult(x),
          rights=("make", "issue", "office")),
    _case("deliver", "The applicant has the result.", b.DeliverBody,
          delivering, rights=("issue", "window", "make")),
    _case("archive", "File what is left and close the case.", Empty, lambda a, x, q, seal: c.CloseCase(x),
          rights=("office", "issue", "window", "middle")),
    _case("file", "Originals were filed, all or some.", b.FileBody,
          lambda a, x, q, seal: c.FilePapers(x, tuple(q.papers)), "papers_differ", rights=_DESKS),
    _case("keep", "Originals stay out today, with a reason.", b.KeepBody,
          lambda a, x, q, seal: c.KeepInUse(x, tuple(q.papers), seal(q.reason)), "papers_differ", rights=_DESKS),
    _case("copy", "A receipt copy changes hands.", b.CopyBody,
          lambda a, x, q, seal: c.MoveCopy(x, q.copy, q.holder), rights=("window", "middle", "office", "issue")),
)  # fmt: skip
