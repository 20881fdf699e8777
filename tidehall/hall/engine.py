"""The hall engine: one object that decides, for the live hall and for the simulator alike.

Law: `decide` reads, refuses or returns facts and changes nothing; `apply` changes and cannot fail; nothing here
knows the time. Whoever drives it calls `wake(now)` until `wakes_at()` lies ahead, then decides at that `now`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct, json, to_builtins

from tidehall.hall import advice, citizens, notices, windows
from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.applying import APPLY
from tidehall.hall.calendar import Schedule, service_day
from tidehall.hall.commands import Command
from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.notices import Duty, Notice
from tidehall.hall.offices import archive, cases, hand_offs, matters, persons
from tidehall.hall.offices.clocks import alert, alert_over
from tidehall.hall.offices.deadlines import fire
from tidehall.hall.overlong import KINDS, Misjudged
from tidehall.hall.papers import commands as oc
from tidehall.hall.papers.objects import Offices
from tidehall.hall.plan import Plan
from tidehall.hall.services import MOST_AT_ONCE, NONE, Counts
from tidehall.hall.state import Alert, Call, HallState, Window
from tidehall.hall.tide import Due, Tide, Watch
from tidehall.queue.line import Line
from tidehall.queue.tickets import ENDED, Ticket, TicketState

__all__ = ["SNAPSHOT_SCHEMA", "Hall"]

#: Raise it whenever a snapshot's meaning changes; older snapshots are then ignored and the journal is replayed.
SNAPSHOT_SCHEMA = 9


# ---- the plan, alerts and the calendar


def adopt(s: HallState, q: c.AdoptPlan, now: int) -> list[Event]:
    """Adopt a plan (law 12). `now` is refused with everything that stands against it."""
    if s.plan is None:
        if q.plan.hall.id != s.id:
            raise Refusal("other_hall", hall=s.id, plan=q.plan.hall.id)
        return [e.PlanAdopted(now, q.plan)]
    if q.plan.hall.id != s.id:
        raise Refusal("other_hall", hall=s.id, plan=q.plan.hall.id)
    if q.plan == s.plan and s.next_plan is None:
        return []
    if not q.now:
        against = standing_against(s, q.plan, tonight=True)
        if against:
            raise Refusal("plan_blocked", against=against)
        return [e.PlanAdopted(now, q.plan, True)]
    against = standing_against(s, q.plan, tonight=False)
    if against:
        raise Refusal("plan_blocked", against=against)
    return [*advice.lapses(s, now, now), e.PlanAdopted(now, q.plan)]


def standing_against(s: HallState, plan: Plan, *, tonight: bool) -> list[str]:
    """What is open now and would have no place under `plan`; of a change at the day turn only the time zone."""
    against: list[str] = []
    if plan.hall.time_zone != s.rules.hall.time_zone:
        against.append(f"time zone {s.rules.hall.time_zone} cannot become {plan.hall.time_zone}")
    if tonight:
        return against
    lines = {line.id: line for line in plan.lines}
    kept = {window.id for window in plan.windows}
    for t in s.tickets.values():
        if t.state in ENDED:
            continue
        if t.line not in lines or lines[t.line].letter != s.lines[t.line].letter:
            against.append(f"ticket {t.number} is open in line {t.line}")
        elif t.window is not None and t.window not in kept:
            against.append(f"ticket {t.number} is kept at window {t.window}")
    for window in s.windows.values():
        if window.state != "closed" and window.id not in kept:
            against.append(f"window {window.id} is {window.state}")
    return against


def raise_alert(s: HallState, q: c.RaiseAlert, now: int) -> list[Event]:
    """One open alert for each kind and matter. What time alone tells is not told by hand."""
    return [] if q.kind in KINDS else alert(s, now, q.kind, q.about)


def end_alert(s: HallState, q: c.EndAlert, now: int) -> list[Event]:
    """End it if it is open. What lasts too long, and estimates that miss, are over when they are, not by hand."""
    return [] if q.kind in KINDS else alert_over(s, now, f"{q.kind}:{q.about}")


def count_service(s: HallState, q: c.CountService, now: int) -> list[Event]:
    """Count a service of the day, or take back what was counted last.

    Refusals: unknown_zone, invalid, nothing_counted.
    """
    if q.zone not in s.zones:
        raise Refusal("unknown_zone", zone=q.zone)
    if not q.count or abs(q.count) > MOST_AT_ONCE:
        raise Refusal("invalid", fields={"count": f"must be 1 to {MOST_AT_ONCE}, or below 0 to take back"})
    if q.count > 0:
        return [e.ServiceCounted(now, q.zone, q.service, q.count, not s.in_session)]
    last = s.services.get(s.day, {}).get(f"{q.zone}:{q.service}", NONE)
    if last.last < -q.count or now > last.last_at + s.undo_within:
        raise Refusal("nothing_counted", zone=q.zone)
    return [e.ServiceCounted(now, q.zone, q.service, q.count, last.last_outside)]


def too_long(s: HallState, now: int) -> list[Event]:
    """The alert about a wait, a service or estimates that begins or ends now."""
    owed = s.overlong.owed
    assert owed is not None  # it was the next moment, and was looked at
    if owed.what != "begins":
        due = owed.due if owed.what == "calms" else None
        return alert_over(s, now, f"{owed.kind}:{owed.about}", due=due)
    return alert(s, now, owed.kind, owed.about, due=owed.due)


def moment_events(s: HallState, now: int) -> list[Event]:
    """What the next moment of the calendar brings, when it is due."""
    assert s.schedule is not None
    due, steps = s.schedule.next_after(s.calendar_at)
    if s.next_plan is not None and "day" in steps:
        steps = Schedule(s.next_plan).steps_at(due)  # the day that begins is the new plan's
    found: list[Event] = []
    for step in steps:
        match step:
            case "day":
                found += [
                    e.AlertEnded(now, a.id)
                    for a in s.alerts.values()
                    if a.kind == "numbers_running_out" and a.ended is None
                ]
                if s.in_session:  # through the night: the day has no last end of its own
                    found += archive.day_end(s, now, due)
                found += left_over(s, now, due)
                if s.next_plan is not None:
                    found += advice.lapses(s, now, due)
                found.append(e.DayTurned(now, service_day(due, s.zone_name).isoformat(), due))
            case "issuing":
                found.append(e.IssuingStarted(now, due))
            case "session":
                found.append(e.SessionStarted(now, due))
            case "session_end":
                found.append(e.SessionEnded(now, due))
            case "last_end":
                found += [e.SessionEnded(now, due, True), e.IssuingEnded(now, due), *archive.day_end(s, now, due)]
            case "expire":
                found += [
                    e.TicketExpired(now, t.id, due)
                    for t in s.tickets.values()
                    if t.state in (TicketState.WAITING, TicketState.SUSPENDED)
                ]
                found.append(e.OvertimeEnded(now, due))
    return found


def left_over(s: HallState, now: int, due: int) -> list[Event]:
    """What expires with the old day: whatever nobody serves through the night (missed or sent on after the overtime's
    end), and tickets for which a plan that begins with the new day has no line or window."""
    through_the_night = s.in_session
    next_plan = s.next_plan
    lines = {line.id: line.letter for line in next_plan.lines} if next_plan is not None else {}
    kept = {window.id for window in next_plan.windows} if next_plan is not None else set()
    found: list[Event] = []
    for t in s.tickets.values():
        if t.state in ENDED:
            continue
        resting = t.state in (TicketState.WAITING, TicketState.SUSPENDED)
        stranded = next_plan is not None and (
            lines.get(t.line) != s.lines[t.line].letter or (t.window is not None and t.window not in kept)
        )
        if stranded or (resting and not through_the_night):
            found.append(e.TicketExpired(now, t.id, due))
    return found


Decider = Callable[[HallState, Any, int], list[Event]]

#: One function for each command.
DECIDE: dict[type, Decider] = {
    c.AdoptPlan: adopt,
    c.TakeTicket: citizens.take,
    c.CancelTicket: citizens.cancel,
    c.PostponeTicket: citizens.postpone,
    c.BringBack: citizens.back,
    c.RestoreTicket: citizens.restore,
    c.ConfirmPriority: citizens.confirm,
    c.SignIn: windows.sign_in,
    c.SignOut: windows.sign_out,
    c.OpenWindow: windows.open_window,
    c.CloseWindow: windows.close,
    c.PauseWindow: windows.pause,
    c.ResumeWindow: windows.resume,
    c.CallTicket: windows.call,
    c.RecallTicket: windows.recall,
    c.MissTicket: windows.miss,
    c.StartService: windows.start,
    c.SuspendTicket: windows.suspend,
    c.UnsuspendTicket: windows.unsuspend,
    c.TransferTicket: windows.transfer,
    c.RejectTicket: windows.reject,
    c.FinishTicket: windows.finish,
    c.NextTicket: windows.next_ticket,
    c.Undo: windows.undo,
    c.SetItems: windows.set_items,
    c.SetLines: windows.set_lines,
    c.RaiseAlert: raise_alert,
    c.EndAlert: end_alert,
    c.OpenTidal: advice.open_tidal,
    c.CloseTidal: advice.close_tidal,
    c.AdviseTide: advice.advise_tide,
    c.WithdrawAdvice: advice.withdraw,
    c.SetReserve: advice.set_reserve,
    c.CountService: count_service,
    c.PostNotice: notices.post,
    c.EndNotice: notices.end,
    c.MoveRunner: notices.move_runner,
    oc.ReceiveCase: cases.receive,
    oc.AcceptCase: cases.accept,
    oc.RequestCorrection: cases.request_correction,
    oc.CorrectPapers: cases.correct,
    oc.WithdrawCase: cases.withdraw,
    oc.PickUpHandOff: hand_offs.pick_up,
    oc.ArriveHandOff: hand_offs.arrive,
    oc.VerifyHandOff: hand_offs.verify,
    oc.RefuseHandOff: hand_offs.refuse,
    oc.ReturnHandOffs: hand_offs.give_back,
    oc.ClaimCase: cases.claim,
    oc.GiveOpinion: cases.give_opinion,
    oc.StartStep: cases.start_step,
    oc.EndStep: cases.end_step,
    oc.RequestFee: cases.request_fee,
    oc.PayFee: cases.pay_fee,
    oc.DecideCase: cases.decide,
    oc.MakeResult: cases.make,
    oc.ReadyResult: cases.ready,
    oc.DeliverResult: cases.deliver,
    oc.CloseCase: archive.close,
    oc.FilePapers: archive.file_papers,
    oc.KeepInUse: archive.keep_in_use,
    oc.MoveCopy: archive.move_copy,
    oc.AskSupport: hand_offs.ask,
    oc.ClaimSupport: hand_offs.claim_support,
    oc.AnswerSupport: hand_offs.answer,
    oc.EscalateSupport: hand_offs.escalate,
    oc.RateTicket: matters.rate,
    oc.OpenMatter: matters.open_matter,
    oc.HandOverMatter: matters.hand_over,
    oc.ContactMatter: matters.contact,
    oc.SolveMatter: matters.solve,
    oc.CallBackMatter: matters.call_back,
    oc.CloseMatter: matters.close_matter,
    oc.ReopenMatter: matters.reopen,
    oc.AcknowledgeAlert: matters.acknowledge,
    oc.ErasePerson: persons.erase,
}


class Hall:
    """A hall's rules over its state."""

    __slots__ = ("state",)

    def __init__(self, id: str, *, estimates: bool = True, state: HallState | None = None) -> None:
        self.state = state if state is not None else HallState(id, estimates=estimates)

    def decide(self, command: Command, now: int) -> list[Event]:
        """The events that `command` brings at `now` (µs); none is an answer too (nobody waits, nothing to change).

        Raises Refusal. `now` is never before the last event; a driver with a doubtful clock refuses before.
        """
        return DECIDE[type(command)](self.state, command, now)

    def apply(self, event: Event) -> None:
        """Add one event to the state."""
        s = self.state
        s.seq += 1
        s.last_at = event.at
        APPLY[type(event)](s, event)

    def wakes_at(self) -> int | None:
        """When the hall next has something to do by itself, µs; None without a plan."""
        self.next_in_the_tide()
        return self.state.next_wake or None

    def next_in_the_tide(self) -> tuple[int, Watch, Due] | None:
        """What the tide brings next, when nothing else comes before; the state keeps only a bound for it, and for what
        lasts too long."""
        s = self.state
        overlong = s.overlong
        while True:
            if overlong.at != s.next_wake or overlong.settle(s):
                if not s.tide_wake or s.tide_wake != s.next_wake:
                    return None
                first = advice.soonest(s)
                if first is not None and first[0] <= s.tide_wake:
                    return first
                s.tide_wake = first[0] if first is not None else 0
            s.set_wake()

    def wake(self, now: int) -> list[Event]:
        """The events of the next due moment; none when nothing is due. Apply them and ask again."""
        s = self.state
        if not s.next_wake or now < s.next_wake:
            return []
        tide = self.next_in_the_tide()
        if now < s.next_wake:
            return []
        if tide is not None:
            return advice.brought(s, tide[1], tide[2], now)
        if s.overlong.at == s.next_wake:
            return too_long(s, now)
        if s.clocks and s.clocks[0][0] == s.next_wake:
            return fire(s, now)
        return moment_events(s, now)

    def copy(self) -> Hall:
        """An independent copy, to decide a draft on."""
        return Hall(self.state.id, state=self.state.copy())

    def snapshot(self) -> bytes:
        """The whole state as JSON (schema `SNAPSHOT_SCHEMA`)."""
        return json.encode(self.state.facts())

    @classmethod
    def restore(cls, body: bytes, *, estimates: bool = True) -> Hall:
        """The hall that a snapshot describes."""
        return cls("", state=restored(json.decode(body, type=Kept), estimates=estimates))

    def facts(self) -> Any:
        """The state as plain builtins, for comparison."""
        return to_builtins(self.state.facts())


