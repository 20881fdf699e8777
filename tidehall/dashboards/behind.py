"""What is behind a number: the tickets, windows, hand-offs, alerts or events that it is made from, as tables.

Law: the very records that made the number; where a table is cut, it says how many there are. A ticket or a case leads
on to its own trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tidehall.dashboards.panels import (
    FORESEEN,
    Seen,
    alarm_opens,
    board_words,
    minutes,
    percent,
    strip_name,
    wait_text,
)
from tidehall.dashboards.picture import open_alerts, shown_zones
from tidehall.dashboards.today import Raised
from tidehall.display.office_lists import alert_facts, place_words
from tidehall.display.office_words import span_text
from tidehall.display.views import STRIP, time_text
from tidehall.hall.kept import Alarm
from tidehall.hall.notices import POOL, zones_of
from tidehall.hall.state import Alert, Window
from tidehall.locales import has, say
from tidehall.queue.tickets import Ticket

__all__ = ["BEHIND", "ORDERS", "Behind", "Cell", "May", "Table", "of_line", "of_ticket", "of_window"]

SECOND = 1_000_000
#: Rows of one table at most.
MOST = 80
#: Whether whoever looks supervises a zone; what he may not do there is not offered to him.
May = Callable[[str], bool]


class Cell(NamedTuple):
    """A text, and what it opens: another panel ("ticket?id=…") or a page ("/case/…")."""

    text: str
    opens: str = ""


class Table(NamedTuple):
    """Heads and rows; `n`: how many rows there are in all."""

    caption: str
    heads: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    n: int


class Behind(NamedTuple):
    """A panel: what the number means, and its tables. `window`, `ticket` …: what the reader may do there."""

    title: str
    meaning: str
    tables: Sequence[Table]
    window: dict[str, Any] | None = None
    ticket: dict[str, Any] | None = None
    notices: dict[str, Any] | None = None
    runners: dict[str, Any] | None = None


def asked_of(s: Seen) -> str:
    """Of how many in a hundred the target of the wait speaks."""
    return f"{100 * s.targets.wait.share:g}"


def table(s: Seen, name: str, heads: str, rows: Sequence[Sequence[Cell]]) -> Table:
    """A table whose words stand under `dashboard.table.NAME` and `dashboard.head.…`."""
    return Table(
        s.t(f"table.{name}"), tuple(s.t(f"head.{head}", n=asked_of(s)) for head in heads.split()), list(rows)[:MOST],
        len(rows),
    )  # fmt: skip


def clock(s: Seen, at: int) -> str:
    """A moment (µs) as hours, minutes and seconds of the hall; "" for none."""
    return time_text(s.state, at)[11:19] if at else ""


def span(s: Seen, start: int, end: int) -> str:
    """A duration from `start` to `end` (µs), or until now."""
    return span_text(((end or s.now) - start) / SECOND) if start else ""


def share_text(use: tuple[int, int]) -> str:
    """Serving ÷ open time (both µs) of a window in per cent; "—" where it was not open."""
    served, opened = use
    return f"{percent(served / opened)} %" if opened else percent(None)


def number_of(s: Seen, id: str) -> Cell:
    """A ticket by its number, leading to its events."""
    ticket = s.state.tickets.get(id)
    return Cell(ticket.number if ticket is not None else id[:8], f"ticket?id={id}")


def window_cell(s: Seen, id: str | None) -> Cell:
    """A window by its label."""
    window = s.state.windows.get(id or "")
    return Cell("") if window is None else Cell(window.label, f"window?id={window.id}")


def line_text(s: Seen, id: str) -> str:
    """A line by its letter and name."""
    line = s.state.lines[id]
    found = next((row.name for row in s.state.rules.lines if row.id == id), {})
    return f"{line.letter} {found.get(s.lang) or found.get('zh') or id}"


# ---- the five figures


def of_wait(s: Seen) -> Behind:
    """Who waits, who was called in the last half hour, whose number is void and may be restored; of a zone the usual
    day too, which stands behind its curve."""
    zones = [s.zone] if s.zone else shown_zones(s.state)
    lines = {line.id for line in s.state.lines.values() if line.zone in zones}
    waiting = [t for t in s.state.tickets.values() if t.state == "waiting" and t.line in lines]
    waiting.sort(key=lambda t: t.waiting_since)
    void = [t for t in s.state.tickets.values() if t.state == "void" and t.line in lines]
    called = sorted((c for zone in zones for c in s.today.recent(zone, s.now)), key=lambda c: -c.at)
    usual = s.usual.get(s.zone, ())
    midnight = s.today.measures.begins
    return Behind(s.t("figure.wait", n=asked_of(s)), s.t("meaning.wait", n=asked_of(s)), [
        table(s, "zones", "zone wait waiting longest open", [
            [Cell(s.name(z), f"wait?zone={z}"), Cell(wait_text(s.standings[z])), Cell(str(s.standings[z].waiting)),
             Cell(minutes(s.standings[z].longest)), Cell(str(s.standings[z].open_windows))] for z in zones
        ]),
        table(s, "waiting", "number line waited taken", [
            [number_of(s, t.id), Cell(line_text(s, t.line)), Cell(span(s, t.waiting_since, 0)),
             Cell(clock(s, t.taken_at))] for t in waiting
        ]),
        table(s, "called", "number waited called", [
            [number_of(s, c.ticket), Cell(span_text(c.wait / SECOND)), Cell(clock(s, c.at))] for c in called
        ]),
        table(s, "void", "number line taken", [
            [number_of(s, t.id), Cell(line_text(s, t.line)), Cell(clock(s, t.taken_at))] for t in void
        ]),
        *([table(s, "usual", "time p10 p50 p90", [
            [Cell(clock(s, midnight + u.start)[:5]), *(Cell(minutes(v)) for v in (u.low, u.middle, u.high))]
            for u in usual
        ])] if usual else []),
    ])  # fmt: skip


def of_line(s: Seen, line: str) -> Behind:
    """One line: who waits in it, who was called in the last half hour, whose number is void, which windows serve it."""
    zone = s.state.lines[line].zone
    tickets = [t for t in s.state.tickets.values() if t.line == line]
    waiting = sorted((t for t in tickets if t.state == "waiting"), key=lambda t: t.waiting_since)
    visits = s.today.kept.visits
    called = [c for c in s.today.recent(zone, s.now) if c.ticket in visits and visits[c.ticket].line == line]
    windows = sorted((w for w in s.state.windows.values() if line in w.lines), key=lambda w: (len(w.label), w.label))
    return Behind(line_text(s, line), s.name(zone), [
        table(s, "waiting", "number waited taken", [
            [number_of(s, t.id), Cell(span(s, t.waiting_since, 0)), Cell(clock(s, t.taken_at))] for t in waiting
        ]),
        table(s, "serve_it", "window state staff", [
            [window_cell(s, w.id), Cell(s.t(f"window.{w.state}")), Cell(w.staff or "")] for w in windows
        ]),
        table(s, "called", "number waited called", [
            [number_of(s, c.ticket), Cell(span_text(c.wait / SECOND)), Cell(clock(s, c.at))] for c in reversed(called)
        ]),
        table(s, "void", "number taken", [
            [number_of(s, t.id), Cell(clock(s, t.taken_at))] for t in tickets if t.state == "void"
        ]),
    ])  # fmt: skip


def of_soon(s: Seen) -> Behind:
    """The next hour as it was looked ahead to."""
    tables = []
    for zone in [s.zone] if s.zone else shown_zones(s.state):
        found = s.ahead.get(zone)
        if found is not None:
            rows = [[Cell(clock(s, p.at)[:5]), *(Cell(minutes(v)) for v in (p.low, p.middle, p.high))]
                    for p in found.fan]  # fmt: skip
            tables.append(
                table(s, "ahead", "time p10 p50 p90", rows)._replace(
                    caption=s.t("table.ahead_of", zone=s.name(zone), time=clock(s, found.at)[:5])
                    + " · " + s.t(f"basis.{found.basis}")
                )
            )  # fmt: skip
    return Behind(
        s.t("figure.soon", n=f"{100 * FORESEEN:g}"), s.t("meaning.soon" if tables else "sub.no_ahead"), tables
    )


def of_on_time(s: Seen) -> Behind:
    """Today's hand-offs: the late ones, those under way, and the rest."""
    legs = [c for c in s.today.kept.carriages.values() if not c.onward and s.zone in ("", c.zone)]
    legs.sort(key=lambda c: (not c.breached, bool(c.verified_at), c.due_at))
    cases = s.state.offices.cases

    def row(c: Any) -> list[Cell]:
        case = cases.get(c.case)
        if c.breached:
            word = s.t("hand_off.late_open" if not c.verified_at else "hand_off.late")
        else:
            word = s.t("hand_off.in_time" if c.verified_at else "hand_off.under_way")
        return [
            Cell(case.receipt[-5:] if case is not None else c.case[:8], f"/case/{s.state.id}/{c.case}"), Cell(word),
            Cell(clock(s, c.at)), Cell(clock(s, c.due_at)), Cell(clock(s, c.verified_at)),
            Cell(span(s, c.at, c.verified_at)),
        ]  # fmt: skip

    return Behind(s.t("figure.on_time"), s.t("meaning.on_time"), [
        table(s, "hand_offs", "receipt standing taken_in due checked took", [row(c) for c in legs])
    ])  # fmt: skip


