"""What stands in the dashboard's panels, as rows: the five figures, the zones, the floor, advice, alerts, lanes, lists.

Law: a row is made from the committed state, the day's fold and the look-ahead, in one language for everybody who looks
at the same part of the hall; nothing is decided here. Rows of the offices are those of display/office_lists.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from tidehall.dashboards.ahead import Ahead
from tidehall.dashboards.floor import counts, floor_rows
from tidehall.dashboards.picture import Standing
from tidehall.dashboards.strain import left, strained
from tidehall.dashboards.today import Today
from tidehall.dashboards.usual import Usual
from tidehall.display import office_lists
from tidehall.display.hub import KIOSK_SILENT_S, Display
from tidehall.display.office_lists import (
    Desk,
    Row,
    case_facts,
    hand_off_rows,
    in_the_hall,
    place_words,
    runners_sent,
    support_facts,
)
from tidehall.display.views import STRIP, time_text
from tidehall.hall.engine import Hall
from tidehall.hall.kept import QUARTER
from tidehall.hall.offices.clocks import still_open
from tidehall.hall.papers.objects import SupportState
from tidehall.hall.plan import Board
from tidehall.hall.state import HallState
from tidehall.hall.targets import Targets
from tidehall.locales import say

__all__ = [
    "FIGURES", "FORESEEN", "Seen", "alarm_opens", "board_words", "desk", "lists_in_time", "minutes", "percent",
    "strip_name", "wait_text",
]  # fmt: skip

#: The five figures, in their order.
FIGURES = ("wait", "soon", "on_time", "busy", "alerts")
MINUTE = 60_000_000
SECOND = 1_000_000
#: Alerts whose rule is a time.
TIMED = ("long_wait", "long_service")
#: The share of people of whom look-ahead speaks.
FORESEEN = 0.9
#: Up to so many times as many late hand-offs as the target allows is close to it.
FEW = 5
#: Cards about zones off target.
MOST_STRAINED = 3
#: Rows of lists that have a page of their own.
MOST_LANES = 12
MOST_CASES = 8
#: The last quarters of an hour in a zone's small curve, its size, and the wait (minutes) that reaches to its top.
SPARK, SPARK_WIDTH, SPARK_HEIGHT, SPARK_TOP = 16, 96, 24, 30.0


class Seen(NamedTuple):
    """What a part of the hall (`zone`; "" for all of it) is shown from; `kiosks`: how many seconds ago each kiosk's
    page was last heard; `freed`: when each window's last service ended; `usual`: the usual day of each zone that has
    one. `now` in µs."""

    hall: Hall
    today: Today
    standings: Mapping[str, Standing]
    ahead: Mapping[str, Ahead]
    displays: Sequence[Display]
    kiosks: Mapping[str, float]
    freed: Mapping[str, int]
    usual: Mapping[str, Sequence[Usual]]
    now: int
    lang: str
    zone: str

    @property
    def state(self) -> HallState:
        """The committed state."""
        return self.hall.state

    @property
    def targets(self) -> Targets:
        """What the hall wants to reach."""
        return self.hall.state.rules.targets

    def name(self, zone: str) -> str:
        """A zone's name, or the hall's."""
        words = self.state.zones[zone].name if zone else self.state.rules.hall.name
        return words.get(self.lang) or words.get("zh") or zone

    def t(self, key: str, **params: Any) -> str:
        """The sentence `dashboard.KEY`."""
        return say(f"dashboard.{key}", self.lang, **params)


def minutes(span: int | None, *, least: bool = False) -> str:
    """A wait (µs) in whole minutes: within so many, or (`least`) at least so many; people are never told 0."""
    return "—" if span is None else "<1" if span < MINUTE else str(span // MINUTE if least else -(-span // MINUTE))


def at_least(found: Standing) -> bool:
    """Whether a wait is told as a lower bound; below a minute nobody needs to know."""
    return found.least and found.wait is not None and found.wait >= MINUTE


def wait_text(found: Standing) -> str:
    """The wait in which the target's share is called, in whole minutes, with its sign where it is a lower bound."""
    least = at_least(found)
    return ("≥" if least else "") + minutes(found.wait, least=least)


def percent(share: float | None) -> str:
    """A share in whole per cent; nothing is rounded up to 100."""
    return "—" if share is None else str(min(99, round(100 * share)) if share < 1 else 100)


