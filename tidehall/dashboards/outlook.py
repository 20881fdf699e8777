"""The next hour of every zone, kept ready: what the dashboard draws, what advice says in numbers, what the forecast
policy wants.

Law: nothing is computed on the event loop, one question of a hall is under way at a time, and nobody waits for an
answer: where look-ahead fails, pictures grow old and advice stays without figures, and nothing else changes. What is
told to the hall goes in as a command with a key that every server would choose, so several servers say it once; the
pictures themselves are each server's own.

Asked, in this order: a zone whose advice has no figures yet; a zone under the policy `forecast` whose round has come;
and, while the hall is open and somebody has looked in the last five minutes, the zone with the oldest picture.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Literal

from tidehall.hall import commands as c
from tidehall.hall.errors import Refusal
from tidehall.hall.outlook import Basis, ChoiceOutlook, OutlookPoint, TidalOutlook, ZoneOutlook
from tidehall.hall.state import HallState
from tidehall.hall.tide import Action, Watch
from tidehall.live import Ask, HallKeeper, LiveError
from tidehall.simulation.ahead import Ahead, AheadFailed, QuestionRefused
from tidehall.simulation.foresight import RUNS, Moves, foresee, moves, prospect, wish
from tidehall.simulation.questions import Answer, Difference
from tidehall.simulation.recent import recent_rates
from tidehall.simulation.slices import cut

if TYPE_CHECKING:
    from tidehall.simulation.tables import Scenario

__all__ = ["Known", "Outlook", "picture"]

log = logging.getLogger(__name__)

SECOND = 1_000_000
#: Seconds between two looks at what is to be asked; hall µs after which a picture is renewed.
LOOK_S, RENEW = 0.5, 60 * SECOND
#: Seconds for which one look keeps the pictures coming.
LOOKED_S = 300.0
#: A picture costs at most this share of one core: after each the worker rests in proportion.
SHARE = 0.25
#: Seconds for a worker's start and for an answer (it steps back when the machine is busy), and until a question that
#: failed is asked again.
START_S, WITHIN_S, AGAIN_S = 120.0, 60.0, 10.0
IN_S = 1800.0


@dataclass(frozen=True, slots=True)
class Known:
    """A hall's scenario, and where it comes from."""

    scenario: Scenario
    basis: Basis


class Outlook:
    """Looks ahead for all halls of this process (hall.outlook.Outlooks). `known`: hall → its scenario, where there is
    one; the other halls go by the people of the last half hour."""

    def __init__(self, known: dict[str, Known] | None = None) -> None:
        self.known = known or {}
        self.halls: dict[str, Lookout] = {}

    def of(self, hall: str) -> dict[str, ZoneOutlook]:
        """The newest picture of each zone; asking keeps them coming."""
        found = self.halls.get(hall)
        return found.looked() if found is not None else {}

    async def follow(self, keeper: HallKeeper) -> None:
        """Look ahead for a hall until cancelled."""
        found = self.halls[keeper.id] = Lookout(keeper, self.known.get(keeper.id))
        try:
            await found.run()
        finally:
            await found.ahead.close()