def of_busy(s: Seen) -> Behind:
    """Windows with their share of serving time today."""
    use = s.today.use(s.now)
    windows = [w for w in s.state.windows.values() if s.zone in ("", w.zone) and w.id in use]
    windows.sort(key=lambda w: -(use[w.id][0] / use[w.id][1] if use[w.id][1] else 0))
    rows = [
        [window_cell(s, w.id), Cell(s.name(w.zone)), Cell(s.t(f"window.{w.state}")), Cell(w.staff or ""),
         Cell(share_text(use[w.id])), Cell(span_text(use[w.id][1] / SECOND))]
        for w in windows
    ]  # fmt: skip
    return Behind(
        s.t("figure.busy"), s.t("meaning.busy"), [table(s, "windows", "window zone state staff used open_for", rows)]
    )


def of_alerts(s: Seen) -> Behind:
    """What makes the number: open alerts of which nobody took note. Then every other raise of today, as statistics
    count them: those that go on first, then the latest."""
    state, today = s.state, s.today
    heads = "alert about zone owner escalated since acknowledged ended"
    found = sorted(open_alerts(state, s.zone or None), key=lambda a: (not a.escalated, a.since))
    records = [a for a in today.kept.alarms.values() if a.day == today.measures.today.id and s.zone in ("", a.zone)]
    told = {today.measures.ringing[a.id].id for a in found if a.id in today.measures.ringing}
    rest = sorted((a for a in records if a.id not in told), key=lambda a: (bool(a.ended), -a.at))
    return Behind(s.t("figure.alerts"), s.t("meaning.alerts", n=len(records)), [
        table(s, "alerts_open", heads, [alert_cells(s, a, today.raise_of(a.id)) for a in found]),
        table(s, "alerts_rest", heads, [raise_cells(s, a, today.raised.get(a.id)) for a in rest]),
    ])  # fmt: skip


