"""Who may do what with a case: how far posts reach, and the four rights of the chief representative (R54-R57, R73).

Law: what is asked here are a person's posts alone; a place's link and the admin's token may do what their kind may.
That nobody decides what he has accepted (R4) is the engine's rule, whatever the posts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tidehall.display.http.access import Principal, reaches
from tidehall.hall.catalogue import Item
from tidehall.hall.papers import commands as c
from tidehall.hall.papers.objects import Case
from tidehall.store.posts import Post, Right

__all__ = ["CHIEF", "covers", "may", "may_receive"]

CHIEF = "chief_representative"


def covers(
    who: Principal, right: str, zone: str | None, departments: Sequence[str | None], item: str | None = None
) -> bool:
    """Whether `right` reaches there: zones bind the front, departments the back office and chief representatives."""
    if right in ("office", "make"):
        return any(who.covers(right, department=department, item=item) for department in departments)
    if right == "window" and who.staff is not None:
        return any(_at_front(who, zone, departments, item))
    return who.covers(right, zone=None if right == "middle" else zone, item=item)


def _at_front(who: Principal, zone: str | None, departments: Sequence[str | None], item: str | None) -> Iterator[Post]:
    """The person's window posts that reach there; a chief representative's only for his department."""
    for post in who.having("window"):
        own = post.post != CHIEF or None in departments or post.department in departments
        if own and reaches(post, zone=zone, item=item):
            yield post


def may_receive(who: Principal, item: Item | None, code: str, zone: str) -> bool:
    """Whether papers for an item may be taken in: a chief representative takes what he ends on the spot (R54).

    Where receipt is acceptance (收件即受理, R12) the department has authorised every window post that reaches the item.
    """
    if who.staff is None:
        return True
    departments = (None,) if item is None else (item.department,)
    on_receipt = item is not None and item.accept_on_receipt
    return any(
        (post.accept or on_receipt) and (post.post != CHIEF or item is None or item.kind == "immediate")
        for post in _at_front(who, zone, departments, code)
    )


def may(who: Principal, case: Case, command: c.OfficeCommand) -> bool:
    """Whether this step is within the person's rights over the case."""
    joint = case.kind == "joint"
    match command:
        case c.DecideCase():
            return _may_decide(who, case)
        case _ if who.staff is None:
            return True
        case c.AcceptCase():
            return _accepts(who, case) or who.covers("middle", item=case.item)
        case c.GiveOpinion():
            places = (command.department,) if command.department else (case.department, *_parts(case))
            return _in_office(who, case, "opine", places)
        case c.ClaimCase() | c.StartStep() | c.EndStep() | c.RequestFee() if joint:
            return _in_office(who, case, "coordinate", (case.department,))
    return True


def _may_decide(who: Principal, case: Case) -> bool:
    """An immediate item at its window (R54), the others in the back office: promised and reported ones by the right to
    decide (R55), joint ones by the lead department's right to coordinate (R57)."""
    if who.staff is None:
        return "office" in who.rights or case.kind == "immediate"
    if case.kind == "immediate" and _accepts(who, case):
        return True
    return _in_office(who, case, "coordinate" if case.kind == "joint" else "decide", (case.department,))


def _accepts(who: Principal, case: Case) -> bool:
    """Whether the person may take this case's papers in at a window."""
    return any(
        post.accept and (post.post != CHIEF or case.kind == "immediate")
        for post in _at_front(who, case.zone, (case.department,), case.item)
    )


def _in_office(who: Principal, case: Case, right: Right, departments: Sequence[str]) -> bool:
    """Whether a post of one of these departments has the right over the case."""
    return any(
        getattr(post, right) and any(reaches(post, department=place, item=case.item) for place in departments)
        for post in who.having("office")
    )


def _parts(case: Case) -> Iterator[str]:
    """The departments that have a part in a joint case."""
    return (part.department for part in case.parts)
