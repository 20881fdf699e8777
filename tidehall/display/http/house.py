"""What the door needs of the house behind it.

Law: the composition root makes the house; this room only names what it uses of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tidehall.live import HallKeeper
from tidehall.store.journal import Journal
from tidehall.store.persons import Persons

__all__ = ["House"]


class House(Protocol):
    """All halls of this process, and what they share."""

    @property
    def halls(self) -> Mapping[str, HallKeeper]:
        """The keepers by hall id."""

    @property
    def journal(self) -> Journal:
        """Where everything is remembered."""

    @property
    def persons(self) -> Persons:
        """The keys of the sealed table; tokens and fingerprints."""
