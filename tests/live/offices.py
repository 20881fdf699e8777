"""A small hall with offices behind its door, on a clock that stands until a test moves it, and its ways of working."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher

from tests.live.door import ADMIN, Stage, name
from tidehall.display.door import Door
from tidehall.display.messages import Gateway
from tidehall.hall.plan import Plan, parse_plan
from tidehall.live import HallKeeper, House
from tidehall.store.bus import LocalBus
from tidehall.store.clock import HallClock
from tidehall.store.memory import MemoryJournal
from tidehall.store.passwords import Passwords
from tidehall.store.persons import Persons

__all__ = [
    "AGENT", "LI", "MISSING", "MORNING", "NOTE", "OPINION", "QUESTION", "REASON", "REPLY", "RESULT", "SECRETS",
    "SIGNATURE", "STREET", "Offices", "in_order", "kinds", "offices", "papers", "plan",
]  # fmt: skip

SECOND = 1_000_000
#: Monday 23 November 2026, 09:00 in Yangxin, µs.
MORNING = 1_795_395_600 * SECOND
LI = {"name": "李测试四", "id_number": "110101199003077475", "phone": "13900001111"}
AGENT = {"name": "慕容代办", "id_number": "420222197212124414", "phone": "13907231104"}
OPINION, SIGNATURE, REASON = "现场看过，灶台合格", "李测试四亲笔", "第二页没有盖章"
REPLY = "凭居住证即可，\n不要户口本"
QUESTION, RESULT, NOTE = "外省户口怎么办", "已上门道歉并补办", "窗口态度让我很难过"
STREET, MISSING = "兴国大道一百二十号", "房东的身份证明"
SECRETS = [
    *LI.values(),
    *AGENT.values(),
    OPINION,
    SIGNATURE,
    REASON,
    QUESTION,
    RESULT,
    NOTE,
    STREET,
    MISSING,
    "凭居住证即可",
]


def item(code: str, kind: str, department: str = "hrss", **more: Any) -> dict[str, Any]:
    material = {"code": "form", "name": name("申请表")}
    return {"code": code, "name": name(f"事项{code}"), "department": department, "line": "A", "kind": kind,
            "promised_days": 0 if kind == "immediate" else 5, "materials": [material]} | more  # fmt: skip


def plan() -> Plan:
    """One zone with a runner and a supervisor, an item of each kind, a department that does not sit in the hall."""
    return parse_plan(
        {
            "hall": {"id": "t", "name": name("阳新"), "hours": [["00:00", "24:00"]],
                     "open_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
            "zones": [{"id": "g", "name": name("综合"), "posts": {"runner": 1, "supervisor": 1}},
                      {"id": "p", "name": name("专业")}],
            "lines": [{"id": "A", "letter": "A", "zone": "g", "name": name("综合")}],
            "windows": [{"id": "w1", "label": "1", "zone": "g", "lines": ["A"]},
                        {"id": "w2", "label": "2", "zone": "g", "lines": ["A"]},
                        {"id": "p1", "label": "9", "zone": "p"}],
            "departments": [{"id": "hrss", "name": name("人社")}, {"id": "amr", "name": name("市监")},
                            {"id": "fire", "name": name("消防"), "resident": False}],
            "items": [
                item("IMM", "immediate"),
                item("URG", "promised", urgent_allowed=True),
                item("FEE", "promised", "amr", fee=1500),
                item("REP", "reported"),
                item("JOI", "joint", "amr", parts=[{"department": "amr", "promised_days": 3},
                                                   {"department": "hrss", "promised_days": 7}]),
                item("FAR", "promised", "fire"),
            ],
            "bundles": [{"id": "shop", "name": name("开饭店"), "items": ["FEE", "JOI"]}],
            "boards": [{"id": "main", "zones": ["g"]}],
        }
    )  # fmt: skip


class Offices(Stage):
    """A hall with its own clock, which stands still until a test moves it."""

    clock: HallClock
    time: list[int]

    async def later(self, seconds: float) -> None:
        """Let time pass."""
        self.time[0] += round(seconds * SECOND)
        await self.clock.measure(self.journal)

    async def ok(self, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
        """A command that must succeed."""
        answer = await self.post(path, body, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def see(self, path: str, **more: Any) -> Any:
        """Something that must be readable."""
        answer = await self.get(path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def intake(self, code: str, **more: Any) -> Any:
        """Serve a new citizen at window 1 and take papers in; the visit goes on."""
        window = await self.see("windows/w1")
        if window["ticket"] is None:
            self.ticket = await self.serve()
        return await self.ok("windows/w1/cases", papers(code, ticket=self.ticket["id"], **more), 201)

    async def finish(self) -> None:
        """The visit is done."""
        await self.ok("windows/w1/finish")

    async def carry(self, hand_off: Any) -> Any:
        """Pick up, arrive and check one hand-off."""
        path = f"hand-offs/{hand_off['id']}"
        await self.ok(f"{path}/pick-up", {"runner": "r1"})
        await self.ok(f"{path}/arrive")
        return await self.ok(f"{path}/verify", {"papers": hand_off["papers"], "staff": "checker"})

    async def to_review(self, code: str, **more: Any) -> str:
        """A case with an officer; its id."""
        taken = await self.intake(code, **more)
        await self.finish()
        await self.carry(taken["hand_off"])
        case = taken["case"]["id"]
        await self.ok(f"cases/{case}/claim", {"staff": "officer-1"})
        return str(case)

    async def hand_out(self, case: str, method: str = "window") -> Any:
        """From the decision to the archive."""
        await self.ok(f"cases/{case}/make", {"staff": "maker-1"})
        await self.ok(f"cases/{case}/ready")
        await self.ok(f"cases/{case}/deliver", {"method": method, "signature": SIGNATURE})
        return await self.ok(f"cases/{case}/archive")


def papers(code: str, *, ticket: str | None, **more: Any) -> dict[str, Any]:
    """An intake's body with everything that the item asks for."""
    return {"ticket": ticket, "item": code, "applicant": LI, "materials": [{"code": "form", "present": True}],
            "delivery": {"method": "window"}} | more  # fmt: skip


@asynccontextmanager
async def offices(
    folder: Path, *, gateway: Gateway | None = None, journal: MemoryJournal | None = None, hall: Plan | None = None
) -> AsyncIterator[Offices]:
    """A hall behind its door; `journal`: one that has been there before; `hall`: another plan."""
    time = [MORNING]
    journal = journal or MemoryJournal(lambda: time[0])
    bus, clock = LocalBus(), HallClock(monotonic=lambda: time[0])
    await clock.measure(journal)
    house = House({}, journal, Persons.load(folder / "persons.key"), bus, clock)
    keeper = HallKeeper("t", journal=journal, bus=bus, clock=clock)
    await keeper.start(hall or plan())
    house.halls["t"] = keeper
    door = Door(house, data=folder, base_url="http://hall.test", admin_token=ADMIN, gateway=gateway)
    door.sessions.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    if gateway is not None:
        await door.begin()
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door.app), base_url="http://hall.test") as client:
            found = Offices(door, keeper, journal, client)
            found.clock, found.time = clock, time
            yield found
    finally:
        await door.end()
        await keeper.stop()


def kinds(trace: Any) -> list[str]:
    return [step["kind"] for step in trace["steps"]]


def in_order(wanted: Iterable[str], found: Iterable[str]) -> bool:
    """Whether `wanted` stand in `found` in this order, with others between."""
    rest = iter(found)
    return all(kind in rest for kind in wanted)