def alert_cells(s: Seen, a: Alert, raised: Raised | None) -> list[Cell]:
    """An alert that stands; `raised` None: of one from an earlier day only the present owner is known."""
    facts = alert_facts(s.hall, a, s.lang)
    opens = f"/case/{s.state.id}/{facts['case']}" if facts["case"] else alarm_opens(s, a.kind, a.about)
    first = raised.owner if raised is not None else None if a.escalated else a.owner
    return [
        Cell(facts["kind_words"]), Cell(facts["about"], opens), Cell(zone_text(s, a.zone)), Cell(owner_text(s, first)),
        Cell(s.t("alert.to", owner=owner_text(s, a.owner)) if a.escalated else ""), Cell(clock(s, a.since)),
        Cell(a.acknowledged_by or ""), Cell(clock(s, a.ended) if a.ended else s.t("alert.going_on")),
    ]  # fmt: skip


def raise_cells(s: Seen, record: Alarm, raised: Raised | None) -> list[Cell]:
    """One raise of an alert of today by its record: the alert itself may have been raised again since then."""
    about = raised.about if raised is not None else record.id.rpartition("@")[0].partition(":")[2]
    then = Alert(
        record.id, record.kind, about, record.at, record.ended or None,
        raised.then or raised.owner if raised is not None else None, raised.staff if raised is not None else None,
        record.escalated, zone=record.zone,
    )  # fmt: skip
    return alert_cells(s, then, raised)


