"""The windows of a line: which there are, and the course at which they become free.

Law: a window that closes or rests only slows the course, whatever else is known of it; so S25 holds
(queue/estimates.py). A crew is who could serve a line, open or not; a pool is how its windows stand, and lasts until
one of the zone's windows opens, closes or rests.

Where some windows of a line serve other lines too, nobody knows beforehand whom these will take: who waits longest. So
the wait is found for every group of lines that may share the asker's fate, and for each way in which some of these keep
their windows to themselves: the longest of the groups' waits, each the shortest of its ways (docs/decisions/005).

What stands in front of each window is looked at where that pays: a service ends at the rate of its own kind (its
item's, by the plan; else its line's), and from then on at the mean of all lines of these windows. All times are µs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, combinations
from math import log2
from operator import attrgetter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from tidehall.hall.plan import Plan
from tidehall.hall.roster import FOR_EVER, Pace
from tidehall.queue.estimates import PRIOR_WEIGHT, Step, estimate, quantiles, reached, service_mean
from tidehall.queue.line import ALL, Line
from tidehall.queue.tickets import Estimate, TicketState

if TYPE_CHECKING:
    from tidehall.hall.state import HallState, Window

__all__ = ["Course", "Crew", "Pool", "crew_of", "kinds", "pool_of", "waits"]

SECOND = 1_000_000
MINUTE = 60 * SECOND
#: With more windows than these chance evens out what each is busy with, and nobody looks.
FEW = 20
#: A window that should have opened is thought to do so within this time.
SOON = 60 * SECOND
#: Of more neighbours than these not every group is looked at: each alone, and all of them.
NEIGHBOURS = 2
#: Of those who were called again or missed before so many do not come.
MISSING = 0.5
#: Of the time for which services under way have lasted, so much is learned from: in the morning only short ones have
#: ended. With a coefficient of variation c, 2c² ÷ (1 + c²) is right in the long run; c = 0.65. A citizen whom somebody
#: forgot to let go teaches nothing: so many times the plan's time at most.
LASTED, MOST = 0.6, 2
#: Somebody is called at once.
NOTHING = (0.0, 0.0, 0.0)
WAITING = TicketState.WAITING
#: Lines that the same windows serve.
Mates = tuple[str, ...]
SINCE = attrgetter("since")


class Crew(Struct, frozen=True):
    """Who could serve a line, open or not: the `windows`, and their `ids`; `members`: the line and its mates, the other
    lines that these windows serve with it, each with the time that its assumed services take together; `size`: how many
    windows; `looks`: whether services differ; `whole`: all acceptance windows of the zone are among them.

    Where some of the windows serve lines that others of them do not: `among`, the crews of which one will be his, and
    `groups`, which of these for each group of lines that he may be in."""

    windows: list[Window]
    ids: frozenset[str]
    members: tuple[tuple[Line, int], ...]
    size: int
    looks: bool
    whole: bool
    among: tuple[Crew, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()


class Pool(Struct):
    """How a crew's windows stand: `ready` are open, `resting` rest; `posts`: how many acceptance windows are not
    closed; `among`: the pools of the crews of which one will be his; `under_way`, of each line, as seen at the moment
    `seen` after event `seq`: how many services, and the sum of the moments at which their citizens were called; `due`,
    once somebody has to wait: when those of `ready` are due to rest, in their order, the first one first; `rests`: how
    they work where so many of these have left it out."""

    crew: Crew
    ready: list[Window]
    resting: list[Window]
    posts: int
    among: list[Pool]
    seq: int = -1
    seen: int = 0
    under_way: dict[str, tuple[int, int]] = {}
    due: list[int] | None = None
    rests: dict[int, Rests] = {}


class Rests:
    """How `n` open windows work where those whose rests are `due` (moments, in order) rest then and work on: `first`:
    when the first one does; from each of the moments `at` on so many of them work (`working`), and until then they have
    worked for so long together since the first of these moments (`done`)."""

    __slots__ = ("at", "done", "first", "n", "working")

    def __init__(self, n: int, due: list[int], rest: int) -> None:
        self.n = n
        changes: dict[int, int] = {}
        for at in due:
            changes[at] = changes.get(at, 0) - 1
            changes[at + rest] = changes.get(at + rest, 0) + 1
        self.at = sorted(changes)
        self.first = last = self.at[0] if due else FOR_EVER
        self.working, self.done = [], []
        done = 0
        for at in self.at:
            done += n * (at - last)
            n += changes[at]
            last = at
            self.working.append(n)
            self.done.append(done)

    def until(self, now: int, work: float) -> float:
        """How long it takes them from `now` on, before the first rest, to work for so long together."""
        ahead = work - self.n * (self.first - now)
        if ahead <= 0.0:
            return work / self.n
        i = bisect_right(self.done, ahead) - 1
        return self.at[i] - now + (ahead - self.done[i]) / self.working[i]


def due_at(window: Window, every: int) -> int:
    """When a window that works for so long between two rests is due to rest; windows of the same minute together."""
    return window.since // MINUTE * MINUTE + every


def kinds(plan: Plan, priors: dict[str, int]) -> dict[str, float]:
    """How long the items take that the plan times, as multiples of what it says of their lines: powers of √2."""
    times = [(item.code, item.service_s * SECOND / priors[item.line]) for item in plan.items if item.service_s]
    return {code: 2.0 ** (step / 2) for code, ratio in times if (step := round(2 * log2(ratio)))}


def crew_of(s: HallState, line: str) -> Crew:
    """The crew of a line."""
    found = s.crews.get(line)
    if found is None:
        zone = s.lines[line].zone
        here = [window for window in s.windows.values() if window.zone == zone]  # a window serves lines of its own zone
        lines = [other.id for other in s.lines.values() if other.zone == zone]
        serves = {other: frozenset([w.id for w in here if other in w.lines]) for other in lines}
        mates = [line, *(other for other in lines if other != line and serves[other] == serves[line])]
        found = crew(s, here, mates)
        if others := neighbours(line, serves):
            among: list[Crew] = []
            groups: list[tuple[int, ...]] = []
            for group in subsets(others):
                ways = [
                    crew(s, here, [*mates, *chain(*(own for own in group if own not in alone))], [*chain(*alone)])
                    for alone in subsets(group)
                ]
                among += [way for way in ways if way not in among]
                groups.append(tuple([among.index(way) for way in ways]))
            found = replace(found, among=tuple(among), groups=tuple(groups))
        s.crews[line] = found
    return found


def neighbours(line: str, serves: dict[str, frozenset[str]]) -> list[Mates]:
    """The lines whose windows serve this one too, or others of these; together those that the same windows serve.
    `serves`: the windows of each line."""
    reached = serves[line]
    found: dict[frozenset[str], list[str]] = {}
    grown = True
    while grown:
        grown = False
        for other, windows in serves.items():
            if windows != serves[line] and windows & reached and other not in found.setdefault(windows, []):
                found[windows].append(other)
                reached |= windows
                grown = True
    return [tuple(lines) for lines in found.values()]


def subsets(things: Collection[Mates]) -> Iterator[tuple[Mates, ...]]:
    """All subsets where there are a few; else none of them, each, and all."""
    sizes = range(len(things) + 1) if len(things) <= NEIGHBOURS else (0, 1, len(things))
    return chain.from_iterable(combinations(things, n) for n in sizes)


def crew(s: HallState, here: list[Window], lines: Sequence[str], without: Collection[str] = ()) -> Crew:
    """The crew of these lines, the asker's first, of the zone's windows `here` without those that serve one of some
    other lines, too."""
    windows = [w for w in here if any(x in w.lines for x in lines) and not any(x in w.lines for x in without)]
    ids = frozenset([window.id for window in windows])
    posts = {w.id for w in here if w.post == "acceptance" and w.lines}
    differ = any(x != lines[0] for w in windows for x in w.lines)
    looks = differ or any(item.line in lines and item.code in s.kinds for item in s.items.values())
    members = tuple([(s.lines[id], PRIOR_WEIGHT * s.priors[id]) for id in lines])
    size = max(1, len(windows))
    return Crew(windows, ids, members, size, looks and size <= FEW, posts <= ids)


def pool_of(s: HallState, line: str) -> Pool:
    """The pool of a line."""
    found = s.pools.get(line)
    if found is None:
        found = s.pools[line] = standing(crew_of(s, line))
    return found


def standing(crew: Crew) -> Pool:
    """How the windows of a crew stand."""
    ready: list[Window] = []
    resting: list[Window] = []
    posts = 0
    for window in crew.windows:
        if window.state != "closed":
            (ready if window.state == "open" else resting).append(window)
            posts += window.post == "acceptance"
    return Pool(crew, ready, resting, posts, [standing(one) for one in crew.among])


def look_at(s: HallState, pool: Pool, now: int) -> None:
    """See what is under way at a pool's windows."""
    tickets, priors = s.tickets, s.priors
    found: dict[str, tuple[int, int]] = {}
    for windows in (pool.ready, pool.resting):
        for window in windows:
            if window.ticket is not None:
                t = tickets[window.ticket]
                n, begun = found.get(t.line, (0, 0))
                found[t.line] = (n + 1, begun + max(t.called_at, now - MOST * priors[t.line]))
    pool.under_way, pool.seq, pool.seen = found, s.seq, now