def against(value: float | None, limit: float) -> str:
    """How a value that should be small stands: none, good, warn (within a fifth of the limit), breach."""
    if value is None:
        return "none"
    return "breach" if value > limit else "warn" if value > 0.8 * limit else "good"


# ---- figures and zones


def within(s: Seen) -> float:
    """How long a wait should be at most, µs."""
    return s.targets.wait.within_s * SECOND


def aimed(s: Seen, share: float) -> str:
    """The target of a wait in words."""
    return s.t("target.wait", share=f"{100 * share:g}", n=f"{s.targets.wait.within_s / 60:g}")


def wait_figure(s: Seen, found: Standing) -> dict[str, Any]:
    """现在等候 P90."""
    where = s.name(found.worst) if not s.zone and found.worst else ""
    longest = s.t("sub.wait" if s.zone else "sub.wait_hall", n=found.waiting, longest=minutes(found.longest))
    return {
        "value": minutes(found.wait, least=at_least(found)), "least": at_least(found), "unit": s.t("unit.minutes"),
        "where": where, "worst": found.worst,
        "sub": longest,
        "target": aimed(s, s.targets.wait.share), "standing": against(found.wait, within(s)),
    }  # fmt: skip


def soon_figure(s: Seen, found: Standing) -> dict[str, Any]:
    """30 分钟后 P90: the zone's own minutes, as they stand in the list of zones; other zones may have more."""
    where = s.name(found.soon_worst) if not s.zone and found.soon is not None else ""
    known = s.ahead.get(found.soon_worst)
    standing, unsure = against(found.soon, within(s)), found.soon is not None and found.soon_least
    sub = s.t("sub.no_ahead") if known is None or found.soon is None else s.t(f"basis.{known.basis}")
    return {
        "value": minutes(found.soon), "least": unsure and found.soon is not None and found.soon >= MINUTE,
        "unit": s.t("unit.minutes") if found.soon is not None else "",
        "where": where, "sub": sub,
        "target": aimed(s, FORESEEN), "standing": "none" if unsure and standing != "breach" else standing,
    }  # fmt: skip


def on_time_figure(s: Seen, found: Standing) -> dict[str, Any]:
    """流转准时率."""
    share = found.on_time / found.judged if found.judged else None
    goal = s.targets.hand_off.share
    near = 1 - FEW * (1 - goal)
    standing = "none" if share is None else "good" if share >= goal else "warn" if share >= near else "breach"
    return {
        "value": percent(share), "least": False, "unit": "%" if share is not None else "",
        "sub": s.t("sub.on_time", n=found.under_way, late=found.late),
        "target": s.t("target.on_time", n=f"{100 * goal:g}"), "standing": standing,
    }  # fmt: skip


def busy_figure(s: Seen, found: Standing) -> dict[str, Any]:
    """窗口利用率."""
    share, goal = found.busy, s.targets.utilisation
    standing, word = "none", "none"
    if share is not None:
        standing = "good" if goal.low <= share <= goal.high else "warn"
        word = "low" if share < goal.low else "high" if share > goal.high else "good"
    return {
        "word": word,
        "value": percent(share), "least": False, "unit": "%" if share is not None else "",
        "sub": s.t("sub.busy", n=found.open_windows, serving=found.serving, called=found.called),
        "target": s.t("target.busy", low=f"{100 * goal.low:g}", high=f"{100 * goal.high:g}"), "standing": standing,
    }  # fmt: skip


def alerts_figure(s: Seen, found: Standing) -> dict[str, Any]:
    """待处理告警."""
    standing = "good" if not found.alerts else "breach" if found.escalated else "warn"
    return {
        "word": "escalated" if found.alerts and found.escalated else "open" if found.alerts else "good",
        "value": str(found.alerts), "least": False, "unit": s.t("unit.alerts"),
        "sub": s.t("sub.alerts", n=found.escalated), "target": s.t("target.alerts"), "standing": standing,
    }  # fmt: skip


MAKE = {
    "wait": wait_figure, "soon": soon_figure, "on_time": on_time_figure, "busy": busy_figure, "alerts": alerts_figure,
}  # fmt: skip


