"""The roots of what a hall is asked and of what has happened in it; the offices' own stand beside the line's.

Law: a command's tag is its verb, an event's tag its past tense, both snake_case and never renamed.
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Asked", "Fact", "snake"]


def snake(name: str) -> str:
    """TakeTicket → take_ticket."""
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


class Asked(Struct, frozen=True, gc=False, tag_field="command", tag=snake, omit_defaults=True):
    """The root of all commands."""


class Fact(Struct, frozen=True, gc=False, tag_field="kind", tag=snake, omit_defaults=True):
    """The root of all events; `at` (µs) is when it was written."""

    at: int
