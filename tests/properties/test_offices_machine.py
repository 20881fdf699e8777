"""The offices under random commands and random time, over nights, weekends and changes of the plan.

A clerk's card index stands beside the engine: it follows the events alone, and says after each what must hold: one
stage and one holder for every open case, a holder for every paper, and exactly the clocks that should be running.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.core.halls import SECOND, local, make_plan
from tests.core.offices import office_tables
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.commands import Command
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import (
    CASE_LIFE,
    HAND_OFF_LIFE,
    MATTER_LIFE,
    SUPPORT_LIFE,
    Case,
    Delivery,
    MatterKind,
    Stage,
)
from tidehall.hall.plan import Plan
from tidehall.queue.tickets import ENDED

DAY = 86_400 * SECOND
WINDOWS = ["w1", "w2", "w5"]
ITEMS = ["IMM", "PRO", "REP", "OUT", "SPE", "LET", "JOI"]
RUNNERS = ["r1", "r2"]
STAFF = ["staff-w1", "o1", "o2"]


def plans() -> list[Plan]:
    """Halls between which the journal may move: other hours, other pauses, other limits, an item less."""
    tables = {name: value for name, value in office_tables().items() if name != "hall"}
    fewer = [i for i in tables["items"] if i["code"] not in ("PRO", "JOI")]
    return [
        make_plan(**tables),
        make_plan(round_the_clock=True, **tables, offices={"rating_days": 2, "collect_within_days": 1}),
        make_plan(**tables, offices={"hand_off_stops_at_break": True, "pause_on": [], "correction_days": 1}),
        make_plan(**{**tables, "items": fewer, "bundles": [], "limits": {"hand_off_warn_share": 1.0}}),
    ]


PLANS = plans()
#: kind → the table it moves in, by the field of its object's id
TABLES: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "case": ("cases", CASE_LIFE), "hand_off": ("hand_offs", HAND_OFF_LIFE),
    "support": ("supports", SUPPORT_LIFE), "matter": ("matters", MATTER_LIFE),
}  # fmt: skip
KNOWN = {name: {kind for moves in life.values() for kind in moves} for name, (_, life) in TABLES.items()}
OVER = (Stage.CLOSED, Stage.WITHDRAWN)


def one(data: Any, choices: Any) -> Any:
    """One of the choices: by Hypothesis' own draw, or by a Random that it has drawn for many choices at once."""
    return data.choice(list(choices)) if isinstance(data, Random) else data.draw(st.sampled_from(choices))


