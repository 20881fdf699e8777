"""The search in one zone: the cheapest windows by band of the day, and tidal posts, that meet the zone's target.

Law: every choice that decides anything is played by the real engine, on the same people as all others (common random
numbers). The screening kernel says in which order choices are tried, and as a control variate it takes most of the
noise from the comparison, so that a choice is made after few days; what is told of a choice (bounds, verdicts, the
curve) comes from the engine's days alone. More windows never make it worse: what fails bars everything below it, and
every choice that is one step cheaper than the answer was played itself, or lies within one that was not taken for met.

Where papers are taken in, most of a day's work is behind the windows, and all that a wait sees of it are the few who
fetch a result. The search plays `lean` days without that work and adds those few as the zone's best whole days had
them; what refuses a target or certifies it are whole days (sizing_certificate.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from tidehall.simulation.day import Stage
from tidehall.simulation.kernel import Habits, Queue, Screen, queue_of
from tidehall.simulation.sizing_bounds import Sizing, ZoneRoom, as_steps
from tidehall.simulation.sizing_trial import FIRST_LOOK, Bounds, Judge, Trial
from tidehall.simulation.tables import Scenario, WindowSteps
from tidehall.simulation.tally import Pair, Tally, tally_waits

__all__ = ["Choice", "ZoneAnswer", "ZoneSearch", "cost_of", "with_choice", "without_papers"]

SECOND = 1_000_000
#: Days that the kernel plays to rank choices.
SCREEN_DAYS = 100
#: Days that it plays of a choice that the engine plays too.
CONTROL_DAYS = 1000
#: Configurations that the kernel ranks for one question at most; then the best so far has to do.
MOST_RANKED = 400


class Choice(Struct, frozen=True, order=True):
    """Open windows in each band, and tidal posts."""

    counts: tuple[int, ...]
    tidal: int = 0

    def within(self, other: Choice) -> bool:
        """Nowhere more than the other."""
        return self.tidal <= other.tidal and all(a <= b for a, b in zip(self.counts, other.counts, strict=True))


class ZoneAnswer(Struct, frozen=True):
    """The cheapest choice found (None: the zone can't meet the target, and `best` says what everything at once
    gives), how many choices were played, cost and share, and the simulated days of the zone."""

    zone: str
    choice: Choice | None
    best: Bounds
    tried: int
    curve: dict[Choice, tuple[float, Bounds]]
    days: int


def cost_of(room: ZoneRoom, choice: Choice, sizing: Sizing, window_hour: float) -> float:
    """What a day of it costs."""
    hours = sum(band.hours * n for band, n in zip(room.bands, choice.counts, strict=True))
    day = sum(band.hours for band in room.bands if band.in_session)
    return window_hour * (hours + choice.tidal * sizing.tidal_share * day)


def with_choice(scenario: Scenario, room: ZoneRoom, choice: Choice) -> Scenario:
    """The scenario with this choice in this zone. Advice to open a tidal window is followed at once."""
    plan = scenario.plan
    gone = set(room.tidal_ids[choice.tidal :])
    if gone:
        plan = replace(plan, windows=tuple(w for w in plan.windows if w.id not in gone))
    if choice.tidal and room.zone in plan.tide:
        rule = replace(plan.tide[room.zone], confirm="automatic")
        plan = replace(plan, tide=plan.tide | {room.zone: rule})
    elif room.zone in plan.tide:  # nothing to move: nobody need watch
        plan = replace(plan, tide={zone: rule for zone, rule in plan.tide.items() if zone != room.zone})
    windows: dict[str, WindowSteps] = scenario.windows | {room.zone: as_steps(room.bands, choice.counts)}
    return replace(scenario, plan=plan, windows=windows)


def without_papers(scenario: Scenario) -> Scenario:
    """Nobody hands in papers; the windows' own work, questions to the middle office too, stays as it is."""
    work = scenario.offices
    if work is None or not work.case_share:
        return scenario
    return replace(scenario, offices=replace(work, case_share=0.0))


def within_target(day: Tally, lines: set[str]) -> Pair:
    """(called within the limit, of how many) in these lines."""
    pairs = [day[key]["wait_within_target"] for line in lines if (key := f"line:{line}") in day]
    return sum(good for good, _ in pairs), sum(n for _, n in pairs)


