"""Pools: lines that are served by the same windows, found in counter snapshots.

A window may serve several lines, and a board shows the open windows of each line: such counts do not add up. Lines
whose counts go up and down together share their windows; a line whose every change is also another's shares its windows
with that one, which has more.

Law: a pool is an inference from counts that moved together; lines that never moved apart from the rest of the hall's
day are not joined by that alone, unless their counts agree at every moment of all days.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tidehall.simulation.snapshots import SnapshotDay

__all__ = ["find_pools"]

Numbers = NDArray[np.float64]
#: Changes that two lines must have in common to be judged by them.
FEWEST = 6
#: Share of the changes that must be common, and of the moments at which equal counts must be equal.
COMMON, EQUAL = 0.8, 0.97
#: A line with fewer windows joins the one that has them all, if it has at least this share of them.
PART = 0.4
#: Around the opening and the close everything changes together (seconds).
EDGE = 2700


def find_pools(
    days: Sequence[SnapshotDay], lines: Sequence[str], demand: dict[str, float], opens: int, closes: int
) -> list[list[str]]:
    """Lines in pools, each a list; `demand`: people a day of each line."""
    levels = {line: np.concatenate([day.windows[line] for day in days]) for line in lines}
    inside = np.concatenate(
        [[i > 0 and opens + EDGE < at < closes - EDGE for i, at in enumerate(day.at)] for day in days]
    )
    changes = {line: np.diff(levels[line], prepend=levels[line][:1]) * inside for line in lines}
    pools = [[line] for line in sorted(lines, key=lambda line: -demand[line])]
    pools = join(pools, lambda a, b: alike(levels[a], levels[b], changes[a], changes[b]))
    return contained(pools, levels, changes, demand)


def join(pools: list[list[str]], same: Callable[[str, str], bool]) -> list[list[str]]:
    """Pools whose first lines are the same kind become one."""
    found: list[list[str]] = []
    for pool in pools:
        for other in found:
            if same(other[0], pool[0]):
                other.extend(pool)
                break
        else:
            found.append(list(pool))
    return found


def alike(a: Numbers, b: Numbers, da: Numbers, db: Numbers) -> bool:
    """Whether two lines' counts are those of the same windows."""
    used = (a > 0) | (b > 0)
    if not used.any():
        return False
    moved = int(np.count_nonzero(np.diff(a))) + int(np.count_nonzero(np.diff(b)))
    if moved >= 4 * FEWEST and float(np.mean(a[used] == b[used])) >= EQUAL:
        return True
    common = int(np.count_nonzero((da != 0) & (np.sign(da) == np.sign(db))))
    most = max(int(np.count_nonzero(da)), int(np.count_nonzero(db)))
    near = abs(float(a.mean()) - float(b.mean())) <= 0.25 * max(float(a.mean()), float(b.mean()))
    return most >= FEWEST and common >= COMMON * most and near


def contained(
    pools: list[list[str]], levels: dict[str, Numbers], changes: dict[str, Numbers], demand: dict[str, float]
) -> list[list[str]]:
    """Each pool, the least used first, joins the one with which its changes are most in common, if one has all the
    other's changes and not too many more windows."""
    left = sorted(pools, key=lambda pool: sum(demand[line] for line in pool))
    found: list[list[str]] = []
    while left:
        mine = left.pop(0)
        best: tuple[int, int] | None = None
        for i, other in enumerate(left):
            n = overlap(mine[0], other[0], levels, changes)
            if n and (best is None or n > best[0]):
                best = (n, i)
        if best is None:
            found.append(mine)
        else:
            left[best[1]] = left[best[1]] + mine
    return found


def overlap(a: str, b: str, levels: dict[str, Numbers], changes: dict[str, Numbers]) -> int:
    """How many changes two lines have in common, if the windows of one are among the other's; else 0."""
    da, db = changes[a], changes[b]
    na, nb = int(np.count_nonzero(da)), int(np.count_nonzero(db))
    fewest = min(na, nb)
    common = int(np.count_nonzero((da != 0) & (np.sign(da) == np.sign(db))))
    if fewest < FEWEST or common < COMMON * fewest:
        return 0
    small, large = (a, b) if levels[a].mean() <= levels[b].mean() else (b, a)
    if float(np.mean(levels[small] <= levels[large])) < 0.95:
        return 0
    return common if levels[small].mean() >= PART * levels[large].mean() else 0
