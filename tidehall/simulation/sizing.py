"""Sizing: the cheapest hall that meets its targets, and how sure that is.

Law: what is recommended is shown by days of the real engine with people whom the search has never seen (the
certificate); every target by itself has the stated confidence, and the bound for all of them together is told. Zones
share no windows: each is searched by itself (sizing_zone.py), then the offices that they share (sizing_posts.py), then
every zone with those offices, and the whole hall for its papers, must be shown on fresh days (sizing_certificate.py).
The wait target holds in every zone, so it holds in the hall (reading "citizens"); papers are judged for the whole hall.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tidehall.simulation.costs import Part, staff_parts
from tidehall.simulation.day import Stage
from tidehall.simulation.sizing_bounds import Sizing, ZoneRoom, as_steps, clock, zone_rooms
from tidehall.simulation.sizing_certificate import (
    MOST_REPAIRS,
    TOLD_DAYS,
    Certificate,
    CertifiedZone,
    Shown,
    attempted,
    certified_risk,
    certify_zone,
    fresh,
    told,
)
from tidehall.simulation.sizing_posts import Post, PostsAnswer, PostSearch, hall_posts, staffed
from tidehall.simulation.sizing_trial import Bounds, Judge, Shortcut, shortcut
from tidehall.simulation.sizing_zone import (
    Choice,
    ZoneAnswer,
    ZoneSearch,
    cost_of,
    with_choice,
    without_papers,
)
from tidehall.simulation.tables import Scenario
from tidehall.simulation.tally import Pair, Tally, tally_papers

__all__ = ["Certificate", "Proposal", "Refused", "Sized", "size"]

#: Days that a task of a process pool plays at most.
CHUNK = 10


class Proposal(Struct, frozen=True):
    """A hall: windows from a time on by zone, tidal posts by zone, people by post, what a day of it costs, and of what
    that consists."""

    windows: dict[str, list[tuple[str, int]]]
    tidal: dict[str, int]
    people: dict[str, int]
    cost: float
    parts: tuple[Part, ...]


class Refused(Struct, frozen=True):
    """Why a target is not met: `best` is what everything within the bounds gives. `missed`: it can't be met, its upper
    bound is below the target; else the days played do not show it, and more of them may."""

    target: str
    why: str
    best: Bounds
    missed: bool


class Sized(Struct, frozen=True):
    """The answer. Refused targets stand in `refused`; then there is no certificate, and `hall` has everything within
    the bounds where they fail. `repairs`: what was added after an attempt at a certificate that did not show enough;
    `cheaper`: the steps down from `hall`. `days`: simulated days, of a zone alone, of the hall in the search, and of
    both for certificates."""

    seed: int
    confidence: float
    first: Proposal
    hall: Proposal
    refused: list[Refused]
    certificate: Certificate | None
    cheaper: list[Shortcut]
    curve: dict[str, list[dict[str, Any]]]
    tried: int
    repairs: list[str]
    days: dict[str, int]
    assumed: list[str]


Progress = Callable[[str, int], object]


def search_zone(room: ZoneRoom, sizing: Sizing, judge: Judge, seed: int) -> ZoneAnswer:
    """The whole search of one zone, also for a process of its own."""
    return ZoneSearch(room, sizing, judge, seed).run(curve=curve_shares(judge.share))


def curve_shares(share: float) -> tuple[float, ...]:
    """Targets whose cost is shown beside the target's own: four and two times as many disappointed, half as many."""
    return tuple(1 - (1 - share) * k for k in (4, 2, 0.5))


def days_of(scenario: Scenario, seed: int, days: range) -> list[Tally]:
    """Papers and posts on these days."""
    stage = Stage(scenario)
    return [tally_papers(scenario, stage.play(seed, day)) for day in days]


