"""Citizens: they come, take a number, wait, give up or are served.

Law: a citizen's luck was drawn before (draws.py); here it only happens. Who gives up either gives the number back at
once or is found missing when called, as the scenario says; nobody watches a citizen who waits.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct
from simpy.events import Event as Moment

from tidehall.hall import commands as c
from tidehall.hall.errors import Refusal
from tidehall.queue.tickets import TicketState
from tidehall.simulation.clerks import Roster
from tidehall.simulation.desks import Desk
from tidehall.simulation.draws import Flow, Leg
from tidehall.simulation.world import Timer, World

if TYPE_CHECKING:
    from tidehall.hall.plan import Plan
    from tidehall.simulation.tables import People

__all__ = ["Citizen", "Crowd"]

WAITING = TicketState.WAITING


class Citizen(Struct, gc=False):
    """One person with a number. `flow`, `i`: whose luck he has; `absent`: won't come when called; `gives_up`: the
    moment until which he waits, 0 for ever; `collects`: cases whose results he fetches; `asking`: a question to the
    middle office is open, and `held`: nothing else keeps him; `away`: µs for which he will leave to fetch a paper, and
    `rest`: of his service after that; `onward`: the lines to which he is sent yet, and `sent`: he was sent to one;
    `begun`: he stood at a window before, and waits as long as it takes."""

    ticket: str
    flow: Flow
    i: int
    service: int
    absent: bool = False
    gives_up: int = 0
    collects: tuple[str, ...] = ()
    asking: bool = False
    held: bool = False
    away: int = 0
    rest: int = 0
    onward: tuple[Leg, ...] = ()
    sent: bool = False
    begun: bool = False


class Crowd:
    """Everybody who comes on one day, in the order of arrival. `turned_away`: (line, why) → people without a number."""

    def __init__(self, world: World, roster: Roster, flows: list[Flow], people: People, plan: Plan) -> None:
        self.world, self.roster, self.flows = world, roster, flows
        # whether a number of the line is all that anybody of a stream asks for
        self.plain = [flow.item is None and flow.priority is None and not flow.items for flow in flows]
        self.cancels = people.leave == "cancel"
        self.coming = iter(sorted((at, f, i) for f, flow in enumerate(flows) for i, at in enumerate(flow.arrivals)))
        self.following = next(self.coming, None)
        self.count = 0
        self.turned_away: Counter[tuple[str, str]] = Counter()
        self.prechecks = {
            zone.id: Desk(world, zone.posts.get("precheck", 0) or zone.posts.get("consult", 0))
            for zone in plan.zones if zone.posts.get("precheck", 0) or zone.posts.get("consult", 0)
        }  # fmt: skip
        self.zone_of = {line.id: line.zone for line in plan.lines}
        self.next_one = Timer(world.env, self.arrive)
        if self.following is not None:
            self.next_one.set(max(0, self.following[0] - world.now))

    def arrive(self, _: Moment) -> None:
        """One citizen comes, to the pre-check or for a number; the one after him is on the way."""
        assert self.following is not None
        now, f, i = self.following
        self.following = following = next(self.coming, None)
        if following is not None:
            self.next_one.set(following[0] - now)
        flow = self.flows[f]
        if flow.precheck is not None and flow.precheck[i] >= 0:
            desk = self.prechecks.get(self.zone_of[flow.line])
            if desk is not None:
                desk.ask(flow.precheck[i], lambda: self.take(f, i))
                return
        self.take(f, i)

    def take(self, f: int, i: int) -> None:
        """Take a number, and be called at once if somebody is free."""
        flow = self.flows[f]
        line = flow.line
        self.count += 1
        ticket = f"t{self.count}"
        if self.plain[f]:
            ask = c.TakeTicket(ticket, line)
        else:
            ask = c.TakeTicket(
                ticket, line, flow.items[i] if flow.items else flow.item,
                priority=flow.priority[i] if flow.priority is not None else "normal", confirmed=True,
            )  # fmt: skip
        try:
            self.world.do(ask)
        except Refusal as no:
            self.turned_away[line, no.code] += 1
            return
        absent = flow.absent is not None and flow.absent[i]
        citizen = self.roster.citizens[ticket] = Citizen(ticket, flow, i, flow.service[i], absent)
        if flow.onward is not None:
            citizen.onward = flow.onward[i]
        if flow.away is not None and flow.away[i] >= 0:
            citizen.away, citizen.rest = max(1, flow.away[i]), citizen.service // 2
            citizen.service -= citizen.rest
        if flow.patience is not None:
            self.wait(citizen, self.world.now, line, flow.patience[i])
        else:
            self.roster.somebody_waits(line)

    def posts(self) -> dict[str, tuple[int, int]]:
        """People of each pre-check, and the µs that they worked."""
        return {f"precheck:{zone}": (desk.people, desk.worked) for zone, desk in self.prechecks.items() if desk.asked}

    def wait(self, citizen: Citizen, now: int, line: str, patience: int) -> None:
        """Be called at once, or give up in time."""
        if not self.cancels:
            citizen.gives_up = now + patience
            self.roster.somebody_waits(line)
            return
        self.roster.somebody_waits(line)
        if self.world.state.tickets[citizen.ticket].state is WAITING:
            self.world.later(patience, lambda _: self.give_up(citizen)) if patience else self.give_up(citizen)

    def give_up(self, citizen: Citizen) -> None:
        """Give the number back, if it is still of use; who was served once waits on."""
        ticket = self.world.state.tickets.get(citizen.ticket)
        if ticket is not None and ticket.state is WAITING and not citizen.begun:
            self.world.do(c.CancelTicket(citizen.ticket))
            if self.roster.draining:
                self.roster.sweep()
