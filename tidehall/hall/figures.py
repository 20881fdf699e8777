"""The definitions of design section 6, each in one function of the records: of one day, or of many laid together.

Law: figures depend on the records alone and not on their order; seconds are never rounded here; what has no data is
None, never 0, and neither is what cannot be said of a part: who waits belongs to no item before a number names it.

| measure | definition |
|---|---|
| waiting time | taking (booked: the later of check-in and booked time) → first call; called tickets only |
| later waits | waits after a transfer, a return, a miss |
| walking time | call → service start |
| service time | sum of serving intervals; parked time apart; by window, staff, item the parts that happened there |
| visit time | taking → finish |
| served, rejected | visits that were finished (办结); visits that ended with a one-time notice (一次性告知退办) are apart |
| left, no-show, expired | counted apart, never in the served averages; still waiting is shown as such (censored) |
| utilisation | serving time ÷ open time of the windows (paused is not open, overtime is); of the hall, a zone, a window, a person, a day, a month |
| estimate error | shown p50 − actual waiting time; covered: called inside the shown range |
| hand-off time | papers taken in → verified by the receiver; judged: verified, or its limit has passed; the way on to a department outside is not counted |
| on time, early | decided not after the promised moment; on a service day before that moment's; of decided cases that have one |
| at once | immediate cases ÷ decided ones |
| one visit | delivered cases for which the applicant stood at a window at most once ÷ delivered ones (R32) |
| complete | decided cases that never needed a correction notice ÷ decided ones |
| question | asked → answered by the middle office |
| result's time | at the issue post → handed out |
| acknowledgement | alert raised → acknowledged |
| good | ratings 3 to 5 ÷ ratings that citizens gave; defaults and follow-ups apart |
| services | what was counted and is no case, by kind |

A thing counts to the day, the hour and the month of its beginning: a visit to its taking, a decision to its moment.
Over several days counts are means per open day (`per_day`), shares are ratios of sums, quantiles are of all citizens.
"""  # noqa: E501 # tables

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import ceil
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from tidehall.hall.calendar import local_text
from tidehall.hall.kept import QUARTER, Day, Kept, Record, Visit

__all__ = ["BAD", "COUNTS", "By", "Figures", "Share", "Summary", "figures", "per_day", "summary"]

SECOND = 1_000_000
#: Levels that are bad ratings (domain.md 1).
BAD = 2
By = Literal["hall", "line", "window", "hour", "hour_of_day", "item", "staff", "zone", "department", "day", "month"]
SERVED = ("finished", "rejected")
#: A part of a whole, without a bound: at a window that is shut while its citizen stays, serving can outlast opening.
Share = Annotated[float, Meta(description="A part of a whole, usually between 0 and 1.")]
#: Aspects of which an alert, or a service that is no case, says nothing.
UNWATCHED = ("line", "window", "item", "staff", "department")
#: Aspects that a window's opening has.
OPENED = ("hall", "zone", "window", "staff", "day", "month")
#: Aspects that a number has only when it named its item at its taking.
NAMED = ("item", "department")


class Summary(
    Struct, frozen=True, rename={"mean": "mean_s", "p50": "p50_s", "p90": "p90_s", "p95": "p95_s", "max": "max_s"}
):
    """A set of durations, seconds (written with `_s`, as contract.md has it). There is no summary of an empty set."""

    n: int
    mean: float
    p50: float
    p90: float
    p95: float
    max: float


class Figures(Struct, frozen=True):
    """One part of some days. Counts are sums over the `days` open days (or means, see `per_day`), durations are
    summaries in seconds, shares are parts of 1; None is "no data", or cannot be said of this part.

    `served`: visits finished; `rejected`: visits that ended with a one-time notice, counted apart."""

    days: int
    tickets: float | None
    called: float | None
    served: float | None
    rejected: float | None
    left: float | None
    no_show: float | None
    expired: float | None
    waiting: float | None
    wait: Summary | None
    wait_over_break: float | None
    later_wait: Summary | None
    walk: Summary | None
    service: Summary | None
    parked: Summary | None
    visit: Summary | None
    estimate_error: Summary | None
    estimate_covered: Share | None
    utilisation: Share | None
    window_hours: float | None
    chosen_calls: float | None
    cases_received: float
    cases_urgent: float
    cases_decided: float
    cases_refused: float
    cases_at_once: Share | None
    cases_complete: Share | None
    cases_on_time: Share | None
    cases_early: Share | None
    cases_overdue: float
    delivered: float
    delivery: Summary | None
    uncollected: float
    one_visit: Share | None
    hand_offs: float
    hand_off: Summary | None
    hand_off_on_time: Share | None
    hand_offs_late: float
    questions: float
    question: Summary | None
    questions_late: float
    ratings: float | None
    ratings_default: float | None
    rating_good: Share | None
    ratings_bad: float | None
    matters: float | None
    matters_solved: float | None
    rectifications: float | None
    rectified: Share | None
    called_back: Share | None
    alerts: float | None
    alerts_by_kind: dict[str, float] | None
    alert_acknowledged: Summary | None
    alerts_escalated: float | None
    services: dict[str, float] | None = {}