class ZoneSearch:
    """One search. `played`: lean days; `whole`: whole days (the same where nobody hands in papers)."""

    def __init__(self, room: ZoneRoom, sizing: Sizing, judge: Judge, seed: int) -> None:
        self.room, self.sizing, self.judge, self.seed = room, sizing, judge, seed
        self.within = round(room.scenario.target.wait.within_s * SECOND)
        self.most = tuple(band.most for band in room.bands)
        self.least = tuple(band.least for band in room.bands)
        self.rates = tuple(band.hours * room.scenario.cost.window_hour for band in room.bands)
        lines = [line for line in room.scenario.plan.lines if line.zone == room.zone]
        self.lines = {line.id for line in lines}
        self.fetching = {line.id for line in lines if line.purpose == "pickup"}
        self.lean = without_papers(room.scenario)
        self.played: dict[Choice, list[Pair]] = {}
        self.whole = self.played if self.lean is room.scenario else {}
        self.aside: Pair = (0.0, 0.0)  # who fetches a result on a lean day, as whole days had it
        self.trials: dict[Choice, Trial] = {}
        self.ranked: dict[tuple[int, ...], list[int]] = {}
        self.days = 0
        self.queues: list[Queue] = []  # the kernel's people of the first days
        self.screen = self.made_screen(SCREEN_DAYS)
        self.control: Screen | None = None

    def made_screen(self, many: int) -> Screen:
        """The kernel with this zone's people of the first days."""
        scenario = self.room.scenario
        stage, people, limits = Stage(scenario), scenario.people, scenario.plan.limits
        hours = stage.hours
        begin = hours.opens - round(limits.issue_before_open_s * SECOND)
        habit = scenario.clerks
        longer = 1.0  # breaks are not in the kernel: services last as much longer on the whole
        if habit.break_every_s:
            longer += habit.break_s / habit.break_every_s
        for day in range(len(self.queues), many):
            queue = queue_of(stage.draw(self.seed, day), hours.midnight, begin)
            self.queues.append(replace(queue, service=[round(x * longer) for x in queue.service]))
        changeover = round(habit.changeover_s * SECOND)
        habits = Habits(
            walk=round(people.walk_s * SECOND), changeover=changeover,
            missing=limits.misses * (limits.calls * round(limits.recall_gap_s * SECOND) + changeover),
            silent=people.leave == "silent", most=limits.waiting_per_line,
            last_call=hours.closes - hours.midnight + round(limits.overtime_max_s * SECOND),
        )  # fmt: skip
        return Screen(self.queues[:many], max(1, *self.most), habits)

    # ---- what a choice is worth

    def cost(self, choice: Choice) -> float:
        return cost_of(self.room, choice, self.sizing, self.room.scenario.cost.window_hour)

    def rank(self, counts: tuple[int, ...]) -> float:
        """The kernel's share for these windows, in the target's reading."""
        if counts not in self.ranked:
            self.ranked[counts] = self.screen.good(as_steps(self.room.bands, counts), self.within)
        return self.share(list(zip(self.ranked[counts], self.screen.totals, strict=True)))

    def share(self, pairs: Sequence[Pair]) -> float:
        if self.judge.reading == "days":
            return sum(1 for good, n in pairs if good >= self.judge.share * n) / len(pairs)
        return sum(good for good, _ in pairs) / max(1, sum(n for _, n in pairs))

    def pairs(self, choice: Choice, days: int) -> list[Pair]:
        """(good, of how many) of the first days, lean, through the real engine."""
        found = self.played.setdefault(choice, [])
        for day in self.play(self.lean, choice, range(len(found), days)):
            good, n = within_target(day, self.lines)
            found.append((good + self.aside[0], n + self.aside[1]))
        return found[:days]

    def whole_pairs(self, choice: Choice, days: int) -> list[Pair]:
        """The same of whole days."""
        found = self.whole.setdefault(choice, [])
        found += [
            within_target(day, self.lines) for day in self.play(self.room.scenario, choice, range(len(found), days))
        ]
        return found[:days]

    def in_full(self, choice: Choice) -> Callable[[int], Bounds]:
        """The bounds that whole days give, after so many of them."""
        return lambda days: self.judge.bounds(self.whole_pairs(choice, days))

    def play(self, scenario: Scenario, choice: Choice, days: range) -> Iterator[Tally]:
        """These days of the zone with a choice."""
        if not days:
            return
        scenario = with_choice(scenario, self.room, choice)
        stage = Stage(scenario)
        for day in days:
            self.days += 1
            yield tally_waits(scenario, stage.play(self.seed, day))

    def test(self, choice: Choice) -> Trial:
        """Whether the choice meets the target."""
        if choice not in self.trials:
            many = self.controls(choice)
            self.trials[choice] = self.judge.judge(
                lambda days: self.judge.controlled(self.pairs(choice, days), many[:days], many), self.judge.near
            )
        return self.trials[choice]

    def controls(self, choice: Choice) -> list[Pair]:
        """What the kernel says of the choice, day by day, over many days."""
        if self.control is None:
            self.control = self.made_screen(CONTROL_DAYS)
        good = self.control.good(as_steps(self.room.bands, choice.counts), self.within)
        return list(zip(good, self.control.totals, strict=True))

    # ---- which one next

    def rank_for(self, share: float, tidal: int) -> float:
        """The rank at which the engine should give this share, going by what it gave so far with as many tidal posts:
        between the lowest rank that did and the highest that did not. What one more tidal post brings is not known
        before it is tried: hope for twice the indifference."""
        hope = 0.0
        rows = [(self.rank(c.counts), t.bounds.share) for c, t in self.trials.items() if c.tidal == tidal]
        if len(rows) < 2:
            hope = 2 * self.judge.indifference if tidal > self.room.tidal[0] else 0.0
            rows = [(self.rank(c.counts), t.bounds.share + hope) for c, t in self.trials.items()]
        did = [(rank, got) for rank, got in rows if got >= share]
        not_yet = [(rank, got) for rank, got in rows if got < share]
        if not not_yet:
            rank, got = min(did)
            return rank - (got - share)
        low, low_got = max(not_yet)
        if not did:
            return low + share - low_got
        high, high_got = min(did)
        if high <= low:  # the kernel orders these two wrongly
            return (low + high) / 2
        return low + (share - low_got) / (high_got - low_got) * (high - low)

    def barred(self, choice: Choice) -> bool:
        """It, or more than it, has failed."""
        return any(not trial.met and choice.within(other) for other, trial in self.trials.items())

    def cheapest(self, tidal: int, need: float, below: float) -> Choice | None:
        """The cheapest choice whose rank reaches `need`, which is not barred and costs less than `below`: branch and
        bound over the bands, as more windows never lower the rank."""
        most, rates = self.most, self.rates
        fixed = self.cost(Choice((0,) * len(most), tidal))
        asked = 0

        def reaches(counts: tuple[int, ...]) -> bool:
            nonlocal asked
            asked += counts not in self.ranked
            return self.rank(counts) >= need and not self.barred(Choice(counts, tidal))

        def fewest(counts: tuple[int, ...], band: int, low: int) -> int:
            """The fewest windows of a band that do with these in the others (which do at `counts`)."""
            high = counts[band]
            while low < high:
                middle = (low + high) // 2
                if reaches((*counts[:band], middle, *counts[band + 1 :])):
                    high = middle
                else:
                    low = middle + 1
            return high

        if not reaches(most):
            return None
        floor = tuple(fewest(most, band, self.least[band]) for band in range(len(most)))
        rest = [sum(rates[j] * floor[j] for j in range(band, len(most))) for band in range(len(most) + 1)]
        # a first one: between floor and most as far up as need be, then band by band down
        steps = 8
        low, high = 0, steps
        mixed = most
        while low < high:
            middle = (low + high) // 2
            trial = tuple(f - -(m - f) * middle // steps for f, m in zip(floor, most, strict=True))
            if reaches(trial):
                high, mixed = middle, trial
            else:
                low = middle + 1
        for band in sorted(range(len(most)), key=lambda b: -rates[b]):
            mixed = (*mixed[:band], fewest(mixed, band, floor[band]), *mixed[band + 1 :])
        best: Choice | None = None
        if self.cost(Choice(mixed, tidal)) < below - 1e-9:
            best, below = Choice(mixed, tidal), self.cost(Choice(mixed, tidal))

        def extend(prefix: tuple[int, ...], spent: float) -> None:
            nonlocal best, below
            band = len(prefix)
            for n in range(floor[band], most[band] + 1):
                cost = spent + rates[band] * n
                if cost + rest[band + 1] >= below - 1e-9 or asked > MOST_RANKED:
                    return
                counts = (*prefix, n, *most[band + 1 :])
                if not reaches(counts):
                    continue
                if band + 1 == len(most):
                    best, below = Choice(counts, tidal), cost
                    return
                extend((*prefix, n), cost)

        extend((), fixed)
        return best

    def proposal(self) -> Choice:
        """The formula's windows, all of them moved up or down together until the kernel is content."""
        guess = [band.guess for band in self.room.bands]
        found = self.most
        for shift in range(max(self.most, default=0), -max(self.most, default=0) - 1, -1):
            counts = tuple(
                min(max(g + shift, low), high) for g, low, high in zip(guess, self.least, self.most, strict=True)
            )
            if counts == found:
                continue
            if self.rank(counts) < self.judge.share:
                break
            found = counts
        return Choice(found, self.room.tidal[0])

    # ---- the search

    def run(self, curve: Sequence[float] = ()) -> ZoneAnswer:
        """Find the answer, and what some other shares would cost."""
        fewest, many = self.room.tidal
        top = Choice(self.most, many)
        everything = self.everything(top)
        best: Choice | None = None
        if everything.verdict != "fails":
            self.test(top)
            for tidal in range(fewest, many + 1):
                best = self.descend(tidal, best)
            if best is None and everything.met:
                best = top
        found = self.curve(curve) if best is not None else {}
        return ZoneAnswer(self.room.zone, best, everything.bounds, len(self.played), found, self.days)

    def everything(self, top: Choice) -> Trial:
        """Whether all that there is meets the target, on whole days; who fetches a result is learned beside it."""
        fetching: list[Pair] = []

        def found_after(days: int) -> Bounds:
            found = self.whole.setdefault(top, [])
            for day in self.play(self.room.scenario, top, range(len(found), days)):
                found.append(within_target(day, self.lines))
                fetching.append(within_target(day, self.fetching))
            return self.judge.bounds(found)

        trial = self.judge.whatever_it_takes().judge(found_after)
        if self.whole is not self.played:
            n = len(fetching)
            self.aside = sum(good for good, _ in fetching) / n, sum(k for _, k in fetching) / n
        return trial

    def descend(self, tidal: int, best: Choice | None) -> Choice | None:
        """The cheapest choice with so many tidal posts, if it is cheaper than `best`. What lies below the middle of the
        zone of indifference need not be told from the target, and what lies so near to it as tests leave open is not
        taken for met: what is expected above both is tried."""
        share, half = self.judge.share, self.judge.indifference / 2
        while True:
            below = self.cost(best) if best is not None else float("inf")
            open_still = (t.bounds.share - t.bounds.lower for t in self.trials.values() if t.verdict == "tie")
            need = share + max(half, min(open_still, default=half))
            following = self.cheapest(tidal, self.rank_for(need, tidal), below)
            if following is None and best is None:
                following = self.cheapest(tidal, self.rank_for(share, tidal), below)
            if following is None and best is not None:
                left = (c for c in self.one_step_cheaper(best) if c not in self.trials and not self.barred(c))
                following = next(left, None)
            if following is None:
                return best
            if self.test(following).met and self.cost(following) < below:
                best = following

    def one_step_cheaper(self, choice: Choice) -> list[Choice]:
        """One window less in one band, or one tidal post less."""
        found = [
            Choice((*choice.counts[:b], n - 1, *choice.counts[b + 1 :]), choice.tidal)
            for b, n in enumerate(choice.counts) if n > self.least[b]
        ]  # fmt: skip
        if choice.tidal > self.room.tidal[0]:
            found.append(Choice(choice.counts, choice.tidal - 1))
        return found

    def words(self, choice: Choice, cheaper: Choice) -> str:
        """What is less in the cheaper one."""
        for band, a, b in zip(self.room.bands, choice.counts, cheaper.counts, strict=True):
            if a != b:
                return f"{self.room.zone} {band.name}: {b} {'window' if b == 1 else 'windows'} instead of {a}"
        tidal = f"{cheaper.tidal} tidal {'post' if cheaper.tidal == 1 else 'posts'}"
        return f"{self.room.zone}: {tidal} instead of {choice.tidal}"

    def dearer(self, choice: Choice) -> Choice | None:
        """One window more, where the kernel sees most gain for the cost; None at the bounds."""
        found: list[tuple[float, Choice]] = []
        for band, n in enumerate(choice.counts):
            if n < self.most[band]:
                more = Choice((*choice.counts[:band], n + 1, *choice.counts[band + 1 :]), choice.tidal)
                gain = self.rank(more.counts) - self.rank(choice.counts)
                found.append((-gain / self.rates[band], more))
        return min(found)[1] if found else None

    def curve(self, shares: Sequence[float]) -> dict[Choice, tuple[float, Bounds]]:
        """What other shares cost: the kernel's cheapest for each, and what a first look with the engine says of it,
        beside all that was played anyway; the dominated ones left out."""
        tidal = self.room.tidal[0]
        for share in shares:
            choice = self.cheapest(tidal, self.rank_for(share, tidal), float("inf"))
            if choice is not None and choice not in self.played:
                self.pairs(choice, FIRST_LOOK)
        rows = sorted((self.cost(choice), choice) for choice in self.played)
        found: dict[Choice, tuple[float, Bounds]] = {}
        so_far = -1.0
        for cost, choice in rows:
            judged = self.judge.bounds(self.played[choice])
            if judged.share > so_far:
                so_far, found[choice] = judged.share, (cost, judged)
        return found