def rests_due(s: HallState, pool: Pool) -> list[int]:
    """When the open windows are due to rest; from the first time on they stand in this order."""
    if pool.due is None:
        pool.due = []
        if s.rest_every < FOR_EVER:
            pool.ready.sort(key=SINCE)
            pool.due = [due_at(window, s.rest_every) for window in pool.ready]
    return pool.due


def before(line: Line, rank: tuple[int, ...] | None) -> int:
    """How many people of a line stand before a rank (None: behind everybody)."""
    waiting = line.waiting
    if not waiting or rank is None or waiting[-1] < rank:
        return len(waiting)
    return bisect_left(waiting, rank)


def waits(s: HallState, id: str, ahead: int, rank: tuple[int, ...] | None, now: int) -> Estimate | None:
    """p10, p50, p90 of the wait of one with `ahead` of the line in front at `now`; None with no window open."""
    pool = s.pools.get(id) or pool_of(s, id)
    crew = pool.crew
    if not pool.ready:
        return None
    line = crew.members[0][0]
    pace = s.pace(line.zone, now)
    if crew.groups:
        low, middle, high = longest(s, pool, ahead, rank, pace, now)
    else:
        low, middle, high = through(s, pool, ahead, rank, pace, now)
    if line.jumps and middle > SECOND:
        share = line.jumps / ALL  # people come as fast as they are called, where somebody waits
        # for so long others may get in front
        most = max(0, s.head_start - (now - rank[0] if rank is not None else 0)) * share
        part = 1.0 - share
        low, middle, high = [x / part if x * share < most * part else x + most for x in (low, middle, high)]
    return pace.stretch(now, estimate(low, middle, high))


