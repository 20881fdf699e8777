"""The tide as people see it: how each zone stands against its rule, and what is advised, with its reason in numbers.

Law: pure projections. Why something is advised is what the hall recorded when it did; who could go there is asked now.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from tidehall.hall.calendar import local_text
from tidehall.hall.engine import Hall
from tidehall.hall.plan import TideRule
from tidehall.hall.state import HallState
from tidehall.hall.tide import Advice, Watch
from tidehall.hall.wire import AdviceFacts, AdviceFigures
from tidehall.locales import say

__all__ = [
    "AdviceView", "TidalWindow", "TideView", "TideZone", "advice_facts", "reason_text", "standing", "tide_view",
    "who_text",
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


def tide_view(hall: Hall, now: int, lang: str) -> TideView:
    """Every zone with lines of service, and all advice that stands. `now` in µs."""
    state = hall.state
    zones = tuple([zone_view(state, watch, now) for watch in state.watches.values()])
    return TideView(zones, tuple([advice_view(state, *found, lang) for found in standing(state)]), state.seq)


def advice_view(state: HallState, advice: Advice, f: AdviceFacts, lang: str) -> AdviceView:
    """Advice with its sentence."""
    reason = say("tide.sentences", lang, why=reason_text(advice, lang), who=who_text(state, f, lang)).rstrip()
    return AdviceView(
        f.zone, f.window, f.label, f.action, f.figures, f.since, f.advised_at, f.staff, reason=reason
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
        per = round(found.waiting / found.open_windows, 1) if found.open_windows else None
        figures = AdviceFigures(found.waiting, found.open_windows, per, found.longest / SECOND)
        yield found, AdviceFacts(
            watch.zone, window.id, window.label, found.action, figures, local_text(found.since, state.zone_name),
            local_text(found.at, state.zone_name),
            window.staff or (state.free_staff(watch.zone) if found.action == "open" else None),
        )  # fmt: skip


# ---- in words


def span_words(span: int, lang: str) -> str:
    """A span (µs) in whole minutes, below one in seconds."""
    if span >= MINUTE:
        return say("tide.minutes", lang, n=span // MINUTE)
    return say("tide.seconds", lang, n=span // SECOND)


def reason_text(advice: Advice, lang: str) -> str:
    """Why, in numbers: 每个开放窗口 12 人在等，最长 27 分钟；已持续 3 分钟."""
    key = f"tide.reason.{advice.action}"
    if not advice.waiting:
        key = "tide.reason.nobody_waits"
    elif not advice.open_windows:
        key = "tide.reason.nobody_open"
    per = round(advice.waiting / advice.open_windows, 1) if advice.open_windows else 0
    return say(
        key, lang, per=f"{per:g}", waiting=advice.waiting, longest=span_words(advice.longest, lang),
        held=span_words(advice.at - advice.since, lang),
    )  # fmt: skip


def who_text(state: HallState, facts: AdviceFacts, lang: str) -> str:
    """Who could take a window that should open, or that nobody is free; nothing about one that should close."""
    if facts.action != "open":
        return ""
    if facts.staff is None:
        return say("tide.who.nobody", lang)
    there = state.windows[facts.window].staff is not None
    return say("tide.who.there" if there else "tide.who.free", lang, staff=facts.staff)