def figure_facts(s: Seen, name: str) -> dict[str, Any]:
    """One of the five figures against its target."""
    found = MAKE[name](s, s.standings[s.zone])
    share = f"{100 * (s.targets.wait.share if name == 'wait' else FORESEEN):g}"
    return {
        "id": name,
        "title": s.t(f"figure.{name}", n=share),
        "zone": s.zone,
        "where": "",
        "worst": "",
        "word": found["standing"],
    } | found


def zone_facts(s: Seen, zone: str) -> dict[str, Any]:
    """A zone in the list of zones, with its last hours as a small curve."""
    found = s.standings[zone]
    return {
        "id": zone, "name": s.name(zone), "waiting": found.waiting, "longest": minutes(found.longest),
        "wait": minutes(found.wait, least=at_least(found)), "least": at_least(found), "soon": minutes(found.soon),
        "strained": against(found.soon, within(s)) == "breach",
        "open": found.open_windows, "standing": against(found.wait, within(s)), "spark": spark(s, zone),
        "limit": round(SPARK_HEIGHT * (1 - min(1.0, within(s) / MINUTE / SPARK_TOP)), 1),
    }  # fmt: skip


def spark(s: Seen, zone: str) -> list[str]:
    """The zone's mean waits of the last hours as lines of SVG points; a quarter without calls is a gap."""
    quarters = s.today.quarters(zone)
    last = (s.now - s.today.measures.begins) // QUARTER
    found: list[list[str]] = [[]]
    for i in range(SPARK):
        q = quarters.get(last - SPARK + 1 + i)
        if q is None:
            found.append([])
            continue
        height = min(1.0, q.sum / q.n / MINUTE / SPARK_TOP)
        found[-1].append(f"{i * SPARK_WIDTH / (SPARK - 1):.1f},{SPARK_HEIGHT * (1 - height):.1f}")
    return [" ".join(part) for part in found if len(part) > 1]


def finding(s: Seen, zone: str) -> str:
    """What a zone's curve says, in one sentence: its title."""
    found, name = s.standings[zone], s.name(zone)
    if found.wait is None:
        return s.t("finding.nobody", zone=name)
    key = "finding.at_least" if at_least(found) else "finding.now"
    words = s.t(key, zone=name, n=minutes(found.wait, least=at_least(found)), share=f"{100 * s.targets.wait.share:g}")
    return words if found.soon is None else words + s.t("finding.soon", n=minutes(found.soon))


# ---- lists


def quarter_rows(s: Seen, zone: str) -> Iterator[Row]:
    """The table behind a curve: today's first calls by quarter of an hour, the latest first."""
    midnight = s.today.measures.begins
    for quarter, q in sorted(s.today.quarters(zone).items(), reverse=True):
        facts: dict[str, Any] = {
            "id": str(quarter), "at": time_text(s.state, midnight + quarter * QUARTER), "n": q.n,
            "mean": f"{q.sum / q.n / MINUTE:.1f}", "longest": f"{q.longest / MINUTE:.1f}",
        }  # fmt: skip
        yield Row(str(quarter), None, "quarter", partial(dict, facts))


def alarm_row(s: Seen, row: Row) -> Row:
    """An alert with its zone, whose it is (and was before it was escalated), and what its rule says in numbers."""

    def make() -> dict[str, Any]:
        alert = s.state.alerts[row.id]
        figure = ""
        if alert.limit and alert.kind in TIMED:
            figure = s.t("alert.limit", n=f"{alert.limit / 60:g}")
        elif alert.limit and alert.kind == "estimate_off":
            figure = s.t("alert.missed", n=f"{100 * alert.limit:g}")
        facts, first = dict(row.make()), s.today.raise_of(alert.id)
        if alert.escalated and first is not None and first.owner not in (None, alert.owner):
            facts["owner"] = f"{place_words(s.state, first.owner or '', s.lang)} → {facts['owner']}"
        where = s.name(alert.zone) if alert.zone in s.state.zones else ""
        said = where in facts["owner"] or where == facts["about"]
        return facts | {
            "figure": figure, "post": alert.owner or "manager", "opens": alarm_opens(s, alert.kind, alert.about),
            "zone": alert.zone or "", "where": "" if said else where,
        }  # fmt: skip

    return row._replace(macro="alarm", make=make)


