"""Simulated citizens, clerks and offices for `--demo`: a process of its own that acts through the public API alone.

Law: it does nothing that a person could not do by the same API, and it leaves every window that a person takes.
Its figures are assumptions for showing, not for planning (domain.md 7); the simulator is another room.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import sys
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random_exponential

__all__ = ["SERVICE_S", "Demonstration", "main"]

log = logging.getLogger("tidehall.demonstration")

#: Mean seconds of one service, and the share of the hall's acceptance windows that demonstration clerks open.
SERVICE_S = 150.0
OPEN_SHARE = 0.55
#: Citizens come as fast as this share of the open windows can serve.
LOAD = 0.86
#: What clerks do at the end of a service, by chance.
ENDINGS = (("finish", 0.9), ("reject", 0.03), ("suspend", 0.03), ("transfer", 0.04))
NO_SHOW = 0.07
STAFF = "demo-"
#: Where tidal windows are, citizens come in waves: this share of the usual rate, for so many seconds, in turn.
WAVES = ((1.7, 1500.0), (0.4, 1500.0))
#: Seconds after which the supervisor follows advice, and until somebody of the reserve sits down.
FOLLOWS_S = (45.0, 90.0)
SITS_DOWN_S = (15.0, 45.0)
#: Visits in which papers are taken in, and citizens who come back for their result.
INTAKE = 0.2
COLLECT = 0.85
#: Mean seconds of handing results out.
ISSUE_S = 60.0
#: The last four of every demonstration applicant's telephone: who tries the kiosk may collect for him.
LAST_FOUR = "2026"


class Gone(Exception):
    """The server is not there any more."""


class Demonstration:
    """One hall's crowd. `speed` scales its clock: waits in real seconds are hall seconds ÷ speed."""

    def __init__(self, client: httpx.AsyncClient, hall: str, speed: float, chance: random.Random) -> None:
        self.client = client
        self.hall = hall
        self.speed = speed
        self.chance = chance
        self.items: dict[str, list[str]] = {}  # line → its promised items
        self.tasks: set[asyncio.Task[None]] = set()

    # ---- the API

    @retry(
        retry=retry_if_exception_type(httpx.TransportError),
        wait=wait_random_exponential(multiplier=0.2, max=3),
        stop=stop_after_delay(60),
        reraise=True,
    )
    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> dict[str, Any]:
        """One call; a lost connection is tried again under the same key. The answer with its `status`."""
        headers = {"Idempotency-Key": key} if key else {}
        answer = await self.client.request(method, f"/api/v1/halls/{self.hall}{path}", json=body, headers=headers)
        found = answer.json()
        if not isinstance(found, dict):
            found = {"items": found}
        return found | {"http": answer.status_code}

    async def do(self, window: str, action: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A window's step."""
        return await self.ask("POST", f"/windows/{window}/{action}", body or {}, key=uuid.uuid4().hex)

    async def rest(self, hall_seconds: float) -> None:
        """Let hall time pass."""
        await asyncio.sleep(hall_seconds / self.speed)

    # ---- the crowd

    async def run(self) -> None:
        """Open the windows and let citizens come until the server is gone."""
        hall = await self.ask("GET", "")
        by_zone: dict[str, list[dict[str, Any]]] = {}
        issue: dict[str, str] = {}  # the first issue window of each zone
        tides = {zone["id"]: zone for zone in (await self.ask("GET", "/tide"))["zones"] if zone["rule"]}
        for zone, found in tides.items():  # one for each tidal window
            reserve = [STAFF + window["window"] for window in found["tidal"]]
            await self.ask("POST", "/tide/reserve", {"zone": zone, "staff": reserve}, key=uuid.uuid4().hex)
        for window in hall["windows"]:
            if window["post"] == "acceptance" and window["lines"]:
                by_zone.setdefault(window["zone"], []).append(window)
            elif window["post"] == "issue" and window["lines"]:
                issue.setdefault(window["zone"], window["id"])
        for item in hall["items"]:
            if item["kind"] == "promised":
                self.items.setdefault(item["line"], []).append(item["code"])
        for case in (await self.ask("GET", "/cases"))["items"]:  # of an earlier run
            if (case["accepted_by"] or "").startswith(STAFF):
                self.later(self.accompany(case["id"]))
        async with asyncio.TaskGroup() as crowd:
            crowd.create_task(self.forever(self.supervise))
            for zone in tides.values():
                for window in zone["tidal"]:
                    crowd.create_task(self.forever(partial(self.reserve, window["window"])))
            for one in issue.values():
                crowd.create_task(self.forever(partial(self.clerk, one)))
            for zone_id, windows in by_zone.items():
                staffed = windows[: max(1, round(len(windows) * OPEN_SHARE))]
                for window in windows:  # a line that nobody serves would give numbers that nobody calls
                    if set(window["lines"]) - {line for w in staffed for line in w["lines"]}:
                        staffed.append(window)
                for window in staffed:
                    crowd.create_task(self.forever(partial(self.clerk, window["id"])))
                lines = sorted({line for window in staffed for line in window["lines"]})
                rate = LOAD * len(staffed) / SERVICE_S
                if zone_id not in tides:
                    crowd.create_task(self.forever(partial(self.arrivals, lines, rate)))
                    continue
                rule = tides[zone_id]["rule"]
                first = zone_id == next(iter(tides))  # a visitor should not have to wait for the first high tide
                many = round((rule["open_waiting_per_window"] + 1.5) * len(staffed)) if first else 0
                crowd.create_task(self.forever(partial(self.waves, lines, rate, many)))

    async def forever(self, work: Callable[[], Awaitable[None]]) -> None:
        """Go on after whatever happens to one person."""
        while True:
            try:
                await work()
            except httpx.TransportError as error:
                raise Gone(str(error)) from error
            except (KeyError, ValueError) as error:
                log.warning("an answer was not understood: %s", error)
            await self.rest(20)

    async def arrivals(self, lines: list[str], rate: float) -> None:
        """Citizens of one zone: some wait at the door already, then they come at random, `rate` a second."""
        for _ in range(round(rate * SERVICE_S * 0.8)):
            await self.citizen(self.chance.choice(lines))
        while True:
            await self.rest(self.chance.expovariate(rate))
            await self.citizen(self.chance.choice(lines))

    async def waves(self, lines: list[str], rate: float, many: int) -> None:
        """The same where the tide comes and goes; `many` at the door in the first zone, at high tide."""
        for _ in range(many or round(rate * SERVICE_S * 0.8)):
            await self.citizen(self.chance.choice(lines))
        turn = 0 if many else self.chance.randrange(len(WAVES))
        left = WAVES[turn][1] * (1.0 if many else self.chance.random())
        while True:
            pause = self.chance.expovariate(rate * WAVES[turn][0])
            await self.rest(min(pause, left))
            left -= pause
            if left > 0:
                await self.citizen(self.chance.choice(lines))
            else:
                turn = (turn + 1) % len(WAVES)
                left = WAVES[turn][1]

    # ---- the tide

    async def supervise(self) -> None:
        """The supervisor follows what has been advised for a while and still is; visitors may be quicker."""
        seen: dict[tuple[str, str, str], float] = {}
        loop = asyncio.get_running_loop()
        while True:
            standing = {}
            for advice in (await self.ask("GET", "/tide"))["advice"]:
                standing[advice["window"], advice["action"], advice["advised_at"]] = advice
            for key in standing.keys() - seen.keys():
                seen[key] = loop.time() + self.chance.uniform(*FOLLOWS_S) / self.speed
            for key in seen.keys() & standing.keys():
                if seen[key] <= loop.time():
                    window, action, _ = key
                    await self.ask("POST", f"/tide/{window}/{action}", {}, key=uuid.uuid4().hex)
            seen = {key: at for key, at in seen.items() if key in standing}
            await self.rest(5)

    async def reserve(self, window: str) -> None:
        """Somebody of the reserve comes to a tidal window that has opened, and goes when it has closed."""
        staff = STAFF + window
        now = await self.ask("GET", f"/windows/{window}")
        if now.get("staff") == staff and now["state"] == "closed":
            await self.do(window, "sign-out")
        elif now.get("staff") in (None, staff) and now["state"] != "closed":
            if now["staff"] is None:
                await self.rest(self.chance.uniform(*SITS_DOWN_S))
                await self.do(window, "sign-in", {"staff": staff})
            await self.work(window, staff, tidal=True)

    async def citizen(self, line: str) -> None:
        """Take a number; a few are elderly and are helped by the guide."""
        body: dict[str, Any] = {"line": line, "channel": "kiosk"}
        if self.chance.random() < 0.1:
            body |= {"channel": "guide", "priority": "senior"}
        got = await self.ask("POST", "/tickets", body, key=uuid.uuid4().hex)
        if got["http"] == 422 and "priority" in body:  # a plan without that class
            body.pop("priority")
            await self.ask("POST", "/tickets", body, key=uuid.uuid4().hex)

    async def clerk(self, window: str) -> None:
        """One clerk's day at one window, until a person takes it."""
        staff = STAFF + window
        seat = (await self.ask("GET", f"/windows/{window}")).get("staff")
        if seat not in (None, staff):
            return  # a person sits here; look again later
        await self.do(window, "sign-in", {"staff": staff})
        opened = await self.do(window, "open")
        if opened.get("code") == "window_paused":
            await self.do(window, "resume")
        await self.work(window, staff)

    async def work(self, window: str, staff: str, *, tidal: bool = False) -> None:
        """Call and serve until a person takes the window, or the tide closes it."""
        while True:
            now = await self.ask("GET", f"/windows/{window}")
            if now.get("staff") != staff:
                log.info("window %s is left to %s", window, now.get("staff"))
                return
            if tidal and now["state"] == "closed":
                return
            if now["state"] == "paused":
                await self.rest(self.chance.uniform(60, 180))
                await self.do(window, "resume")
                continue
            ticket = now.get("ticket")
            if ticket is None:
                if self.chance.random() < 0.01:
                    await self.do(window, "pause", {"reason": "break"})
                    continue
                called = await self.do(window, "call")
                if not called.get("ticket"):
                    await self.rest(self.chance.uniform(4, 9))
            elif ticket["state"] == "called":
                await self.meet(window)
            else:
                await self.serve(window, staff, ticket)

    async def meet(self, window: str) -> None:
        """The called citizen comes, or does not."""
        await self.rest(self.chance.uniform(5, 18))
        if self.chance.random() >= NO_SHOW:
            await self.do(window, "start")
            return
        for _ in range(2):
            await self.rest(21)
            await self.do(window, "recall")
        await self.rest(5)
        await self.do(window, "no-show")

    async def serve(self, window: str, staff: str, ticket: dict[str, Any]) -> None:
        """Serve, then end it in one of the usual ways; unless a person has sat down meanwhile."""
        mean = ISSUE_S if ticket["cases"] else SERVICE_S
        await self.rest(min(900.0, self.chance.lognormvariate(0, 0.6) * mean * 0.8))
        now = await self.ask("GET", f"/windows/{window}")
        if now.get("staff") != staff or (now.get("ticket") or {}).get("id") != ticket["id"]:
            return
        if now["post"] == "issue":
            await self.hand_out(now)
            await self.do(window, "finish")
            return
        if self.chance.random() < INTAKE:
            await self.intake(window, ticket)
        ending = self.chance.choices([e for e, _ in ENDINGS], [share for _, share in ENDINGS])[0]
        if ending == "reject":
            await self.do(window, "reject", {"missing": ["id"]})
        elif ending == "suspend":
            await self.do(window, "suspend", {"kind": "away"})
            self.later(self.come_back(ticket["id"]))
        elif ending == "transfer" and len(now["lines"]) > 1:
            other = self.chance.choice([line for line in now["lines"] if line != ticket["line"]])
            await self.do(window, "transfer", {"line": other, "place": "arrival"})
        else:
            await self.do(window, "finish")

    # ---- papers

    async def intake(self, window: str, ticket: dict[str, Any]) -> None:
        """The citizen in front hands in papers for a promised item of his line."""
        codes = self.items.get(ticket["line"])
        if not codes:
            return
        code = self.chance.choice(codes)
        materials = (await self.ask("GET", f"/items/{code}")).get("materials", ())
        body = {
            "ticket": ticket["id"],
            "item": code,
            "applicant": {"name": "演示", "phone": f"1390{self.chance.randrange(1000):03d}{LAST_FOUR}"},
            "materials": [{"code": paper["code"]} for paper in materials],
            "delivery": {"method": "window"},
        }
        taken = await self.ask("POST", f"/windows/{window}/cases", body, key=uuid.uuid4().hex)
        if taken["http"] == 201:
            self.later(self.accompany(taken["case"]["id"]))

    async def accompany(self, id: str) -> None:
        """Runner, receiver, officer, certificate room: one step after the other, then the citizen comes for it."""
        while True:
            await self.rest(self.chance.uniform(40, 240))
            found = await self.ask("GET", f"/cases/{id}")
            path, who = f"/cases/{id}", {"staff": STAFF + "officer"}
            match found.get("stage"):
                case "handed_off":
                    done = await self.carry(found["hand_off"])
                case "verified":
                    done = await self.step(f"{path}/claim", who)
                case "in_review":
                    done = await self.step(f"{path}/decide", who | {"outcome": "approve", "opinion": "材料齐全，同意"})
                case "decided":
                    done = await self.step(f"{path}/make", {"staff": STAFF + "maker"})
                case "made":
                    done = await self.step(f"{path}/ready", {})
                case "ready":
                    await self.rest(self.chance.uniform(300, 1800))
                    if self.chance.random() < COLLECT:
                        slip = {"number": found["receipt"], "last_four": LAST_FOUR}
                        await self.step("/tickets", {"channel": "kiosk", "receipt": slip})
                    return
                case _:
                    return
            if not done:  # a person has taken it in hand
                return

    async def carry(self, hand_off: str) -> bool:
        """The runner brings the papers, and the receiver checks them face to face."""
        path = f"/hand-offs/{hand_off}"
        for found in (await self.ask("GET", "/hand-offs?state=open"))["items"]:
            if found["id"] == hand_off:
                break
        else:
            return False
        if found["state"] == "waiting" and not await self.step(f"{path}/pick-up", {"runner": STAFF + "runner"}):
            return False
        await self.rest(self.chance.uniform(60, 200))
        if found["state"] != "arrived" and not await self.step(f"{path}/arrive", {}):
            return False
        return await self.step(f"{path}/verify", {"papers": found["papers"], "staff": STAFF + "receiver"})

    async def hand_out(self, window: dict[str, Any]) -> None:
        """Everything that lies ready for the citizen in front."""
        for case in window["ticket"]["cases"]:
            if case["stage"] == "ready":
                await self.step(f"/cases/{case['id']}/deliver", {"method": "window", "signature": "演示"})

    async def step(self, path: str, body: dict[str, Any]) -> bool:
        """A step of the offices; whether it was done."""
        return int((await self.ask("POST", path, body, key=uuid.uuid4().hex))["http"]) < 300

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Something a citizen does after a while."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.ended)

    def ended(self, task: asyncio.Task[None]) -> None:
        """It has been done, or not; that the server is gone is noticed by `forever`."""
        self.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, httpx.TransportError):
            log.warning("what a citizen began was not ended: %r", error)

    async def come_back(self, ticket: str) -> None:
        """Back with the papers: the guide desk makes the number callable again."""
        await self.rest(self.chance.uniform(120, 400))
        await self.ask("POST", f"/tickets/{ticket}/back", {}, key=uuid.uuid4().hex)


