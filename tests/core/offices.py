"""A small hall with offices behind its windows, and a driver that takes papers in and carries them.

Law: as in halls.py; the driver decides nothing that the engine decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from tests.core.halls import SECOND, Driver, make_plan, tables
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.events import Event
from tidehall.hall.papers import commands as q
from tidehall.hall.papers.objects import Case, Delivery, HandOff, Matter, Paper
from tidehall.hall.plan import Plan
from tidehall.hall.state import Alert

__all__ = ["MINUTE", "Office", "kinds", "of", "office_plan", "office_tables"]

MINUTE = 60 * SECOND
WORDS = {"zh": "名", "en": "Name"}
E = TypeVar("E", bound=Event)


def paper(code: str, *, required: bool = True) -> dict[str, Any]:
    return {"code": code, "name": WORDS, "required": required}


def item(code: str, kind: str, *papers: str, line: str = "A", department: str = "d", **more: Any) -> dict[str, Any]:
    return {
        "code": code, "name": WORDS, "department": department, "line": line, "kind": kind,
        "materials": [paper(p) for p in papers], **more,
    }  # fmt: skip


def office_tables(**changes: Any) -> dict[str, Any]:
    """The tables of the small hall: zone g has runners and a supervisor, zone p has neither; x does not sit here."""
    base = tables()
    found: dict[str, Any] = {
        "zones": [
            {"id": "g", "kind": "general", "name": WORDS, "posts": {"runner": 2, "supervisor": 1, "issue": 1}},
            {"id": "p", "kind": "specialist", "name": WORDS},
        ],
        "departments": [
            {"id": "d", "name": WORDS},
            {"id": "e", "name": WORDS},
            {"id": "x", "name": WORDS, "resident": False},
        ],
        "items": [
            *base["items"],
            item("IMM", "immediate", "id"),
            item("PRO", "promised", "id", "form", promised_days=5, urgent_allowed=True),
            item("REP", "reported", "form", promised_days=10),
            item("OUT", "promised", "form", department="x", promised_days=5, urgent_allowed=True),
            item("SPE", "promised", "form", line="C", promised_days=5, urgent_allowed=True),
            item("LET", "promised", "form", promised_days=5),
            item(
                "JOI", "joint", "form", promised_days=3,
                parts=[{"department": "d", "promised_days": 2}, {"department": "e", "promised_days": 6}],
            ),
        ],
        "bundles": [{"id": "shop", "name": WORDS, "items": ["IMM", "PRO"], "zone": "g"}],
        "authorisations": [{"items": ["LET"], "windows": ["w2"], "since": "2026-11-01", "until": "2026-11-24"}],
    }  # fmt: skip
    return tables(**(found | changes))


def office_plan(**changes: Any) -> Plan:
    """That hall's plan with `changes`; `offices` and `limits` as in the plan file."""
    return make_plan(**{name: value for name, value in office_tables(**changes).items() if name != "hall"})


def kinds(events: Iterable[Event]) -> list[str]:
    """The events' kinds in order."""
    return [str(ev.__struct_config__.tag) for ev in events]


def of(events: Iterable[Event], kind: type[E]) -> list[E]:
    """The events of one kind."""
    return [ev for ev in events if isinstance(ev, kind)]


class Office(Driver):
    """A driver that knows papers."""

    def __init__(self, plan: Plan | None = None, at: str | int = "2026-11-23 09:00", **more: Any) -> None:
        super().__init__(plan or office_plan(), at, **more)
        self.cases = 0

    def intake(
        self, item: str = "PRO", *, window: str = "w1", present: tuple[str, ...] | None = None, **more: Any
    ) -> str:
        """Papers taken in by courier unless a ticket is given; complete unless `present` says otherwise."""
        self.cases += 1
        id = f"c{self.cases}"
        if present is None:
            present = tuple(m.code for m in self.hall.state.items[item].materials)
        source = more.pop("source", "window" if more.get("ticket") else "courier")
        delivery = more.pop("delivery", Delivery("window"))
        self.do(q.ReceiveCase(id, window, item, present, delivery, source=source, **more))
        return id

    def carry(self, case: str, *, runner: str = "r1", staff: str | None = None) -> list[Event]:
        """The runner brings the papers, the receiver checks them."""
        h = self.open_hand_off(case)
        if h.state == "waiting":
            self.do(q.PickUpHandOff(h.id, runner))
        if self.open_hand_off(case).state == "carried":
            self.do(q.ArriveHandOff(h.id))
        return self.do(q.VerifyHandOff(h.id, h.papers, staff))

    def review(self, item: str = "PRO", *, staff: str = "officer", **more: Any) -> str:
        """A case in an officer's hands."""
        id = self.intake(item, **more)
        self.carry(id)
        self.do(q.ClaimCase(id, staff))
        return id

    def decided(self, item: str = "PRO", **more: Any) -> str:
        """A case that has been approved."""
        id = self.review(item, **more)
        self.do(q.DecideCase(id, "approve", "ok"))
        return id

    def case(self, id: str) -> Case:
        return self.hall.state.offices.cases[id]

    def open_hand_off(self, case: str) -> HandOff:
        """The case's hand-off of now."""
        return self.hall.state.offices.hand_offs[self.case(case).hand_off or ""]

    def paper(self, case: str, code: str, copy: int = 0) -> Paper:
        """One paper of a case, or one of the receipt's copies."""
        return next(p for p in self.case(case).papers if p.code == code and p.copy == copy)

    def matter(self, id: str) -> Matter:
        return self.hall.state.offices.matters[id]

    def alert(self, id: str) -> Alert | None:
        """The alert of this id, if it is open."""
        found = self.hall.state.alerts.get(id)
        return found if found is not None and found.ended is None else None

    def served(self, window: str = "w1") -> str:
        """A ticket that has been served."""
        id = self.begin(window=window)
        self.wait(60)
        self.do(c.FinishTicket(window))
        return id

    def ends(self, alert: str) -> int:
        """How often this alert has ended."""
        return sum(ev.alert == alert for ev in of(self.events, e.AlertEnded))
