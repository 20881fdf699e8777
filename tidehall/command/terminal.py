"""What the command line shows: a moment, a step, a case's whole life, and how far long work is.

Law: answers go to standard output and are the same on a terminal and in a pipe; progress goes to standard error and
only to a terminal.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from tidehall.audit import CaseTrace

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Bar", "clock_text", "print_case", "print_step", "progress"]

#: Moments (µs) in an event's body.
MOMENTS = ("due", "due_at", "warn_at", "started_at", "contact_by", "callable_at", "booked_for")


def clock_text(at: int) -> str:
    """A moment for the terminal, UTC."""
    return datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S.%fZ")


def print_case(trace: CaseTrace, *, as_json: bool) -> None:
    """A case's whole life with its durations; sealed texts stay references."""
    if as_json:
        print(json.dumps(msgspec.to_builtins(trace), ensure_ascii=False))
        return
    print(f"case {trace.case}  receipt {trace.receipt}  item {trace.item}  number {trace.number or '-'}")
    for step in trace.steps:
        print_step(step.seq, step.at, step.kind, step.body, step.actor)
    for leg in trace.durations.hand_offs:
        print(f"hand-off {leg.id}, leg {leg.leg}: {duration_text(leg.hand_off_s)}{' late' if leg.breached else ''}")
    for name in ("wait", "service", "visit", "review", "paused", "make", "delivery", "support", "whole"):
        print(f"{name:<9} {duration_text(getattr(trace.durations, f'{name}_s'))}")


def duration_text(seconds: float | None) -> str:
    """Seconds for the terminal; what has not come to its end has none."""
    return "-" if seconds is None else f"{seconds:.1f} s"


def print_step(seq: int, at: int, kind: str, body: dict[str, object], actor: str) -> None:
    """One event of a trace."""
    hidden = ("kind", "at", "ticket", "rank", "papers", "shown")
    said = {k: clock_text(v) if isinstance(v, int) and k in MOMENTS and v else v for k, v in body.items()}
    rest = " ".join(f"{k}={v}" for k, v in said.items() if k not in hidden)
    print(f"{seq:>8}  {clock_text(at)}  {kind:<20} {rest}  [{actor}]")


class Bar:
    """What long work tells of itself."""

    def __init__(self, shown: Progress, task: TaskID) -> None:
        self._shown = shown
        self._task = task

    def told(self, done: int, total: int) -> None:
        """So much is done, of so much."""
        self._shown.update(self._task, completed=done, total=total)

    def add(self, more: float = 1, what: str | None = None) -> None:
        """So much more is done; from now on it is `what`."""
        self._shown.update(self._task, advance=more, description=what)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """The bar is out of the way, so that its line does not run into what is printed."""
        self._shown.stop()
        try:
            yield
        finally:
            self._shown.start()


@contextlib.contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Bar]:
    """A bar on standard error while the work lasts; `total`: how much it is, where that is known."""
    # Not at the top: what is seldom shown must not cost every start of the command line a tenth of a second.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        yield Bar(shown, shown.add_task(what, total=total))