class Sizer:
    """One run."""

    def __init__(
        self, scenario: Scenario, sizing: Sizing, seed: int, jobs: int, progress: Progress, offices: bool
    ) -> None:
        self.scenario, self.sizing, self.seed, self.jobs, self.progress = scenario, sizing, seed, jobs, progress
        self.rooms = zone_rooms(scenario, sizing)
        self.posts = hall_posts(scenario, sizing) if offices else []
        self.kept = bool(scenario.offices) and not offices
        risk = 1 - sizing.confidence
        wait, hand_off = scenario.target.wait, scenario.target.hand_off
        near = sizing.zone_of_indifference
        self.wait = Judge(wait.share, wait.reading, near(wait.share), risk, risk, sizing.max_days)
        self.hand_off = Judge(hand_off.share, "citizens", near(hand_off.share), risk, risk, sizing.max_days)
        self.days = {"zones": 0, "hall": 0, "certificate_zones": 0, "certificate_hall": 0}
        self.repairs: list[str] = []
        self.cheaper: list[Shortcut] = []

    def play(self, scenario: Scenario, seed: int, days: range, kind: str) -> Iterator[Tally]:
        """Days of the whole hall, from this process or several; the same days either way."""
        self.days[kind] += len(days)
        size = max(1, min(CHUNK, -(-len(days) // (2 * self.jobs))))  # small enough to keep all of them busy
        chunks = [range(first, min(first + size, days.stop)) for first in range(days.start, days.stop, size)]
        if self.jobs <= 1:
            parts = (days_of(scenario, seed, chunk) for chunk in chunks)
        else:
            from joblib import Parallel, delayed  # type: ignore[import-untyped] # it ships no types

            work = Parallel(n_jobs=self.jobs, return_as="generator")
            parts = work(delayed(days_of)(scenario, seed, chunk) for chunk in chunks)
        for part in parts:
            self.progress(kind, len(part))
            yield from part

    # ---- what is proposed

    def proposal(self, choices: dict[str, Choice], people: dict[str, int]) -> Proposal:
        """Choices as a planner reads them."""
        hour = self.scenario.cost.window_hour
        chosen = [(room, choices[room.zone]) for room in self.rooms]
        whole = sum(cost_of(room, choice, self.sizing, hour) for room, choice in chosen)
        windows = sum(cost_of(room, replace(choice, tidal=0), self.sizing, hour) for room, choice in chosen)
        tidal = sum(choice.tidal for _, choice in chosen)
        parts = (
            Part("windows", None, 1, windows), Part("tidal", tidal, 1, whole - windows),
            *staff_parts(self.posts, people),
        )  # fmt: skip
        return Proposal(
            {r.zone: [(clock(at), n) for at, n in as_steps(r.bands, choices[r.zone].counts)] for r in self.rooms},
            {r.zone: choices[r.zone].tidal for r in self.rooms if r.tidal_ids},
            people,
            round(sum(part.cost for part in parts), 6),
            parts,
        )

    def first(self) -> Proposal:
        """Formula and kernel alone."""
        choices = {r.zone: ZoneSearch(r, self.sizing, self.wait, self.seed).proposal() for r in self.rooms}
        return self.proposal(choices, {post.name: min(max(post.now, post.least), post.most) for post in self.posts})

    def in_zones(self, work: Callable[..., Any], tasks: list[tuple[Any, ...]], days: Callable[[Any], int]) -> list[Any]:
        """A piece of work for every zone, in this process or in several; `days`: how many it has played."""
        if self.jobs <= 1 or len(tasks) == 1:
            parts: Iterator[Any] = (work(*task) for task in tasks)
        else:
            from joblib import Parallel, delayed

            parts = iter(Parallel(n_jobs=self.jobs, return_as="generator")(delayed(work)(*task) for task in tasks))
        found = []
        for (room, *_), part in zip(tasks, parts, strict=True):
            self.progress(room.zone, days(part))
            found.append(part)
        return found

    def whole(self, choices: dict[str, Choice], people: dict[str, int]) -> Scenario:
        """The scenario with everything that was chosen."""
        scenario = self.scenario
        for room in self.rooms:
            scenario = with_choice(scenario, room, choices[room.zone])
        return staffed(scenario, people)

    # ---- the certificate

    def certify_zones(self, choices: dict[str, Choice], people: dict[str, int]) -> list[Shown]:
        """Every zone by itself with the offices as they shall be; choices that must be mended are."""
        rooms = [replace(room, scenario=staffed(room.scenario, people)) for room in self.rooms]
        tasks = [(room, self.sizing, self.wait, choices[room.zone], self.seed) for room in rooms]
        found: list[CertifiedZone] = self.in_zones(certify_zone, tasks, lambda part: int(part.days))
        for room, one in zip(self.rooms, found, strict=True):
            choices[room.zone] = one.choice
            self.repairs += one.repairs
            self.cheaper += one.shortcuts
            self.days["certificate_zones"] += one.days
        return [one.shown for one in found]

    def certify_papers(self, choices: dict[str, Choice], staff: PostsAnswer, people: dict[str, int]) -> Shown:
        """The whole hall; the busiest post gets one more until it is shown."""
        attempt = 0
        while True:
            seed = fresh(self.seed, MOST_REPAIRS + 1 + attempt)
            days: list[Tally] = []
            judge = attempted(self.hand_off, attempt)

            def found_after(n: int, days: list[Tally] = days, seed: int = seed, judge: Judge = judge) -> Bounds:
                days.extend(self.play(self.whole(choices, people), seed, range(len(days), n), "certificate_hall"))
                return judge.bounds(in_time(days))

            trial = judge.judge(found_after, judge.hopeless)
            free = [post for post in self.posts if people[post.name] < post.most]
            if trial.met or not free or attempt == MOST_REPAIRS:
                break
            post = max(free, key=lambda post: busiest(post, days))
            people[post.name] += 1
            attempt += 1
            self.repairs.append(f"{post.name}: {people[post.name]} instead of {people[post.name] - 1}")
        self.cheaper += staff.shortcuts if not attempt else self.fewer(choices, people, seed, days)
        risk = certified_risk(in_time(days), judge, attempt)
        return Shown("hand_off", self.hand_off.share, trial.bounds, trial.met, risk, seed)

    def fewer(self, choices: dict[str, Choice], people: dict[str, int], seed: int, days: list[Tally]) -> list[Shortcut]:
        """What is told of one person less in each post of a hall that was mended, beside the hall's own `days`."""
        few, found = days[:TOLD_DAYS], []
        for post in self.posts:
            if people[post.name] > post.least:
                fewer = self.whole(choices, people | {post.name: people[post.name] - 1})
                played = list(self.play(fewer, seed, range(len(few)), "certificate_hall"))
                trial = told(self.hand_off, in_time(played), in_time(few), in_time(days))
                found.append(shortcut(post.one_less(people[post.name]), post.cost, self.hand_off, trial))
        return found

    # ---- all of it

    def run(self, first: Callable[[Proposal], object]) -> Sized:
        """Size the hall."""
        proposal = self.first()
        first(proposal)
        tasks = [(room, self.sizing, self.wait, self.seed) for room in self.rooms]
        answers: list[ZoneAnswer] = self.in_zones(search_zone, tasks, lambda answer: int(answer.days))
        self.days["zones"] += sum(answer.days for answer in answers)
        refused = [
            self.refusal(room, a)
            for room, a in zip(self.rooms, answers, strict=True) if a.choice is None
        ]  # fmt: skip
        choices = {
            room.zone: a.choice or Choice(tuple(band.most for band in room.bands), room.tidal[1])
            for room, a in zip(self.rooms, answers, strict=True)
        }
        people = {post.name: min(max(post.now, post.least), post.most) for post in self.posts}
        staff: PostsAnswer | None = None
        if self.posts:
            search = PostSearch(
                self.whole(choices, {}), self.posts, self.hand_off,
                lambda scenario, days: self.play(scenario, self.seed, days, "hall"),
            )  # fmt: skip
            staff = search.run()
            if staff.people is None:
                refused.append(refusal("hand_off", "the most people everywhere", "papers", self.hand_off, staff.best))
            people = dict(staff.people or {post.name: post.most for post in self.posts})
        certificate: Certificate | None = None
        if not refused:
            shown = self.certify_zones(choices, people)
            if staff is not None:
                shown.append(self.certify_papers(choices, staff, people))
            together = max(0.0, 1 - sum(one.risk for one in shown))
            certificate = Certificate(self.sizing.confidence, shown, all(one.met for one in shown), together)
        return Sized(
            self.seed, self.sizing.confidence, proposal, self.proposal(choices, people), refused, certificate,
            self.cheaper,
            {a.zone: curve_rows(room, a) for room, a in zip(self.rooms, answers, strict=True)},
            sum(a.tried for a in answers) + (len(staff.trials) if staff else 0),
            self.repairs, self.days, self.assumptions(choices),
        )  # fmt: skip

    def refusal(self, room: ZoneRoom, answer: ZoneAnswer) -> Refused:
        """Why a zone does not meet its target."""
        most = max((band.most for band in room.bands), default=0)
        tidal = f" and {room.tidal[1]} tidal posts" if room.tidal[1] else ""
        all_of_it = f"all {most} windows{tidal}, open from {clock(room.bands[0].begin)} to {clock(room.bands[-1].end)},"
        what = "days" if self.wait.reading == "days" else "citizens"
        return refusal(f"wait {room.zone}", all_of_it, what, self.wait, answer.best)

    def assumptions(self, choices: dict[str, Choice]) -> list[str]:
        """What a reader of the answer must know."""
        found = ["the wait target is asked of every zone, the papers' of the whole hall"]
        if self.kept:
            found.append(
                "runners and office staff belong to the whole hall: they stay as the scenario has them, their cost is "
                "not in this answer, and it says nothing of papers"
            )
        if without_papers(self.scenario) is not self.scenario:
            found.append(
                "cost and share are told from days without papers; who fetches a result is added as whole days had it"
            )
        if any(choice.tidal for choice in choices.values()):
            found.append("advice to open or close a tidal window is followed at once")
            found.append(f"a tidal post costs {self.sizing.tidal_share:g} of a window that is open all day")
        if self.posts:
            found.append("the certificate room keeps its people: no target rests on it")
        return found


def refusal(target: str, everything: str, what: str, judge: Judge, found: Bounds) -> Refused:
    """What is told of a target that everything within the bounds does not reach, or is not shown to."""
    asked = f"{judge.share:g} is asked"
    if found.upper < judge.share:
        why = f"even {everything} give {found.share:.3f} of the {what}, at most {found.upper:.3f}; {asked}"
        return Refused(target, why, found, True)
    why = (
        f"{everything} give at least {found.lower:.3f} of the {what} in {found.days} days ({found.share:.3f} found, at "
        f"most {found.upper:.3f}); {asked}; more days may show it ([sizing] max_days)"
    )
    return Refused(target, why, found, False)


def in_time(days: list[Tally]) -> list[Pair]:
    """(papers in time, of how many) of these days."""
    return [day[""]["hand_off_on_time"] for day in days]


def busiest(post: Post, days: list[Tally]) -> float:
    """How much of its paid time the busiest desk of a post works."""
    found = 0.0
    for desk in post.desks:
        worked, paid = (sum(day[f"post:{desk}"]["utilisation"][k] for day in days) for k in (0, 1))
        found = max(found, worked / paid if paid else 0.0)
    return found


def curve_rows(room: ZoneRoom, answer: ZoneAnswer) -> list[dict[str, Any]]:
    """A zone's cost against the share reached, cheapest first."""
    return [
        {
            "cost": round(cost, 6), "share": found.share, "lower": found.lower, "upper": found.upper,
            "days": found.days, "tidal": choice.tidal,
            "windows": [(clock(at), n) for at, n in as_steps(room.bands, choice.counts)],
        }
        for choice, (cost, found) in answer.curve.items()
    ]  # fmt: skip


def size(
    scenario: Scenario, sizing: Sizing, *, seed: int = 1, jobs: int = 1, offices: bool = True,
    first: Callable[[Proposal], object] = lambda _: None, progress: Progress = lambda what, days: None,
) -> Sized:  # fmt: skip
    """Size a hall: `first` is told the first proposal, `progress` what is being done and how many days were played.
    Without `offices` (some zones alone) runners and office staff stay as they are and papers are not judged. The answer
    depends on the seed and not on the jobs."""
    return Sizer(scenario, sizing, seed, jobs, progress, offices).run(first)
