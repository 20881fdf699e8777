"""A hall day to measure with: citizens, clerks and mishaps drive the engine, and every accepted command is recorded.

Law: the same seed gives the same day. The people here are rough on purpose; the simulator is another room. About half
of the visits bring a case: its papers are carried, checked, decided, made, handed out and filed the same day.
"""

from __future__ import annotations

import heapq
import random
import tomllib
from collections.abc import Callable
from pathlib import Path

from tidehall.hall import commands as c
from tidehall.hall.catalogue import Item
from tidehall.hall.commands import Command
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.papers import commands as q
from tidehall.hall.papers.objects import Delivery
from tidehall.hall.plan import Plan, parse_plan
from tidehall.queue.tickets import Channel, Parked

__all__ = ["Day", "reference_plan"]

SECOND = 1_000_000
#: Monday 2026-11-23 07:55 in Shanghai.
MORNING = 1_795_391_700 * SECOND


def reference_plan() -> Plan:
    """halls/yangxin.toml."""
    path = Path(__file__).parent.parent / "halls" / "yangxin.toml"
    return parse_plan(tomllib.loads(path.read_text("utf-8")))


class Day:
    """One day of the reference hall, as commands with their `now` and the events they brought.

    With `until`, as many working days one after the other as bring that many events.
    """

    def __init__(
        self, *, tickets: int = 1300, cases: int = 700, seed: int = 7, estimates: bool = True, until: int = 0
    ) -> None:
        self.plan = reference_plan()
        self.hall = Hall(self.plan.hall.id, estimates=estimates)
        self.chance = random.Random(seed)
        self.commands: list[tuple[Command | None, int]] = []  # None: a wake
        self.events: list[Event] = []
        self.todo: list[tuple[int, int, Callable[[int], object]]] = []
        self.n = 0
        self.cases, self.cases_left = cases, 0
        self.by_line: dict[str, list[Item]] = {}
        for item in self.plan.items:
            self.by_line.setdefault(item.line, []).append(item)
        morning = MORNING
        self.run(tickets, morning)
        while len(self.events) < until:
            morning += 24 * 3600 * SECOND
            self.todo.clear()
            self.run(tickets, morning)

    def do(self, command: Command, now: int) -> list[Event]:
        """Decide and apply, if the hall allows it; what brought events is recorded."""
        while events := self.hall.wake(now):
            self.commands.append((None, now))
            self.take_in(events)
        try:
            events = self.hall.decide(command, now)
        except Refusal:
            return []
        if events:
            self.commands.append((command, now))
            self.take_in(events)
        return events

    def take_in(self, events: list[Event]) -> None:
        for event in events:
            self.hall.apply(event)
            self.events.append(event)

    def later(self, at: int, work: Callable[[int], object]) -> None:
        self.n += 1
        heapq.heappush(self.todo, (at, self.n, work))

    def run(self, tickets: int, morning: int) -> None:
        if self.hall.state.plan is None:
            self.do(c.AdoptPlan(self.plan), morning)
        self.cases_left = self.cases
        for window in self.plan.windows:
            if window.lines and window.post == "acceptance":
                self.later(morning + 1800 * SECOND, lambda now, w=window.id: self.arrive_clerk(w, now))  # type: ignore[misc] # bound now
        lines = [line.id for line in self.plan.lines if line.purpose == "service"]
        for _ in range(tickets):
            hump = 9.7 if self.chance.random() < 0.58 else 15.2
            hour = min(17.2, max(8.1, self.chance.gauss(hump, 0.9)))
            at = morning + round((hour - 7.9) * 3600) * SECOND + self.chance.randrange(SECOND)
            line = self.chance.choice(lines)
            self.later(at, lambda now, li=line: self.citizen(li, now))  # type: ignore[misc] # bound now
        while self.todo:
            now, _, work = heapq.heappop(self.todo)
            if now > morning + 12 * 3600 * SECOND:
                break
            work(now)

    def citizen(self, line: str, now: int) -> None:
        self.n += 1
        id = f"t{self.n:06d}"
        channel = Channel.GUIDE if self.chance.random() < 0.12 else Channel.KIOSK
        priority = "senior" if channel == Channel.GUIDE else "normal"
        if not self.do(c.TakeTicket(id, line, channel=channel, priority=priority), now):
            return
        fate = self.chance.random()
        if fate < 0.04:
            self.later(now + 600 * SECOND, lambda t: self.do(c.CancelTicket(id), t))
        elif fate < 0.07:
            self.later(now + 60 * SECOND, lambda t: self.do(c.PostponeTicket(id), t))

    def arrive_clerk(self, window: str, now: int) -> None:
        self.do(c.SignIn(window, f"clerk-{window}"), now)
        self.do(c.OpenWindow(window), now)
        self.later(now + self.chance.randrange(1, 20) * SECOND, lambda t: self.call(window, t))

    def call(self, window: str, now: int) -> None:
        chance = self.chance.random()
        if chance < 0.01:
            self.do(c.PauseWindow(window, "break"), now)
            self.later(now + 300 * SECOND, lambda t: self.do(c.ResumeWindow(window), t))
            self.later(now + 301 * SECOND, lambda t: self.call(window, t))
        elif not self.do(c.CallTicket(window), now):
            self.later(now + 15 * SECOND, lambda t: self.call(window, t))
        elif self.chance.random() < 0.08:
            self.later(now + 21 * SECOND, lambda t: self.do(c.RecallTicket(window), t))
            self.later(now + 45 * SECOND, lambda t: self.do(c.RecallTicket(window), t))
            self.later(now + 120 * SECOND, lambda t: self.do(c.MissTicket(window), t))
            self.later(now + 121 * SECOND, lambda t: self.call(window, t))
        else:
            self.later(now + self.chance.randrange(5, 40) * SECOND, lambda t: self.serve(window, t))

    def serve(self, window: str, now: int) -> None:
        self.do(c.StartService(window), now)
        if self.chance.random() < 0.3:
            line = self.hall.state.windows[window].lines[0]
            items = [i.code for i in self.plan.items if i.line == line][:2]
            self.later(now + 5 * SECOND, lambda t: self.do(c.SetItems(window, tuple(items)), t))
        took = round(min(3600.0, self.chance.lognormvariate(0, 0.6) * 700)) * SECOND
        if self.cases_left > 0 and self.chance.random() < 0.75:
            self.later(now + took // 2, lambda t: self.intake(window, t))
        self.later(now + took, lambda t: self.end(window, t))

    def end(self, window: str, now: int) -> None:
        ticket = self.hall.state.windows[window].ticket
        fate = self.chance.random()
        lines = self.hall.state.windows[window].lines
        if fate < 0.04:
            self.do(c.RejectTicket(window, ("id",)), now)
        elif fate < 0.07 and ticket is not None:
            self.do(c.SuspendTicket(window, Parked.AWAY), now)
            self.later(now + 900 * SECOND, lambda t: self.do(c.BringBack(ticket), t))
        elif fate < 0.10 and len(lines) > 1:
            self.do(c.TransferTicket(window, line=lines[-1]), now)
        elif fate < 0.5:
            self.do(c.FinishTicket(window), now)
            if fate < 0.12:
                self.later(now + 3 * SECOND, lambda t: self.do(c.Undo(window), t))
                self.later(now + 9 * SECOND, lambda t: self.do(c.FinishTicket(window), t))
        else:
            self.do(c.NextTicket(window), now)
            if self.hall.state.windows[window].ticket is not None:
                self.later(now + 12 * SECOND, lambda t: self.serve(window, t))
                return
        self.later(now + 12 * SECOND, lambda t: self.call(window, t))

    # ---- the offices

    def intake(self, window: str, now: int) -> None:
        """Papers are taken in; now and then with a question to the middle office, or incomplete."""
        state = self.hall.state
        ticket = state.windows[window].ticket
        if ticket is None:
            return
        self.n += 1
        item = self.chance.choice(self.by_line[state.tickets[ticket].line])
        case = f"c{self.n:06d}"
        papers = tuple(m.code for m in item.materials)
        whole = self.chance.random() > 0.03 or not item.materials
        if self.chance.random() < 0.05:
            self.do(q.AskSupport(f"s{self.n}", window, item.code), now)
            self.later(now + 90 * SECOND, lambda t, asked=f"s{self.n}": self.do(q.AnswerSupport(asked), t))  # type: ignore[misc] # bound now
        urgent = item.urgent_allowed and self.chance.random() < 0.3
        found = self.do(
            q.ReceiveCase(
                case, window, item.code, papers if whole else papers[1:], Delivery("window"), ticket, urgent=urgent,
                applicant=f"p{self.n}", incomplete=not whole,
            ),
            now,
        )  # fmt: skip
        if not found:
            return
        self.cases_left -= 1
        if case in state.offices.cases and state.offices.cases[case].stage == "received":
            self.do(q.RequestCorrection(case, papers[:1]), now)
            self.later(now + 1200 * SECOND, lambda t: self.complete(case, t))
        else:
            self.on_its_way(case, now)

    def complete(self, case: str, now: int) -> None:
        """The missing paper is here."""
        self.do(q.CorrectPapers(case), now)
        self.do(q.AcceptCase(case, "clerk"), now)
        self.on_its_way(case, now)

    def on_its_way(self, case: str, now: int) -> None:
        """A runner comes after a few minutes; one in twenty is refused, one in thirty comes too late."""
        found = self.hall.state.offices.cases[case]
        if found.stage == "delivered":
            self.later(now + 3600 * SECOND, lambda t: self.do(q.CloseCase(case), t))
        if found.stage != "handed_off" or found.hand_off is None:
            return
        h, runner = found.hand_off, f"runner-{self.chance.randrange(5)}"
        start = now + self.chance.randrange(30, 1900 if self.chance.random() < 0.03 else 300) * SECOND
        self.later(start, lambda t: self.do(q.PickUpHandOff(h, runner), t))
        self.later(start + 120 * SECOND, lambda t: self.do(q.ArriveHandOff(h), t))
        if self.chance.random() < 0.05:
            self.later(start + 180 * SECOND, lambda t: self.do(q.RefuseHandOff(h, "page missing"), t))
            self.later(start + 300 * SECOND, lambda t: self.do(q.PickUpHandOff(h, runner), t))
        self.later(start + 400 * SECOND, lambda t: self.check(case, h, t))

    def check(self, case: str, hand_off: str, now: int) -> None:
        """Checked face to face; then on with the second leg, or to an officer."""
        papers = self.hall.state.offices.hand_offs[hand_off].papers
        if not self.do(q.VerifyHandOff(hand_off, papers, "receiver"), now):
            return
        if self.hall.state.offices.cases[case].stage == "handed_off":
            self.on_its_way(case, now)
        else:
            self.later(now + self.chance.randrange(60, 3600) * SECOND, lambda t: self.review(case, t))

    def review(self, case: str, now: int) -> None:
        """Claimed, perhaps a fee, decided, made, ready, handed out, filed."""
        self.do(q.ClaimCase(case, "officer"), now)
        self.do(q.GiveOpinion(case, "sealed"), now)
        at = now + 300 * SECOND
        if self.chance.random() < 0.15:
            self.later(at, lambda t: self.do(q.RequestFee(case, 1500, "sealed:9:x"), t))
            self.later(at + 600 * SECOND, lambda t: self.do(q.PayFee(case, "paid"), t))
            at += 700 * SECOND
        steps: list[Command] = [
            q.DecideCase(case, "approve", "sealed"), q.MakeResult(case), q.ReadyResult(case),
            q.DeliverResult(case, "window"), q.CloseCase(case),
        ]  # fmt: skip
        for n, command in enumerate(steps):
            self.later(at + n * 600 * SECOND, lambda t, step=command: self.do(step, t))  # type: ignore[misc] # bound now
