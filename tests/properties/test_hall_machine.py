"""The engine under random commands and random time, beside a naive hall of plain lists and dicts.

The naive hall keeps only what a clerk with pencil and paper would: who holds which number, who waits where with
which key, who stands at which window. It computes numbers, keys and the next one to call by itself, from the rules
of design section 4, and is compared with the engine after every event.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.core.halls import SECOND, local, make_plan, tables
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.calendar import service_day
from tidehall.hall.commands import Command
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.plan import Plan
from tidehall.hall.state import WINDOW_LIFE
from tidehall.queue.tickets import ENDED, TICKET_LIFE, UNDO_LIFE, Channel, Parked

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


class HallMachine(RuleBasedStateMachine):
    """Engine, naive hall, and at times a twin made from a snapshot."""

    def __init__(self) -> None:
        super().__init__()
        self.hall = Hall("t")
        self.naive = NaiveHall()
        self.twin: Hall | None = None
        self.events: list[Event] = []
        self.now = 0
        self.count = 0

    @initialize(plan=st.sampled_from(PLANS), hour=st.sampled_from(["07:59", "09:00", "11:58", "17:29", "23:58"]))
    def adopt_first(self, plan: Plan, hour: str) -> None:
        self.now = local(f"2026-11-23 {hour}")
        self.naive.adopt(plan)
        self.naive.day = "2026-11-23"
        self.act(c.AdoptPlan(plan))
        for window in self.naive.windows:
            if window != "w2":
                self.act(c.SignIn(window, f"s-{window}"))
                self.act(c.OpenWindow(window))
        self.rush(5)

    # ---- driving

    def keep(self, events: list[Event]) -> None:
        """Apply events one by one, checking the life tables, and let the naive hall follow."""
        state = self.hall.state
        for event in events:
            kind = str(event.__struct_config__.tag)
            assert event.at >= state.last_at
            id, w = getattr(event, "ticket", None), getattr(event, "window", None)
            before = state.tickets[id].state if id in state.tickets else None
            stood = state.windows[w].state if w is not None else None
            self.naive.note(event, state.issuing)
            self.hall.apply(event)
            if before is not None and id is not None:
                after = state.tickets[id].state
                if isinstance(event, e.ActionUndone):
                    assert UNDO_LIFE[event.undone] == after
                else:
                    assert TICKET_LIFE[before][kind] == after
            if stood is not None and kind in {k for moves in WINDOW_LIFE.values() for k in moves}:
                assert w is not None
                assert WINDOW_LIFE[stood][kind] == state.windows[w].state
            if isinstance(event, e.DayTurned):
                assert all(t.state not in ENDED for t in state.tickets.values())
                assert event.day == service_day(event.due, "Asia/Shanghai").isoformat()
        self.events += events
        if self.twin is not None:
            for event in events:
                self.twin.apply(event)

    def wake(self) -> None:
        due = 0
        while events := self.hall.wake(self.now):
            if self.twin is not None:
                assert self.twin.wake(self.now) == events
            for event in events:
                when = getattr(event, "due", due)
                assert due <= when <= self.now
                due = when
            self.keep(events)
        at = self.hall.wakes_at()
        assert at is None or at > self.now

    def act(self, command: Command | Any) -> list[Event] | None:  # a choice of several is typed as their root
        """Decide (also on a copy and on the twin), apply, compare; None when refused."""
        self.wake()
        before = self.hall.snapshot()
        draft = self.hall.copy()
        events: list[Event] | None
        try:
            events = draft.decide(command, self.now)
        except Refusal as refused:
            events, code = None, refused.code
            for hall in (self.hall, self.twin):
                if hall is not None:
                    with pytest.raises(Refusal) as again:
                        hall.decide(command, self.now)
                    assert again.value.code == code  # the copy's refusal beside the hall's
            assert draft.snapshot() == self.hall.snapshot() == before, "a refusal changed something"
        else:
            for event in events:
                draft.apply(event)
            assert self.hall.snapshot() == before, "a draft changed the committed state"
            assert self.hall.decide(command, self.now) == events
            if self.twin is not None:
                assert self.twin.decide(command, self.now) == events
            assert self.hall.snapshot() == before, "deciding changed the state"
            self.keep(events)
            assert draft.snapshot() == self.hall.snapshot()
        self.compare()
        return events

    def compare(self) -> None:
        state, naive = self.hall.state, self.naive
        assert {id: t.state for id, t in state.tickets.items()} == {id: t["state"] for id, t in naive.tickets.items()}
        assert naive.taken == naive.tickets.keys() | naive.gone, "a ticket was lost"
        for line in state.lines.values():
            assert line.waiting == sorted(line.waiting)
            assert [entry[3] for entry in line.waiting] == naive.waiting(line.id)
            assert all(entry[:3] == state.tickets[entry[3]].rank for entry in line.waiting)
        assert sum(len(line.waiting) for line in state.lines.values()) == sum(
            t["state"] == "waiting" for t in naive.tickets.values()
        )
        assert {w.id: (w.state, w.staff, w.ticket, w.lines) for w in state.windows.values()} == {
            id: (w["state"], w["staff"], w["ticket"], w["lines"]) for id, w in naive.windows.items()
        }
        at_windows = {w.ticket: w.id for w in state.windows.values() if w.ticket is not None}
        in_front = {t.id: t.window for t in state.tickets.values() if t.state in ("called", "serving")}
        assert at_windows == in_front, "one ticket at one window"
        called = {t.call_id for t in state.tickets.values() if t.state == "called"}
        assert called == state.calls.keys(), "open calls are those not yet answered"
        numbers = [t.number for t in state.tickets.values()]
        assert len(numbers) == len(set(numbers)), "a number twice"
        for missed in state.missed.values():
            assert all(state.tickets[id].state == "waiting" for id in missed)

    # ---- rules

    @rule(
        line=st.sampled_from([*LINES, "A"]),
        priority=st.sampled_from(["normal", "normal", "senior"]),
        confirmed=st.booleans(),
        holder=st.sampled_from([None, None, None, "h1", "h2"]),
        booked=st.sampled_from([None, None, None, -3600, -60, 0, 120, 7200]),
        channel=st.sampled_from([Channel.KIOSK, Channel.GUIDE]),
    )
    def take(
        self, line: str, priority: str, confirmed: bool, holder: str | None, booked: int | None, channel: Channel
    ) -> None:
        self.wake()
        self.count += 1
        naive = self.naive
        known = line in naive.letter
        allowed = (
            known
            and self.hall.state.issuing
            and len(naive.waiting(line)) < 12
            and naive.held(holder, line) < 1
            and naive.number(line) is not None
        )
        booked_for = None if booked is None else self.now + booked * SECOND
        events = self.act(
            c.TakeTicket(
                f"t{self.count}", line=line, priority=priority, confirmed=confirmed, holder=holder,
                booked_for=booked_for, channel=channel,
            )
        )  # fmt: skip
        assert (events is not None) == allowed
        if events:
            taken = events[0]
            assert isinstance(taken, e.TicketTaken)
            is_open = any(w["state"] == "open" and line in w["lines"] for w in naive.windows.values())
            assert (taken.shown is not None) == is_open
            assert taken.shown is None or 0 < taken.shown[0] <= taken.shown[1] <= taken.shown[2]

    @rule(window=st.sampled_from(WINDOWS))
    def call(self, window: str) -> None:
        """The next one, or nobody."""
        self.call_at(window)

    def call_at(self, window: str) -> None:
        self.wake()
        w = self.naive.windows.get(window)
        allowed = w is not None and w["state"] == "open" and w["ticket"] is None
        expected = self.naive.next_for(window, self.now) if allowed else None
        events = self.act(c.CallTicket(window))
        assert (events is not None) == allowed
        assert [ev.ticket for ev in events or [] if isinstance(ev, e.TicketCalled)] == ([expected] if expected else [])

    @rule(number=st.integers(2, 6))
    def rush(self, number: int) -> None:
        """Several come at once."""
        for i in range(number):
            self.count += 1
            self.act(c.TakeTicket(f"t{self.count}", line=LINES[i % 2], priority=["normal", "senior"][i % 3 == 2]))
            self.now += SECOND

    @rule(window=st.sampled_from(WINDOWS[:3]), misses=st.integers(0, 3))
    def bring(self, window: str, misses: int) -> None:
        """Call until somebody stands at the window, after some who did not come."""
        for _ in range(misses):
            self.act(c.CallTicket(window))
            self.now += 60 * SECOND
            self.act(c.MissTicket(window))
        self.act(c.CallTicket(window))
        self.act(c.StartService(window))

    @rule(seconds=st.sampled_from([5, 61]), data=st.data())
    def never_there(self, seconds: int, data: st.DataObject) -> None:
        """The same citizen is called and missed until the number is void, and perhaps restored."""
        waiting = [id for line in self.naive.letter for id in self.naive.waiting(line)]
        if not waiting:
            return
        id = data.draw(st.sampled_from(waiting))
        for _ in range(3):
            self.act(c.CallTicket("w1", id, "r"))
            self.now += 60 * SECOND
            self.act(c.MissTicket("w1"))
        self.now += seconds * SECOND
        self.act(data.draw(st.sampled_from([c.RestoreTicket(id, "r"), c.Undo("w1")])))

    @rule(window=st.sampled_from(WINDOWS), data=st.data())
    def work(self, window: str, data: st.DataObject) -> None:
        """What a clerk would do next with whoever is in front."""
        busy = [id for id, w in self.naive.windows.items() if w["ticket"] is not None]
        window = data.draw(st.sampled_from(busy)) if busy else window
        w = self.naive.windows.get(window)
        id = w["ticket"] if w is not None else None
        if id is None:
            self.act(c.NextTicket(window))
        elif self.naive.tickets[id]["state"] == "called":
            self.act(data.draw(st.sampled_from([c.StartService(window), c.MissTicket(window), c.RecallTicket(window)])))
        else:
            line = data.draw(st.sampled_from(LINES))
            to = data.draw(st.sampled_from(WINDOWS))
            place: Any = data.draw(st.sampled_from(["arrival", "front", "end"]))
            kind = data.draw(st.sampled_from(list(Parked)))
            self.act(
                data.draw(
                    st.sampled_from(
                        [
                            c.FinishTicket(window),
                            c.NextTicket(window),
                            c.RejectTicket(window, ("photo",)),
                            c.SuspendTicket(window, kind),
                            c.TransferTicket(window, line=line, place=place, reason="r"),
                            c.TransferTicket(window, to=to, place=place, reason="r"),
                            c.SetItems(window, tuple(data.draw(st.lists(st.sampled_from(ITEMS), max_size=3)))),
                        ]
                    )
                )
            )

    @rule(window=st.sampled_from(WINDOWS))
    def undo(self, window: str) -> None:
        self.wake()
        allowed = window in self.naive.windows and self.naive.may_undo(window, self.now)
        assert (self.act(c.Undo(window)) is not None) == allowed

    @rule(
        window=st.sampled_from(WINDOWS),
        staff=st.sampled_from(["s-w1", "s-w2", "s-x"]),
        over=st.booleans(),
        lines=st.lists(st.sampled_from(LINES), max_size=3),
        what=st.sampled_from(["in", "out", "open", "open", "close", "pause", "resume", "lines"]),
    )
    def stand(self, window: str, staff: str, over: bool, lines: list[str], what: str) -> None:
        self.act(
            {
                "in": c.SignIn(window, staff, over),
                "out": c.SignOut(window),
                "open": c.OpenWindow(window),
                "close": c.CloseWindow(window),
                "pause": c.PauseWindow(window, "break"),
                "resume": c.ResumeWindow(window),
                "lines": c.SetLines(window, tuple(lines), over),
            }[what]
        )

    @rule(data=st.data(), window=st.sampled_from(WINDOWS))
    def about_a_ticket(self, data: st.DataObject, window: str) -> None:
        """Every command that names a ticket, whatever its state; at times one that is long gone or never was."""
        states: dict[str, list[str]] = {"none": ["nobody"]}
        for known, t in self.naive.tickets.items():
            states.setdefault(t["state"], []).append(known)
        id = data.draw(st.sampled_from(states[data.draw(st.sampled_from(sorted(states)))]))
        priority = data.draw(st.sampled_from(["normal", "senior", "royal"]))
        commands: list[Command] = [
            c.CancelTicket(id), c.PostponeTicket(id), c.BringBack(id), c.RestoreTicket(id, "r"),
            c.ConfirmPriority(id, priority), c.UnsuspendTicket(window, id), c.CallTicket(window, id, "r"),
        ]  # fmt: skip
        found = self.naive.tickets.get(id)
        if found is not None and found["state"] == "suspended":  # what fits is otherwise drawn too seldom
            commands = [c.BringBack(id), c.UnsuspendTicket(found["window"], id), c.UnsuspendTicket(window, id)]
        self.act(data.draw(st.sampled_from(commands)))

    @rule(window=st.sampled_from(WINDOWS[:2]), to=st.sampled_from(WINDOWS[:3]), data=st.data())
    def send(self, window: str, to: str, data: st.DataObject) -> None:
        """One is sent to the front of a certain window, or lets others go first; then everybody calls."""
        self.act(c.NextTicket(window))
        self.act(c.StartService(window))
        self.act(c.TransferTicket(window, to=to, place="front", reason="r"))
        waiting = self.naive.waiting("A")
        if waiting:
            self.act(c.PostponeTicket(data.draw(st.sampled_from(waiting))))
        for other in self.naive.windows:
            self.call_at(other)

    @rule(window=st.sampled_from(WINDOWS), kind=st.sampled_from(list(Parked)))
    def park(self, window: str, kind: Parked) -> None:
        """Whoever is served here is parked."""
        self.act(c.SuspendTicket(window, kind))

    @rule(plan=st.sampled_from(PLANS), now=st.booleans(), weight=st.integers(0, 4))
    def adopt(self, plan: Plan, now: bool, weight: int) -> None:
        """Mostly an alert instead: a plan changes rarely."""
        if weight == 0:
            self.act(c.AdoptPlan(plan, now))
        else:
            self.act(c.RaiseAlert("test", "x") if now else c.EndAlert("test", "x"))

    @rule(seconds=st.sampled_from([0, 1, 5, 19, 20, 30, 31, 59, 60, 300]))
    def soon(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self.wake()
        self.compare()

    @rule(hours=st.sampled_from([0.5, 1, 3, 8, 14, 24, 76]), weight=st.integers(0, 2))
    def later(self, hours: float, weight: int) -> None:
        if weight == 0:
            self.now += round(hours * 3600) * SECOND
            self.wake()
            self.compare()

    @rule(window=st.sampled_from(WINDOWS))
    def allowed_is_allowed(self, window: str) -> None:
        """What the engine offers a window is not refused, and what it does not offer is."""
        self.wake()
        state = self.hall.state
        w = state.windows.get(window)
        if w is None:
            return
        simple: dict[str, Command] = {
            "sign-out": c.SignOut(window), "open": c.OpenWindow(window), "close": c.CloseWindow(window),
            "resume": c.ResumeWindow(window), "pause": c.PauseWindow(window, "r"), "call": c.CallTicket(window),
            "recall": c.RecallTicket(window), "no-show": c.MissTicket(window), "start": c.StartService(window),
            "finish": c.FinishTicket(window), "next": c.NextTicket(window), "lines": c.SetLines(window, w.lines),
            "suspend": c.SuspendTicket(window, Parked.HOLD), "reject": c.RejectTicket(window, ("x",)),
            "undo": c.Undo(window),
        }  # fmt: skip
        offered = state.allowed(window, self.now)
        for action, command in simple.items():
            try:
                found: list[Event] | None = self.hall.decide(command, self.now)
            except Refusal:
                found = None
            if action in offered:
                assert found is not None, action
            elif action not in ("open", "close", "resume", "pause"):  # these answer [] when there is nothing to do
                assert found is None, action

    @rule()
    def snapshot(self) -> None:
        """From here on a twin made from a snapshot decides everything too."""
        self.twin = Hall.restore(self.hall.snapshot())
        assert self.twin.facts() == self.hall.facts()
        assert self.twin.wakes_at() == self.hall.wakes_at()

    def teardown(self) -> None:
        """Replay is the state, and the twin has come the same way."""
        again = Hall("t")
        for event in self.events:
            again.apply(event)
        assert again.facts() == self.hall.facts()
        assert again.wakes_at() == self.hall.wakes_at()
        if self.twin is not None:
            assert self.twin.facts() == self.hall.facts()


QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example]


def test_hall_against_naive_hall() -> None:
    """No ticket lost or served twice, order kept, replay = state, drafts and refusals leave no trace."""
    profile = settings(max_examples=100, stateful_step_count=50, deadline=None, suppress_health_check=QUIET)
    run_state_machine_as_test(HallMachine, settings=profile)


@pytest.mark.proof
def test_hall_against_naive_hall_at_length() -> None:
    """The same, for long."""
    profile = settings(max_examples=2000, stateful_step_count=120, deadline=None, suppress_health_check=QUIET)
    run_state_machine_as_test(HallMachine, settings=profile)
