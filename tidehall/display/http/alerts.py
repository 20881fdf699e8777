"""The calls for alerts: the list, and taking note of one (contract.md).

Law: as in offices.py. An alert belongs to a post; mine are those of my posts. Whoever's posts reach where something is
wrong may take note too, and the manager of anything; one looks after it until another says that he takes it over.
"""

from __future__ import annotations

from msgspec.structs import asdict
from starlette.responses import Response

from tidehall.display import office_views as v
from tidehall.display.http import office_bodies as b
from tidehall.display.http.access import Principal, reaches
from tidehall.display.http.api import good
from tidehall.display.http.calls import AFTER, Asked, Call, Edge
from tidehall.display.http.offices import choice, named, reach, reach_case, told, words_query
from tidehall.display.http.problems import Problem
from tidehall.display.views import alert_view
from tidehall.hall.engine import Hall
from tidehall.hall.papers import commands as c
from tidehall.hall.state import Alert, HallState
from tidehall.hall.wire import AlertView

__all__ = ["ALERT_CALLS"]

#: Who may take note of an alert; of one about no case, besides its owner, those at work in its zone.
_NOTING = ("supervise", "middle", "office", "runner", "issue", "make", "window", "guide")
_IN_ZONE = ("supervise", "runner", "issue", "window", "guide")
#: The kind of an owner → the posts that answer for it, and the right by which a place or a token does.
_OWNERS: dict[str, tuple[tuple[str, ...], str]] = {
    "supervisor": (("supervisor",), "supervise"),
    "manager": (("manager",), "supervise"),
    "middle": (("middle",), "middle"),
    "office": (("officer", "chief_representative"), "office"),
    "issue": (("issue",), "issue"),
    "maker": (("maker",), "make"),
    "runner": (("runner",), "runner"),
    "guide": (("guide", "consult"), "guide"),
    "window": (("acceptance", "tidal", "precheck"), "window"),
}


def is_mine(state: HallState, who: Principal, a: Alert) -> bool:
    """Whether an alert belongs to one of the reader's posts."""
    kind, _, id = (a.owner or "manager").partition(":")
    posts, right = _OWNERS.get(kind, ((), "admin"))
    if who.staff is None:
        return right in who.rights
    window = state.windows.get(id) if kind == "window" else None
    zone = window.zone if window is not None else id if id in state.zones else None
    department = id if kind in ("office", "maker") else None
    return any(post.post in posts and reaches(post, zone, department) for post in who.posts)


def must_reach(asked: Asked, a: Alert) -> None:
    """Refuse who has no business with an alert. Raises Problem not_allowed."""
    who, state = asked.who, asked.keeper.committed.state
    if is_mine(state, who, a) or any(post.post == "manager" for post in who.posts):
        return
    h = state.offices.hand_offs.get(a.about)
    case = state.offices.cases.get(h.case if h is not None else a.about)
    if case is not None:
        reach_case(asked, _NOTING, case)
    elif a.zone is not None:
        helps = ("middle",) if a.about in state.offices.supports else ()
        reach(asked, (*_IN_ZONE, *helps), zone=a.zone)
    elif who.staff is not None or "supervise" not in who.rights:  # the hall's: its owner's post, and the manager
        raise Problem("not_allowed")


async def list_alerts(edge: Edge, asked: Asked) -> Response:
    """The day's alerts, the oldest first; ended ones too unless only open ones are wanted."""
    hall = asked.keeper.committed
    state = hall.state
    only_open = choice(asked, "state", ["open", "all"]) == frozenset({"open"})
    only_mine = choice(asked, "owner", ["me"]) is not None
    found = [a for a in state.alerts.values() if not (only_open and a.ended is not None)]
    return good([alert_view(hall, a) for a in found if not only_mine or is_mine(state, asked.who, a)])


async def acknowledge(edge: Edge, asked: Asked) -> Response:
    """Somebody looks after an alert."""
    id = asked.path("alert")
    found = asked.keeper.committed.state.alerts.get(id)
    if found is not None:
        must_reach(asked, found)
    command = c.AcknowledgeAlert(id, named(asked, asked.body.staff), asked.body.take_over)

    def view(hall: Hall, now: int) -> v.AlertAnswer:
        return v.AlertAnswer(**asdict(alert_view(hall, hall.state.alerts[id])), seq=hall.state.seq)

    return await told(asked, command, view)


# ---- the table

_ALERTS = "/api/v1/halls/{hall}/alerts"

ALERT_CALLS: tuple[Call, ...] = (
    Call("GET", _ALERTS, "list_alerts", "The day's alerts, with the rule's figure and whose they are.", list_alerts,
         list[AlertView], rights=("staff",), part="alerts",
         query=(words_query("state", "`open`, or `all` (default).", ["open", "all"]),
                words_query("owner", "`me`: only those that belong to the reader's posts.", ["me"]),
                AFTER)),
    Call("POST", f"{_ALERTS}/{{alert}}/acknowledge", "acknowledge_alert", "Somebody looks after an alert.",
         acknowledge, v.AlertAnswer, body=b.AcknowledgeBody, rights=_NOTING, part="alerts",
         problems=("unknown_alert", "alert_ended", "alert_taken")),
)  # fmt: skip