#: The figures that are counts.
COUNTS = tuple(
    f.name for f in msgspec.structs.fields(Figures) if f.type in (float, float | None, dict[str, float] | None)
)
#: Of these, what visits leave behind; and what comes after them.
OF_VISITS = (
    "tickets", "called", "served", "rejected", "left", "no_show", "expired", "waiting", "wait_over_break",
    "chosen_calls",
)  # fmt: skip
OF_RATINGS = ("ratings", "ratings_default", "ratings_bad")
OF_MATTERS = ("matters", "matters_solved", "rectifications")
OF_ALERTS = ("alerts", "alerts_by_kind", "alerts_escalated", "services")


def summary(values: Iterable[int]) -> Summary | None:
    """The summary of durations in µs; quantiles are order statistics (the smallest value not below the share)."""
    found = sorted(values)
    if not found:
        return None

    def at(share: float) -> float:
        return found[max(0, ceil(share * len(found)) - 1)] / SECOND

    return Summary(
        len(found), sum(found) / len(found) / SECOND, at(0.5), at(0.9), at(0.95), found[-1] / SECOND
    )  # fmt: skip


def per_day(found: Figures) -> Figures:
    """The same with counts as means per open day; of no open day they stay sums."""
    days = found.days
    if days <= 1:
        return found
    means = {
        name: {kind: n / days for kind, n in value.items()} if isinstance(value, dict) else value / days
        for name in COUNTS
        if (value := getattr(found, name)) is not None
    }
    return msgspec.structs.replace(found, **means)


def ratio(part: float, whole: float) -> float | None:
    """A share; of nothing there is none."""
    return part / whole if whole else None


def unsaid(found: Figures, by: By) -> Figures:
    """The same without the counts that cannot be said of a part by this aspect: nothing was looked for there, so 0
    would be false."""
    names: list[str] = []
    if by in UNWATCHED:
        names += OF_ALERTS
    if by not in OPENED:
        names.append("window_hours")
    if by in NAMED and not found.tickets:
        names += OF_VISITS
        names += [name for group in (OF_RATINGS, OF_MATTERS) if not any(getattr(found, name) for name in group)
                  for name in group]  # fmt: skip
    nothing: dict[str, Any] = dict.fromkeys(names)
    return msgspec.structs.replace(found, **nothing) if names else found