async def end_with(parent: int) -> None:
    """A crowd whose server was killed must not drive the next one."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nobody tells a process that its parent has died
        await asyncio.sleep(0.5)
    raise Gone("the server has ended")


async def run() -> None:
    """Find the halls and fill them."""
    url, token = os.environ["TIDEHALL_DEMO_URL"], os.environ["TIDEHALL_DEMO_TOKEN"]
    speed = float(os.environ.get("TIDEHALL_DEMO_SPEED", "1"))
    headers = {"Authorization": f"Bearer {token}"}
    limits = httpx.Limits(max_connections=16, max_keepalive_connections=16)
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=20, trust_env=False) as client:
        for _ in range(300):
            try:
                halls = (await client.get("/api/v1/halls")).json()
                break
            except httpx.TransportError:
                await asyncio.sleep(0.1)
        else:
            raise Gone(f"{url} does not answer")
        async with asyncio.TaskGroup() as group:
            group.create_task(end_with(int(os.environ["TIDEHALL_DEMO_PARENT"])))
            for hall in halls:
                group.create_task(Demonstration(client, hall["id"], speed, random.Random()).run())


def main() -> int:
    """The process that `serve --demo` starts; it ends when the server is gone."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(run())
        except* Gone:
            log.warning("the server is gone; the demonstration ends")
    return 0


if __name__ == "__main__":
    sys.exit(main())
