"""The screening kernel: waits in one queue before several windows, as fast as a machine allows.

Law: it orders candidates for sizing.py and helps to tell them apart after few days; no reported figure rests on it
(docs/decisions/009-the-twin.md). It is a Kiefer–Wolfowitz recursion (each
window's next free moment) over counts of open windows that change with the time of day, in whole µs. Where its world
is the hall's (first come first served, all windows serve all lines, no head starts, nobody late, no breaks, nobody
missing), its waits are the world's bit for bit. One source runs in both ways: compiled by numba where that is
installed (extra `kernel`), and as plain Python, with the same result bit for bit.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache
from heapq import heapify, heapreplace
from typing import Any

import numpy as np
from msgspec import Struct

from tidehall.simulation.draws import Flow

__all__ = ["Habits", "Queue", "Screen", "compiled", "queue_of"]

#: Later than anything in a day. A key of the kernel's heap is (free moment << 12) | window: the window breaks ties, and
#: even this moment leaves room for it in 63 bits.
NEVER = 1 << 50


class Habits(Struct, frozen=True):
    """What is the same for everybody, µs: the way to the window, the pause after a service, what a citizen who does
    not come costs a window; `silent`: who gives up is called all the same; at most `most` wait; nobody is called from
    `last_call` on (µs after midnight)."""

    walk: int = 0
    changeover: int = 0
    missing: int = 0
    silent: bool = True
    most: int = NEVER
    last_call: int = NEVER


class Queue(Struct, frozen=True):
    """The citizens of one day before one group of windows, in the order of arrival; µs after midnight."""

    arrivals: list[int]
    service: list[int]
    patience: list[int]
    absent: list[bool]


def queue_of(flows: Sequence[Flow], midnight: int, from_: int) -> Queue:
    """Streams of citizens merged into one queue; who comes before `from_` (µs since the epoch) gets no number."""
    order = sorted((at, f, i) for f, flow in enumerate(flows) for i, at in enumerate(flow.arrivals) if at >= from_)
    found = Queue([at - midnight for at, _, _ in order], [], [], [])
    for _, f, i in order:
        flow = flows[f]
        found.service.append(flow.service[i])
        found.patience.append(NEVER if flow.patience is None else flow.patience[i])
        found.absent.append(flow.absent is not None and flow.absent[i])
    return found


def serve(
    arrivals: Any, service: Any, patience: Any, absent: Any, edges: Any, steps_at: Any, steps_to: Any,
    windows: int, walk: int, changeover: int, missing: int, silent: bool, most: int, last_call: int, within: int,
    waits: Any, good: Any,
) -> None:  # fmt: skip
    """Day d holds the citizens from edges[d] to edges[d + 1]. Writes everybody's wait into `waits` (µs until the call,
    -1: never called, -2: got no number) and into `good` how many of each day were called within the limit.
    Sequences are lists, or arrays where this is compiled."""
    for d in range(len(edges) - 1):
        free = [0]  # the wanted windows, by their next free moment
        free.pop()
        wanted = [False] * windows
        ends = [0] * windows  # of a window that shall close: when its service is over
        frees = [0] * windows  # and when it takes the next one if it stays after all
        calls = [0] * (edges[d + 1] - edges[d])
        admitted = called = step = n_wanted = count_good = 0
        for i in range(edges[d], edges[d + 1]):
            at = arrivals[i]
            while called < admitted and calls[called] <= at:
                called += 1
            if admitted - called >= most:
                waits[i] = -2
                continue
            while True:
                now = 1 << 50
                if n_wanted:
                    now = max(at, free[0] >> 12)
                if step >= len(steps_at) or steps_at[step] > now:
                    break
                turn, count = steps_at[step], steps_to[step]
                step += 1
                for here in (True, False):  # who is still there stays before another one comes
                    for w in range(windows):
                        if n_wanted < count and not wanted[w] and (ends[w] > turn) == here:
                            wanted[w] = True
                            n_wanted += 1
                            free.append(((frees[w] if here else turn) << 12) | w)
                for idle in (True, False):  # of those that close, idle ones go first, from the last on
                    for back in range(windows):
                        w = windows - 1 - back
                        if n_wanted > count and wanted[w]:
                            for k in range(len(free)):
                                if free[k] & 4095 == w and (free[k] >> 12 <= turn) == idle:
                                    wanted[w] = False
                                    n_wanted -= 1
                                    frees[w] = free[k] >> 12
                                    ends[w] = frees[w] - changeover
                                    free[k] = free[len(free) - 1]
                                    free.pop()
                                    break
                heapify(free)
            calls[admitted] = now
            admitted += 1
            wait = now - at
            if now >= last_call or (not silent and patience[i] < wait):
                waits[i] = -1
                continue
            waits[i] = wait
            if wait <= within:
                count_good += 1
            taken = missing if absent[i] or patience[i] < wait else walk + service[i] + changeover
            heapreplace(free, ((now + taken) << 12) | (free[0] & 4095))
        good[d] = count_good


@cache
def compiled() -> Callable[..., None] | None:
    """`serve` by numba, or None where it is not installed. Compiled at the first call, afterwards read from disk."""
    try:
        numba = importlib.import_module("numba")  # an extra, and without types
    except ModuleNotFoundError:
        return None
    fast: Callable[..., None] = numba.njit(cache=True)(serve)
    return fast


class Screen:
    """The people of some days before one group of `windows`, to be tried with one roster after the other."""

    def __init__(self, days: Sequence[Queue], windows: int, habits: Habits, *, plain: bool = False) -> None:
        self.windows, self.habits = windows, habits
        fast = None if plain else compiled()
        self.serve: Callable[..., None] = serve if fast is None else fast
        self.edges = [0]
        for day in days:
            self.edges.append(self.edges[-1] + len(day.arrivals))
        self.totals = [len(day.arrivals) for day in days]
        columns = [[x for day in days for x in column(day)] for column in COLUMNS]
        self.people: list[Any] = columns if fast is None else [np.array(column, np.int64) for column in columns]
        self.as_array = fast is not None
        self.last_waits: Any = self.room(self.edges[-1])

    def room(self, n: int) -> Any:
        return np.zeros(n, np.int64) if self.as_array else [0] * n

    def good(self, steps: Sequence[tuple[int, int]], within: int) -> list[int]:
        """How many citizens of each day are called within µs, when from each (µs after midnight, count) of `steps` on
        so many windows are open."""
        found = self.room(len(self.totals))
        at, to = [step[0] for step in steps], [step[1] for step in steps]
        edges: Any = self.edges
        if self.as_array:
            edges, at, to = np.array(edges), np.array(at, np.int64), np.array(to, np.int64)  # type: ignore[assignment] # arrays for numba
        h = self.habits
        self.serve(
            *self.people, edges, at, to, self.windows, h.walk, h.changeover, h.missing, h.silent, h.most, h.last_call,
            within, self.last_waits, found,
        )  # fmt: skip
        return [int(n) for n in found]

    def waits(self, steps: Sequence[tuple[int, int]]) -> list[int]:
        """Everybody's wait, one day after the other: µs until the call, -1 who was never called, -2 without number."""
        self.good(steps, 0)
        return [int(wait) for wait in self.last_waits]


#: What `serve` takes of a queue, in its order.
COLUMNS: tuple[Callable[[Queue], Sequence[int]], ...] = (
    lambda day: day.arrivals, lambda day: day.service, lambda day: day.patience, lambda day: day.absent,
)  # fmt: skip
