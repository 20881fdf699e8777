"""Reading the journal after the fact: a ticket's trace, and a day decided again.

Law: the journal alone must prove every number; what is found here rests on nothing else.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tidehall.hall.commands import Command
from tidehall.hall.engine import Hall
from tidehall.hall.errors import Refusal
from tidehall.live import encode, read_event
from tidehall.store.journal import Journal
from tidehall.store.rows import CommandRow, Row

__all__ = ["redecide", "ticket_trace"]

PAGE = 5_000


async def ticket_trace(journal: Journal, hall: str, ticket: str) -> list[dict[str, Any]]:
    """Every event that names the ticket, in order, with who and why."""
    found: list[dict[str, Any]] = []
    after = 0
    needle = ticket.encode()
    while rows := await journal.read(hall, after, PAGE):
        for row in rows:
            if needle in row.body:
                body = json.loads(row.body)
                if body.get("ticket") == ticket:
                    found.append(
                        {"seq": row.seq, "at": row.at, "due": row.due, "kind": row.kind, "body": body,
                         "actor": row.actor, "cause": row.cause}
                    )  # fmt: skip
        after = rows[-1].seq
    return found


async def redecide(journal: Journal, hall: str, *, upto: int) -> tuple[int, list[str]]:
    """Decide every recorded command again at its `now` and compare the events with the journal's.

    Returns how many commands were decided and what differs. Events of time are compared with what `wake` brings.
    Purged commands are named: their events are taken as they stand.
    """
    engine = Hall(hall)
    differences: list[str] = []
    decided = 0
    commands: dict[int, CommandRow] = {}
    loaded = 0
    pending: list[Row] = []
    after = 0

    async def command_at(seq: int) -> CommandRow | None:
        nonlocal loaded
        while seq not in commands and loaded < seq:
            rows = await journal.commands(hall, loaded, PAGE)
            if not rows:
                loaded = upto
                break
            for row in rows:
                commands[row.first_seq] = row
            loaded = rows[-1].first_seq
        return commands.pop(seq, None)

    while after < upto or pending:
        if len(pending) < 1_000 and after < upto:
            rows = await journal.read(hall, after, PAGE, upto)
            if not rows:
                break
            pending += rows
            after = rows[-1].seq
        row = pending[0]
        if row.actor == "clock":
            events = engine.wake(row.at)
            what = f"what time brought at event {row.seq}"
        else:
            command = await command_at(row.seq)
            if command is None:
                differences.append(f"event {row.seq} has no command: it cannot be decided again")
                engine.apply(read_event(pending.pop(0)))
                if len(differences) > 20:
                    break
                continue
            decided += 1
            what = f"command {command.key} of {command.principal} (events {command.first_seq} to {command.last_seq})"
            try:
                events = engine.decide(msgspec.json.decode(command.body, type=Command), command.now)
            except Refusal as no:
                differences.append(f"{what} is refused now: {no.code}")
                break
        if not events:
            differences.append(f"{what} brings nothing now")
            break
        while len(pending) < len(events) and after < upto:
            more = await journal.read(hall, after, PAGE, upto)
            if not more:
                break
            pending += more
            after = more[-1].seq
        for event in events:
            if not pending or encode(event) != pending[0].body:
                seq = pending[0].seq if pending else upto
                differences.append(f"{what} differs at event {seq}: now {encode(event).decode()[:300]}")
                return decided, differences
            engine.apply(event)
            pending.pop(0)
    return decided, differences