class Kept(Struct):
    """A snapshot's form: HallState.facts as it is read back."""

    id: str
    seq: int
    last_at: int
    calendar_at: int
    day: str
    issuing: bool
    in_session: bool
    last_session_over: bool
    serials: int
    places: int
    call_count: int
    plan: Plan | None
    next_plan: Plan | None
    tickets: list[Ticket]
    lines: dict[str, tuple[int, list[int], int, int, int, int]]
    windows: list[Window]
    zone_seq: dict[str, int]
    calls: dict[str, Call]
    recent: dict[str, list[Call]]
    missed: dict[str, list[str]]
    alerts: dict[str, Alert]
    offices: Offices
    plan_seq: int
    tides: dict[str, Tide]
    reserves: dict[str, tuple[str, ...]]
    services: Counts
    notices: dict[str, Notice]
    runners: dict[str, Duty]
    misjudged: dict[str, Misjudged]
    calm: dict[str, int]


def restored(kept: Kept, *, estimates: bool) -> HallState:
    """A state from a snapshot."""
    s = HallState(kept.id, estimates=estimates)
    for name in (
        "seq", "last_at", "calendar_at", "day", "issuing", "in_session", "last_session_over", "serials", "places",
        "call_count", "plan", "next_plan", "zone_seq", "calls", "recent", "missed", "alerts",
        "offices", "plan_seq", "tides", "reserves", "services", "notices", "runners", "misjudged", "calm",
    ):  # fmt: skip
        setattr(s, name, getattr(kept, name))
    s.compile(s.plan)
    s.tickets = {t.id: t for t in kept.tickets}
    s.windows = {w.id: w for w in kept.windows}
    for entry in s.plan.lines if s.plan is not None else ():
        line = s.lines[entry.id] = Line(entry.id, entry.letter, entry.zone)
        issued, still_open, line.service_count, line.service_sum, line.jumps, line.seq = kept.lines[entry.id]
        line.numbering.issued, line.numbering.open = issued, frozenset(still_open)
    s.index()
    return s
