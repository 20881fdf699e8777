"""Whom the hall still needs: a person is erased when nothing open names him, or by force (law 11).

Law: who a person is stands outside the hall; here is only the id, and the event says who had it erased, when and why.
"""

from __future__ import annotations

from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import MatterState, Stage
from tidehall.hall.state import HallState
from tidehall.queue.tickets import ENDED

__all__ = ["erase", "open_as_agent", "still_needed"]

#: A case at one of these stages needs its applicant no more.
DONE = frozenset({Stage.DELIVERED, Stage.CLOSED, Stage.WITHDRAWN})


def open_as_agent(s: HallState, person: str) -> int:
    """In how many open cases a person is the agent (授权代理, R116)."""
    return sum(case.agent == person and case.stage not in DONE for case in s.offices.cases.values())


def still_needed(s: HallState, person: str) -> list[str]:
    """The open tickets (by number), cases (by receipt) and matters (by id) that name a person."""
    offices = s.offices
    return [
        *(t.number for t in s.tickets.values() if t.holder == person and t.state not in ENDED),
        *(c.receipt for c in offices.cases.values() if person in (c.applicant, c.agent) and c.stage not in DONE),
        *(m.id for m in offices.matters.values() if m.holder == person and m.state != MatterState.CLOSED),
    ]


def erase(s: HallState, c: q.ErasePerson, now: int) -> list[Event]:
    """Forget a person. Refusal person_needed while something open names him, unless it is forced."""
    open_now = still_needed(s, c.person)
    if open_now and not c.forced:
        raise Refusal("person_needed", person=c.person, needed_for=open_now, open=", ".join(open_now))
    return [o.PersonErased(now, c.person, c.reason, bool(open_now))]
