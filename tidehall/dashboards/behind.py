"""What is behind a number: the tickets, windows, hand-offs, alerts or events that it is made from, as tables.

Law: the very records that made the number; where a table is cut, it says how many there are. A ticket or a case leads
on to its own trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tidehall.dashboards.panels import FORESEEN, Seen, alarm_opens, board_words, minutes, percent, strip_name
from tidehall.dashboards.picture import shown_zones
from tidehall.display.office_lists import alert_facts, place_words
from tidehall.display.office_words import span_text
from tidehall.display.views import STRIP, time_text
from tidehall.hall.notices import POOL
from tidehall.hall.state import Window
from tidehall.locales import has, say
from tidehall.queue.tickets import Ticket

__all__ = ["BEHIND", "ORDERS", "Behind", "Cell", "Table", "of_ticket", "of_window"]

SECOND = 1_000_000
#: Rows of one table at most.
MOST = 80


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
    """A panel: what the number means, and its tables. `window`, `ticket`: what may be done there."""

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
            [Cell(s.name(z), f"wait?zone={z}"), Cell(minutes(s.standings[z].wait)), Cell(str(s.standings[z].waiting)),
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
    """Today's alerts: open ones first, with owner and how they ended."""
    found = [a for a in s.state.alerts.values() if not s.zone or a.zone == s.zone]
    found.sort(key=lambda a: (a.ended is not None, -a.since))
    rows = []
    for a in found:
        facts = alert_facts(s.hall, a, s.lang)
        about = Cell(facts["about"], f"/case/{s.state.id}/{facts['case']}" if facts["case"] else alarm_opens(s, a))
        rows.append(
            [Cell(facts["kind_words"]), about, Cell(facts["owner"]), Cell(clock(s, a.since)),
             Cell(a.acknowledged_by or ""), Cell(clock(s, a.ended or 0))]
        )  # fmt: skip
    return Behind(s.t("figure.alerts"), s.t("meaning.alerts"), [
        table(s, "alerts", "alert about owner since acknowledged ended", rows)
    ])  # fmt: skip


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


def of_notices(s: Seen, notices: Sequence[dict[str, Any]]) -> Behind:
    """What boards say now, and a form to say something more; `notices`: the API's list."""
    boards = [{"id": b.id, "name": board_name(s, b.id)} for b in s.state.rules.boards]
    zones = [{"id": z, "name": s.name(z)} for z in shown_zones(s.state)]
    return Behind(
        s.t("title.notices"), s.t("meaning.notices"), (),
        notices={"found": list(notices), "boards": boards, "zones": zones, "zone": s.zone},
    )  # fmt: skip


def of_runners(s: Seen, runners: Sequence[dict[str, Any]]) -> Behind:
    """Who carries papers and where, and where to send them; `runners`: the API's list."""
    zones = [{"id": z, "name": s.name(z)} for z in shown_zones(s.state)]
    zones.append({"id": POOL, "name": say("office.pool", s.lang)})
    return Behind(
        s.t("title.runners"), s.t("meaning.runners"), (), runners={"found": list(runners), "zones": zones}
    )  # fmt: skip


def board_name(s: Seen, id: str) -> str:
    """A board by its name."""
    found = next((board_words(s, board) for board in s.state.rules.boards if board.id == id), {})
    return found.get(s.lang) or found.get("zh") or id


#: Panels that need one of the API's lists, by its name.
ORDERS: dict[str, tuple[str, Callable[[Seen, Sequence[dict[str, Any]]], Behind]]] = {
    "notices": ("list_notices", of_notices), "runners": ("list_runners", of_runners),
}  # fmt: skip


# ---- one window, one ticket


def of_window(s: Seen, window: Window, allowed: tuple[str, ...]) -> Behind:
    """A window: who sits there, whom it serves, what it does today, and what a supervisor may do with it."""
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
                "staff": window.staff, "lines": choices, "closing": window.closing, "busy": ticket is not None},
    )  # fmt: skip


def of_ticket(s: Seen, ticket: Ticket | None, steps: Sequence[dict[str, Any]], who: Callable[[str], str]) -> Behind:
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
        ticket={"id": ticket.id, "void": ticket.state == "void"} if ticket is not None else None,
    )  # fmt: skip
