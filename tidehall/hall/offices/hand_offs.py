"""Carrying papers: pick up, arrive, check face to face, refuse, give back; and the middle office's help.

Law: the clock ends only when the receiver has checked exactly these papers; a refusal is no end (R23–R26). Who
carried papers neither checks nor refuses them: face to face takes two.
"""

from __future__ import annotations

from tidehall.hall.errors import Refusal
from tidehall.hall.events import Event
from tidehall.hall.offices.clocks import SECOND, alert_over, hand_off_start, onward_start, still_open
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import HAND_OFF_LIFE, SUPPORT_LIFE, HandOff, HandOffState, Support
from tidehall.hall.state import HallState

__all__ = [
    "answer", "arrive", "ask", "claim_support", "escalate", "give_back", "known_hand_off", "pick_up", "refuse",
    "verify",
]  # fmt: skip


def known_hand_off(s: HallState, id: str, kind: str) -> HandOff:
    """The open hand-off at a state from which `kind` is possible, or Refusal."""
    found = s.offices.hand_offs.get(id)
    if found is None:
        raise Refusal("unknown_hand_off", hand_off=id)
    if not still_open(found):
        raise Refusal("hand_off_closed", hand_off=id, state=found.state.value)
    if kind not in HAND_OFF_LIFE[found.state]:
        moves = tuple(sorted(HAND_OFF_LIFE[found.state]))
        raise Refusal("hand_off_state", hand_off=id, state=found.state.value, allowed=moves)
    return found


def pick_up(s: HallState, c: q.PickUpHandOff, now: int) -> list[Event]:
    """A runner takes the papers; the same runner again changes nothing."""
    found = s.offices.hand_offs.get(c.hand_off)
    if found is not None and found.state == HandOffState.CARRIED and found.runner == c.runner:
        return []
    h = known_hand_off(s, c.hand_off, "hand_off_picked_up")
    return [o.HandOffPickedUp(now, h.id, h.case, c.runner)]


def arrive(s: HallState, c: q.ArriveHandOff, now: int) -> list[Event]:
    """The papers lie before the receiver."""
    h = known_hand_off(s, c.hand_off, "hand_off_arrived")
    return [o.HandOffArrived(now, h.id, h.case)]


def verify(s: HallState, c: q.VerifyHandOff, now: int) -> list[Event]:
    """Checked face to face, item by item. Not the same papers: `papers_differ`, and nothing changes.

    An urgent item checked by the middle office starts its second leg, due 30 minutes from the original intake. At the
    receiving desk of a department that does not sit in the hall the clock has ended; the way there is a step of its
    own, due the next working day.
    """
    h = known_hand_off(s, c.hand_off, "hand_off_verified")
    by_another(h, c.staff)
    missing = [p for p in h.papers if p not in c.papers]
    strange = [p for p in c.papers if p not in h.papers]
    if missing or strange:
        raise Refusal("papers_differ", hand_off=h.id, missing=missing, strange=strange)
    case = s.offices.cases[h.case]
    found: list[Event] = [
        o.HandOffVerified(now, h.id, h.case, c.staff),
        *alert_over(s, now, f"hand_off_due:{h.id}", f"hand_off_breached:{h.id}"),
    ]
    if h.urgent and h.leg == 1 and h.to == "middle" and h.onward is None:
        found.append(
            hand_off_start(
                s, case.id, h.papers, zone=case.zone, origin="middle", department=case.department, urgent=True, leg=2,
                started=h.started_at, now=now, number=s.offices.count + 1,
            )
        )  # fmt: skip
    if h.onward is not None:
        found.append(onward_start(s, h, zone=case.zone, department=h.onward, now=now, number=s.offices.count + 1))
    return found


def by_another(h: HandOff, staff: str | None) -> None:
    """Refuse when the one who checks is known to be the one who carried."""
    if staff is not None and staff == h.runner:
        raise Refusal("carrier_verifies", hand_off=h.id, staff=staff)


def refuse(s: HallState, c: q.RefuseHandOff, now: int) -> list[Event]:
    """Back to the window with a reason; the clock goes on."""
    h = known_hand_off(s, c.hand_off, "hand_off_refused")
    by_another(h, c.staff)
    if not c.reason:
        raise Refusal("invalid", fields={"reason": "is needed"})
    return [o.HandOffRefused(now, h.id, h.case, c.reason, c.note)]


def give_back(s: HallState, c: q.ReturnHandOffs, now: int) -> list[Event]:
    """A runner goes off duty: what he carries waits for another one."""
    return [
        o.HandOffReturned(now, h.id, h.case, c.runner)
        for h in s.offices.hand_offs.values()
        if h.runner == c.runner and h.state == HandOffState.CARRIED
    ]


# ---- the middle office


def ask(s: HallState, c: q.AskSupport, now: int) -> list[Event]:
    """A window asks for help; its citizen is served on meanwhile (R5, R7)."""
    window = s.window(c.window)
    if c.support in s.offices.supports:
        raise Refusal("support_exists", support=c.support)
    if c.item is not None and c.item not in s.items:
        raise Refusal("unknown_item", item=c.item)
    due = now + round(s.rules.offices.support_within_s * SECOND)
    return [o.SupportAsked(now, c.support, window.id, due, window.ticket, c.item, c.question)]


def known_support(s: HallState, id: str, kind: str) -> Support:
    """The request at a state from which `kind` is possible, or Refusal."""
    found = s.offices.supports.get(id)
    if found is None:
        raise Refusal("unknown_support", support=id)
    if kind not in SUPPORT_LIFE[found.state]:
        moves = tuple(sorted(SUPPORT_LIFE[found.state]))
        raise Refusal("support_state", support=id, state=found.state.value, allowed=moves)
    return found


def claim_support(s: HallState, c: q.ClaimSupport, now: int) -> list[Event]:
    """An officer of the middle office takes it."""
    return [o.SupportClaimed(now, known_support(s, c.support, "support_claimed").id, c.staff)]


def answer(s: HallState, c: q.AnswerSupport, now: int) -> list[Event]:
    """Answered; `answer` is what the window reads."""
    found = known_support(s, c.support, "support_answered")
    staff = c.staff or found.staff
    over = alert_over(s, now, f"support_late:{found.id}")
    return [o.SupportAnswered(now, found.id, c.channel, staff, c.answer), *over]


def escalate(s: HallState, c: q.EscalateSupport, now: int) -> list[Event]:
    """Beyond the middle office."""
    return [o.SupportEscalated(now, known_support(s, c.support, "support_escalated").id)]