def through(
    s: HallState, pool: Pool, ahead: int, rank: tuple[int, ...] | None, pace: Pace, now: int
) -> Sequence[float]:
    """p10, p50 and p90 of the wait (µs) for the windows of a pool, by which all of its lines are served alike."""
    idle = 0
    for window in pool.ready:
        if window.ticket is None:
            idle += 1
    if idle > ahead and idle > ahead + sum([before(mate, rank) for mate, _ in pool.crew.members[1:]]):
        return NOTHING
    course = Course(s, pool, pace, rank, now)
    people = course.people(ahead)
    return course.at_length(people, idle) or course.by_steps(people)


def longest(
    s: HallState, pool: Pool, ahead: int, rank: tuple[int, ...] | None, pace: Pace, now: int
) -> Sequence[float]:
    """The same where some of the line's windows serve other lines too. What is shared goes to whom it helps longest:
    as in the fairest division of their time, the wait is the longest that any group of lines has among its windows,
    and each group's the shortest that those of its lines allow which leave the shared ones to the others."""
    waits = [through(s, one, ahead, rank, pace, now) if one.ready else None for one in pool.among]
    groups = [[found for i in group if (found := waits[i]) is not None] for group in pool.crew.groups]
    return [max([min([found[q] for found in group]) for group in groups]) for q in range(3)]


