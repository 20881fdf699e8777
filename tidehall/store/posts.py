"""What a person is there for: posts, each in a hall, with the zone, department, items and rights that belong to it.

Law: a post names only what the hall's plan has, and all that is wrong with it is said at once (R112, R114).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from tidehall.hall.plan import Plan

__all__ = ["Post", "PostFault", "PostName", "accepts", "decides", "faults"]

#: The plan's posts (R93), and those that belong to no window: back office, middle office, the hall's manager, the
#: auditor and the certificate room.
PostName = Literal[
    "acceptance", "precheck", "issue", "tidal", "runner", "supervisor", "consult", "guide", "service", "assist",
    "officer", "middle", "manager", "auditor", "maker",
]  # fmt: skip


class Post(Struct, frozen=True, kw_only=True):
    """One post of a person. `zone` None: in the whole hall; `items` None: every item of the zone or department.

    `accept` and `decide`: may take papers in, may decide on them; nobody does both with the same case (R4).
    """

    hall: str
    post: PostName
    zone: str | None = None
    department: str | None = None
    items: tuple[str, ...] | None = None
    accept: bool = False
    decide: bool = False


class PostFault(NamedTuple):
    """What is wrong in a post: the field, our word for it (locales: problem.field.WORD), what fills the sentence."""

    field: str
    word: str
    params: Mapping[str, Any] = {}


def accepts(post: str) -> bool:
    """Whether a post takes papers in unless it is said otherwise."""
    return post in ("acceptance", "tidal")


def decides(post: str) -> bool:
    """Whether a post decides unless it is said otherwise."""
    return post == "officer"


def faults(post: Post, plans: Mapping[str, Plan]) -> list[PostFault]:
    """Everything in a post that its hall's plan does not have."""
    plan = plans.get(post.hall)
    if plan is None:
        return [PostFault("hall", "choice", {"choices": ", ".join(sorted(plans))})]
    found = []
    zones, departments = [zone.id for zone in plan.zones], [department.id for department in plan.departments]
    if post.zone is not None and post.zone not in zones:
        found.append(PostFault("zone", "choice", {"choices": ", ".join(zones)}))
    if post.department is not None and post.department not in departments:
        found.append(PostFault("department", "choice", {"choices": ", ".join(departments)}))
    if post.department is None and post.post == "officer":
        found.append(PostFault("department", "missing"))
    known = {item.code for item in plan.items}
    if unknown := [code for code in post.items or () if code not in known]:
        found.append(PostFault("items", "no_such_item", {"items": ", ".join(unknown)}))
    return found
