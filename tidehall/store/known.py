"""One person, one id: a command about somebody whom the journal knows is told by the id it knows him by.

Law: a lookup hash stands in the journal once; whoever else would write it again is renamed before the decision.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tidehall.hall.commands import Command
from tidehall.store.rows import SealedRow

__all__ = ["same_person", "with_known"]


def same_person(
    command: Command, sealed: list[SealedRow], persons: Mapping[bytes, str]
) -> tuple[Command, list[SealedRow]]:
    """Asks of one batch about the same new person share one id and one row, as does one ask that names him twice;
    `persons` holds those written in the batch."""
    own: dict[bytes, str] = {}
    kept = []
    for row in sealed:
        other = None if row.lookup is None else persons.get(row.lookup) or own.get(row.lookup)
        if other is None:
            kept.append(row)
            if row.lookup is not None:
                own[row.lookup] = row.id
        else:
            command = renamed(command, row.id, other)
    return command, kept


def with_known(
    command: Command, sealed: list[SealedRow], known: Mapping[bytes, str]
) -> tuple[Command, list[SealedRow]]:
    """A command about persons whom the journal knows, by the ids it knows them by; their rows are not written again."""
    kept = []
    for row in sealed:
        other = None if row.lookup is None else known.get(row.lookup)
        if other is None:
            kept.append(row)
        else:
            command = renamed(command, row.id, other)
    return command, kept


def renamed(command: Command, old: str, new: str) -> Command:
    """The command with the person `old` (holder, applicant, agent) called `new`."""
    found = {name: new for name in command.__struct_fields__ if getattr(command, name) == old}
    return msgspec.structs.replace(command, **found)
