"""The tide as people see it: how each zone stands against its rule, and what is advised, with its reason in numbers.

Law: pure projections. Why something is advised is what the hall recorded when it did; who could go there is asked now.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from msgspec import Struct

from tidehall.hall.calendar import local_text
from tidehall.hall.engine import Hall
from tidehall.hall.outlook import Prospect
from tidehall.hall.plan import TideRule
from tidehall.hall.state import HallState
from tidehall.hall.tide import Action, Advice, Watch
from tidehall.hall.tide_record import TideCounts, TideEntry, TideRecord
from tidehall.hall.wire import AdviceFacts, AdviceFigures, ProspectView
from tidehall.locales import say

__all__ = [
    "AdviceView", "TidalWindow", "TideDay", "TideStep", "TideView", "TideZone", "advice_facts", "prospect_view",
    "reason_text", "standing", "tide_day", "tide_view", "who_text",
]  # fmt: skip

SECOND = 1_000_000
MINUTE = 60 * SECOND


class TidalWindow(Struct, frozen=True):
    """A tidal window (潮汐岗); `closing`: it finishes its citizen first."""

    window: str
    label: str
    state: str
    closing: bool
    staff: str | None


class TideZone(Struct, frozen=True):
    """How a zone stands now against its rule of the plan (None: it has none; `confirm` then too).

    What counts are the lines that its tidal windows serve, and every window open for one of them; in a zone without
    tidal windows all its lines of service. `reserve`: who may take a tidal window, in this order.
    """

    id: str
    rule: TideRule | None
    confirm: str | None
    waiting: int
    open_windows: int
    longest_wait_s: float
    tidal: tuple[TidalWindow, ...]
    reserve: tuple[str, ...]


class AdviceView(AdviceFacts, frozen=True, kw_only=True):
    """The same with its reason as a sentence in the reader's language."""

    reason: str


class TideView(Struct, frozen=True):
    """The contract's tide of a hall."""

    zones: tuple[TideZone, ...]
    advice: tuple[AdviceView, ...]
    seq: int


class TideStep(Struct, frozen=True):
    """One advice with its end, or a step of one's own. `outcome`: standing, followed, ignored (it lapsed unheeded), or
    own; `ended_at`: decided or lapsed; `actor`: who decided, "clock" by the plan's wish; `staff`: who was to take the
    window; `policy`: threshold or forecast, null for a step of one's own."""

    zone: str
    window: str
    label: str
    action: str
    at: str
    outcome: str
    policy: str | None
    figures: AdviceFigures | None
    prospect: ProspectView | None
    ended_at: str | None
    actor: str | None
    staff: str | None


class TideDay(Struct, frozen=True):
    """A service day's tide, in order of time, and how much of its advice was followed or ignored."""

    day: str
    steps: tuple[TideStep, ...]
    counts: TideCounts
    seq: int


def tide_day(record: TideRecord, state: HallState, day: str, zone: str | None) -> TideDay:
    """What a record shows, of one zone or of all."""
    steps = [step_view(entry, state) for entry in record.entries if zone in (None, entry.zone)]
    return TideDay(day, tuple(steps), record.counts(zone), state.seq)


def step_view(entry: TideEntry, state: HallState) -> TideStep:
    """One entry; a window that the plan has no more has its id for a label."""
    window, zone_name = state.windows.get(entry.window), state.zone_name
    figures = None
    if entry.waiting is not None and entry.open_windows is not None:
        figures = figures_of(entry.waiting, entry.open_windows, entry.longest or 0)
    return TideStep(
        entry.zone, entry.window, entry.window if window is None else window.label, entry.action,
        local_text(entry.at, zone_name), entry.outcome, entry.policy, figures, prospect_view(entry.prospect, zone_name),
        None if entry.ended_at is None else local_text(entry.ended_at, zone_name), entry.actor, entry.staff,
    )  # fmt: skip


def figures_of(waiting: int, open_windows: int, longest: int) -> AdviceFigures:
    """The reason's figures; `longest` in µs."""
    return AdviceFigures(
        waiting, open_windows, round(waiting / open_windows, 1) if open_windows else None, longest / SECOND
    )  # fmt: skip


def tide_view(hall: Hall, now: int, lang: str) -> TideView:
    """Every zone with lines of service, and all advice that stands. `now` in µs."""
    state = hall.state
    zones = tuple([zone_view(state, watch, now) for watch in state.watches.values()])
    return TideView(zones, tuple([advice_view(state, *found, lang) for found in standing(state)]), state.seq)


def advice_view(state: HallState, advice: Advice, f: AdviceFacts, lang: str) -> AdviceView:
    """Advice with its sentence."""
    why, who = reason_text(advice, f.label, lang), who_text(state, f, lang)
    return AdviceView(
        f.zone, f.window, f.label, f.action, f.figures, f.since, f.advised_at, f.staff, f.prospect,
        reason=say("tide.sentences", lang, why=why, who=who).rstrip(),
    )  # fmt: skip