class Lookout:
    """One hall's pictures and the worker that makes them."""

    def __init__(self, keeper: HallKeeper, known: Known | None) -> None:
        self.keeper = keeper
        self.known = known
        self.ahead = Ahead(known.scenario if known is not None else None)
        self.pictures: dict[str, ZoneOutlook] = {}
        self.looked_at = -LOOKED_S
        self.rested_at = 0.0
        self.rounds: dict[str, int] = {}  # zone → the forecast policy's round that was asked
        self.failed: dict[str, float] = {}  # zone → when its question failed
        self.ailing = False

    def looked(self) -> dict[str, ZoneOutlook]:
        """Somebody looks. A picture whose hour is over is none."""
        self.looked_at = monotonic()
        now = self.keeper.now()
        return {zone: found for zone, found in self.pictures.items() if found.until > now}

    # ---- when to ask

    async def run(self) -> None:
        """Ask what is to be asked, one question after the other."""
        while True:
            zone = None if self.keeper.stale_since is not None else self.wanted()
            if zone is None:
                await asyncio.sleep(LOOK_S)
                continue
            try:
                await self.ask(zone)
            except Exception:  # a fault of ours stops no picture of another zone
                self.failed[zone] = monotonic()
                log.exception("hall %s: look-ahead for %s failed", self.keeper.id, zone)

    def wanted(self) -> str | None:
        """The zone to ask about now."""
        state, now, clock = self.keeper.committed.state, self.keeper.now(), monotonic()
        ready = [watch for watch in state.watches.values() if clock - self.failed.get(watch.zone, -AGAIN_S) >= AGAIN_S]
        for watch in ready:
            if watch.tide.advice is not None and watch.tide.advice.prospect is None:
                return watch.zone
        for watch in ready:
            if watch.forecast and state.in_session and self.rounds.get(watch.zone) != round_of(watch, now):
                return watch.zone
        if clock - self.looked_at > LOOKED_S or clock < self.rested_at or not (state.in_session or state.issuing):
            return None
        oldest = min(ready, key=self.seen, default=None)
        return oldest.zone if oldest is not None and now - self.seen(oldest) >= RENEW else None

    def seen(self, watch: Watch) -> int:
        """When the zone's picture is from, µs; 0 without one."""
        found = self.pictures.get(watch.zone)
        return found.at if found is not None else 0

    # ---- asking

    async def ask(self, zone: str) -> None:
        """One question about a zone, and everything that its answer is good for."""
        try:
            async with asyncio.timeout(START_S):
                await self.ahead.start()
        except (AheadFailed, TimeoutError, ImportError) as error:
            self.ails(zone, error)
            return
        state, now, begun = self.keeper.committed.state, self.keeper.now(), monotonic()
        watch = state.watches.get(zone)
        if watch is None:  # another plan rules meanwhile
            return
        may = moves(state, watch, now)
        advice = watch.tide.advice
        if advice is not None:
            may = Moves(advice.window, may.close) if advice.action == "open" else Moves(may.open, advice.window)
        basis: Basis = self.known.basis if self.known is not None else "recent"
        rates = recent_rates(state, now) if self.known is None else None
        question = foresee(zone, now, may, runs=RUNS, seed=f"{self.keeper.id}/{zone}/{now}", later=True)
        try:
            snapshot = cut(self.keeper.committed, zone, rule=False).snapshot()
            answer = await self.ahead.ask(snapshot, question, rates=rates, within_s=WITHIN_S)
        except QuestionRefused as no:
            self.refused(zone, no)
            return
        except (AheadFailed, TimeoutError, Refusal) as error:
            self.ails(zone, error)
            return
        self.ailing = False
        self.failed.pop(zone, None)
        self.rounds[zone] = round_of(watch, now)
        action: Action | None = advice.action if advice is not None else "open" if may.open else None
        if action is None and may.close:
            action = "close"
        self.pictures[zone] = picture(state, answer, basis, action, may)
        self.rested_at = monotonic() + (monotonic() - begun) * (1 - SHARE) / SHARE
        await self.tell(zone, answer, may, basis)
        left = self.keeper.committed.state.watches.get(zone)
        if advice is not None and left is not None and left.tide.advice == advice and advice.prospect is None:
            self.failed[zone] = monotonic()  # the figures were not taken: not asked again at once

    def refused(self, zone: str, no: QuestionRefused) -> None:
        """A scenario that does not fit the hall (a line that it does not know) is put aside."""
        if self.known is None:
            self.ails(zone, no)
            return
        log.warning(
            "hall %s: its scenario cannot be used (%s); the last half hour's people will do", self.keeper.id, no
        )
        self.known = None

    def ails(self, zone: str, error: Exception) -> None:
        """No answer: said once, tried again later."""
        self.failed[zone] = monotonic()
        if not self.ailing:
            self.ailing = True
            log.warning("hall %s: look-ahead does not answer (%r); advice comes without figures", self.keeper.id, error)

    # ---- what the hall is told

    async def tell(self, zone: str, answer: Answer, may: Moves, basis: Basis) -> None:
        """Figures for the advice that stands; under the forecast policy, what should move."""
        watch = self.keeper.committed.state.watches.get(zone)
        if watch is None:
            return
        advice = watch.tide.advice
        command: c.Command | None = None
        if watch.forecast:
            wanted = wish(answer, may, basis)
            key = f"tide-{zone}-{round_of(watch, answer.now)}"
            if wanted is not None:
                command = c.AdviseTide(zone, wanted.window, wanted.action, wanted.prospect)
            elif advice is not None:
                command = c.WithdrawAdvice(zone)
        elif advice is not None and advice.prospect is None and advice.window == getattr(may, advice.action):
            key = f"tide-{zone}-{advice.at}"
            command = c.AdviseTide(zone, advice.window, advice.action, prospect(answer, advice.action, basis))
        if command is None:
            return
        try:
            await self.keeper.submit(Ask(command, "system", key, b"", lambda hall, events: (200, b"{}")))
        except Refusal:  # settling, or the hall has moved on since: the next round will see
            return
        except LiveError as error:
            log.warning("hall %s: advice for %s could not be written: %r", self.keeper.id, zone, error)


def round_of(watch: Watch, now: int) -> int:
    """The forecast policy's round, the same on every server."""
    every = watch.rule.forecast_every_s if watch.rule is not None else 600.0
    return now // round(every * SECOND)


# ---- pictures


def picture(state: HallState, answer: Answer, basis: Basis, action: Action | None, may: Moves) -> ZoneOutlook:
    """What an answer shows of a zone; `action`: of the choices that are told."""
    first = answer.outcomes[0]
    points = tuple([
        OutlookPoint(p.at, p.wait_p10_s, p.wait_p50_s, p.wait_p90_s, p.waiting, p.waiting_p10, p.waiting_p90)
        for p in first.curve
    ])  # fmt: skip
    half = min(points, key=lambda point: abs(point.at - answer.now - IN_S * SECOND))
    tidal = None
    window = state.windows.get(getattr(may, action) or "") if action is not None else None
    if action is not None and window is not None:
        choices = (
            chosen(answer, "not", "not"), chosen(answer, action, "now"), chosen(answer, f"{action}_later", "later"),
        )  # fmt: skip
        tidal = TidalOutlook(window.id, window.label, action, choices)
    return ZoneOutlook(
        answer.zone, answer.now, answer.until, basis, answer.runs, answer.limit_s, points, half.wait_p90_s,
        half.waiting, tidal,
    )  # fmt: skip


def chosen(answer: Answer, name: str, choice: Literal["not", "now", "later"]) -> ChoiceOutlook:
    """One of the three choices, asked as `name`."""
    outcome = next(outcome for outcome in answer.outcomes if outcome.choice == name)
    said, gain = answer.sentence(name, IN_S), outcome.against.get("within", Difference(None, None, None))
    return ChoiceOutlook(
        choice, said.in_s, said.p90_s, outcome.within, outcome.at_end, gain.mean, gain.low, gain.high
    )  # fmt: skip
