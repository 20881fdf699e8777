"""What the tide advised on a day, and what became of it (R95): followed, ignored, or a step of one's own.

Law: a fold of events and nothing else, for a day of the journal as for a simulated one. Advice that lapsed unheeded is
ignored, whatever the reason; whoever opens or closes without advice takes a step of his own.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from tidehall.hall import events as e
from tidehall.hall.events import Event
from tidehall.hall.outlook import Prospect
from tidehall.hall.tide import Action

__all__ = ["TideCounts", "TideEntry", "TideRecord"]


class TideCounts(Struct, frozen=True):
    """How many advices there were, were followed, were ignored, still stand; and steps of one's own."""

    advised: int
    followed: int
    ignored: int
    standing: int
    own: int


class TideEntry(Struct):
    """One advice with its end, or a step of one's own (`outcome` own; `at` is then its moment). Times are µs.

    `waiting`, `open_windows`, `longest`, `prospect`: the reason in numbers; `policy`: whose advice it was; `actor`: who
    decided, as the journal has it ("clock": the plan's wish); `staff`: who was to take the window.
    """

    zone: str
    window: str
    action: Action
    at: int
    outcome: Literal["standing", "followed", "ignored", "own"]
    policy: Literal["threshold", "forecast"] | None = None
    waiting: int | None = None
    open_windows: int | None = None
    longest: int | None = None
    prospect: Prospect | None = None
    ended_at: int | None = None
    actor: str | None = None
    staff: str | None = None


class TideRecord:
    """Folds a hall's events, from any first one on."""

    def __init__(self) -> None:
        self.entries: list[TideEntry] = []
        self.standing: dict[str, TideEntry] = {}

    def apply(self, event: Event, actor: str | None = None) -> None:
        """Take one event in."""
        match event:
            case e.TideAdvised():
                entry = TideEntry(
                    event.zone, event.window, event.action, event.due, "standing",
                    "threshold" if event.prospect is None else "forecast", event.waiting, event.open_windows,
                    event.longest, event.prospect, staff=event.staff,
                )  # fmt: skip
                self.entries.append(entry)
                self.standing[event.zone] = entry
            case e.TideForeseen():
                if event.zone in self.standing:
                    self.standing[event.zone].prospect = event.prospect
            case e.TideLapsed():
                self.end(event.zone, "ignored", event.due)
            case e.TideConfirmed(advised=True):
                found = self.end(event.zone, "followed", event.at)
                if found is None:  # advised before the first event seen
                    found = TideEntry(event.zone, event.window, event.action, event.at, "followed", ended_at=event.at)
                    self.entries.append(found)
                found.actor, found.staff = actor, event.staff or found.staff
            case e.TideConfirmed():
                self.entries.append(
                    TideEntry(
                        event.zone, event.window, event.action, event.at, "own", ended_at=event.at, actor=actor,
                        staff=event.staff,
                    )
                )  # fmt: skip

    def end(self, zone: str, outcome: Literal["followed", "ignored"], at: int) -> TideEntry | None:
        """The zone's advice is over."""
        found = self.standing.pop(zone, None)
        if found is not None:
            found.outcome, found.ended_at = outcome, at
        return found

    def counts(self, zone: str | None = None) -> TideCounts:
        """The day in figures, of one zone or of all."""
        found = [entry.outcome for entry in self.entries if zone in (None, entry.zone)]
        own = found.count("own")
        return TideCounts(
            len(found) - own, found.count("followed"), found.count("ignored"), found.count("standing"), own
        )  # fmt: skip