def zone_view(state: HallState, watch: Watch, now: int) -> TideZone:
    """One zone as it stands now."""
    tickets = state.tickets
    longest = min(
        (tickets[entry[3]].waiting_since for line in watch.lines for entry in state.lines[line].waiting), default=now
    )
    tidal = [state.windows[id] for id in watch.tidal]
    return TideZone(
        id=watch.zone,
        rule=watch.rule,
        confirm=watch.rule.confirm if watch.rule is not None else None,
        waiting=watch.waiting,
        open_windows=len(watch.open),
        longest_wait_s=max(0, now - longest) / SECOND,
        tidal=tuple([TidalWindow(w.id, w.label, w.state, w.closing, w.staff) for w in tidal]),
        reserve=state.reserves.get(watch.zone, ()),
    )


def advice_facts(state: HallState) -> tuple[AdviceFacts, ...]:
    """All advice that stands, in the order of the zones."""
    return tuple([facts for _, facts in standing(state)])


def standing(state: HallState) -> Iterator[tuple[Advice, AdviceFacts]]:
    """The same beside what the hall recorded; advice stands until its lapse is written."""
    for watch in state.watches.values():
        found = watch.tide.advice
        if found is None:
            continue
        window = state.windows[found.window]
        figures = figures_of(found.waiting, found.open_windows, found.longest)
        yield found, AdviceFacts(
            watch.zone, window.id, window.label, found.action, figures, local_text(found.since, state.zone_name),
            local_text(found.at, state.zone_name),
            window.staff or (state.free_staff(watch.zone) if found.action == "open" else None),
            prospect_view(found.prospect, state.zone_name),
        )  # fmt: skip


def prospect_view(found: Prospect | None, zone_name: str) -> ProspectView | None:
    """What look-ahead foresaw, with its moment in the hall's time."""
    if found is None:
        return None
    return ProspectView(
        local_text(found.at, zone_name), found.basis, found.runs, found.in_s, found.p90_s, found.instead_s,
        found.later_p90_s, found.limit_s, found.within, found.instead_within, found.gain, found.gain_low,
        found.gain_high,
    )  # fmt: skip


# ---- in words


def span_words(span: int, lang: str) -> str:
    """A span (µs) in whole minutes, below one in seconds."""
    if span >= MINUTE:
        return say("tide.minutes", lang, n=span // MINUTE)
    return say("tide.seconds", lang, n=span // SECOND)


def reason_text(advice: Advice, label: str, lang: str) -> str:
    """Why, in numbers: 每个开放窗口 12 人在等，最长 27 分钟；已持续 3 分钟; and what look-ahead says, where it has."""
    key = f"tide.reason.{advice.action}"
    if advice.since == advice.at:  # by look-ahead: nothing has held for any time
        key = "tide.reason.now"
    if not advice.waiting:
        key = "tide.reason.nobody_waits" if advice.since < advice.at else "tide.reason.now.nobody_waits"
    elif not advice.open_windows:
        key = "tide.reason.nobody_open" if advice.since < advice.at else "tide.reason.now.nobody_open"
    per = round(advice.waiting / advice.open_windows, 1) if advice.open_windows else 0
    why = say(
        key, lang, per=f"{per:g}", waiting=advice.waiting, longest=span_words(advice.longest, lang),
        held=span_words(advice.at - advice.since, lang),
    )  # fmt: skip
    if advice.prospect is None:
        return why
    ahead = prospect_text(advice.prospect, advice.action, label, lang)
    return say("tide.reason.ahead", lang, why=why, ahead=ahead, basis=say(f"tide.basis.{advice.prospect.basis}", lang))


def prospect_text(found: Prospect, action: Action, label: str, lang: str) -> str:
    """现在开放 T1 号窗口，30 分钟后 90% 的人等候 14 分钟以内，不开放则 31 分钟."""
    return say(
        f"tide.ahead.{action}", lang, label=label, minutes=round(found.in_s / 60), p90=wait_words(found.p90_s, lang),
        instead=wait_words(found.instead_s, lang),
    )  # fmt: skip


def wait_words(seconds: float | None, lang: str) -> str:
    """A wait to come in whole minutes, rounded up; hardly any is a minute."""
    return say("tide.minutes", lang, n=max(1, ceil((seconds or 0.0) / 60)))


def who_text(state: HallState, facts: AdviceFacts, lang: str) -> str:
    """Who could take a window that should open, or that nobody is free; nothing about one that should close."""
    if facts.action != "open":
        return ""
    if facts.staff is None:
        return say("tide.who.nobody", lang)
    there = state.windows[facts.window].staff is not None
    return say("tide.who.there" if there else "tide.who.free", lang, staff=facts.staff)
