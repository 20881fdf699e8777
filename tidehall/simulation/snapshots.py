"""Counter snapshots: what a hall's website showed every few minutes, turned into people who came and were called.

A row is one line at one moment. Columns are found by name: `date` and `time` (local) or one of `at`, `timestamp`;
`line_id` (or `line`, `letter`), `open_windows` (`windows`), `waiting` (`queue`); where they are there also `office`
(`hall`), `letter`, `line_name` (`name`) and `current_number` (`number`).

Law: a snapshot is a count, not a citizen. Who came = change of the waiting count + numbers called; what cannot be told
apart is counted and said, never guessed silently. A row that cannot be read is reported with its place and left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tidehall.simulation.visits import column, moment

__all__ = ["DaySteps", "LineName", "Office", "SnapshotDay", "Snapshots", "is_snapshots", "read_snapshots", "steps"]

Numbers = NDArray[np.float64]
#: Two numbers of one letter further apart than this belong to different ranges (001…, 700…, 901…).
RANGE_GAP = 40
#: A range whose first number seen is at most this far above its hundred began there.
FIRST_SEEN = 10
#: A hall that should have changed this often and did not once was frozen.
FROZEN = 12.0
#: Longest sentence list of broken rows that is kept.
MOST_PROBLEMS = 200

COLUMNS = {
    "at": ("at", "timestamp", "datetime"),
    "date": ("date", "day"),
    "time": ("time",),
    "line": ("line_id", "line", "letter"),
    "windows": ("open_windows", "windows"),
    "waiting": ("waiting", "queue"),
    "office": ("office", "hall"),
    "letter": ("letter",),
    "name": ("line_name", "name"),
    "number": ("current_number", "number"),
}


@dataclass(frozen=True, slots=True)
class LineName:
    """How a line is called on the board."""

    id: str
    letter: str
    name: str


@dataclass(slots=True)
class SnapshotDay:
    """One day: `at` are seconds after local midnight; per line the open windows, who waits, the number shown."""

    date: str
    at: list[int]
    windows: dict[str, Numbers]
    waiting: dict[str, Numbers]
    number: dict[str, list[str]]


@dataclass(slots=True)
class Office:
    """One hall's snapshots."""

    name: str
    lines: dict[str, LineName] = field(default_factory=dict)
    days: list[SnapshotDay] = field(default_factory=list)


@dataclass(slots=True)
class Snapshots:
    """All halls of a file, and what could not be read: "row 17: what is wrong"."""

    offices: dict[str, Office]
    problems: list[str]
    broken: int = 0


Cell = tuple[int, int, str]


def is_snapshots(names: Iterable[str]) -> bool:
    """Whether a table with these columns holds counter snapshots."""
    row = dict.fromkeys(names, "")
    return all(column(row, COLUMNS[name]) is not None for name in ("waiting", "windows"))


def read_snapshots(rows: Iterable[Mapping[str, str | None]], first_row: int = 2) -> Snapshots:
    """The snapshots in the rows of a table; `first_row` is the number of the first in its file.

    A moment that appears twice counts once (the later row). Raises nothing: what is wrong is in `problems`.
    """
    found = Snapshots({}, [])
    cells: dict[str, dict[str, dict[str, dict[int, Cell]]]] = {}
    names: dict[str, dict[str, LineName]] = {}
    columns: dict[str, str | None] | None = None
    for place, row in enumerate(rows, first_row):
        if columns is None:
            columns = {name: column(row, choices) for name, choices in COLUMNS.items()}
            lacking = [n for n in ("line", "waiting", "windows") if columns[n] is None]
            if columns["at"] is None and (columns["date"] is None or columns["time"] is None):
                lacking.append("date and time")
            if lacking:
                found.problems.append(f"columns: {', '.join(lacking)}: not there; columns are {', '.join(row)}")
                return found

        def cell(name: str, row: Mapping[str, str | None] = row, known: dict[str, str | None] = columns) -> str:
            return (row.get(known[name] or "") or "").strip()

        try:
            text = cell("at") if columns["at"] is not None else f"{cell('date')}T{cell('time')}"
            when = moment(text)
            line = cell("line")
            if not line:
                raise ValueError("line: is empty")
            windows, waiting = (count(cell(name), name) for name in ("windows", "waiting"))
        except ValueError as wrong:
            found.broken += 1
            if len(found.problems) < MOST_PROBLEMS:
                found.problems.append(f"row {place}: {wrong}")
            continue
        office = cell("office") or "hall"
        day = when.date().isoformat()
        second = when.hour * 3600 + when.minute * 60 + when.second
        names.setdefault(office, {})[line] = LineName(line, cell("letter") or line, cell("name") or line)
        mine = cells.setdefault(office, {}).setdefault(day, {}).setdefault(line, {})
        mine[second] = (windows, waiting, cell("number"))
    for office in cells:
        found.offices[office] = Office(
            office, names[office], [day_of(day, cells[office][day], names[office]) for day in sorted(cells[office])]
        )
    return found