def alarm_opens(s: Seen, kind: str, about: str) -> str:
    """The panel with what an alert of this kind is about, where it is no case's; "" for none."""
    if about in s.state.windows:
        return f"window?id={about}"
    if about in s.state.tickets:
        return f"ticket?id={about}"
    if about in s.state.lines and kind != office_lists.NOBODY_OPEN:
        return f"line?id={about}"
    if about in s.state.zones:
        return f"wait?zone={about}"
    return "displays" if kind.endswith("_silent") else "ratings" if kind == "bad_rating" else ""


def strain_rows(s: Seen, zones: Sequence[str]) -> list[Row]:
    """Zones off target about which the tide has no advice: the figures, and what they have left."""
    found = strained(s.state, s.standings, list(zones), within(s))
    return [Row(zone, None, "strain", partial(strain_facts, s, zone)) for zone in found[:MOST_STRAINED]]


def strain_facts(s: Seen, zone: str) -> dict[str, Any]:
    """One such zone: how long people wait now and in half an hour, and what it has left."""
    has, found = left(s.state, zone), s.standings[zone]
    tidal = "no_tidal" if not has.tidal else "closed" if has.shut else "all_open"
    words = [s.t(f"strain.{tidal}", labels=say("office.comma", s.lang).join(has.shut))]
    words += [s.t(f"strain.{state}", n=n) for state, n in (("shut", has.closed), ("paused", has.paused)) if n]
    waits = wait_text(found)
    now = against(found.wait, within(s)) == "breach"
    return {
        "id": zone, "name": s.name(zone), "now": now, "title": s.t("strain.now" if now else "strain.soon"),
        "waits": waits if found.soon is None else f"{waits} → {minutes(found.soon)}", "words": words,
    }  # fmt: skip


def urgency(state: HallState, alert: str) -> tuple[bool, bool, int]:
    """What comes first of the alerts: what nobody has taken, of that what was escalated, then the oldest."""
    found = state.alerts[alert]
    return found.acknowledged_by is not None, not found.escalated, found.since


def due_rows(s: Seen) -> list[Row]:
    """Cases in the offices by due moment, the overdue first: those due within a day, and the next ones."""
    open_ones = [
        c
        for c in s.state.offices.cases.values()
        if c.due_at and not c.decided_at and c.stage in office_lists.IN_BASKET and s.zone in ("", c.zone)
    ]
    open_ones.sort(key=lambda c: (c.due_at, c.id))
    return [Row(c.id, c.seq, "due", partial(case_facts, s.hall, c, s.now, s.lang)) for c in open_ones[:MOST_CASES]]


def ask_rows(s: Seen) -> list[Row]:
    """Questions to the middle office without an answer, the longest waiting first."""
    windows = s.state.windows
    asked = [
        a
        for a in s.state.offices.supports.values()
        if a.state != SupportState.ANSWERED
        and (not s.zone or (a.window in windows and windows[a.window].zone == s.zone))
    ]
    asked.sort(key=lambda a: a.asked_at)
    return [Row(a.id, a.seq, "call", partial(support_facts, s.hall, a, s.now, s.lang)) for a in asked]


def rating_rows(s: Seen) -> list[Row]:
    """How often each level was given today."""
    rated = [r for r in s.today.kept.ratings.values() if r.active and not r.follow_up and s.zone in ("", r.zone)]
    most = max([1, *(sum(r.level == level for r in rated) for level in range(1, 6))])
    found = []
    for level in (5, 4, 3, 2, 1):
        n = sum(r.level == level for r in rated)
        found.append(Row(str(level), None, "level", partial(dict, id=str(level), level=level, n=n, most=most)))
    return found


