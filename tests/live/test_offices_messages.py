"""Short messages to citizens: once across restarts, tried again, an alert when nobody takes them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.responses import Response as Answer
from starlette.routing import Route

from tests.live.clients import until
from tests.live.offices import LI, MORNING, REASON, offices
from tidehall.display.messages import FileGateway, HttpGateway, Messenger
from tidehall.store.errors import StoreUnavailable
from tidehall.store.memory import MemoryJournal
from tidehall.store.rows import Row


async def test_a_message_is_sent_once_across_restarts(tmp_path: Path) -> None:
    """What was asked for while no messenger ran is sent at the next start; what was sent is never sent again."""
    file = tmp_path / "messages.jsonl"
    time = [MORNING]
    journal = MemoryJournal(lambda: time[0])

    def sent() -> list[Any]:
        return [json.loads(line)["name"] for line in file.read_text().splitlines()] if file.exists() else []

    async with offices(tmp_path, gateway=FileGateway(file), journal=journal) as s:
        case = await s.to_review("FEE")
        await s.ok(f"cases/{case}/request-fee", {"amount": 100, "reason": REASON})
        await until(sent, "the first message")
    async with offices(tmp_path, journal=journal) as s:
        await s.ok(f"cases/{case}/paid", {"reference": "p"})
        second = (await s.ok(f"cases/{case}/request-fee", {"amount": 250, "reason": REASON}))["seq"]
    for _ in range(2):
        async with offices(tmp_path, gateway=FileGateway(file), journal=journal) as s:
            await until(lambda: len(sent()) >= 2, "the message that was missed")
            other = await s.to_review("FEE", applicant={"name": "无电话"})
            await s.ok(f"cases/{other}/request-fee", {"amount": 1, "reason": REASON})
            await gone_by(journal, s.seq)
    assert len(sent()) == len(set(sent())) == 2
    assert sent()[1] == f"t-{second}"
    assert file.stat().st_mode & 0o077 == 0


async def gone_by(journal: MemoryJournal, seq: int) -> None:
    """Wait until the messenger has gone by this position."""

    async def gone() -> bool:
        return (await journal.told("t", "fees") or 0) >= seq

    await until(gone, "the messenger")


async def test_the_gateway_is_tried_again_and_then_an_alert_is_raised(tmp_path: Path) -> None:
    """A busy gateway gets the same message again under the same key; one that never takes it is an alert."""
    heard: list[tuple[str, Any]] = []
    answers = [503, 200, 500, 500, 500, 500]

    async def take(request: Request) -> Answer:
        heard.append((request.headers["idempotency-key"], await request.json()))
        return PlainTextResponse("", answers[len(heard) - 1])

    app = Starlette(routes=[Route("/sms", take, methods=["POST"])])
    async with listening(app) as base:
        gateway = HttpGateway(f"{base}/sms", longest_pause_s=0.0)
        async with offices(tmp_path, gateway=gateway) as s:
            case = await s.to_review("FEE")
            await s.ok(f"cases/{case}/request-fee", {"amount": 100, "reason": REASON})
            await until(lambda: len(heard) == 2, "the second try")
            assert heard[0] == heard[1]
            assert heard[0][1]["phone"] == LI["phone"]
            await s.ok(f"cases/{case}/paid", {"reference": "p"})
            await s.ok(f"cases/{case}/request-fee", {"amount": 100, "reason": REASON})
            await until(lambda: f"message_failed:{case}" in s.keeper.committed.state.alerts, "the alert")
            assert len(heard) == 6


class Stumbling:
    """A gateway with a mistake in it: the first message breaks it."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    async def send(self, phone: str, text: str, name: str) -> None:
        self.tried.append(name)
        if len(self.tried) == 1:
            raise ValueError(f"{phone} {text}")

    async def close(self) -> None:
        pass


async def test_a_mistake_costs_one_message(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What nobody foresaw is logged, without telephone or text, and the next message goes out."""
    gateway = Stumbling()
    async with offices(tmp_path, gateway=gateway) as s:
        case = await s.to_review("FEE")
        for n in (1, 2):
            await s.ok(f"cases/{case}/request-fee", {"amount": 100, "reason": REASON})
            await until(lambda n=n: len(gateway.tried) == n, f"message {n}")  # type: ignore[misc] # bound now
            await s.ok(f"cases/{case}/paid", {"reference": "p"})
    assert "nobody was told of event" in caplog.text
    assert LI["phone"] not in caplog.text


async def test_missed_messages_wait_for_the_database(tmp_path: Path) -> None:
    """A database that is away when the messenger starts, or when it notes what it is going to send, costs no message:
    it goes on when the database is back."""
    file = tmp_path / "messages.jsonl"
    async with offices(tmp_path, journal=(journal := Away(lambda: MORNING))) as s:
        await journal.note_told("t", "fees", 0)
        case = await s.to_review("FEE")
        await s.ok(f"cases/{case}/request-fee", {"amount": 100, "reason": REASON})
        messenger = Messenger(s.keeper, FileGateway(file), s.door.house.persons)
        journal.away = journal.dumb = 1
        s.door.spawn(messenger.run())
        await until(file.exists, "the message")
        assert not journal.away
        assert not journal.dumb


class Away(MemoryJournal):
    """A journal in memory that does not answer the next `away` readings and the next `dumb` notes."""

    away = dumb = 0

    async def read(self, hall: str, after: int, limit: int = 1000, upto: int | None = None) -> list[Row]:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        return await super().read(hall, after, limit, upto)

    async def note_told(self, hall: str, what: str, seq: int) -> bool:
        if self.dumb:
            self.dumb -= 1
            raise StoreUnavailable("away")
        return await super().note_told(hall, what, seq)


@asynccontextmanager
async def listening(app: Starlette) -> AsyncIterator[str]:
    """An application on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started, "the gateway")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