def count(text: str, name: str) -> int:
    """A whole number from 0 on; an empty cell is 0."""
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise ValueError(f"{name}: {text!r} is no count")
    return int(text)


def day_of(day: str, lines: dict[str, dict[int, Cell]], names: dict[str, LineName]) -> SnapshotDay:
    """One day as arrays; a line that misses a moment stands as it stood before. What the source froze is cut out."""
    at = sorted({second for mine in lines.values() for second in mine})
    found = SnapshotDay(day, at, {}, {}, {})
    for line in names:
        mine, last = lines.get(line, {}), (0, 0, "")
        rows: list[Cell] = []
        for second in at:
            last = mine.get(second, last)
            rows.append(last)
        found.windows[line] = np.array([row[0] for row in rows], float)
        found.waiting[line] = np.array([row[1] for row in rows], float)
        found.number[line] = [row[2] for row in rows]
    thaw(found)
    return found


def thaw(day: SnapshotDay) -> None:
    """Leave out what a frozen source repeated: a stretch in which nothing changed although much should have."""
    if len(day.at) < 3:
        return
    table = [
        [(day.windows[line][i], day.waiting[line][i], day.number[line][i]) for line in day.waiting]
        for i in range(len(day.at))
    ]
    changes = [sum(a != b for a, b in zip(table[i], table[i - 1], strict=True)) for i in range(1, len(table))]
    active = [i for i, n in enumerate(changes) if n]
    if not active:
        return
    usual = float(np.mean(changes[active[0] : active[-1] + 1]))
    frozen: set[int] = set()
    begin: int | None = None
    for i in range(active[0], active[-1] + 1):
        if changes[i] == 0:
            begin = i if begin is None else begin
        elif begin is not None:
            if (i - begin) * usual > FROZEN:
                frozen.update(range(begin + 1, i + 1))
            begin = None
    if frozen:
        keep = [i for i in range(len(day.at)) if i not in frozen]
        day.at = [day.at[i] for i in keep]
        for line in day.waiting:
            day.windows[line], day.waiting[line] = day.windows[line][keep], day.waiting[line][keep]
            day.number[line] = [day.number[line][i] for i in keep]


@dataclass(slots=True)
class DaySteps:
    """What happened to a line from one snapshot to the next: `came`, `called` and `vanished` (left the count without a
    number being shown) in the step that ends at `at[i]`; entry 0 is what the first snapshot found."""

    came: Numbers
    called: Numbers
    vanished: Numbers


NUMBER = re.compile(r"^(.*?)(\d+)\D*$")


def parts(text: str) -> tuple[str, int] | None:
    """ "A017" → ("A", 17)."""
    found = NUMBER.match(text)
    return (found[1].strip().upper(), int(found[2][-9:])) if found else None


def main_letters(office: Office) -> dict[str, str]:
    """The letter under which each line mostly shows its numbers."""
    found: dict[str, str] = {}
    for line, name in office.lines.items():
        seen: dict[str, int] = defaultdict(int)
        for day in office.days:
            for text in set(day.number[line]):
                number = parts(text)
                if number is not None:
                    seen[number[0]] += 1
        own = name.letter.strip().upper()
        found[line] = own if own in seen or not seen else max(seen, key=lambda letter: seen[letter])
    return found


def steps(office: Office) -> list[dict[str, DaySteps]]:
    """Per day and line what happened from snapshot to snapshot."""
    letters = main_letters(office)
    return [{line: line_steps(day, line, calls) for line, calls in day_calls(day, letters).items()}
            for day in office.days]  # fmt: skip