def zone_text(s: Seen, zone: str | None) -> str:
    """A zone by its name; "" for none."""
    return s.name(zone) if zone in s.state.zones else ""


def owner_text(s: Seen, owner: str | None) -> str:
    """An owner of alerts in words; "" for none."""
    return place_words(s.state, owner, s.lang) if owner else ""


# ---- the small panels


def of_ratings(s: Seen) -> Behind:
    """Today's ratings by citizens, the worst first."""
    found = [r for r in s.today.kept.ratings.values() if r.active and s.zone in ("", r.zone)]
    found.sort(key=lambda r: (r.level, -r.at))
    rows = [
        [Cell(say(f"rating.level.{r.level}", s.lang)), window_cell(s, r.window), Cell(r.staff or ""),
         Cell(clock(s, r.at))]
        for r in found
    ]  # fmt: skip
    return Behind(s.t("panel.ratings"), s.t("meaning.ratings"), [table(s, "ratings", "level window staff at", rows)])


def screen_name(s: Seen, id: str) -> str:
    """A board by its name, a strip by its window."""
    return strip_name(s, id) if id.startswith(STRIP) else board_name(s, id)


def of_displays(s: Seen) -> Behind:
    """Every board and strip that listens: how far what it shows is behind."""
    rows = [
        [Cell(screen_name(s, d.board)), Cell("—" if d.silent_s is None else span_text(d.silent_s)),
         Cell("—" if d.lag_s is None else span_text(d.lag_s))]
        for d in sorted(s.displays, key=lambda d: d.board)
    ]  # fmt: skip
    rows += [[Cell(s.t("display.kiosk", id=id)), Cell(span_text(ago)), Cell("—")] for id, ago in s.kiosks.items()]
    return Behind(s.t("panel.displays"), s.t("meaning.displays"), [table(s, "displays", "board heard lag", rows)])


BEHIND: dict[str, Callable[[Seen], Behind]] = {
    "wait": of_wait, "soon": of_soon, "on_time": of_on_time, "busy": of_busy, "alerts": of_alerts,
    "ratings": of_ratings, "displays": of_displays,
}  # fmt: skip


# ---- what a supervisor orders for the day


def reached(s: Seen, may: May) -> list[dict[str, str]]:
    """The zones that the reader supervises, by their names."""
    return [{"id": z, "name": s.name(z)} for z in shown_zones(s.state) if may(z)]


def of_notices(s: Seen, notices: Sequence[dict[str, Any]], may: May) -> Behind:
    """What boards say now, and a form to say something more; `notices`: the API's list."""
    zones = reached(s, may)
    chosen = s.zone if any(z["id"] == s.zone for z in zones) else ""
    found = [n | {"mine": all(map(may, zones_of(s.state, n["zone"], n["board"])))} for n in notices]
    return Behind(
        s.t("title.notices"), s.t("meaning.notices"), (),
        notices={"found": found, "zones": zones, "zone": chosen, "all": all(map(may, s.state.zones))},
    )  # fmt: skip


def of_runners(s: Seen, runners: Sequence[dict[str, Any]], may: May) -> Behind:
    """Who carries papers and where, who sent him there, and where to send him; `runners`: the API's list with `by`."""
    zones = [*reached(s, may), {"id": POOL, "name": say("office.pool", s.lang)}]
    found = [
        r | {"where": say("office.pool", s.lang) if r["zone"] == POOL else zone_text(s, r["zone"]) or r["zone"]}
        for r in runners
    ]
    return Behind(s.t("title.runners"), s.t("meaning.runners"), (), runners={"found": found, "zones": zones})


