"""Who comes first: one sort key per ticket.

Law: key = arrival − head start of the class, in µs; so nobody is overtaken by a person who came more than
that head start later (design section 4). Ties are broken by the order of taking, never by chance.
"""

from __future__ import annotations

__all__ = ["Rank", "arrival_rank", "behind", "booked_rank", "in_front"]

#: (key µs, serial of the ticket it stands on, place behind that ticket). Unique within a hall.
Rank = tuple[int, int, int]


def arrival_rank(arrival: int, head_start: int, serial: int) -> Rank:
    """An ordinary ticket that came at `arrival` with `head_start` (both µs)."""
    return (arrival - head_start, serial, 0)


def booked_rank(booked_for: int, head_start: int, serial: int) -> Rank:
    """A booked ticket that checked in on time: its key is the booked time − head start of `booked`."""
    return (booked_for - head_start, serial, 0)


def behind(anchor: Rank, place: int) -> Rank:
    """Just behind `anchor`, and behind all that were put behind it before (`place` grows within a hall)."""
    return (anchor[0], anchor[1], place)


def in_front(first: Rank, serial: int) -> Rank:
    """Just in front of `first`."""
    return (first[0] - 1, serial, 0)