class OfficesMachine(RuleBasedStateMachine):
    """Engine, card index, and at times a twin made from a snapshot."""

    def __init__(self) -> None:
        super().__init__()
        self.hall = Hall("t")
        self.twin: Hall | None = None
        self.events: list[Event] = []
        self.now = 0
        self.count = 0
        self.spoken: set[tuple[str, str]] = set()
        self.contact: set[str] = set()  # matters whose first limit runs
        self.due: set[str] = set()  # matters whose second limit runs
        self.ended: set[str] = set()  # hand-offs
        self.papers: dict[str, set[str]] = {}

    @initialize(
        plan=st.integers(0, len(PLANS) - 1), hour=st.sampled_from(["11-20 16:50", "11-23 09:00", "11-23 11:55"]),
        random=st.randoms(use_true_random=True),
    )  # fmt: skip
    def adopt_first(self, plan: int, hour: str, random: Random) -> None:
        self.now = local(f"2026-{hour}")
        self.act(c.AdoptPlan(PLANS[plan]))
        for window in WINDOWS:
            self.act(c.SignIn(window, f"staff-{window}"))
            self.act(c.OpenWindow(window))
        self.bustle(random, 20)

    # ---- driving

    def keep(self, events: list[Event]) -> None:
        """Apply events one by one; every one moves its object along its life table, and clocks speak by their rules."""
        state = self.hall.state
        for event in events:
            kind = str(event.__struct_config__.tag)
            assert event.at >= state.last_at
            before: dict[str, Any] = {}
            for name, (where, _) in TABLES.items():
                id = getattr(event, name, None)
                if id is not None and id in getattr(state.offices, where):
                    before[name] = getattr(state.offices, where)[id]
            self.speak(kind, event)
            ending = state.plan  # the plan of the day that ends says how long its claims stay
            self.hall.apply(event)
            for name, (where, life) in TABLES.items():
                if name not in before:
                    continue
                was, now = before[name], getattr(state.offices, where)[before[name].id]
                stood, stands = (x.stage if isinstance(x, Case) else x.state for x in (was, now))
                if kind in KNOWN[name] and not (name == "case" and kind in ("step_started", "step_ended")):
                    moved = {"case_decided": stands} if self.at_window(was, kind) else life[stood]
                    assert kind in moved, f"{name} {stood} cannot take {kind}"
                    assert stands == moved[kind], f"{name} {stood} went to {stands} by {kind}"
                elif not (name == "case" and kind.startswith(("step_", "hand_off_"))):
                    assert stands == stood, f"{name} went from {stood} to {stands} by {kind}"
            self.follow(kind, event)
            if isinstance(event, e.DayTurned):
                assert ending is not None
                self.turned(event, ending)
        self.events += events
        if self.twin is not None:
            for event in events:
                self.twin.apply(event)

    @staticmethod
    def at_window(was: Any, kind: str) -> bool:
        """An immediate item is decided at its window."""
        return isinstance(was, Case) and was.kind == "immediate" and kind == "case_decided"

    def speak(self, kind: str, event: Event) -> None:
        """A clock speaks once, when it is due, and only while its matter is open."""
        offices = self.hall.state.offices
        due = getattr(event, "due", None)
        names = {
            "hand_off_warned": "hand_off_warn", "hand_off_breached": "hand_off_breach",
            "hand_off_escalated": "hand_off_escalate", "case_overdue": "case_due", "result_uncollected": "uncollected",
            "support_overdue": "support",
        }  # fmt: skip
        id = next((getattr(event, n) for n in ("hand_off", "support", "matter", "case") if hasattr(event, n)), "")
        if isinstance(event, o.MatterOverdue):
            name = f"matter_{event.what}:{id}"
        elif isinstance(event, o.CaseAccepted) and event.deemed:
            name = f"deemed:{id}"
        elif kind in names:
            name = f"{names[kind]}:{id}"
        else:
            return
        assert offices.armed.get(name) == due, f"{name} spoke with {due}"
        assert due is not None
        assert due <= event.at == self.now
        assert (kind, name) not in self.spoken, f"{name} spoke twice"
        self.spoken.add((kind, name))

    def follow(self, kind: str, event: Event) -> None:
        """The card index."""
        offices = self.hall.state.offices
        match event:
            case o.CaseReceived():
                self.papers[event.case] = {p.id for p in event.papers}
            case o.PapersCorrected():
                self.papers[event.case] |= {p.id for p in event.papers}
            case o.ResultMade():
                self.papers[event.case].add(event.paper)
            case o.HandOffVerified() | o.HandOffEnded():
                assert event.hand_off not in self.ended
                self.ended.add(event.hand_off)
            case o.MatterOpened():
                self.contact.add(event.matter)
                self.due.add(event.matter)
            case o.MatterContacted():
                self.contact.discard(event.matter)
            case o.MatterSolved():
                self.contact.discard(event.matter)
                self.due.discard(event.matter)
            case o.MatterOverdue():
                (self.contact if event.what == "contact" else self.due).discard(event.matter)
            case o.MatterReopened():
                if ("matter_overdue", f"matter_due:{event.matter}") not in self.spoken:
                    self.due.add(event.matter)
        if kind.startswith("hand_off_") and kind not in ("hand_off_verified", "hand_off_ended"):
            id = getattr(event, "hand_off", None)
            assert id not in self.ended, "a closed hand-off moved"
        case_id = getattr(event, "case", None)
        if case_id in offices.cases:
            case = offices.cases[case_id]
            assert {p.id for p in case.papers} == self.papers[case.id], "a paper was lost"
            assert len(case.papers) == len(self.papers[case.id])

    def turned(self, event: e.DayTurned, plan: Plan) -> None:
        """What is done has left the state; `plan` ruled until now."""
        state = self.hall.state
        offices, days = state.offices, plan.offices.rating_days * DAY
        assert all(case.stage not in OVER for case in offices.cases.values())
        assert all(h.id not in self.ended for h in offices.hand_offs.values())
        assert all(x.state != "answered" for x in offices.supports.values())
        assert all(a.ended is None for a in state.alerts.values())
        for matter in offices.matters.values():
            assert matter.state != "closed" or (
                matter.kind == MatterKind.RECTIFICATION and matter.ended_at + days > event.due
            )
        for ticket, since in offices.claims.items():
            assert since + days > event.due or f"bad-{ticket}" in offices.matters
        rated = offices.claims.keys() | {t.id for t in state.tickets.values() if t.state not in ENDED}
        assert offices.ratings.keys() <= rated
        assert offices.follow_ups.keys() <= rated
        assert offices.versions.keys() <= {f"{x.item_version}:{x.item}" for x in offices.cases.values()}

    def wake(self) -> None:
        while events := self.hall.wake(self.now):
            if self.twin is not None:
                assert self.twin.wake(self.now) == events
            for event in events:
                due = getattr(event, "due", None)
                assert due is None or due <= self.now
            self.keep(events)
            assert len(self.events) < 200_000, "a clock that does not stop"
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
            if self.twin is not None:
                assert self.twin.decide(command, self.now) == events
            self.keep(events)
            assert draft.snapshot() == self.hall.snapshot()
            assert draft.wakes_at() == self.hall.wakes_at()
        self.compare()
        return events

    # ---- what must hold

    def compare(self) -> None:
        state = self.hall.state
        offices = state.offices
        on_the_way: dict[str, list[str]] = {}
        for h in offices.hand_offs.values():
            if h.state in ("waiting", "carried", "arrived"):
                on_the_way.setdefault(h.case, []).append(h.id)
                holder = offices.cases[h.case].holder
                carrier = f"runner:{h.runner}"
                assert holder in {"waiting": (h.origin,), "carried": (carrier,)}.get(h.state, (h.origin, carrier))
                held = {p.holder for p in offices.cases[h.case].papers if p.id in h.papers}
                assert held == {holder}, "the case is where its papers are"
                assert (h.ended_at, h.id in self.ended) == (0, False)
            else:
                assert h.id in self.ended
        for case in offices.cases.values():
            assert case.stage in CASE_LIFE
            assert case.holder
            assert all(p.holder for p in case.papers)
            assert sorted(p.copy for p in case.papers if p.copy) == [1, 2, 3]
            expected = [case.hand_off] if case.stage == Stage.HANDED_OFF else []
            assert on_the_way.get(case.id, []) == expected, "a hand-off for each case on its way, and for no other"
            if case.kind != "immediate":
                assert case.decided_by is None or case.decided_by != case.accepted_by, "who accepts does not decide"
            for p in case.papers:
                assert not p.filed_at or p.holder.startswith("archive:")
        assert state.clocks == sorted((at, name) for name, at in offices.armed.items())
        assert offices.armed.keys() == self.clocks()
        first = [at for at, _ in state.clocks[:1]]
        wakes, overlong = self.hall.wakes_at(), state.overlong.at
        assert wakes == min([*first, state.next_moment, overlong])

    def clocks(self) -> set[str]:
        """The clocks that should be running."""
        state, found = self.hall.state, set()
        offices = state.offices
        for h in offices.hand_offs.values():
            if h.state in ("waiting", "carried", "arrived"):
                runs = {"warn": not h.warned, "breach": not h.breached, "escalate": h.breached and not h.escalated}
                found |= {f"hand_off_{name}:{h.id}" for name, armed in runs.items() if armed}
        for case in offices.cases.values():
            if case.stage == Stage.RECEIVED:
                found.add(f"deemed:{case.id}")
            due = case.due_at and not case.decided_at and case.stage != Stage.WITHDRAWN
            if due and not case.overdue and not case.paused_since:
                found.add(f"case_due:{case.id}")
                if f"case_soon:{case.id}" in offices.armed:  # promised longer ahead than the plan's rule looks
                    assert offices.armed[f"case_soon:{case.id}"] < case.due_at
                    found.add(f"case_soon:{case.id}")
            uncollected = ("result_uncollected", f"uncollected:{case.id}") not in self.spoken
            if case.stage == Stage.READY and uncollected:
                found.add(f"uncollected:{case.id}")
        found |= {f"support:{x.id}" for x in offices.supports.values() if x.state != "answered" and not x.overdue}
        found |= {f"matter_contact:{id}" for id in self.contact}
        found |= {f"matter_due:{id}" for id in self.due}
        for a in state.alerts.values():
            if a.ended is None and a.owner not in (None, "manager") and a.acknowledged_by is None:
                found.add(f"alert:{a.id}")
        return found

    # ---- rules

    def pick(self, data: Any, ids: Any, other: str = "nothing") -> str:
        """One of these ids, or one that is not there."""
        return str(one(data, [*ids] or [other]))

    @rule(
        data=st.data(), item=st.sampled_from(ITEMS), urgent=st.booleans(), whole=st.sampled_from([True, True, False]),
        number=st.booleans(),
    )  # fmt: skip
    def intake(self, data: Any, item: str, urgent: bool, whole: bool, number: bool) -> None:
        """Papers come in, with a number or by courier, complete or not."""
        self.wake()
        window = "w5" if item == "SPE" else one(data, ["w1", "w2"])
        self.count += 1
        ticket = None
        if number:
            self.act(c.TakeTicket(f"t{self.count}", "C" if window == "w5" else "A"))
            self.act(c.CallTicket(window))
            self.act(c.StartService(window))
            ticket = self.hall.state.windows[window].ticket
        found = self.hall.state.items.get(item)
        papers = tuple(m.code for m in found.materials) if found is not None else ("form",)
        self.act(
            q.ReceiveCase(
                f"c{self.count}", window, item, papers if whole else papers[:-1],
                Delivery(one(data, ["window", "electronic"])), ticket,
                "window" if ticket else "courier", urgent and item in ("PRO", "OUT", "SPE"), incomplete=not whole,
            )
        )  # fmt: skip
        if ticket is not None and urgent:
            self.act(c.FinishTicket(window))

    @rule(data=st.data(), wrong=st.integers(0, 5))
    def carry(self, data: Any, wrong: int) -> None:
        """Somebody does something with papers on their way; mostly what fits."""
        hand_offs = self.hall.state.offices.hand_offs
        fitting = [h.id for h in hand_offs.values() if h.id not in self.ended]
        id = self.pick(data, fitting if wrong and fitting else hand_offs)
        papers = hand_offs[id].papers if id in hand_offs else ()
        pick, come = q.PickUpHandOff(id, one(data, RUNNERS)), q.ArriveHandOff(id)
        check, back = q.VerifyHandOff(id, papers if wrong != 1 else papers[1:], "o1"), q.RefuseHandOff(id, "r")
        fit: list[Any] = [pick, come, check, back, q.ReturnHandOffs("r1")]
        if wrong and id in hand_offs:
            fit = {"waiting": [pick, pick, come], "carried": [come, check, back, q.ReturnHandOffs("r1")]}.get(
                hand_offs[id].state, [check, check, back]
            )
        self.act(one(data, fit))

    @rule(data=st.data())
    def bring(self, data: Any) -> None:
        """The whole way of one hand-off, then an officer takes the case."""
        waiting = [h for h in self.hall.state.offices.hand_offs.values() if h.state == "waiting"]
        if not waiting:
            return
        h = one(data, waiting)
        self.act(q.PickUpHandOff(h.id, "r2"))
        self.act(q.VerifyHandOff(h.id, h.papers))
        self.act(q.ClaimCase(h.case, "o1"))

    @rule(data=st.data(), wrong=st.integers(0, 5), staff=st.sampled_from(STAFF))
    def work(self, data: Any, wrong: int, staff: str) -> None:
        """A step of a case; mostly one that fits its stage."""
        cases = self.hall.state.offices.cases
        case = cases.get(self.pick(data, cases))
        id = case.id if case is not None else "nothing"
        commands: dict[str, Command] = {
            "case_accepted": q.AcceptCase(id, staff),
            "correction_requested": q.RequestCorrection(id, ("form",), staff),
            "papers_corrected": q.CorrectPapers(id, one(data, [(), ("form",), ("form", "extra")])),
            "case_claimed": q.ClaimCase(id, staff),
            "opinion_given": q.GiveOpinion(id, "s", staff, one(data, [None, "d", "e"])),
            "step_started": q.StartStep(id, "site_visit"),
            "step_ended": q.EndStep(id),
            "fee_requested": q.RequestFee(id, 100, "sealed:9:x"),
            "fee_paid": q.PayFee(id, "p"),
            "case_decided": q.DecideCase(id, one(data, ["approve", "refuse"]), "ok"),
            "result_made": q.MakeResult(id),
            "result_ready": q.ReadyResult(id),
            "result_delivered": q.DeliverResult(id, one(data, ["window", "electronic"])),
            "case_closed": q.CloseCase(id),
        }
        if one(data, range(10)) == 0:
            commands["case_withdrawn"] = q.WithdrawCase(id)
        fit = [x for kind, x in commands.items() if wrong and case is not None and kind in CASE_LIFE[case.stage]]
        self.act(one(data, fit or list(commands.values())))

    @rule(data=st.data(), what=st.sampled_from(["file", "some", "keep", "copy"]))
    def archive(self, data: Any, what: str) -> None:
        """Papers get their place."""
        cases = self.hall.state.offices.cases
        id = self.pick(data, cases)
        own = sorted(self.papers.get(id, {"x"}))
        some = tuple(dict.fromkeys(one(data, own) for _ in range(one(data, range(3)))))
        self.act(
            {
                "file": q.FilePapers(id), "some": q.FilePapers(id, some), "keep": q.KeepInUse(id, some, "appeal"),
                "copy": q.MoveCopy(id, one(data, range(4)), "applicant"),
            }[what]
        )  # fmt: skip

    @rule(data=st.data(), window=st.sampled_from(WINDOWS), what=st.sampled_from(["ask", "claim", "answer", "escalate"]))
    def support(self, data: Any, window: str, what: str) -> None:
        """The middle office helps."""
        id = self.pick(data, self.hall.state.offices.supports)
        self.count += what == "ask"
        self.act(
            {
                "ask": q.AskSupport(f"s{self.count}", window, None), "claim": q.ClaimSupport(id, "m1"),
                "answer": q.AnswerSupport(id), "escalate": q.EscalateSupport(id),
            }[what]
        )  # fmt: skip

    @rule(data=st.data(), level=st.integers(1, 5), active=st.sampled_from([True, True, True, False]))
    def rate(self, data: Any, level: int, active: bool) -> None:
        """A citizen rates, once or once more; mostly badly."""
        claims = self.hall.state.offices.claims
        self.act(q.RateTicket(self.pick(data, claims), one(data, [1, 2, level]), active=active))

    @rule(data=st.data(), what=st.sampled_from(["open", "over", "contact", "solve", "solve", "back", "close", "again"]))
    def matter(self, data: Any, what: str) -> None:
        """What is looked after."""
        id = self.pick(data, self.hall.state.offices.matters)
        kind = one(data, list(MatterKind))
        self.count += what == "open"
        self.act(
            {
                "open": q.OpenMatter(f"m{self.count}", kind, "anna"), "over": q.HandOverMatter(id, "bo"),
                "contact": q.ContactMatter(id), "solve": q.SolveMatter(id, "s"), "back": q.CallBackMatter(id),
                "close": q.CloseMatter(id), "again": q.ReopenMatter(id),
            }[what]
        )  # fmt: skip

    @rule(data=st.data(), staff=st.sampled_from(["anna", "bo"]), by_hand=st.integers(0, 4))
    def alert(self, data: Any, staff: str, by_hand: int) -> None:
        """Somebody takes note of an alert, or ends it by hand."""
        id = self.pick(data, self.hall.state.alerts, "nothing:x")
        self.act(q.AcknowledgeAlert(id, staff) if by_hand else c.EndAlert(*id.split(":", 1)))

    @rule(random=st.randoms(use_true_random=True), steps=st.integers(5, 25))
    def bustle(self, random: Random, steps: int) -> None:
        """A busy stretch: many things that mostly fit, with a little time between."""
        for _ in range(steps):
            match random.randrange(12):
                case 0 | 1:
                    self.intake(random, random.choice(ITEMS), random.random() < 0.5, random.random() < 0.7, False)
                case 2 | 3 | 4:
                    self.carry(random, 5)
                case 5 | 6 | 7:
                    self.work(random, 5, random.choice(STAFF))
                case 8:
                    self.archive(random, random.choice(["file", "some", "keep", "copy"]))
                case 9:
                    self.support(random, "w1", random.choice(["ask", "claim", "answer", "escalate"]))
                case 10:
                    self.served(random)
                case 11:
                    self.matter(random, random.choice(["open", "contact", "solve", "solve", "back", "close", "again"]))
            self.now += random.choice([1, 30, 60, 400]) * SECOND

    def served(self, data: Any) -> None:
        """A citizen is served and rates it; badly."""
        self.count += 1
        for command in (
            c.TakeTicket(f"t{self.count}", "A"), c.CallTicket("w2"), c.StartService("w2"), c.FinishTicket("w2"),
        ):  # fmt: skip
            self.act(command)
        self.rate(data, 1, True)

    @rule(window=st.sampled_from(WINDOWS))
    def finish(self, window: str) -> None:
        """A visit ends, or its end is taken back."""
        if self.act(c.FinishTicket(window)) is None:
            self.act(c.Undo(window))

    @rule(plan=st.integers(0, len(PLANS) - 1), now=st.booleans(), weight=st.integers(0, 4))
    def adopt(self, plan: int, now: bool, weight: int) -> None:
        """A plan changes rarely."""
        if weight == 0:
            self.act(c.AdoptPlan(PLANS[plan], now))

    @rule(before=st.booleans(), times=st.integers(1, 3))
    def to_the_second(self, before: bool, times: int) -> None:
        """Up to the moment at which the next clock speaks, or a breath before it."""
        for _ in range(times):
            at = self.hall.wakes_at()
            if at is not None:
                self.now = max(self.now, at - before)
                self.wake()
                self.compare()

    @rule(seconds=st.sampled_from([1, 60, 299, 420, 600, 1260, 1800]))
    def soon(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self.wake()
        self.compare()

    @rule(hours=st.sampled_from([1, 3, 8, 14, 24, 76, 200]), weight=st.integers(0, 1))
    def later(self, hours: int, weight: int) -> None:
        if weight == 0:
            self.now += hours * 3600 * SECOND
            self.wake()
            self.compare()

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


def test_offices() -> None:
    """One stage and one holder, every paper somewhere, every clock once, replay = state, drafts leave no trace."""
    profile = settings(max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=QUIET)
    run_state_machine_as_test(OfficesMachine, settings=profile)


@pytest.mark.proof
def test_offices_at_length() -> None:
    """The same, for long."""
    profile = settings(max_examples=1500, stateful_step_count=120, deadline=None, suppress_health_check=QUIET)
    run_state_machine_as_test(OfficesMachine, settings=profile)
