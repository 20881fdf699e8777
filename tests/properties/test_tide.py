"""The tide against a naive watch that looks at the whole hall at every moment of a small clock."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.halls import SECOND, Driver, make_plan
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal

A, B, T = 2, 40, 10  # open: more than 2 for each window, or 40 s waited, for 10 s
LOW, CALM, FOR = 1, 15, 12  # close: fewer than 1 for each window and nobody 15 s, for 12 s
SETTLE, LEAST = 6, 9
RULE = {
    "open_waiting_per_window": A, "open_wait_s": B, "open_for_s": T, "close_waiting_per_window": LOW,
    "close_wait_s": CALM, "close_for_s": FOR, "settle_s": SETTLE, "min_open_s": LEAST,
}  # fmt: skip
WORDS = {"zh": "名", "en": "Name"}
ROWS = [
    {"id": "w1", "label": "1", "zone": "g", "lines": ["A"]}, {"id": "w2", "label": "2", "zone": "g", "lines": ["A"]},
    {"id": "t1", "label": "3", "zone": "g", "post": "tidal", "lines": ["A"]},
    {"id": "p1", "label": "9", "zone": "p", "lines": ["C"]},
]  # fmt: skip
PLAN = make_plan(round_the_clock=True, windows=ROWS, tide={"g": RULE})

#: What may be done at a window, at the tide, by a citizen; 0: nothing, only time passes.
WINDOWS = {"w1": 0, "w2": 1, "t1": 2}
STEP = st.tuples(st.sampled_from(["take", "cancel", "call", "end", "open", "close", "pause", "tide", ""]),
                 st.integers(0, 2), st.integers(1, 25))  # fmt: skip


class Naive:
    """Looks every second (everything in this test happens on whole seconds) at who waits and what is open."""

    def __init__(self, begun: int) -> None:
        self.over_since: int | None = None
        self.calm_since: int | None = None
        self.stepped = -(10**9)
        self.advice: tuple[str, str] | None = None
        self.spoken: list[tuple[str, str, int]] = []
        self.at = begun

    def look(self, hall: Hall, now: int) -> None:
        """Every second from the last look to `now`, with the hall as it is."""
        s = hall.state
        since = [t.waiting_since // SECOND for t in s.tickets.values() if t.state == "waiting" and t.line == "A"]
        windows = sum(s.windows[id].state == "open" and not s.windows[id].closing for id in WINDOWS)
        tidal = s.windows["t1"]
        while self.at <= now:
            at = self.at
            longest = max((at - x for x in since), default=-1)
            over = len(since) > A * windows or longest >= B
            calm = windows > 0 and len(since) < LOW * windows and longest < CALM
            self.over_since = (at if self.over_since is None else self.over_since) if over else None
            self.calm_since = (at if self.calm_since is None else self.calm_since) if calm else None
            can_open = tidal.state == "closed"
            can_close = tidal.state == "open" and not tidal.closing
            stands = {("t1", "open"): over and can_open, ("t1", "close"): calm and can_close}
            if self.advice is not None and not stands[self.advice]:
                self.say("lapse", at)
            if self.advice is None and at >= self.stepped + SETTLE:
                if can_open and self.over_since is not None and at >= self.over_since + T:
                    self.say("open", at)
                elif (
                    can_close and self.calm_since is not None and at >= self.calm_since + FOR
                    and at >= tidal.since // SECOND + LEAST
                ):  # fmt: skip
                    self.say("close", at)
            if self.at == now:
                break
            self.at += 1

    def say(self, what: str, at: int) -> None:
        self.spoken.append((what, "t1", at))
        self.advice = None if what == "lapse" else ("t1", what)


def spoken(events: list[Any]) -> list[tuple[str, str, int]]:
    return [
        ("lapse" if isinstance(x, e.TideLapsed) else x.action, x.window, x.due // SECOND)
        for x in events
        if isinstance(x, (e.TideAdvised, e.TideLapsed))
    ]


def asked(d: Driver, what: str, n: int) -> c.Command | None:
    """The command of a step, or None."""
    window = ["w1", "w2", "t1"][n]
    match what:
        case "take":
            d.taken += 1
            return c.TakeTicket(f"k{d.taken}", "A")
        case "cancel":
            waiting = [t.id for t in d.hall.state.tickets.values() if t.state == "waiting"]
            return c.CancelTicket(waiting[n % len(waiting)]) if waiting else None
        case "call":
            return c.CallTicket(window)
        case "end":
            busy = d.hall.state.windows[window].ticket is not None
            return c.FinishTicket(window) if busy else None
        case "open":
            return c.OpenWindow(window) if n < 2 else c.OpenTidal("t1")
        case "close":
            return c.CloseWindow(window) if n < 2 else c.CloseTidal("t1")
        case "pause":
            return (
                c.PauseWindow(window, "tea") if d.hall.state.windows[window].state == "open" else c.ResumeWindow(window)
            )
        case "tide":
            return c.OpenTidal("t1") if d.hall.state.windows["t1"].state == "closed" else c.CloseTidal("t1")
    return None


@given(st.lists(STEP, max_size=60))
@settings(max_examples=300, deadline=None)
def test_advice_is_that_of_a_watch_that_never_blinks(steps: list[tuple[str, int, int]]) -> None:
    """Every advice and every lapse, each at its second; a restored hall says the same from then on."""
    d = Driver(PLAN, windows=("w1",))
    naive = Naive(d.now // SECOND)
    naive.look(d.hall, d.now // SECOND)
    begun = len(d.events)
    for i, (what, n, seconds) in enumerate(steps):
        command = asked(d, what, n)
        if command is not None:
            try:
                found = d.do(command)
                if isinstance(command, c.CallTicket) and found:
                    d.do(c.StartService(command.window))
            except Refusal:
                found = []
            if any(isinstance(x, e.TideConfirmed) for x in found):
                naive.stepped, naive.advice = d.now // SECOND, None
        naive.look(d.hall, d.now // SECOND)
        d.wake()
        d.hall.wakes_at()  # a keeper asks after every step, which moves the bound for the next one
        assert spoken(d.events[begun:]) == naive.spoken
        if i == len(steps) // 2:
            d.hall = Hall.restore(d.hall.snapshot())
        d.now += seconds * SECOND
        naive.look(d.hall, d.now // SECOND)
        d.wake()
        assert spoken(d.events[begun:]) == naive.spoken
