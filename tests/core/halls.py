"""Small halls for tests, and a driver with a clock of its own.

Law: the driver does what the keeper does (wake, then decide, then apply) and keeps every event.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.commands import Command
from tidehall.hall.engine import Hall
from tidehall.hall.errors import PlanInvalid, Refusal
from tidehall.hall.events import Event
from tidehall.hall.plan import Plan, parse_plan
from tidehall.hall.state import Window
from tidehall.queue.tickets import Ticket

__all__ = ["SECOND", "Driver", "local", "make_plan", "problems", "tables"]

SECOND = 1_000_000
ROUND_THE_CLOCK = {
    "hours": [["00:00", "24:00"]],
    "open_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
}


def local(text: str, zone: str = "Asia/Shanghai", *, fold: int = 0) -> int:
    """ "2026-11-23 08:30" on the wall clock of `zone` as µs since the epoch."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()) * SECOND


def tables(*, round_the_clock: bool = False, **changes: Any) -> dict[str, Any]:
    """The tables of a small hall; each keyword replaces a section, a dict of `hall` or `limits` adds to it."""
    words = {"zh": "名", "en": "Name"}
    found: dict[str, Any] = {
        "hall": {"id": "t", "name": words, **(ROUND_THE_CLOCK if round_the_clock else {}), **changes.pop("hall", {})},
        "limits": changes.pop("limits", {}),
        "priority": {"normal": 0, "senior": 15, "booked": 30},
        "zones": [
            {"id": "g", "kind": "general", "name": words},
            {"id": "p", "kind": "specialist", "name": words},
        ],
        "lines": [
            {"id": "A", "letter": "A", "zone": "g", "name": words},
            {"id": "B", "letter": "B", "zone": "g", "name": words},
            {"id": "C", "letter": "C", "zone": "p", "name": words},
        ],
        "windows": [
            {"id": "w1", "label": "1", "zone": "g", "lines": ["A", "B"]},
            {"id": "w2", "label": "2", "zone": "g", "lines": ["A", "B"]},
            {"id": "w3", "label": "3", "zone": "g", "lines": ["A"]},
            {"id": "w4", "label": "4", "zone": "g", "lines": ["B"]},
            {"id": "w5", "label": "5", "zone": "p", "lines": ["C"]},
        ],
        "departments": [{"id": "d", "name": words}],
        "items": [
            {"code": "A-1", "name": words, "department": "d", "line": "A"},
            {"code": "A-2", "name": words, "department": "d", "line": "A"},
            {"code": "B-1", "name": words, "department": "d", "line": "B"},
        ],
        "boards": [{"id": "main", "zones": ["g", "p"]}],
    }
    found.update(changes)
    return found


def make_plan(*, round_the_clock: bool = False, **changes: Any) -> Plan:
    """The small hall's plan with `changes` (see `tables`)."""
    return parse_plan(tables(round_the_clock=round_the_clock, **changes))


def problems(wrong: dict[str, Any]) -> list[str]:
    """What is wrong with these tables; nothing when they make a plan."""
    try:
        parse_plan(wrong)
    except PlanInvalid as err:
        return err.problems
    return []


class Driver:
    """A hall with a clock: it wakes, decides, applies and keeps the events. Windows w1 … open at once if told so."""

    def __init__(
        self, plan: Plan | None = None, at: str | int = "2026-11-23 09:00", *, windows: tuple[str, ...] = ("w1",)
    ) -> None:
        self.plan = plan or make_plan()
        self.hall = Hall(self.plan.hall.id)
        self.now = at if isinstance(at, int) else local(at, self.plan.hall.time_zone)
        self.events: list[Event] = []
        self.taken = 0
        self.do(c.AdoptPlan(self.plan))
        for window in windows:
            self.do(c.SignIn(window, f"staff-{window}"))
            self.do(c.OpenWindow(window))

    def wake(self) -> list[Event]:
        """All that time has brought until now."""
        found: list[Event] = []
        while events := self.hall.wake(self.now):
            found += self.keep(events)
        return found

    def keep(self, events: list[Event]) -> list[Event]:
        for event in events:
            self.hall.apply(event)
        self.events += events
        return events

    def do(self, command: Command) -> list[Event]:
        """Wake, decide and apply; the command's events."""
        self.wake()
        return self.keep(self.hall.decide(command, self.now))

    def refusal(self, command: Command) -> Refusal:
        """The refusal that `command` meets; the state stays as it was."""
        self.wake()
        before = self.hall.snapshot()
        try:
            events = self.hall.decide(command, self.now)
        except Refusal as found:
            assert self.hall.snapshot() == before, "a refusal changed the state"
            return found
        raise AssertionError(f"{command} was not refused: {events}")

    def wait(self, seconds: float) -> list[Event]:
        """Let time pass; what it brought."""
        self.now += round(seconds * SECOND)
        return self.wake()

    def until(self, text: str) -> list[Event]:
        """Let time pass until a wall-clock time of the hall."""
        self.now = local(text, self.hall.state.zone_name)
        return self.wake()

    # ---- short forms

    def take(self, line: str = "A", **more: Any) -> str:
        """A new ticket's id."""
        self.taken += 1
        id = f"t{self.taken}"
        self.do(c.TakeTicket(id, line=line, **more))
        return id

    def call(self, window: str = "w1") -> str | None:
        """The ticket that the window's next call brings."""
        found = [ev.ticket for ev in self.do(c.CallTicket(window)) if isinstance(ev, e.TicketCalled)]
        return found[0] if found else None

    def serve(self, window: str = "w1", seconds: float = 60) -> str | None:
        """Call, start, serve and finish the next one."""
        id = self.call(window)
        if id is not None:
            self.do(c.StartService(window))
            self.wait(seconds)
            self.do(c.FinishTicket(window))
        return id

    def begin(self, line: str = "A", window: str = "w1", **more: Any) -> str:
        """A ticket that is being served at the window."""
        id = self.take(line, **more)
        self.do(c.CallTicket(window, id, "test"))
        self.do(c.StartService(window))
        return id

    def miss(self, window: str = "w1") -> None:
        """A no-show after the no-show time."""
        self.wait(self.plan.limits.no_show_after_s)
        self.do(c.MissTicket(window))

    def ticket(self, id: str) -> Ticket:
        return self.hall.state.tickets[id]

    def window(self, id: str) -> Window:
        return self.hall.state.windows[id]

    def waiting(self, line: str = "A") -> list[str]:
        """The ids in the line's order."""
        return [entry[3] for entry in self.hall.state.lines[line].waiting]

    def replayed(self) -> Hall:
        """A hall made from the kept events alone."""
        hall = Hall(self.plan.hall.id)
        for event in self.events:
            hall.apply(event)
        return hall
