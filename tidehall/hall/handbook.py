"""The 22 elements of an item's guide (办事指南 22 要素, R64): what each is made of, and which an item lacks.

Law: an element is there when the plan says it, or says it for the whole: the zone where, the hall's hours, its
telephones. Nothing is counted that a citizen could not read on the item's page.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tidehall.hall.catalogue import Guide, Item
from tidehall.hall.plan import Department, Plan

__all__ = ["ELEMENTS", "Completeness", "completeness", "consultation", "lacking", "supervision"]

#: The elements in the order of the official list.
ELEMENTS = (
    "name", "kind", "basis", "body", "statutory_days", "promised_days", "result", "result_sample", "fee", "fee_basis",
    "materials", "process", "forms", "review", "scope", "booking", "online_payment", "courier", "place", "hours",
    "consultation", "supervision",
)  # fmt: skip
NOTHING = Guide()


class Completeness(Struct, frozen=True):
    """How many elements of a whole plan are filled, the share, and the items with the fewest, worst first."""

    items: int
    filled: int
    of: int
    worst: tuple[tuple[str, int], ...]

    @property
    def share(self) -> float:
        """0 … 1; 1 for a plan without items."""
        return self.filled / self.of if self.of else 1.0


def consultation(plan: Plan, item: Item) -> str | None:
    """The telephone for questions: the item's, its department's, the hall's."""
    department = department_of(plan, item)
    own = item.guide.consultation if item.guide is not None else None
    return own or (department.consultation if department is not None else None) or plan.hall.consultation


def supervision(plan: Plan, item: Item) -> str | None:
    """The telephone for complaints, found in the same way."""
    department = department_of(plan, item)
    own = item.guide.supervision if item.guide is not None else None
    return own or (department.supervision if department is not None else None) or plan.hall.supervision


def department_of(plan: Plan, item: Item) -> Department | None:
    """The item's department."""
    return next((d for d in plan.departments if d.id == item.department), None)


def lacking(plan: Plan, item: Item) -> tuple[str, ...]:
    """The elements that nothing is said of, in the list's order.

    An item done at once has no term; where nothing is charged there is neither a basis nor a way of paying.
    """
    g = item.guide or NOTHING
    there: Mapping[str, object] = {
        "basis": g.basis,
        "statutory_days": item.statutory_days or item.kind == "immediate",
        "result": item.result,
        "result_sample": g.result_sample,
        "fee_basis": g.fee_basis or not item.fee,
        "materials": item.materials,
        "process": g.process,
        "forms": g.forms,
        "review": g.review,
        "scope": g.scope,
        "online_payment": g.online_payment is not None or not item.fee,
        "courier": g.courier is not None,
        "consultation": consultation(plan, item),
        "supervision": supervision(plan, item),
    }
    return tuple(name for name in ELEMENTS if not there.get(name, True))


def completeness(plan: Plan) -> Completeness:
    """The figure over all items."""
    counts = [(item.code, len(ELEMENTS) - len(lacking(plan, item))) for item in plan.items]
    worst = tuple(sorted(counts, key=lambda row: (row[1], row[0])))
    return Completeness(len(counts), sum(n for _, n in counts), len(ELEMENTS) * len(counts), worst)
