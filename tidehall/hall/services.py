"""Services that are no case, counted by day and zone: free copies, self-service, help with filing online.

Law (R53, R88, R89, R91): they are figures, not people; what was counted by mistake is taken back within the undo time,
and never below 0.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["KEPT_DAYS", "MOST_AT_ONCE", "NONE", "Counted", "Counts", "Service", "counted"]

Service = Literal["print_copy", "self_service", "online_guided"]
#: Days that the state remembers; older ones stand in the journal.
KEPT_DAYS = 35
#: Services in one command.
MOST_AT_ONCE = 100


class Counted(Struct, frozen=True, gc=False):
    """One kind in one zone on one day: how many, how many of them out of opening hours; and what was counted last,
    within the undo time before `last_at` (µs), and can be taken back."""

    count: int = 0
    outside: int = 0
    last: int = 0
    last_at: int = 0
    last_outside: bool = False


#: day (YYYY-MM-DD) → "zone:service" → what was counted
Counts = dict[str, dict[str, Counted]]
NONE = Counted()


def counted(before: Counted, count: int, at: int, undo_within: int, *, outside: bool) -> Counted:
    """The same after `count` more at `at` (µs), or fewer."""
    away = count if outside else 0
    if count < 0:
        return Counted(
            before.count + count, before.outside + away, before.last + count, before.last_at, before.last_outside
        )  # fmt: skip
    recent = before.last if at <= before.last_at + undo_within and before.last_outside == outside else 0
    return Counted(before.count + count, before.outside + away, recent + count, at, outside)
