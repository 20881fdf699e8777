"""A naive hall of plain lists and dicts, to stand beside the engine: what a clerk with pencil and paper would keep.

Law: it takes nothing from the engine but events; numbers, keys and the next one to call it computes by itself, from the
rules of design section 4.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tests.core.halls import SECOND, make_plan, tables
from tidehall.hall import events as e
from tidehall.hall.events import Event
from tidehall.hall.plan import Plan
from tidehall.queue.tickets import ENDED

__all__ = ["ITEMS", "LINES", "PLANS", "WINDOWS", "NaiveHall"]

Key = tuple[int, int, int]
BASE = tables()
LIMITS = {"waiting_per_line": 12}


def plans() -> list[Plan]:
    """Halls between which the journal may move: lunch hours, round the clock, a line or windows less, new letters."""
    less: dict[str, Any] = {
        "lines": BASE["lines"][:2],
        "windows": BASE["windows"][:2],
        "items": BASE["items"],
        "boards": [],
    }
    letters = {"A": "B", "B": "A", "C": "C"}
    swapped = [{**line, "letter": letters[line["letter"]]} for line in BASE["lines"]]
    moved = [{**w, "lines": ["B"] if w["id"] == "w3" else w["lines"]} for w in BASE["windows"]]
    return [
        make_plan(limits=LIMITS),
        make_plan(limits=LIMITS, round_the_clock=True),
        make_plan(limits=LIMITS, round_the_clock=True, **less),
        make_plan(limits=LIMITS, windows=moved, hall={"hours": [["06:00", "24:00"]], "open_days": ["mon", "tue"]}),
        make_plan(limits=LIMITS, round_the_clock=True, lines=swapped),
    ]


PLANS = plans()
WINDOWS = ["w1", "w2", "w3", "w4", "w5"]
LINES = ["A", "B", "C"]
ITEMS = ["A-1", "A-2", "B-1"]


class NaiveHall:
    """Pencil and paper."""

    def __init__(self) -> None:
        self.plan = PLANS[0]
        self.coming: Plan | None = None
        self.day = ""
        self.tickets: dict[str, dict[str, Any]] = {}  # of today, ended ones too
        self.windows: dict[str, dict[str, Any]] = {}
        self.letter: dict[str, str] = {}
        self.given: dict[str, int] = {}  # by letter
        self.skip: dict[str, set[int]] = {}
        self.serial = 0
        self.places = 0
        self.finished: dict[str, int] = {}
        self.taken: set[str] = set()
        self.gone: set[str] = set()

    def adopt(self, plan: Plan) -> None:
        self.plan = plan
        self.coming = None
        old = self.windows
        self.windows = {
            w.id: {**old.get(w.id, {"state": "closed", "staff": None, "ticket": None}), "lines": w.lines, "last": None}
            for w in plan.windows
        }
        self.letter = {line.id: line.letter for line in plan.lines}

    def start(self, priority: str) -> int:
        return round(self.plan.priority.get(priority, 0) * 60) * SECOND

    def open(self) -> list[dict[str, Any]]:
        return [t for t in self.tickets.values() if t["state"] not in ENDED]

    def waiting(self, line: str) -> list[str]:
        keys = [(t["key"], id) for id, t in self.tickets.items() if t["state"] == "waiting" and t["line"] == line]
        return [id for _, id in sorted(keys)]

    def held(self, holder: str | None, line: str) -> int:
        return sum(1 for t in self.open() if holder and t["holder"] == holder and t["line"] == line)

    def number(self, line: str) -> str | None:
        letter = self.letter[line]
        n = self.given.get(letter, 0) + 1
        while n in self.skip.get(letter, set()):
            n += 1
        return f"{letter}{n:03d}" if n <= 999 else None

    def behind(self, line: str, own: str, *, after: bool) -> Key:
        """The key behind the third other one in the line; with `after`, of those behind `own`."""
        mine: Key = self.tickets[own]["key"]
        others = [self.tickets[id]["key"] for id in self.waiting(line) if id != own]
        if after:
            others = [key for key in others if key > mine]
        if not others:
            return mine
        third = others[:3][-1]
        found: Key = (third[0], third[1], self.places + 1)
        return found if after else max(mine, found)

    def own_key(self, t: dict[str, Any]) -> Key:
        if t["booked"]:
            return (t["booked"] - self.start("booked"), t["serial"], 0)
        return (t["at"] - self.start(t["class"]), t["serial"], 0)

    def next_for(self, window: str, now: int) -> str | None:
        """Whom this window calls now."""
        ready: list[tuple[Key, str]] = []
        early: list[tuple[Key, str]] = []
        for line in self.windows[window]["lines"]:
            for id in self.waiting(line):
                t = self.tickets[id]
                only = self.windows.get(t["only"] or "")
                if only is not None and t["only"] != window and only["state"] != "closed" and line in only["lines"]:
                    continue
                if t["not_before"] > now:
                    continue
                (early if t["eligible"] > now else ready).append((t["key"], id))
        found = sorted(ready) or sorted(early)
        return found[0][1] if found else None

    def may_undo(self, window: str, now: int) -> bool:
        w = self.windows[window]
        if w["ticket"] is not None or w["state"] == "closed" or w["last"] is None:
            return False
        at, before, version = w["last"]
        t = self.tickets.get(before["id"])
        if t is None or t["version"] != version or now > at + 30 * SECOND:
            return False
        back_again = t["state"] in ENDED or t["line"] != before["line"]
        return not (back_again and self.held(t["holder"], before["line"]) >= 1)

    # ---- what happens

    def note(self, ev: Event, issuing: bool) -> None:
        """Take an event in, checking what it says against what the rules say."""
        now = ev.at
        id = getattr(ev, "ticket", None)
        name = type(ev).__name__
        if isinstance(ev, e.TicketTaken):
            assert issuing
            assert ev.number == self.number(ev.line)
            self.given[ev.number[0]] = int(ev.number[1:])
            self.serial += 1
            t: dict[str, Any] = {
                "id": ev.ticket, "number": ev.number, "line": ev.line, "class": ev.priority, "at": now,
                "serial": self.serial, "booked": ev.booked_for, "eligible": ev.eligible_at, "not_before": 0,
                "only": None, "state": "waiting", "window": None, "misses": 0, "holder": ev.holder, "version": 0,
                "parked": None,
            }  # fmt: skip
            t["key"] = self.own_key(t)
            assert ev.rank == t["key"]
            self.tickets[ev.ticket] = t
            self.taken.add(ev.ticket)
            return
        if isinstance(ev, e.DayTurned):
            self.turn(ev)
            return
        if isinstance(ev, e.PlanAdopted):
            if ev.next_day:
                self.coming = ev.plan
            else:
                self.adopt(ev.plan)
            return
        window = self.windows.get(getattr(ev, "window", None) or "")
        if id is None:
            if window is not None:
                self.note_window(ev, window)
            return
        t = self.tickets[id]
        t["version"] += 1
        before = deepcopy(t)
        if isinstance(ev, e.TicketCalled):
            assert window is not None
            if not ev.chosen:
                assert id == self.next_for(ev.window, now), "not the smallest callable key"
            assert window["ticket"] is None
            if t["not_before"] or t["eligible"] or t["only"]:
                t.update(not_before=0, eligible=0, only=None)
            t.update(state="called", window=ev.window)
            window.update(ticket=id, last=None)
        elif isinstance(ev, e.ServiceStarted):
            t["state"] = "serving"
        elif isinstance(ev, e.TicketMissed):
            key = self.behind(t["line"], id, after=False)
            assert ev.rank == key
            self.leave(t, before, now)
            self.places += 1
            t.update(state="waiting", key=key, not_before=now + 60 * SECOND, misses=t["misses"] + 1)
        elif isinstance(ev, e.TicketVoided):
            assert t["misses"] == 2
            self.leave(t, before, now)
            t.update(state="void", misses=3)
        elif isinstance(ev, e.TicketPostponed):
            key = self.behind(t["line"], id, after=True)
            assert ev.rank == key
            self.places += 1
            t.update(key=key, not_before=now + 60 * SECOND)
        elif isinstance(ev, e.TicketRestored):
            key = self.behind(t["line"], id, after=False)
            assert ev.rank == key
            self.places += 1
            t.update(state="waiting", key=key, not_before=now + 60 * SECOND, misses=0, window=None)
        elif isinstance(ev, e.TicketSuspended):
            assert window is not None
            window.update(ticket=None, last=None)
            t.update(state="suspended", parked=ev.parked)
        elif isinstance(ev, e.TicketReturned):
            assert t["parked"] == "away"
            t.update(state="waiting", window=None, not_before=0, parked=None)
        elif isinstance(ev, e.ServiceResumed):
            assert window is not None
            assert t["parked"] == "away" or t["window"] == ev.window
            window.update(ticket=id, last=None)
            t.update(state="serving", window=ev.window, parked=None)
        elif isinstance(ev, e.TicketTransferred):
            self.leave(t, before, now)
            self.places += 1
            if ev.place == "arrival":
                assert ev.rank == self.own_key(t)
            others = [self.tickets[other]["key"] for other in self.waiting(ev.line)]
            if ev.place == "front":
                assert all(ev.rank < key for key in others)
            if ev.place == "end":
                assert all(ev.rank > key for key in others)
            t.update(state="waiting", line=ev.line, key=ev.rank, only=ev.to, not_before=0)
        elif isinstance(ev, e.TicketRejected | e.TicketFinished):
            self.leave(t, before, now)
            t["state"] = "rejected" if isinstance(ev, e.TicketRejected) else "finished"
            self.finished[id] = self.finished.get(id, 0) + 1
            assert self.finished[id] == 1, "served twice"
        elif isinstance(ev, e.TicketCancelled | e.TicketExpired):
            if t["state"] in ("called", "serving"):
                self.windows[t["window"]]["ticket"] = None
            t["state"] = "cancelled" if isinstance(ev, e.TicketCancelled) else "expired"
        elif isinstance(ev, e.PriorityConfirmed):
            ordinary = not t["booked"] and not t["misses"] and t["key"] == self.own_key(t)
            t["class"] = ev.priority
            if ordinary:
                t["key"] = self.own_key(t)
            assert ev.rank == t["key"]
        elif isinstance(ev, e.ActionUndone):
            assert window is not None
            _, was, _ = window["last"]
            if t["state"] in ("finished", "rejected"):
                self.finished[id] -= 1
            self.tickets[id] = {**was, "version": t["version"]}
            window.update(ticket=id, last=None)
        else:
            assert name in ("TicketRecalled", "ItemsSet")

    def leave(self, t: dict[str, Any], before: dict[str, Any], now: int) -> None:
        window = self.windows[t["window"]]
        window["ticket"] = None
        window["last"] = (now, before, t["version"])
        t["window"] = None

    def note_window(self, ev: Event, window: dict[str, Any]) -> None:
        match ev:
            case e.WindowOpened() | e.WindowResumed():
                window["state"] = "open"
            case e.WindowPaused():
                window["state"] = "paused"
            case e.WindowClosed():
                assert window["ticket"] is None
                window["state"] = "closed"
            case e.WindowLinesSet():
                window["lines"] = ev.lines
                window["today"] = not ev.keep
            case e.StaffSignedIn():
                window.update(staff=ev.staff, last=None)
            case e.StaffSignedOut():
                window.update(staff=None, last=None)

    def turn(self, ev: e.DayTurned) -> None:
        assert ev.day > self.day
        self.day = ev.day
        self.gone |= {id for id, t in self.tickets.items() if t["state"] in ENDED}
        self.tickets = {id: t for id, t in self.tickets.items() if t["state"] not in ENDED}
        self.given = {}
        self.skip = {}
        for t in self.tickets.values():
            self.skip.setdefault(t["number"][0], set()).add(int(t["number"][1:]))
        for w in self.plan.windows:
            if self.windows[w.id].pop("today", False):
                self.windows[w.id]["lines"] = w.lines
        if self.coming is not None:
            self.adopt(self.coming)
