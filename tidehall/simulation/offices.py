"""The offices behind the windows: papers are taken in, carried, checked, decided, made and collected.

Law: people and their time live here; which papers go where, by when, and what may be done next is the engine's. The
day begins with empty desks, and what its officers do not finish is nobody's work on another day.
"""

from __future__ import annotations

from tidehall.hall import commands as c
from tidehall.hall import events as e
from tidehall.hall.catalogue import Item
from tidehall.hall.errors import Refusal
from tidehall.hall.papers import commands as q
from tidehall.hall.papers import events as o
from tidehall.hall.papers.objects import Delivery, Stage
from tidehall.hall.plan import Plan
from tidehall.simulation.citizens import Citizen
from tidehall.simulation.clerks import Clerk, Roster
from tidehall.simulation.desks import FILE, Desk
from tidehall.simulation.draws import CaseDraws
from tidehall.simulation.messenger import Rounds
from tidehall.simulation.runners import MIDDLE, Errand, Pool
from tidehall.simulation.tables import OfficeWork
from tidehall.simulation.world import Hours, World

__all__ = ["Offices"]

SECOND = 1_000_000
AT_WINDOW = Delivery("window")


class Offices:
    """All desks and runners of one day, and whose papers lie where."""

    def __init__(self, world: World, roster: Roster, plan: Plan, work: OfficeWork, hours: Hours) -> None:
        self.world, self.roster, self.work = world, roster, work
        self.rounds = None if work.messenger is None else Rounds(world, hours, work.messenger)
        self.items: dict[str, Item] = {item.code: item for item in plan.items}
        self.middle = Desk(world, work.middle)
        self.makers = Desk(world, work.makers)
        self.officers = {
            d.id: Desk(world, work.officers_of.get(d.id, work.officers)) for d in plan.departments if d.resident
        }
        self.pools = {
            zone.id: Pool(world, self, zone.id, zone.posts["runner"], work)
            for zone in plan.zones if zone.posts.get("runner", 0)
        }  # fmt: skip
        self.pools["pool"] = Pool(world, self, "pool", work.pool, work)
        self.of_case: dict[str, tuple[CaseDraws, int]] = {}
        self.asked = self.collected = 0
        roster.counter = self
        world.on(o.HandOffStarted, self.set_out)
        world.on(o.HandOffVerified, self.verified)
        world.on(e.SessionStarted, self.session)

    def desk(self, place: str) -> Desk:
        """Where a hand-off to `place` is checked."""
        return self.middle if place == MIDDLE else self.officers[place.removeprefix("office:")]

    def posts(self) -> dict[str, tuple[int, int]]:
        """People of each post, and the µs that they worked."""
        found = {f"runner:{name}": (pool.people, pool.worked) for name, pool in self.pools.items()}
        found |= {
            "middle": (self.middle.people, self.middle.worked),
            "makers": (self.makers.people, self.makers.worked),
        }
        return found | {f"office:{id}": (desk.people, desk.worked) for id, desk in self.officers.items()}

    def session(self, _: e.SessionStarted) -> None:
        """Everybody is back from the break."""
        for desk in (self.makers, *self.officers.values()):
            desk.go()

    # ---- at the window

    def begins(self, clerk: Clerk, citizen: Citizen) -> None:
        """Some services need the middle office (前呼后应, R5): the question comes halfway."""
        draws = citizen.flow.cases
        if draws is not None and not citizen.collects and draws.support[citizen.i] < self.work.support_share:
            self.world.later(citizen.service // 2, lambda _: self.ask(clerk, citizen, draws))

    def ask(self, clerk: Clerk, citizen: Citizen, draws: CaseDraws) -> None:
        """A question to the middle office; the citizen is not let go before it is answered."""
        if clerk.citizen is not citizen:
            return
        self.asked += 1
        id = f"s{self.asked}"
        citizen.asking = True
        self.world.do(q.AskSupport(id, clerk.window, citizen.flow.items[citizen.i]))

        def answered() -> None:
            self.world.do(q.AnswerSupport(id, "phone"))
            citizen.asking = False
            if citizen.held:
                clerk.over()

        self.middle.ask(
            draws.answer[citizen.i], answered, begin=lambda: self.world.do(q.ClaimSupport(id, "officer-middle"))
        )

    def ends(self, clerk: Clerk, citizen: Citizen) -> bool:
        """Results are handed out, or papers taken in, before the citizen goes; not before a question is answered."""
        if citizen.asking:
            citizen.held = True
            return False
        for case in citizen.collects:
            self.world.do(q.DeliverResult(case, "window"))
            self.world.do(q.CloseCase(case))
        draws = citizen.flow.cases
        if draws is not None and not citizen.collects and draws.case[citizen.i] < self.work.case_share:
            self.receive(clerk, citizen, draws)
        return True

    def receive(self, clerk: Clerk, citizen: Citizen, draws: CaseDraws) -> None:
        """Take the papers in; a window that may not take this item tells the citizen where to go."""
        i = citizen.i
        item = self.items[citizen.flow.items[i]]
        case = f"c{citizen.ticket}"
        self.of_case[case] = (draws, i)
        urgent = item.urgent_allowed and draws.urgent[i] < self.work.urgent_share
        papers = tuple(material.code for material in item.materials)
        ask = q.ReceiveCase(
            case,
            clerk.window,
            item.code,
            papers,
            AT_WINDOW,
            citizen.ticket,
            urgent=urgent,
            applicant=f"p{citizen.ticket}",
        )
        try:
            self.world.do(ask)
        except Refusal:
            return
        if self.world.state.offices.cases[case].stage == Stage.DELIVERED:  # an immediate item
            self.world.do(q.CloseCase(case))

    # ---- on the way

    def set_out(self, event: o.HandOffStarted) -> None:
        """Papers wait for a runner; those for a department outside the hall for the messenger."""
        draws, i = self.of_case[event.case]
        if event.to != MIDDLE and event.to.removeprefix("office:") not in self.officers:
            if self.rounds is not None:
                self.rounds.carry(event, draws.messenger[i])
            return
        first = event.leg == 1
        checks = [draws.second_check[i], draws.check[i]] if first else [draws.second_check[i]]
        refuse = first and draws.refuse[i] < self.work.refuse_share
        self.pools.get(event.zone, self.pools["pool"]).carry(Errand(event, checks, refuse))

    def verified(self, event: o.HandOffVerified) -> None:
        """Checked: an officer takes the file, if it is one of those that are done on the same day."""
        case = self.world.state.offices.cases[event.case]
        draws, i = self.of_case[case.id]
        desk = self.officers.get(case.department)
        if case.stage == Stage.VERIFIED and desk is not None and draws.same_day[i] < self.work.same_day_share:
            desk.ask(
                draws.review[i], lambda: self.decide(case.id), rank=FILE,
                begin=lambda: self.world.do(q.ClaimCase(case.id, f"officer-{case.department}")),
            )  # fmt: skip

    # ---- behind

    def decide(self, id: str) -> None:
        """The file is worked through: decided, made, and laid ready."""
        do = self.world.do
        case = self.world.state.offices.cases[id]
        for part in case.parts:
            do(q.GiveOpinion(id, "sealed", department=part.department))
        if case.kind == "reported":
            do(q.GiveOpinion(id, "sealed"))
        do(q.DecideCase(id, "approve", "sealed"))
        draws, i = self.of_case[id]
        self.makers.ask(draws.make[i], lambda: self.made(id), rank=FILE)

    def made(self, id: str) -> None:
        """The result lies at the issue post; some applicants come for it on the same day."""
        self.world.do(q.MakeResult(id, "maker"))
        self.world.do(q.ReadyResult(id))
        draws, i = self.of_case[id]
        if draws.collect[i] < self.work.collect_share:
            self.world.later(round(self.work.collect_after_s * SECOND), lambda _: self.collect(id))

    def collect(self, id: str) -> None:
        """The applicant takes a number of the zone's pickup line; where it has none, the result is just handed out."""
        state = self.world.state
        draws, i = self.of_case[id]
        line = state.pickup_lines.get(state.offices.cases[id].zone)
        if line is None:
            self.world.do(q.DeliverResult(id, "window"))
            self.world.do(q.CloseCase(id))
            return
        came_first = self.roster.citizens[id.removeprefix("c")]
        self.collected += 1
        ticket = f"g{self.collected}"
        try:
            self.world.do(c.TakeTicket(ticket, cases=(id,)))
        except Refusal:  # the hall gives no more numbers today
            return
        self.roster.citizens[ticket] = Citizen(ticket, came_first.flow, came_first.i, draws.issue[i], collects=(id,))
        self.roster.somebody_waits(line)