class Part:
    """Sums of one part of some days, while its records are looked through."""

    def __init__(self) -> None:
        self.n: Counter[str] = Counter()
        self.times: dict[str, list[int]] = {}
        self.alerts: Counter[str] = Counter()
        self.services: Counter[str] = Counter()

    def time(self, name: str, value: int) -> None:
        """One duration, µs."""
        found = self.times.get(name)
        if found is None:
            self.times[name] = [value]
        else:
            found.append(value)

    def figures(self, days: int, *, used: bool) -> Figures:
        """All sums as figures; `used`: utilisation has a meaning for this part."""
        n, t = self.n, {name: summary(values) for name, values in self.times.items()}
        return Figures(
            days=days, tickets=n["tickets"], called=n["called"], served=n["finished"], rejected=n["rejected"],
            left=n["cancelled"], no_show=n["void"], expired=n["expired"], waiting=n["open"], wait=t.get("wait"),
            wait_over_break=n["over_break"], later_wait=t.get("later"), walk=t.get("walk"), service=t.get("service"),
            parked=t.get("parked"), visit=t.get("visit"), estimate_error=t.get("estimate"),
            estimate_covered=ratio(n["covered"], n["judged"]),
            utilisation=ratio(n["serving_us"], n["open_us"]) if used else None,
            window_hours=n["open_us"] / SECOND / 3600, chosen_calls=n["chosen"],
            cases_received=n["received"], cases_urgent=n["urgent"], cases_decided=n["decided"],
            cases_refused=n["refused"], cases_at_once=ratio(n["at_once"], n["decided"]),
            cases_complete=ratio(n["complete"], n["decided"]), cases_on_time=ratio(n["on_time"], n["promised"]),
            cases_early=ratio(n["early"], n["promised"]), cases_overdue=n["overdue"], delivered=n["delivered"],
            delivery=t.get("delivery"), uncollected=n["uncollected"], one_visit=ratio(n["one_visit"], n["delivered"]),
            hand_offs=n["hand_offs"], hand_off=t.get("hand_off"),
            hand_off_on_time=ratio(n["hand_offs_in_time"], n["hand_offs"]), hand_offs_late=n["hand_offs_late"],
            questions=n["questions"], question=t.get("question"), questions_late=n["questions_late"],
            ratings=n["ratings"], ratings_default=n["defaults"],
            rating_good=ratio(n["ratings"] - n["bad"], n["ratings"]), ratings_bad=n["bad"], matters=n["matters"],
            matters_solved=n["solved"], rectifications=n["rectifications"],
            rectified=ratio(n["rectified"], n["rectifications"]),
            called_back=ratio(n["called_back"], n["matters"]), alerts=self.alerts.total(),
            alerts_by_kind=dict(sorted(self.alerts.items())), alert_acknowledged=t.get("acknowledged"),
            alerts_escalated=n["escalated"],
            services={kind: found for kind, found in sorted(self.services.items()) if found},
        )  # fmt: skip


