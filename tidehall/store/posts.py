"""What a person is there for: posts, each in a hall, with the zone, department, items and rights that belong to it.

Law: a post names only what the hall's plan has, and all that is wrong with it is said at once (R112, R114). The four
rights over cases are those of the chief representative (首席代表, R54-R57, R73); any post may be given fewer of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

from msgspec import Struct

from tidehall.hall.plan import Plan

__all__ = ["RIGHTS", "Post", "PostFault", "PostName", "Right", "faults", "given_rights", "rights_of"]

#: The plan's posts (R93), and those that belong to no window: back office, a department's chief representative, middle
#: office, the hall's manager, the auditor and the certificate room.
PostName = Literal[
    "acceptance", "precheck", "issue", "tidal", "runner", "supervisor", "consult", "guide", "service", "assist",
    "officer", "chief_representative", "middle", "manager", "auditor", "maker",
]  # fmt: skip

#: What may be done with a case. accept: take papers in, and finish immediate items on the spot (R54) · decide: approve
#: or refuse (R55) · opine: the opinion in the file, which a reported item needs before it goes up (R56) · coordinate:
#: open a joint case to the other departments, and decide it for all of them (R57).
Right = Literal["accept", "decide", "opine", "coordinate"]
RIGHTS: tuple[Right, ...] = get_args(Right)
#: Which of them a post has unless it is said otherwise.
_USUAL: dict[str, frozenset[Right]] = {
    "acceptance": frozenset({"accept"}),
    "tidal": frozenset({"accept"}),
    "officer": frozenset({"decide", "opine"}),
    "chief_representative": frozenset(RIGHTS),
}


class Post(Struct, frozen=True, kw_only=True):
    """One post of a person. `zone` None: in the whole hall; `items` None: every item of the zone or department.

    `accept`, `decide`, `opine`, `coordinate`: the rights over cases (see Right). Nobody decides what he has accepted,
    unless it is immediate (R4).
    """

    hall: str
    post: PostName
    zone: str | None = None
    department: str | None = None
    items: tuple[str, ...] | None = None
    accept: bool = False
    decide: bool = False
    opine: bool = False
    coordinate: bool = False


class PostFault(NamedTuple):
    """What is wrong in a post: the field, our word for it (locales: problem.field.WORD), what fills the sentence."""

    field: str
    word: str
    params: Mapping[str, Any] = {}


def given_rights(post: str, said: Mapping[str, bool | None]) -> dict[str, bool]:
    """Every right → whether the post has it: as `said`, or as usual where that says nothing."""
    usual = _USUAL.get(post, frozenset())
    return {right: (right in usual) if (own := said.get(right)) is None else own for right in RIGHTS}


def rights_of(post: Post) -> tuple[Right, ...]:
    """The rights over cases that the post has."""
    return tuple(right for right in RIGHTS if getattr(post, right))


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
    if post.department is None and post.post in ("officer", "chief_representative"):
        found.append(PostFault("department", "missing"))
    known = {item.code for item in plan.items}
    if unknown := [code for code in post.items or () if code not in known]:
        found.append(PostFault("items", "no_such_item", {"items": ", ".join(unknown)}))
    return found
