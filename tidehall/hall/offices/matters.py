"""Ratings, and what must be looked after until the citizen has been called back; alerts taken note of.

Law: rating is the citizen's free act on a served ticket, once; a bad one is somebody's matter at once (R96–R105).
"""

from __future__ import annotations

from msgspec.structs import replace

from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.offices.clocks import alert, alert_over, supervisor_of, working
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import MATTER_LIFE, Matter, MatterKind, MatterState
from tidehall.hall.state import HallState

__all__ = [
    "acknowledge", "call_back", "close_matter", "contact", "hand_over", "open_matter", "rate", "reopen", "solve",
]  # fmt: skip

#: Levels that are bad ratings (domain.md 1: the last two of five).
BAD = 2


def rate(s: HallState, c: q.RateTicket, now: int) -> list[Event]:
    """Rate a served ticket once; after a bad rating was mended once more (追评). Voluntary, and nobody steers it."""
    if not 1 <= c.level <= 5:
        raise Refusal("invalid", fields={"level": "is 1 to 5"})
    if c.ticket not in s.offices.claims:
        raise Refusal("nothing_to_rate", ticket_id=c.ticket)
    before = s.offices.ratings.get(c.ticket)
    if before == 0 and c.active:
        before = None  # a system default does not take the citizen's own word away
    matter = s.offices.matters.get(f"bad-{c.ticket}")
    mended = matter is not None and matter.state in (MatterState.SOLVED, MatterState.CALLED_BACK, MatterState.CLOSED)
    follow_up = before is not None and mended and c.active and c.ticket not in s.offices.follow_ups
    if before is not None and not follow_up:
        raise Refusal("already_rated", ticket_id=c.ticket)
    found: list[Event] = [o.TicketRated(now, c.ticket, c.level, c.reasons, c.note, c.active, follow_up)]
    if c.active and c.level <= BAD and not follow_up:
        t = s.tickets.get(c.ticket)
        zone = s.lines[t.line].zone if t is not None and t.line in s.lines else s.offices.claim_zones.get(c.ticket, "")
        owner = supervisor_of(s, zone)
        bad = opened(s, now, f"bad-{c.ticket}", MatterKind.RECTIFICATION, owner, about=c.ticket, note=c.note)
        visit = (t.number, t.window) if t is not None else (None, None)
        found.append(replace(bad, level=c.level, reasons=c.reasons, number=visit[0], window=visit[1]))
        found += alert(s, now, "bad_rating", f"bad-{c.ticket}", owner, zone=zone or None)
    if follow_up and c.level <= BAD and matter is not None and "matter_reopened" in MATTER_LIFE[matter.state]:
        found += reopened(s, matter, now)
    return found


def opened(
    s: HallState, now: int, id: str, what: MatterKind, owner: str, *, about: str | None = None,
    channel: str | None = None, holder: str | None = None, note: str | None = None,
) -> o.MatterOpened:  # fmt: skip
    """The event that opens a matter, with its limits in working days."""
    rules = s.rules.offices
    contact, due = {
        MatterKind.RECTIFICATION: (rules.bad_rating_contact_days, rules.bad_rating_days),
        MatterKind.COMPLAINT: (rules.complaint_contact_days, rules.complaint_days),
        MatterKind.UNRESOLVED: (rules.unresolved_contact_days, rules.unresolved_days),
        MatterKind.ENQUIRY: (rules.enquiry_days, rules.enquiry_days),
    }[what]
    days = working(s)
    return o.MatterOpened(
        now, id, what, owner, days.after(now, contact)[0], days.after(now, due)[0], about, channel, holder, note
    )


def open_matter(s: HallState, c: q.OpenMatter, now: int) -> list[Event]:
    """Register a complaint, an errand that could not be done, or an enquiry."""
    if c.matter in s.offices.matters:
        raise Refusal("matter_exists", matter=c.matter)
    if c.what == MatterKind.RECTIFICATION:
        raise Refusal("invalid", fields={"what": "a rectification is opened by a bad rating"})
    return [opened(s, now, c.matter, c.what, c.owner, about=c.about, channel=c.channel, holder=c.holder, note=c.note)]


def known_matter(s: HallState, id: str, kind: str) -> Matter:
    """The matter at a state from which `kind` is possible, or Refusal."""
    found = s.offices.matters.get(id)
    if found is None:
        raise Refusal("unknown_matter", matter=id)
    if kind not in MATTER_LIFE[found.state]:
        moves = tuple(sorted(MATTER_LIFE[found.state]))
        raise Refusal("matter_state", matter=id, state=found.state.value, allowed=moves)
    return found


def hand_over(s: HallState, c: q.HandOverMatter, now: int) -> list[Event]:
    """The first person asked hands it over formally."""
    found = known_matter(s, c.matter, "matter_handed_over")
    return [] if found.owner == c.owner else [o.MatterHandedOver(now, found.id, c.owner)]


def contact(s: HallState, c: q.ContactMatter, now: int) -> list[Event]:
    """The citizen was contacted; an alert about that alone is over."""
    found = known_matter(s, c.matter, "matter_contacted")
    if found.contacted_at:
        return []
    over = alert_over(s, now, f"matter_late:{found.id}") if now < found.due_at else []
    return [o.MatterContacted(now, found.id), *over]


def solve(s: HallState, c: q.SolveMatter, now: int) -> list[Event]:
    """What was done."""
    found = known_matter(s, c.matter, "matter_solved")
    return [
        o.MatterSolved(now, found.id, c.result),
        *alert_over(s, now, f"bad_rating:{found.id}", f"matter_late:{found.id}"),
    ]


def call_back(s: HallState, c: q.CallBackMatter, now: int) -> list[Event]:
    """The citizen was called back."""
    return [o.MatterCalledBack(now, known_matter(s, c.matter, "matter_called_back").id)]


def close_matter(s: HallState, c: q.CloseMatter, now: int) -> list[Event]:
    """Done."""
    return [o.MatterClosed(now, known_matter(s, c.matter, "matter_closed").id)]


def reopen(s: HallState, c: q.ReopenMatter, now: int) -> list[Event]:
    """Not solved after all."""
    return reopened(s, known_matter(s, c.matter, "matter_reopened"), now)


def reopened(s: HallState, found: Matter, now: int) -> list[Event]:
    """Open again; where its limit had passed before it was solved, the alert is there again too."""
    late = alert(s, now, "matter_late", found.id, "manager") if found.solved_at >= found.due_at else []
    bad = alert(s, now, "bad_rating", found.id, found.owner) if found.kind == MatterKind.RECTIFICATION else []
    return [o.MatterReopened(now, found.id), *bad, *late]


def acknowledge(s: HallState, c: q.AcknowledgeAlert, now: int) -> list[Event]:
    """Somebody looks after an alert. Refusals: unknown_alert, alert_ended, alert_taken."""
    found = s.alerts.get(c.alert)
    if found is None:
        raise Refusal("unknown_alert", alert=c.alert)
    if found.ended is not None:
        raise Refusal("alert_ended", alert=c.alert)
    if found.acknowledged_by == c.staff:
        return []
    if found.acknowledged_by is not None and not c.take_over:
        raise Refusal("alert_taken", alert=c.alert, staff=found.acknowledged_by, allowed=("take_over",))
    return [o.AlertAcknowledged(now, c.alert, c.staff)]
