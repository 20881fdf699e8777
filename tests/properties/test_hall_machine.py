"""The engine under random commands and random time, beside a naive hall of plain lists and dicts.

The naive hall (naive_hall.py) keeps who holds which number, who waits where with which key, who stands at which window,
and is compared with the engine after every event.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.core.halls import SECOND, local
from tests.properties.naive_hall import ITEMS, LINES, PLANS, WINDOWS, NaiveHall
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
                when = getattr(event, "due", None)
                if when is not None:  # an alert's end has a moment only where that follows from the clock alone
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
