"""A hall behind its HTTP door, with a client in front and the journal in memory behind; no network in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from httpx import Response

from tidehall.display.door import Door
from tidehall.hall.plan import Plan, parse_plan
from tidehall.live import HallKeeper, House
from tidehall.server import listen
from tidehall.store.bus import LocalBus
from tidehall.store.clock import HallClock
from tidehall.store.memory import MemoryJournal
from tidehall.store.persons import Persons

__all__ = ["ADMIN", "HALL", "OLD", "WHO", "YOUNG", "Stage", "name", "problem", "served", "stage"]

ADMIN = "a-token-for-tests"
HALL = "/api/v1/halls/t"
#: Valid identity numbers (GB 11643) of nobody: born in 1949 and in 1990.
OLD, YOUNG = "110101194903077478", "110101199003077475"
WHO = {"name": "欧阳测试", "id_number": YOUNG, "phone": "13900001111"}


def name(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


def plan() -> Plan:
    """Two lines, two windows, one item, open round the clock, no waiting between calls."""
    return parse_plan(
        {
            "hall": {"id": "t", "name": name("t"), "hours": [["00:00", "24:00"]],
                     "open_days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
            "limits": {"recall_gap_s": 60, "no_show_after_s": 0, "postpone_min_s": 0},
            "priority": {"normal": 0, "booked": 30, "senior": 15},
            "zones": [{"id": "g", "name": name("g")}],
            "lines": [{"id": x, "letter": x, "zone": "g", "name": {"zh": f"{x}业务", "en": f"line {x}"}} for x in "AB"],
            "windows": [{"id": f"w{n}", "label": str(n), "zone": "g", "lines": ["A", "B"]} for n in (1, 2)],
            "departments": [{"id": "d", "name": name("d")}],
            "items": [{"code": "I-1", "name": name("i"), "department": "d", "line": "B",
                       "materials": [{"code": "id-card", "name": name("card")}]}],
            "boards": [{"id": "main", "zones": ["g"]}],
        }
    )  # fmt: skip


class Stage:
    """A door with a client in front and its journal behind."""

    def __init__(self, door: Door, keeper: HallKeeper, journal: MemoryJournal, client: httpx.AsyncClient) -> None:
        self.door = door
        self.keeper = keeper
        self.journal = journal
        self.client = client

    @property
    def seq(self) -> int:
        return self.keeper.committed.state.seq

    async def get(self, path: str, *, token: str | None = ADMIN, **headers: str) -> Response:
        return await self.send("GET", path, token=token, headers=headers)

    async def post(
        self, path: str, body: Any = None, *, token: str | None = ADMIN, raw: bytes | None = None, **headers: str
    ) -> Response:
        content = raw if raw is not None else json.dumps({} if body is None else body).encode()
        return await self.send("POST", path, token=token, content=content, headers=headers)

    async def send(
        self, method: str, path: str, *, token: str | None = ADMIN, headers: dict[str, str], **more: Any
    ) -> Response:
        given = httpx.Headers({key.replace("_", "-"): value for key, value in headers.items()}, encoding="latin-1")
        if token is not None:
            given["authorization"] = f"Bearer {token}"
        return await self.client.request(
            method, path if path.startswith("/") else f"{HALL}/{path}", headers=given, **more
        )

    async def take(self, line: str = "A", channel: str = "kiosk", **more: Any) -> Any:
        answer = await self.post("tickets", {"line": line, "channel": channel, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def serve(self, line: str = "A", **more: Any) -> Any:
        """Open window 1 and serve somebody new there."""
        await self.post("windows/w1/sign-in", {"staff": "clerk-1"})
        await self.post("windows/w1/open")
        ticket = await self.take(line, **more)
        for action in ("call", "start"):
            assert (await self.post(f"windows/w1/{action}")).status_code == 200
        return ticket

    def written(self) -> str:
        """Everything that the hall has written about itself, sealed rows apart."""
        hall = self.journal._halls["t"]
        return f"{hall.rows}{hall.commands}{self.keeper.committed.snapshot()!r}"


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """A hall behind its door, without a network in between."""
    journal, bus, clock = MemoryJournal(), LocalBus(), HallClock()
    await clock.measure(journal)
    house = House({}, journal, Persons.load(folder / "persons.key"), bus, clock)
    keeper = HallKeeper("t", journal=journal, bus=bus, clock=clock)
    await keeper.start(plan())
    house.halls["t"] = keeper
    door = Door(house, data=folder, base_url="http://hall.test", admin_token=ADMIN)
    transport = httpx.ASGITransport(door.app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://hall.test") as client:
            yield Stage(door, keeper, journal, client)
    finally:
        await door.end()
        await keeper.stop()


@asynccontextmanager
async def served(s: Stage) -> AsyncIterator[str]:
    """The stage's application behind uvicorn on a free port, its clock sampled as in a real server."""
    sampling = asyncio.create_task(s.door.house.clock.follow(s.journal))
    with listen("127.0.0.1", 0) as listening:
        config = uvicorn.Config(s.door.app, lifespan="off", log_config=None, ws="websockets-sansio")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
            sampling.cancel()


def problem(answer: Response, status: int, code: str) -> Any:
    """The problem document, which must be of this status and code and hold a title and a sentence."""
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert "{" not in document["detail"]
    return document
