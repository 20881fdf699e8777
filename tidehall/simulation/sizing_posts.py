"""Runners and office staff: the fewest people with whom the papers come in time.

Law: all zones share the offices, so the whole hall is played, with the windows that the zones were given. More people
never make papers later: a post that can't spare anybody now can't either when others have gone, so every post is
looked at once, the dearest first, from what their work alone asks for. A near-tie costs a person at most, and no days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from tidehall.simulation.sizing_table import Sizing, on_the_pool
from tidehall.simulation.sizing_trial import FIRST_LOOK, Bounds, Judge, Shortcut, Trial, shortcut
from tidehall.simulation.tables import Scenario
from tidehall.simulation.tally import Tally
from tidehall.simulation.world import Hours

__all__ = ["Post", "PostSearch", "PostsAnswer", "hall_posts", "staff_cost", "staffed"]

#: People per person's work, for a first guess: papers come in waves.
SPARE = 1.5
People = dict[str, int]
Player = Callable[[Scenario, range], Iterator[Tally]]


class Post(Struct, frozen=True):
    """People who do the same: `name` as in a study's posts, but `officers` for every department that has no number of
    its own (`desks` of them); the fewest and the most of them, and what one costs a day."""

    name: str
    least: int
    most: int
    now: int
    cost: float
    desks: tuple[str, ...]

    def one_less(self, people: int) -> str:
        """One person less, in words."""
        return f"{self.name}: {people - 1} instead of {people}"


class PostsAnswer(Struct, frozen=True):
    """The fewest people (None: the target can't be met, `best` says what everybody at once gives); what was tried."""

    people: People | None
    best: Bounds
    trials: list[tuple[People, float, Trial]]
    shortcuts: list[Shortcut]


def hall_posts(scenario: Scenario, sizing: Sizing) -> list[Post]:
    """The posts whose number may be chosen: runners, the middle office, officers. (Makers work on after a paper was
    handed over: no target rests on them, their number stays.)"""
    work, plan, cost = scenario.offices, scenario.plan, scenario.cost
    if work is None:
        return []
    sessions = Hours(plan, scenario.day.date).schedule.sessions
    hours = sum(b - a for a, b in sessions) / 60
    runners = {zone.id: zone.posts["runner"] for zone in plan.zones if zone.posts.get("runner", 0)}
    found: list[Post] = []

    def add(
        name: str, now: int, bounds: tuple[int, int], hourly: float, desks: tuple[str, ...], fewest: int = 1
    ) -> None:
        least, most = max(fewest, bounds[0]), max(fewest, bounds[1])
        if desks:
            found.append(Post(name, least, most, now, hourly * hours * len(desks), desks))

    for name, now in runners.items():
        add(f"runner:{name}", now, sizing.runners.get(name, (1, 2 * now)), cost.runner_hour, (f"runner:{name}",))
    fewest = 1 if on_the_pool(plan) else 0
    bounds = sizing.runners.get("pool", (fewest, 2 * work.pool))
    add("runner:pool", work.pool, bounds, cost.runner_hour, ("runner:pool",), fewest)
    add("middle", work.middle, sizing.offices.get("middle", (1, 2 * work.middle)), cost.office_hour, ("middle",))
    resident = [department.id for department in plan.departments if department.resident]
    named = {*work.officers_of, *(sizing.offices.keys() - {"middle", "officers"})}
    for id in resident:
        if id in named:
            now = work.officers_of.get(id, work.officers)
            add(f"office:{id}", now, sizing.offices.get(id, (1, 2 * now)), cost.office_hour, (f"office:{id}",))
    others = tuple(f"office:{id}" for id in resident if id not in named)
    add("officers", work.officers, sizing.offices.get("officers", (1, 2 * work.officers)), cost.office_hour, others)
    return found


def staffed(scenario: Scenario, people: People) -> Scenario:
    """The scenario with so many people."""
    work = scenario.offices
    if work is None or not people:
        return scenario
    zones = tuple(
        replace(zone, posts=zone.posts | {"runner": people[f"runner:{zone.id}"]})
        if f"runner:{zone.id}" in people else zone
        for zone in scenario.plan.zones
    )  # fmt: skip
    offices = {name.removeprefix("office:"): n for name, n in people.items() if name.startswith("office:")}
    work = replace(
        work, pool=people.get("runner:pool", work.pool), middle=people.get("middle", work.middle),
        officers=people.get("officers", work.officers), officers_of=work.officers_of | offices,
    )  # fmt: skip
    return replace(scenario, plan=replace(scenario.plan, zones=zones), offices=work)


def staff_cost(posts: list[Post], people: People) -> float:
    """What a day of them costs."""
    return sum(post.cost * people[post.name] for post in posts)


class PostSearch:
    """One search over the whole hall; `play` plays days of a scenario. Nobody comes back for a result on the day: that
    belongs to the issue windows, and no hand-off waits for it."""

    def __init__(self, scenario: Scenario, posts: list[Post], judge: Judge, play: Player) -> None:
        if scenario.offices is not None:
            scenario = replace(scenario, offices=replace(scenario.offices, collect_share=0.0))
        self.scenario, self.posts, self.judge, self.play = scenario, posts, judge, play
        self.played: dict[tuple[int, ...], list[Tally]] = {}
        self.trials: list[tuple[People, float, Trial]] = []
        self.idle: set[str] = set()

    def days(self, people: People, days: int) -> list[Tally]:
        """The first days with so many people."""
        found = self.played.setdefault(tuple(people.values()), [])
        if len(found) < days:
            found += self.play(staffed(self.scenario, people), range(len(found), days))
        return found[:days]

    def test(self, people: People, judge: Judge | None = None) -> Trial:
        """Whether the papers come in time; given up, and not met, where not even all days would show it."""
        judge = judge or self.judge

        def found_after(days: int) -> Bounds:
            return judge.bounds([day[""]["hand_off_on_time"] for day in self.days(people, days)])

        trial = judge.judge(found_after, lambda found: self.judge.near(found) or judge.hopeless(found))
        self.trials.append((people, staff_cost(self.posts, people), trial))
        return trial

    def guess(self, people: People) -> People:
        """What each post's work asks for, from the days played with these people."""
        found: People = {}
        days = self.days(people, FIRST_LOOK)
        for post in self.posts:
            busy = 0.0
            for desk in post.desks:
                worked, paid = (sum(day[f"post:{desk}"]["utilisation"][k] for day in days) for k in (0, 1))
                busy = max(busy, worked / paid * people[post.name] if paid else 0.0)
            # who has nothing to do in this scenario is not for it to send home, but for a pool that nobody needs
            wanted = ceil(busy * SPARE) if busy else post.now if post.least else 0
            found[post.name] = min(max(wanted, post.least), post.most)
            if not busy:
                self.idle.add(post.name)
        return found

    def run(self) -> PostsAnswer:
        """Find the answer."""
        most = {post.name: post.most for post in self.posts}
        first = self.test(most, self.judge.whatever_it_takes())
        if first.verdict == "fails":
            return PostsAnswer(None, first.bounds, self.trials, [])
        low, high = self.guess(most), most
        people = low
        if low == high or not self.test(low).met:
            for step in (1, 2, 4):  # half, three quarters… of the way up, until it does
                people = {name: n - (n - low[name]) // 2**step for name, n in high.items()}
                if self.test(people).met:
                    break
            else:
                people = high
        failing: dict[str, Trial] = {}
        for post in sorted(self.posts, key=lambda post: -post.cost):
            if post.name not in self.idle:
                people = people | {post.name: self.fewest(post, people, low[post.name], failing)}
        shortcuts = [
            shortcut(
                post.one_less(people[post.name]), post.cost, self.judge, failing[post.name]
            )
            for post in self.posts if post.name in failing
        ]  # fmt: skip
        return PostsAnswer(people, first.bounds, self.trials, shortcuts)

    def fewest(self, post: Post, people: People, guess: int, failing: dict[str, Trial]) -> int:
        """The fewest people of one post that do beside these others: what their work asks for is tried first, then one
        less at a time, or, where that is too few, the middle between what does and what does not. What came of one
        less than the answer is written into `failing`."""
        does, short, following = people[post.name], post.least - 1, guess
        while does - short > 1:
            n = following if short < following < does else (does + short) // 2
            trial = self.test(people | {post.name: n})
            if trial.met:
                does, following = n, n - 1
            else:
                short, failing[post.name] = n, trial
        return does
