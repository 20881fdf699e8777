"""What the offices keep when the day turns, and when another plan begins to rule.

Law: as in hall/applying/: what is done leaves the state, what is owed stays, and nothing is decided here.
"""

from __future__ import annotations

from tidehall.hall.offices.clocks import SECOND
from tidehall.hall.papers.objects import UNDECIDED, HandOffState, MatterKind, MatterState, Stage, SupportState
from tidehall.hall.state import HallState
from tidehall.queue.tickets import ENDED

__all__ = ["keep_versions", "sweep"]

DAY = 86_400 * SECOND


def sweep(s: HallState, at: int) -> None:
    """At the day turn what is done leaves the state: it is in the journal."""
    offices = s.offices
    gone = {id for id, c in offices.cases.items() if c.stage in (Stage.CLOSED, Stage.WITHDRAWN)}
    offices.cases = {id: c for id, c in offices.cases.items() if id not in gone}
    offices.hand_offs = {
        id: h
        for id, h in offices.hand_offs.items()
        if h.state not in (HandOffState.VERIFIED, HandOffState.ENDED) and h.case not in gone
    }
    offices.supports = {id: x for id, x in offices.supports.items() if x.state != SupportState.ANSWERED}
    days = s.rules.offices.rating_days
    offices.matters = {
        id: x
        for id, x in offices.matters.items()
        if x.state != MatterState.CLOSED  # a mended rating stays a while for the follow-up rating (追评)
        or (x.kind == MatterKind.RECTIFICATION and x.ended_at + days * DAY > at)
    }
    offices.claims = {
        id: since for id, since in offices.claims.items() if since + days * DAY > at or f"bad-{id}" in offices.matters
    }
    zones = {  # a bad rating of a later day is the matter of the same zone
        id: s.lines[s.tickets[id].line].zone
        for id in offices.claims
        if id in s.tickets and s.tickets[id].line in s.lines
    }
    offices.claim_zones = {id: zone for id, zone in (offices.claim_zones | zones).items() if id in offices.claims}
    rated = offices.claims.keys() | {id for id, t in s.tickets.items() if t.state not in ENDED}  # a finish taken back
    offices.ratings = {id: level for id, level in offices.ratings.items() if id in rated}
    offices.follow_ups = {id: level for id, level in offices.follow_ups.items() if id in rated}
    used = {f"{c.item_version}:{c.item}" for c in offices.cases.values() if c.stage in UNDECIDED}
    offices.versions = {name: item for name, item in offices.versions.items() if name in used}


def keep_versions(s: HallState) -> None:
    """Another plan will rule: keep the items of undecided cases as they were taken (law 12, R69)."""
    for case in s.offices.cases.values():
        if case.stage in UNDECIDED and case.item_version == s.plan_seq:
            s.offices.versions[f"{case.item_version}:{case.item}"] = s.items[case.item]