def day_calls(day: SnapshotDay, letters: dict[str, str]) -> dict[str, dict[int, tuple[int, float]]]:
    """Per line: step → (step of the number shown before, numbers called since).

    Lines that share a letter's numbers share also those that no snapshot shows: each line that may have called one of
    them gets a part, by how many of its own were seen. A number with a foreign letter is somebody sent on: one call.
    """
    seen: dict[str, list[tuple[int, int]]] = {line: [] for line in letters}
    strangers: dict[str, list[int]] = {line: [] for line in letters}
    for line, letter in letters.items():
        before = ""
        for i, text in enumerate(day.number[line]):
            if text and text != before:
                before = text
                number = parts(text)
                if number is None:
                    continue
                if number[0] == letter:
                    seen[line].append((i, number[1]))
                else:
                    strangers[line].append(i)
    found: dict[str, dict[int, tuple[int, float]]] = {line: {} for line in letters}
    for letter in set(letters.values()):
        mine = {line: seen[line] for line in letters if letters[line] == letter and seen[line]}
        for low, high in ranges({n for shown in mine.values() for _, n in shown}):
            share_range({x: [s for s in shown if low <= s[1] <= high] for x, shown in mine.items()}, low, found)
    for line, shown in strangers.items():
        for i in shown:
            last, calls = found[line].get(i, (i - 1, 0.0))
            found[line][i] = (last, calls + 1)
    return found


def ranges(numbers: set[int]) -> list[tuple[int, int]]:
    """Stretches of numbers without a great gap."""
    found: list[tuple[int, int]] = []
    for n in sorted(numbers):
        if found and n - found[-1][1] <= RANGE_GAP:
            found[-1] = (found[-1][0], n)
        else:
            found.append((n, n))
    return found


def share_range(
    shown: dict[str, list[tuple[int, int]]], low: int, found: dict[str, dict[int, tuple[int, float]]]
) -> None:
    """Adds the calls of one range of numbers to `found`."""
    base = low // 100 * 100 if low - low // 100 * 100 <= FIRST_SEEN else low - 1
    known = {n for mine in shown.values() for _, n in mine}
    gaps: dict[str, list[tuple[int, int, int, int]]] = {}
    for line, mine in shown.items():
        top, last = base, 0
        for i, n in mine:
            if n > top:
                gaps.setdefault(line, []).append((last, i, top, n))
                top = n
            last = i
    weight: dict[int, float] = defaultdict(float)
    for line, mine_gaps in gaps.items():
        for _, _, before, n in mine_gaps:
            for k in range(before + 1, n):
                if k not in known:
                    weight[k] += len(shown[line])
    for line, mine_gaps in gaps.items():
        for last, i, before, n in mine_gaps:
            unseen = sum(len(shown[line]) / weight[k] for k in range(before + 1, n) if k not in known)
            earlier, calls = found[line].get(i, (last, 0.0))
            found[line][i] = (max(earlier, last), calls + 1 + unseen)


def line_steps(day: SnapshotDay, line: str, calls: dict[int, tuple[int, float]]) -> DaySteps:
    """A line's steps of one day from its counts and the numbers that were shown."""
    waiting = steady(day.waiting[line], day.number[line])
    size = len(waiting)
    change = np.diff(waiting, prepend=0.0)
    called = np.zeros(size)
    for i, (last, n) in calls.items():
        between = range(last + 1, i)
        left = n
        for j in between:  # who is gone from the count was called already then
            taken = min(left, max(0.0, -change[j] - called[j]))
            called[j] += taken
            left -= taken
        room = 2 * max(1.0, float(day.windows[line][i])) + max(0.0, -change[i])
        if left > room and len(between):
            called[last + 1 : i + 1] += left / (len(between) + 1)
        else:
            called[i] += left
    vanished = np.maximum(0.0, -change - called)
    if not calls:  # a line that never shows a number: who is gone was called
        called, vanished = vanished, np.zeros(size)
    return DaySteps(np.maximum(0.0, change + called + vanished), called, vanished)


def steady(waiting: Numbers, number: list[str]) -> Numbers:
    """The waiting count without a dent of one snapshot during which no other number came up."""
    found = waiting.copy()
    for i in range(1, len(found) - 1):
        if number[i - 1] == number[i] == number[i + 1] and found[i] < found[i - 1] and found[i] < found[i + 1]:
            found[i] = min(found[i - 1], found[i + 1])
    return found
