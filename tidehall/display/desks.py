"""Which desk belongs to which post: who may open its page, and where a person with several posts goes on to (R9, R112).

Law: a page opens to the post that works there and to whoever supervises; what may be done on it is asked of the API.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tidehall.display.http.access import POSTS, Principal
from tidehall.hall.reading import Words
from tidehall.hall.state import HallState, Window
from tidehall.store.posts import Post

__all__ = ["OPENS", "desks_of", "home_of", "opens"]

#: A desk's page → the rights that open it: one's own first, then the supervisor's.
OPENS: Mapping[str, tuple[str, ...]] = {
    "runner": ("runner", "supervise"),
    "middle": ("middle", "supervise"),
    "office": ("office", "make", "supervise"),
    "issue": ("issue", "supervise"),
    "handoffs": ("supervise",),
    "guide": ("guide", "supervise"),
}
#: A post's right → the desk where it is used.
_DESKS = {"guide": "guide", "runner": "runner", "middle": "middle", "issue": "issue", "supervise": "handoffs"}
#: The words for a desk's page.
_TITLES = {place: f"office.title.{place}" for place in OPENS} | {"guide": "door.guide_desk"}


def opens(who: Principal, place: str, department: str | None = None) -> bool:
    """Whether a principal's posts open a desk's page; a department's office only to its own people."""
    return any(
        who.covers(right, department=department if right in ("office", "make") else None) for right in OPENS[place]
    )


def desks_of(posts: Iterable[Post], staff: str, state: HallState, path: str) -> list[dict[str, Any]]:
    """Links to the desks of a person's posts in this hall; `here`: the one that `path` belongs to."""
    found: dict[str, dict[str, Any]] = {}
    for post in posts:
        for href, key, name, label in _of(post, staff, state):
            found.setdefault(href, {"href": href, "key": key, "name": name, "label": label, "here": href == path})
    return list(found.values())


def home_of(posts: Iterable[Post], staff: str, state: HallState) -> str:
    """Where a person begins: who supervises at the dashboard, who has just one desk there, the others at the front
    door, where they choose."""
    posts = tuple(posts)
    if any("supervise" in POSTS[post.post] for post in posts):
        return f"/dashboard/{state.id}"
    own = {desk["href"] for desk in desks_of(posts, staff, state, "")}
    return own.pop() if len(own) == 1 else "/"


def only_window(post: Post, state: HallState) -> Window | None:
    """The window of a post whose zone has just one that serves."""
    own = [w for w in state.windows.values() if w.lines and w.zone == post.zone]
    return own[0] if len(own) == 1 else None


def _of(post: Post, staff: str, state: HallState) -> Iterator[tuple[str, str, Words | None, str]]:
    """(address, words, the name where it has one of its own, what fills the words) of each desk of a post."""
    rights, hall = POSTS[post.post], state.id
    if "window" in rights:
        seat = next((w for w in state.windows.values() if w.staff == staff), None) or only_window(post, state)
        if seat is not None:
            yield f"/desk/{hall}/window/{seat.id}", "desks.window", None, seat.label
        else:
            yield "/", "desks.windows", None, ""
    if ("office" in rights or "make" in rights) and post.department is not None:
        name = next((d.name for d in state.rules.departments if d.id == post.department), None)
        yield f"/desk/{hall}/office/{post.department}", "office.departments", name, ""
    if "supervise" in rights:
        yield f"/dashboard/{hall}", "dashboard.title", None, ""
        yield f"/statistics/{hall}", "statistics.title", None, ""
    for right, place in _DESKS.items():
        if right in rights:
            yield f"/desk/{hall}/{place}", _TITLES[place], None, ""
