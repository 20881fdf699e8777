"""A kept journal: a morning of the reference hall with offices and tide, and the night after it.

Law: what was kept is never written again. Its lines are the bodies of events as they were stored, and between them what
that program's own engine knew there ({"facts": …}). test_golden.py says when to keep another, and how.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

from msgspec import json
from msgspec.structs import replace

from benchmarks.day import MORNING, SECOND, Day
from tidehall.hall import commands as c
from tidehall.hall.engine import Hall
from tidehall.hall.papers import commands as q
from tidehall.hall.plan import Plan

__all__ = ["FOLDER", "keep", "known"]

FOLDER = Path(__file__).parent / "golden"
MINUTE = 60 * SECOND
#: A bit more than an hour after the doors have opened.
UNTIL = MORNING + 100 * MINUTE


class Keeper:
    """A hall, and the lines that are kept of it."""

    def __init__(self, id: str) -> None:
        self.hall = Hall(id)
        self.lines: list[bytes] = []

    def wake(self, now: int) -> None:
        """What time brings until `now` (µs)."""
        while events := self.hall.wake(now):
            self.keep(events)

    def do(self, command: Any, now: int) -> None:
        """Decide at `now` (µs) and keep what it brings."""
        self.wake(now)
        self.keep(self.hall.decide(command, now))

    def keep(self, events: list[Any]) -> None:
        for event in events:
            self.hall.apply(event)
            self.lines.append(json.encode(event))

    def note(self) -> None:
        """Keep what the engine knows now."""
        self.lines.append(json.encode({"facts": known(self.hall)}))


def known(hall: Hall) -> Any:
    """What a hall knows, but for the plan, which stands in the journal, and what estimates have learned, which may
    change with them."""
    facts = json.decode(json.encode(hall.facts()))
    del facts["plan"], facts["next_plan"]
    facts["lines"] = {id: line[:2] for id, line in facts["lines"].items()}
    for window in facts["windows"]:
        if window["undoable"] is not None:
            del window["undoable"]["service"]
    return facts


def keep(name: str) -> Path:
    """Play the morning with this program, and keep its journal under this name. Raises FileExistsError."""
    day = Day(tickets=900, cases=500)
    keeper = Keeper(day.plan.hall.id)
    for command, now in day.commands:
        if now > UNTIL:
            break
        if isinstance(command, c.AdoptPlan):
            command = c.AdoptPlan(sooner(command.plan))
        if command is not None:
            keeper.do(command, now)
    afterwards(keeper, UNTIL)
    keeper.note()
    keeper.wake(UNTIL + 16 * 60 * MINUTE)  # lunch, the evening, the night: what is left expires, the day turns
    keeper.note()
    path = FOLDER / f"{name}.jsonl.gz"
    with path.open("xb") as file:
        file.write(gzip.compress(b"\n".join(keeper.lines), mtime=0))
    return path


def sooner(plan: Plan) -> Plan:
    """The plan with a tide that turns within the morning."""
    rules = {
        zone: replace(
            rule, open_waiting_per_window=0.3, open_wait_s=300.0, open_for_s=20.0, close_waiting_per_window=0.1,
            close_wait_s=60.0, close_for_s=120.0, settle_s=300.0, min_open_s=600.0,
        )
        for zone, rule in plan.tide.items()
    }  # fmt: skip
    return replace(plan, tide=rules)


def afterwards(keeper: Keeper, now: int) -> None:
    """What the day's clerks do not do by themselves: the tide is confirmed and taken back, a citizen complains."""
    s = keeper.hall.state
    tidal = next(w for w in s.windows.values() if w.post == "tidal")
    for i in range(12):  # the clerks have stopped calling
        keeper.do(c.TakeTicket(f"late-{i}", tidal.lines[0]), now)
    rated = next(t.id for t in s.tickets.values() if t.state == "finished")
    for minute, command in enumerate(
        [
            c.SetReserve(tidal.zone, ("reserve-1",)),
            c.OpenTidal(tidal.id, "reserve-1"),
            c.TakeTicket("sent", tidal.lines[0], holder="somebody"),
            c.CallTicket(tidal.id, "sent", "sent by the guide"),
            c.StartService(tidal.id),
            c.CloseTidal(tidal.id),
            c.FinishTicket(tidal.id),
            c.CountService(tidal.zone, "print_copy"),
            q.RateTicket(rated, 1),
            c.RaiseAlert("board_silent", s.rules.boards[0].id),
        ]
    ):
        keeper.do(command, now + minute * MINUTE)


if __name__ == "__main__":
    print(keep(sys.argv[1]))
