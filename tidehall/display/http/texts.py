"""Free text on its way in and out: known codes stay as they are, everything else goes under seal.

Law: the engine, the journal and the feed only ever see a code or a reference "sealed:ID:DIGEST" (law 11); the text
itself is opened for staff alone, one answer at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from tidehall.display.http.problems import Fault, Problem
from tidehall.display.reasons import own_list
from tidehall.hall.catalogue import ReasonKind
from tidehall.hall.plan import Plan
from tidehall.hall.wire import TicketView, WindowView
from tidehall.live import HallKeeper
from tidehall.store.errors import StoreError, StoreRefused
from tidehall.store.persons import Persons
from tidehall.store.rows import SealedRow

__all__ = ["REASONS", "Sealer", "on_the_list", "open_all", "open_one", "open_texts", "open_tickets",
           "open_windows", "opened_if_possible"]  # fmt: skip

#: Reasons that pages offer as buttons; they say nothing about a person.
REASONS = frozenset(
    {
        "break", "lunch", "meeting", "training", "system", "equipment", "supplies", "support", "other",
        "mistake", "returned", "missed", "senior", "disabled", "unwell", "supervisor", "second_item", "courtesy",
    }
)  # fmt: skip

_SEALED = "sealed:"
View = TypeVar("View", TicketView, WindowView)


def on_the_list(plan: Plan, kind: ReasonKind, said: Sequence[str], field: str, also: Collection[str] = ()) -> None:
    """Where the plan has reasons of this kind, one of them (or of `also`) must be among those said (R70).

    Raises Problem invalid.
    """
    listed = own_list(plan, kind)
    if listed and not any(code in listed or code in also for code in said):
        raise Problem("invalid", errors=[Fault(field, "choice", {"choices": ", ".join(listed)})])


class Sealer:
    """Seals what one command says; its `rows` go with the command."""

    def __init__(self, persons: Persons, known: Iterable[str] = REASONS) -> None:
        self._persons = persons
        self._known = frozenset(known)
        self.rows: list[SealedRow] = []

    def __call__(self, text: str) -> str:
        """The text itself if it is a known code, else a reference to it under seal."""
        if text in self._known:
            return text
        reference, row = self._persons.seal_text(text)
        self.rows.append(row)
        return reference

    def optional(self, text: str | None) -> str | None:
        """The same for a text that may be absent."""
        return None if text is None else self(text)


async def open_one(keeper: HallKeeper, persons: Persons, reference: str) -> str:
    """The text behind a reference. Raises Problem unknown_text (never sealed here, or erased), StoreError."""
    found = await _open(keeper, persons, [reference])
    if reference not in found:
        raise Problem("unknown_text")
    return found[reference]


async def open_tickets(keeper: HallKeeper, persons: Persons, views: Sequence[TicketView]) -> list[TicketView]:
    """The same tickets with their notes and notices opened; what cannot be opened stays a reference."""
    wanted = [text for view in views for text in (view.note, *(view.missing or ())) if isinstance(text, str)]
    found = await opened_if_possible(keeper, persons, wanted)
    if not found:
        return list(views)
    return [_ticket(view, found) for view in views]


async def open_windows(keeper: HallKeeper, persons: Persons, views: Sequence[WindowView]) -> list[WindowView]:
    """The same windows with reasons, notes and notices opened."""
    tickets = [view.ticket for view in views if isinstance(view.ticket, TicketView)]
    wanted = [view.reason for view in views if isinstance(view.reason, str)]
    wanted += [text for view in tickets for text in (view.note, *(view.missing or ())) if isinstance(text, str)]
    found = await opened_if_possible(keeper, persons, wanted)
    if not found:
        return list(views)
    return [
        replace(
            view,
            reason=found.get(view.reason, view.reason) if isinstance(view.reason, str) else view.reason,
            ticket=_ticket(view.ticket, found) if isinstance(view.ticket, TicketView) else view.ticket,
        )
        for view in views
    ]


async def open_all(keeper: HallKeeper, persons: Persons, value: Any) -> Any:
    """`value` as plain data with every sealed text in it opened; what cannot be opened stays a reference."""
    plain = msgspec.to_builtins(value)
    references = [text for text in _texts(plain) if text.startswith(_SEALED)]
    found = await opened_if_possible(keeper, persons, references) if references else {}
    return _replaced(plain, found) if found else plain


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def _replaced(value: Any, found: dict[str, str]) -> Any:
    if isinstance(value, str):
        return found.get(value, value)
    if isinstance(value, dict):
        return {name: _replaced(part, found) for name, part in value.items()}
    return [_replaced(part, found) for part in value] if isinstance(value, list | tuple) else value


def _ticket(view: TicketView, found: dict[str, str]) -> TicketView:
    note = found.get(view.note, view.note) if isinstance(view.note, str) else view.note
    missing = tuple(found.get(text, text) for text in view.missing) if isinstance(view.missing, tuple) else view.missing
    return replace(view, note=note, missing=missing)


async def open_texts(keeper: HallKeeper, persons: Persons, references: Iterable[str]) -> dict[str, str]:
    """Reference → text, of those that can be opened. Raises StoreError."""
    return await _open(keeper, persons, references)


async def opened_if_possible(keeper: HallKeeper, persons: Persons, texts: Iterable[str]) -> dict[str, str]:
    """The same, without a word about what cannot be opened now."""
    try:
        return await _open(keeper, persons, texts)
    except StoreError:  # a list without its notes is worth more than no list
        return {}


async def _open(keeper: HallKeeper, persons: Persons, texts: Iterable[str]) -> dict[str, str]:
    references = {text.split(":")[1]: text for text in texts if text.startswith(_SEALED) and text.count(":") == 2}
    if not references:
        return {}
    found: dict[str, str] = {}
    for id, row in (await keeper.journal.sealed(keeper.id, list(references))).items():
        try:
            found[references[id]] = persons.open_text(row, reference=references[id])
        except StoreRefused:  # not a text, or not the one that is referred to
            continue
    return found