class Parts:
    """The parts of some days by one aspect."""

    def __init__(self, by: By, zone_name: str) -> None:
        self.by = by
        self.zone_name = zone_name
        self.parts: dict[str, Part] = {}
        self.hours: dict[int, str] = {}  # by quarter of an hour: every time zone's hours begin with one

    def hour(self, at: int) -> str:
        """The local date and hour of a moment (µs), YYYY-MM-DDTHH."""
        found = self.hours.get(at // QUARTER)
        if found is None:
            found = self.hours[at // QUARTER] = local_text(at, self.zone_name)[:13]
        return found

    def __getitem__(self, key: str) -> Part:
        found = self.parts.get(key)
        if found is None:
            found = self.parts[key] = Part()
        return found

    def key(self, record: Record) -> str:
        """Where a record belongs; "": it belongs to none."""
        match self.by:
            case "hall":
                return ""
            case "day":
                return record.day
            case "month":
                return record.day[:7]
            case "hour":
                return self.hour(record.at)
            case "hour_of_day":
                return self.hour(record.at)[11:]
            case _:
                return getattr(record, self.by) or ""


def figures(kept: Kept, by: By, zone_name: str) -> dict[str, Figures]:
    """The figures of what was kept, by key; "hall" has the one key "", and nothing kept has no keys."""
    parts = Parts(by, zone_name)
    line(kept, parts)
    offices(kept, parts)
    afterwards(kept, parts)
    days = [day.id for day in kept.days.values() if day.opened]
    found = {}
    for key in sorted(parts.parts):
        if by == "month":
            n = sum(day[:7] == key for day in days)
        elif by in ("day", "hour"):
            n = int(key[:10] in days)
        else:
            n = len(days)
        found[key] = unsaid(parts.parts[key].figures(n, used=by in OPENED), by)
    return found


# ---- the line


def line(kept: Kept, parts: Parts) -> None:
    """Visits, openings, services."""
    apart = parts.by in ("window", "staff", "item")
    for v in kept.visits.values():
        part = parts[parts.key(v)]
        count = part.n
        count["tickets"] += 1
        count[v.outcome or "open"] += 1
        count["chosen"] += v.chosen
        if v.first_call:
            called(part, v)
        for wait in v.later:
            part.time("later", wait)
        for walk in v.walks:
            part.time("walk", walk)
        if v.parked:
            part.time("parked", v.parked)
        if v.outcome == "finished":
            part.time("visit", v.ended - v.at)
        if v.outcome in SERVED and not apart:
            part.time("service", v.service())
        served(kept, parts, part, v, apart=apart)
    for o in kept.openings.values():
        until = o.end or until_of(kept.days, o.day)
        if parts.by in OPENED:
            parts[parts.key(o)].n["open_us"] += max(0, until - o.at)
    for s in kept.tallied.values():
        if parts.by not in UNWATCHED:
            parts[parts.key(s)].services[s.kind] += s.count


def until_of(days: dict[str, Day], day: str) -> int:
    """The last event known of a day, µs: what still goes on is counted up to there."""
    found = days.get(day)
    return found.until if found is not None else 0


def called(part: Part, v: Visit) -> None:
    """A ticket that was called: its wait, and how true the estimate was."""
    wait = v.first_call - v.since
    part.n["called"] += 1
    part.n["over_break"] += v.over_break
    part.time("wait", max(0, wait))
    if v.shown is not None:
        part.n["judged"] += 1
        part.n["covered"] += v.shown[0] <= wait <= v.shown[2]
        part.time("estimate", v.shown[1] - wait)


def served(kept: Kept, parts: Parts, part: Part, v: Visit, *, apart: bool) -> None:
    """Serving intervals: each counts to its own window, person, zone and item, else to its visit's part."""
    own: dict[str, int] = {}
    by = parts.by
    for i in v.serving:
        length = (i.end or max(i.start, until_of(kept.days, v.day))) - i.start
        if by in ("window", "staff", "zone"):
            parts[getattr(i, by) or ""].n["serving_us"] += length
        elif by in ("hall", "day", "month"):
            part.n["serving_us"] += length
        if apart and i.end:
            key = getattr(i, by) or ""
            own[key] = own.get(key, 0) + length
    if v.outcome in SERVED:
        for key, length in own.items():
            parts[key].time("service", length)


# ---- the offices


def offices(kept: Kept, parts: Parts) -> None:
    """Cases, hand-offs, questions."""
    for c in kept.intakes.values():
        count = parts[parts.key(c)].n
        count["received"] += 1
        count["urgent"] += c.urgent
        count["overdue"] += c.overdue
        count["uncollected"] += c.uncollected
    for d in kept.decisions.values():
        count = parts[parts.key(d)].n
        count["decided"] += 1
        count["refused"] += d.outcome == "refuse"
        count["at_once"] += d.kind == "immediate"
        count["complete"] += not d.notices
        if d.due_at:
            count["promised"] += 1
            count["on_time"] += d.at <= d.due_at
            count["early"] += d.early
    for r in kept.deliveries.values():
        part = parts[parts.key(r)]
        part.n["delivered"] += 1
        part.n["one_visit"] += r.visits <= 1
        if r.ready_at:
            part.time("delivery", r.at - r.ready_at)
    for h in kept.carriages.values():
        if h.onward:
            continue
        part = parts[parts.key(h)]
        if h.verified_at:
            part.time("hand_off", h.verified_at - h.at)
        if h.verified_at or h.breached:
            in_time = bool(h.verified_at) and h.verified_at <= h.due_at
            part.n["hand_offs"] += 1
            part.n["hand_offs_in_time"] += in_time
            part.n["hand_offs_late"] += not in_time
    for q in kept.questions.values():
        part = parts[parts.key(q)]
        part.n["questions"] += 1
        part.n["questions_late"] += q.overdue
        if q.answered_at:
            part.time("question", q.answered_at - q.at)


def afterwards(kept: Kept, parts: Parts) -> None:
    """Ratings, matters, alerts."""
    for r in kept.ratings.values():
        count = parts[parts.key(r)].n
        if not r.active:
            count["defaults"] += 1
        elif not r.follow_up:
            count["ratings"] += 1
            count["bad"] += r.level <= BAD
    for m in kept.complaints.values():
        count = parts[parts.key(m)].n
        count["matters"] += 1
        count["solved"] += bool(m.solved_at)
        count["called_back"] += bool(m.called_back_at)
        if m.what == "rectification":
            count["rectifications"] += 1
            count["rectified"] += bool(m.solved_at)
    for a in kept.alarms.values():
        if parts.by in UNWATCHED:
            continue
        part = parts[parts.key(a)]
        part.alerts[a.kind] += 1
        part.n["escalated"] += a.escalated
        if a.acknowledged_at:
            part.time("acknowledged", a.acknowledged_at - a.at)
