"""Everything a hall can say no with.

    HallError
    ├── PlanInvalid   a plan with all its mistakes
    └── Refusal       a command that the rules refuse: a stable code, a status, and what can be done now

Law: a refusal is an answer, not a failure; its code is the contract's and its sentence is in locales/.
"""

from __future__ import annotations

from typing import Any

__all__ = ["STATUS", "HallError", "PlanInvalid", "Refusal"]


class HallError(Exception):
    """The root of the hall's errors."""


class PlanInvalid(HallError):
    """A wrong plan: `problems` lists every mistake as "place: what is wrong"."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


#: code → HTTP status that fits; every other code is 409.
STATUS = {
    "invalid": 422,
    "unknown_hall": 404,
    "unknown_line": 404,
    "unknown_window": 404,
    "unknown_ticket": 404,
    "unknown_zone": 404,
    "unknown_item": 404,
    "unknown_priority": 422,
    "unknown_alert": 404,
    "unknown_board": 404,
    "unknown_case": 404,
    "unknown_hand_off": 404,
    "unknown_support": 404,
    "unknown_matter": 404,
    "unknown_notice": 404,
    "unknown_receipt": 404,
    "materials_missing": 422,
    "nothing_received": 422,
}


class Refusal(HallError):
    """The rules say no.

    `code` is stable (contract.md); `details` fill the sentence and stand in the problem document;
    `allowed` names what can be done now. A `ticket` id in details becomes the ticket object at the edge.
    """

    __slots__ = ("allowed", "code", "details")

    def __init__(self, code: str, *, allowed: tuple[str, ...] = (), **details: Any) -> None:
        super().__init__(code)
        self.code = code
        self.allowed = allowed
        self.details = details

    @property
    def status(self) -> int:
        """The HTTP status that fits."""
        return STATUS.get(self.code, 409)