class Course:
    """At what rate a crew's windows become free from `now` on, as he sees it who stands at `rank` (None: behind
    everybody). `means`: for how long a citizen takes a window, by line; `mean`: of all of its lines."""

    __slots__ = ("mean", "means", "now", "pace", "pool", "rank", "s")

    def __init__(self, s: HallState, pool: Pool, pace: Pace, rank: tuple[int, ...] | None, now: int) -> None:
        self.s, self.pool, self.pace, self.rank, self.now = s, pool, pace, rank, now

    def people(self, ahead: int) -> float:
        """For how many people windows must become free, the asker among them, with `ahead` of his own line in front of
        him. Who takes longer than others counts for more where few windows serve the people one after the other; who
        was missed before is thought to be missed again (as in simulation/present.py), and takes a window only for as
        long as it waits in vain."""
        s, pool, rank, now = self.s, self.pool, self.rank, self.now
        crew, members = pool.crew, pool.crew.members
        if pool.seq != s.seq or now - pool.seen > MINUTE:
            look_at(s, pool, now)
        under_way = pool.under_way
        line, assumed = members[0]
        count = line.service_count + PRIOR_WEIGHT
        total: float = line.service_sum + assumed
        if line.id in under_way:
            n, begun = under_way[line.id]
            total += LASTED * (n * now - begun)
        mean = total / count
        self.means = means = {line.id: mean}
        number = ahead
        if len(members) > 1:
            work = ahead * mean
            for there, assumed in members[1:]:
                known: float = there.service_sum + assumed
                times = there.service_count + PRIOR_WEIGHT
                if there.id in under_way:
                    n, begun = under_way[there.id]
                    known += LASTED * (n * now - begun)
                count += times
                total += known
                means[there.id] = taken = known / times
                waiting = there.waiting
                if waiting:
                    n = len(waiting) if rank is None or waiting[-1] < rank else bisect_left(waiting, rank)
                    work += n * taken
                    number += n
            mean = total / count
            found = 1.0 + number + (work / mean - number) / crew.size
        else:
            found = 1.0 + number
        self.mean = mean
        missed = s.missed[line.zone]
        if missed:
            vain = s.no_show_after / mean
            for id in missed:
                t = s.tickets[id]
                if t.line in means and t.state is WAITING and (rank is None or t.rank < rank):
                    found -= max(0.0, 1.0 + (means[t.line] / mean - 1.0) / crew.size - vain)
        return found

    def at_length(self, people: float, idle: int) -> list[float] | None:
        """When windows have become free for so many, at p10, p50 and p90, where that is quickly said: at length, when
        all that is to come back is back and what is under way has ended; or before that, where all windows just work.
        Else None. `idle` windows are open with nobody in front."""
        s, pool, pace, now, mean = self.s, self.pool, self.pace, self.now, self.mean
        crew = pool.crew
        if now < pace.late and self.missing():
            return None
        if crew.whole and pace.count < pool.posts and self.leaving():
            return None
        lost = latest = 0.0  # what windows do not work yet, µs, and when the last of them does
        tickets, due, ready = s.tickets, rests_due(s, pool), pool.ready
        over = bisect_right(due, now) if due and due[0] <= now else 0
        here = [tickets[id] for window in ready if (id := window.ticket) is not None] if crew.looks or over else []
        if over:  # a rest was due; who has called somebody since then has left it out
            if not idle:
                tired = sum([t.called_at < at for t, at in zip(here[:over], due, strict=False)])
            else:
                tired = sum([self.rests_next(window, at) for window, at in zip(ready[:over], due, strict=False)])
            if tired:
                latest = float(s.rest)
                lost = latest * tired
        come: float = idle
        if pool.resting:
            rest = s.rest
            for window in pool.resting:
                comes = now - window.since
                if comes <= rest:
                    comes = rest - comes  # what is overdue takes as long again
                lost += comes
                if comes > latest:
                    latest = comes
                if window.ticket is None:
                    come += 1
                else:
                    here.append(tickets[window.ticket])
        if s.calls:
            for at, likely in self.unheard():
                if at > latest:
                    latest = at
                come += likely
        plain = crew.looks and not latest and not idle
        lasts: list[float] = []
        if here and crew.looks:
            means, kinds = self.means, s.kinds
            for t in here:
                last = means.get(t.line) or self.of_others(t.line)
                if t.items:
                    last *= kinds.get(t.current or t.items[0], 1.0)
                lasts.append(last)
            lost += sum(lasts) - mean * len(lasts)
            latest += max(lasts)
        if people > come:
            low, middle, high = quantiles(people - come)
            low, middle, high = low * mean + lost, middle * mean + lost, high * mean + lost
            n = len(ready) + len(pool.resting)
            left = (due[over] if over < len(due) else FOR_EVER) - now  # until the next rest
            if low >= latest * n and high <= n * left:
                return [low / n, middle / n, high / n]
            rests = pool.rests.get(over)
            if rests is None:
                rests = pool.rests[over] = Rests(n, due[over:], s.rest)
            if latest <= left and (first := rests.until(now, low)) >= latest:
                return [first, rests.until(now, middle), rests.until(now, high)]
            if plain:
                lasts.sort()
                steps = [(last, 1.0 / mean - 1.0 / last, 0.0) for last in lasts]
                found = reached(people, [(0.0, sum([1.0 / last for last in lasts]), 0.0), *steps])
                if found[2] <= left:
                    return found
        return None

    def by_steps(self, people: float) -> list[float]:
        """The same, step by step: with the rests to come, where there are some before that."""
        due = rests_due(self.s, self.pool)
        first = due[0] if due else FOR_EVER
        if self.now + people * self.mean / len(self.pool.ready) <= first:
            found = reached(people, self.steps(tired=False))
            if self.now + found[2] <= first:
                return found
        return reached(people, self.steps(tired=True))

    # ---- the steps

    def steps(self, *, tired: bool) -> list[Step]:
        """The course, in order, with rests or without."""
        s, pool, now, mean, pace = self.s, self.pool, self.now, self.mean, self.pace
        ready, resting = pool.ready, pool.resting
        found: list[Step] = []
        if pool.crew.whole and pace.count < pool.posts and (leaving := self.leaving()):
            ready = [window for window in ready if window.id not in leaving]
            resting = [window for window in resting if window.id not in leaving]
            if not pace.count:  # a break has begun: the next session brings the windows back
                back = pace.counts[pace.next]
                found.append((pace.until - now, back / mean, back))
        if tired:
            ready = self.rests(found, ready)
        self.works(found, 0.0, ready)
        for window in resting:
            rests = now - window.since
            self.works(found, s.rest - rests if rests <= s.rest else rests, [window])
        if now < pace.late and (missing := self.missing()):
            found.append((SOON, missing / mean, missing))
        if s.calls:
            for at, likely in self.unheard():
                found.append((at, 0.0, likely))
        if len(found) > 1:
            found.sort()
        return found

    def works(self, found: list[Step], at: float, windows: Collection[Window]) -> None:
        """These windows work from `at` on: idle ones take somebody at once, the others end what they are busy with."""
        mean = self.mean
        idle = sum([window.ticket is None for window in windows])
        if idle:
            found.append((at, idle / mean, idle))
            if idle == len(windows):
                return
        if not self.pool.crew.looks:
            found.append((at, (len(windows) - idle) / mean, 0.0))
            return
        under_way: dict[float, int] = {}
        for window in windows:
            if window.ticket is not None:
                lasts = self.lasts(window.ticket)
                under_way[lasts] = under_way.get(lasts, 0) + 1
        for lasts, n in under_way.items():
            found.append((at, n / lasts, 0.0))
            if lasts != mean:
                found.append((at + lasts, n / mean - n / lasts, 0.0))

    def lasts(self, ticket: str) -> float:
        """For how long such a citizen takes a window."""
        t = self.s.tickets[ticket]
        mean = self.means.get(t.line) or self.of_others(t.line)
        items = t.items
        return mean * self.s.kinds.get(t.current or items[0], 1.0) if items else mean

    def of_others(self, id: str) -> float:
        """For how long a citizen of a line takes a window that is not the crew's."""
        line = self.s.lines[id]
        found = self.means[id] = service_mean(line.service_count, line.service_sum, self.s.priors[id])
        return found

    def rests(self, found: list[Step], windows: list[Window]) -> list[Window]:
        """Which of these windows will not rest: who has called somebody since the rest was due has left it out. The
        others are due by the minute, and rest when their citizen has gone."""
        s, now, mean, rest = self.s, self.now, self.mean, self.s.rest
        fresh: list[Window] = []
        tired: list[Window] = []
        due_in: dict[tuple[float, float, bool], int] = {}
        for window in windows:
            due = due_at(window, s.rest_every)
            ticket = window.ticket
            if due > now:
                lasts = mean if ticket is None or not self.pool.crew.looks else self.lasts(ticket)
                key = (due - now, lasts, ticket is None)
                due_in[key] = due_in.get(key, 0) + 1
            elif self.rests_next(window, due):
                tired.append(window)
            else:
                fresh.append(window)
        if tired:
            self.works(found, rest, tired)
        for (at_rest, lasts, idle), n in due_in.items():
            found.append((0.0, n / lasts, n if idle else 0))
            if lasts == mean:
                found += [(at_rest, -n / mean, 0.0), (at_rest + rest, n / mean, 0.0)]
            elif lasts <= at_rest:
                change = n / mean - n / lasts
                found += [(lasts, change, 0.0), (at_rest, -n / mean, 0.0), (at_rest + rest, n / mean, 0.0)]
            else:
                change = n / mean - n / lasts
                found += [
                    (at_rest, -n / lasts, 0.0),
                    (at_rest + rest, n / lasts, 0.0),
                    (lasts + rest, change, 0.0),
                ]
        return fresh

    def rests_next(self, window: Window, due: int) -> bool:
        """Whether a window whose rest was due has somebody in front whom it called before that."""
        return window.ticket is not None and self.s.tickets[window.ticket].called_at < due

    def unheard(self) -> list[tuple[float, float]]:
        """When open windows of the line will have waited long enough for citizens who seem not to come (called again,
        or missed before), and how likely these do not: as likely as not. A window whose rest is due takes nobody."""
        s, found = self.s, []
        for call in s.calls.values():
            if call.attempt > 1 or s.tickets[call.ticket].misses:
                window = s.windows[call.window]
                if window.state == "open" and window.id in self.pool.crew.ids:
                    over = call.at - (call.attempt - 1) * s.recall_gap + s.no_show_after
                    if over < due_at(window, s.rest_every):
                        found.append((float(max(0, over - self.now)), MISSING))
        return found

    def missing(self) -> int:
        """How many windows of the line should have opened a short while ago and are still expected."""
        pace = self.pace
        crew = [window for window in self.pool.crew.windows if window.post == "acceptance"]
        there = sum(window.state != "closed" or window.since >= pace.since for window in crew)
        return max(0, round(pace.share * len(crew)) - there)

    def leaving(self) -> set[str]:
        """Windows that close when their citizen has gone: the roster has had fewer since this citizen was called, or a
        break has begun. Only those at which somebody stands are counted: so no other one that closes brings one of them
        back."""
        pace, tickets, since = self.pace, self.s.tickets, self.pace.since
        if not pace.count and pace.until == FOR_EVER:  # no day, no break
            return set()
        here = [tickets[w.ticket] for w in (*self.pool.ready, *self.pool.resting) if w.ticket is not None]
        if not [t for t in here if t.called_at <= since]:
            return set()
        crew = [window for window in self.pool.crew.windows if window.post == "acceptance"]
        busy = [(w.id, tickets[w.ticket].called_at) for w in crew if w.ticket is not None and w.state != "closed"]
        over = len(busy) - pace.count
        return set([id for id, called in busy if called <= since][-over:]) if over > 0 else set()