def display_rows(s: Seen) -> list[Row]:
    """Boards and kiosks: which speak, and which have fallen silent."""
    silent = {a.about for a in s.state.alerts.values() if a.kind.endswith("_silent") and a.ended is None}
    heard: dict[str, list[Display]] = {}
    for display in s.displays:
        heard.setdefault(display.board, []).append(display)
    names = {board.id: board_words(s, board) for board in s.state.rules.boards if not s.zone or s.zone in board.zones}
    strips = [id for id in heard if id.startswith(STRIP) and s.zone in ("", zone_of_strip(s.state, id))]
    found = []
    for id in [
        *names,
        *sorted(set(strips) | {a for a in silent if a not in names and a not in s.kiosks and not s.zone}),
    ]:
        words = names.get(id)
        label = (words.get(s.lang) or words.get("zh") if words else None) or strip_name(s, id)
        alive = any(d.shown_seq is not None for d in heard.get(id, ()))
        kind = "silent" if id in silent else "alive" if alive else "off"
        facts = {"id": id, "name": label, "kind": kind, "n": len(heard.get(id, ()))}
        found.append(Row(id, None, "display", partial(dict, facts)))
    for id, ago in sorted(s.kiosks.items()) if not s.zone else ():
        kind = "silent" if id in silent or ago > KIOSK_SILENT_S else "alive"
        facts = {"id": f"kiosk {id}", "name": s.t("display.kiosk", id=id), "kind": kind, "n": 1}
        found.append(Row(str(facts["id"]), None, "display", partial(dict, facts)))
    return found


def board_words(s: Seen, board: Board) -> Mapping[str, str]:
    """What a board is called: by the plan, or as the one zone that it shows."""
    return board.name or (s.state.zones[board.zones[0]].name if len(board.zones) == 1 else {})


def zone_of_strip(state: HallState, id: str) -> str:
    """The zone of the window under a strip."""
    window = state.windows.get(id.removeprefix(STRIP))
    return window.zone if window is not None else ""


def strip_name(s: Seen, id: str) -> str:
    """A strip by its window, anything else by its id."""
    return place_words(s.state, f"window:{id.removeprefix(STRIP)}", s.lang) if id.startswith(STRIP) else id


# ---- all of it


def lists_in_time(s: Seen, zones: Sequence[str]) -> dict[str, list[Row]]:
    """What time alone changes: figures, zones, displays."""
    return {
        "figures": [Row(name, None, "figure", partial(figure_facts, s, name)) for name in FIGURES],
        "areas": [Row(zone, None, "zone", partial(zone_facts, s, zone)) for zone in zones],
        "displays": display_rows(s),
    }


def desk(s: Seen, zones: Sequence[str], curves: Sequence[str]) -> Desk:
    """Everything that stands on the dashboard of a part of the hall; `curves`: the zones whose curves it has."""
    hall, state, now, lang = s.hall, s.state, s.now, s.lang
    lists = lists_in_time(s, zones)
    shown = [s.zone] if s.zone else zones
    for zone in shown:
        lists[f"floor-{zone}"] = floor_rows(state, zone, now, s.freed)
    for zone in curves:
        lists[f"table-{zone}"] = list(quarter_rows(s, zone))
    lists["strain"] = strain_rows(s, shown)
    lists["advice"] = [row._replace(macro="advice") for row in office_lists.advice_rows(state, lang, s.zone)]
    alarms = sorted(office_lists.alert_rows(hall, lang, zone=s.zone or None), key=lambda row: urgency(state, row.id))
    lists["alerts"] = [alarm_row(s, row) for row in alarms]
    under_way = [
        h
        for h in state.offices.hand_offs.values()
        if still_open(h) and in_the_hall(state, h) and s.zone in ("", office_lists.zone_of_hand_off(state, h))
    ]
    lanes = {"urgent": [h for h in under_way if h.urgent and h.leg == 1]}
    lanes["promised"] = [h for h in under_way if not (h.urgent and h.leg == 1)]
    slots: dict[str, str] = {}
    for name, found in lanes.items():
        rows = hand_off_rows(hall, found, now, lang, "lane")
        lists[f"lane-{name}"] = rows[:MOST_LANES]
        slots[f"lane-{name}-count"] = str(len(rows))
    lists["asks"], lists["due"], lists["ratings"] = ask_rows(s), due_rows(s), rating_rows(s)
    slots["runners"] = runners_sent(state, lang)
    slots["asks-count"] = str(len(lists["asks"]))
    slots["heed-count"] = str(len(lists["alerts"]) + len(lists["advice"]) + len(lists["strain"]))
    for zone in shown:
        found_ = counts(state, zone, now)
        slots[f"open-{zone}"] = s.t(
            "floor.counts", open=sum(n for kind, n in found_.items() if kind not in ("closed", "paused", "pausing")),
            n=sum(found_.values()),
        )  # fmt: skip
    for zone in curves:
        slots[f"finding-{zone}"] = finding(s, zone)
    return Desk(lists, slots)