def board_name(s: Seen, id: str) -> str:
    """A board by its name."""
    found = next((board_words(s, board) for board in s.state.rules.boards if board.id == id), {})
    return found.get(s.lang) or found.get("zh") or id


#: Panels that need one of the API's lists, by its name.
ORDERS: dict[str, tuple[str, Callable[[Seen, Sequence[dict[str, Any]], May], Behind]]] = {
    "notices": ("list_notices", of_notices), "runners": ("list_runners", of_runners),
}  # fmt: skip


# ---- one window, one ticket


def of_window(s: Seen, window: Window, allowed: tuple[str, ...], may: May) -> Behind:
    """A window: who sits there, whom it serves, what it does today, and what its zone's supervisor may do with it."""
    ticket = s.state.tickets.get(window.ticket or "")
    served, opened = s.today.use(s.now).get(window.id, (0, 0))
    visits = [v for v in s.today.kept.visits.values() if any(part.window == window.id for part in v.serving)]
    visits.sort(key=lambda v: -v.serving[-1].start)
    comma = say("office.comma", s.lang)
    facts = [
        [Cell(s.t("head.state")), Cell(s.t(f"window.{window.state}"))],
        [Cell(s.t("head.staff")), Cell(window.staff or s.t("window.nobody"))],
        [Cell(s.t("head.number")), number_of(s, ticket.id) if ticket is not None else Cell("—")],
        [Cell(s.t("head.used")), Cell(share_text((served, opened)))],
        [Cell(s.t("head.lines")), Cell(comma.join(line_text(s, id) for id in window.lines) or "—")],
    ]
    served_here = [
        [number_of(s, v.id), Cell(clock(s, v.serving[-1].start)), Cell(span(s, v.serving[-1].start, v.serving[-1].end))]
        for v in visits
    ]
    can = {name: name in allowed for name in ("open", "close", "pause", "resume")}
    choices = [
        {"id": line.id, "name": line_text(s, line.id), "on": line.id in window.lines}
        for line in s.state.lines.values()
        if line.zone == window.zone
    ]
    return Behind(
        place_words(s.state, f"window:{window.id}", s.lang), s.name(window.zone),
        [Table("", (), facts, len(facts)), table(s, "served", "number started took", served_here)],
        window={"id": window.id, "can": can, "tidal": window.post == "tidal", "state": window.state,
                "staff": window.staff, "lines": choices, "closing": window.closing, "busy": ticket is not None,
                "mine": may(window.zone)},
    )  # fmt: skip


def of_ticket(
    s: Seen, ticket: Ticket | None, steps: Sequence[dict[str, Any]], who: Callable[[str], str], may: May
) -> Behind:
    """A ticket's own events, from the journal."""
    rows = []
    for step in steps:
        key = f"trace.{step['kind']}"
        body = step["body"]
        rows.append(
            [Cell(clock(s, step["at"])), Cell(say(key, s.lang) if has(key) else step["kind"].replace("_", " ")),
             window_cell(s, body.get("window")), Cell(body.get("staff") or who(step["actor"]))]
        )  # fmt: skip
    number = next((step["body"]["number"] for step in steps if step["kind"] == "ticket_taken"), "")
    cases = [
        [Cell(c.receipt, f"/case/{s.state.id}/{c.id}"), Cell(say(f"office.stage.{c.stage.value}", s.lang))]
        for c in s.state.offices.cases.values()
        if ticket is not None and c.ticket == ticket.id
    ]
    tables = [table(s, "steps", "time what window who", rows)]
    if cases:
        tables.append(table(s, "cases", "receipt state", cases))
    state = say(f"dashboard.ticket.{ticket.state.value}", s.lang) if ticket is not None else ""
    return Behind(
        s.t("title.ticket", number=number or "—"), state, tables,
        ticket={"id": ticket.id} if ticket is not None and restorable(s, ticket, may) else None,
    )  # fmt: skip


def restorable(s: Seen, ticket: Ticket, may: May) -> bool:
    """Whether the reader may restore a number: a void one of his zone."""
    line = s.state.lines.get(ticket.line)
    return ticket.state == "void" and line is not None and may(line.zone)
