"""The calls for alerts: the list, and taking note of one (contract.md).

Law: as in offices.py. An alert belongs to a post; mine are those of my posts, and whoever can be an owner, or helps
one, may take note of any.
"""

from __future__ import annotations

from msgspec.structs import asdict
from starlette.responses import Response

from tidehall.display import office_views as v
from tidehall.display.http import office_bodies as b
from tidehall.display.http.access import Principal, reaches
from tidehall.display.http.api import good
from tidehall.display.http.calls import AFTER, Asked, Call, Edge
from tidehall.display.http.offices import choice, named, reach, told, words_query
from tidehall.display.views import alert_view
from tidehall.hall.engine import Hall
from tidehall.hall.papers import commands as c
from tidehall.hall.state import Alert, HallState
from tidehall.hall.wire import AlertView

__all__ = ["ALERT_CALLS"]

#: Who may take note of an alert.
_NOTING = ("supervise", "middle", "office", "runner", "issue", "make", "window", "guide")
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
    reach(asked, _NOTING)
    command = c.AcknowledgeAlert(id, named(asked, asked.body.staff))

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
         acknowledge, v.AlertAnswer, body=b.StaffBody, rights=_NOTING, part="alerts",
         problems=("unknown_alert", "alert_ended")),
)  # fmt: skip
