"""The case register: what has left the hall is found; whatever befalls followers, they leave what a rebuild gives."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from benchmarks.day import Day
from tests.live.clients import NO_TLS, until
from tests.live.door import problem
from tests.live.leaks import betrayed
from tests.live.offices import AGENT, LI, SECRETS, Offices, offices
from tests.live.servers import Server, tidehall
from tidehall.audit import case_trace
from tidehall.hall.engine import Hall
from tidehall.hall.events import VERSION, Event
from tidehall.hall.papers.objects import Case
from tidehall.hall.state import HallState
from tidehall.live import encode
from tidehall.records import CaseRegister, Follower, case_recorded
from tidehall.store.bus import LocalBus
from tidehall.store.embedded import EmbeddedPostgres
from tidehall.store.journal import Journal, connect
from tidehall.store.memory import MemoryJournal
from tidehall.store.memory_projections import MemoryProjections
from tidehall.store.projections import CASES, Table
from tidehall.store.rows import Batch, Fact

HALL = "yangxin"


async def write(journal: Journal, events: list[Event]) -> None:
    """Put events behind the journal's head, as a keeper that had decided them would."""
    head = await journal.create(HALL)
    for first in range(0, len(events), 2_000):
        facts = [
            Fact(
                event.at,
                getattr(event, "due", None),
                str(event.__struct_config__.tag),
                VERSION,
                encode(event),
                "-",
                "-",
            )
            for event in events[first : first + 2_000]
        ]
        appended = await journal.append(Batch(HALL, head.seq, head.digest, facts))
        assert appended.outcome == "committed"
        head = appended.head


def last_seen(events: list[Event]) -> dict[str, Case]:
    """Every case as the engine had it last: looked for in the whole state after each event."""
    engine = Hall(HALL)
    found: dict[str, Case] = {}
    for event in events:
        engine.apply(event)
        found |= engine.state.offices.cases
    return found


@asynccontextmanager
async def followed(s: Offices, projection: CaseRegister | None = None) -> AsyncIterator[Follower]:
    """The stage with a register behind it, as the composition root gives it one."""
    house = s.door.house
    follower = Follower("t", projection or CaseRegister(), journal=s.journal, store=house.projections)
    house.records["t"] = follower
    following = asyncio.create_task(follower.run(house.bus, s.keeper.epoch))
    try:
        yield follower
    finally:
        following.cancel()
        await asyncio.wait([following])


async def next_day(s: Offices) -> int:
    """The day turns; the position at which a command of the new day stands."""
    before = s.keeper.committed.state.day
    await s.later(86_400)
    seq = (await s.ok("support", {"window": "w1"}, 201))["seq"]
    assert s.keeper.committed.state.day > before
    return int(seq)


# ---- what has left the hall


async def test_an_archived_case_is_found_on_the_next_day(tmp_path: Path) -> None:
    """Archived and gone from the state: case, receipt, progress and trace say what they said, by either name."""
    async with offices(tmp_path) as s, followed(s):
        taken = await s.intake("IMM", agent=AGENT)
        id, number = taken["case"]["id"], taken["receipt"]["number"]
        await s.finish()
        await s.ok(f"cases/{id}/archive")
        case, receipt, trace = [await s.see(f"cases/{id}{part}") for part in ("", "/receipt", "/trace")]
        progress = await s.see(f"progress?receipt={number}&last4=7475", token=None)
        assert (case["stage"], receipt["ticket_number"]) == ("closed", "A001")

        seq = await next_day(s)
        assert id not in s.keeper.committed.state.offices.cases
        for name in (id, number):
            assert await s.see(f"cases/{name}?after={seq}") == case
            assert await s.see(f"cases/{name}/receipt?after={seq}") == receipt
            assert await s.see(f"cases/{name}/trace?after={seq}") == trace
        assert await s.see(f"progress?receipt={number}&last4=7475", token=None) == progress
        assert (case["applicant"]["name"], progress["applicant"]) == (LI["name"], "李***")

        problem(await s.get(f"progress?receipt={number}&last4=0000", token=None), 404, "unknown_receipt")
        problem(await s.get(f"progress?receipt={id}&last4=7475", token=None), 404, "unknown_receipt")
        for path in ("cases/nobody", "cases/nobody/receipt", "cases/nobody/trace", "cases/a%00b"):
            problem(await s.get(path), 404, "unknown_case")
        problem(await s.post(f"cases/{id}/archive"), 404, "unknown_case")


async def test_its_pages_open_on_the_next_day(tmp_path: Path) -> None:
    """The citizen's progress page, the case's page and the receipt show an archived case."""
    async with offices(tmp_path) as s, followed(s):
        case = await s.to_review("FEE")
        await s.ok(f"cases/{case}/decide", {"outcome": "approve", "opinion": "x"})
        number = (await s.hand_out(case))["receipt"]
        await next_day(s)
        assert case not in s.keeper.committed.state.offices.cases
        for path in (f"/progress/t?receipt={number}&last4=1111", f"/case/t/{case}", f"/receipt/t/{number}"):
            page = await s.get(path)
            assert page.status_code == 200, path
            assert number in page.text, path


async def test_whoever_has_written_finds_it_or_is_told_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case that just left the state is found as it was last, or it is 503 while the register is not there yet."""
    monkeypatch.setattr("tidehall.display.http.receipts.WAIT_S", 0.2)
    async with offices(tmp_path) as s:
        house = s.door.house
        house.records["t"] = Follower("t", CaseRegister(), journal=s.journal, store=house.projections)
        taken = await s.intake("IMM")
        await s.finish()
        await s.ok(f"cases/{taken['case']['id']}/archive")
        seq = await next_day(s)
        for path in (f"cases/{taken['case']['id']}", f"progress?receipt={taken['receipt']['number']}&last4=7475"):
            for after in ("", f"after={seq}"):
                waiting = await s.get(f"{path}{'&' if '?' in path else '?'}{after}")
                problem(waiting, 503, "behind")
                assert waiting.headers["retry-after"] == "1"
        monkeypatch.undo()
        async with followed(s) as follower:
            assert (await s.see(f"cases/{taken['case']['id']}?after={seq}"))["stage"] == "closed"
            assert follower.at.seq >= seq


async def test_no_person_stands_in_the_register(tmp_path: Path) -> None:
    """Bodies hold ids: who was erased is gone from an archived case too, and nothing else was touched (law 11)."""
    async with offices(tmp_path) as s, followed(s) as follower:
        taken = await s.intake("URG", agent=AGENT, delivery={"method": "courier", "address": "兴国大道一百二十号"})
        await s.ok(f"cases/{taken['case']['id']}/withdraw", {"reason": "现场看过，灶台合格"})
        await s.finish()
        await next_day(s)
        assert await follower.reached(s.seq)
        store = s.door.house.projections
        assert isinstance(store, MemoryProjections)
        assert not betrayed("the register", repr(store._rows).encode(), SECRETS)
        _, case = await case_recorded(store, "t", taken["case"]["id"])
        assert case is not None
        assert case.applicant is not None
        assert (await s.see(f"cases/{case.id}"))["applicant"]["name"] == LI["name"]
        assert await s.journal.erase("t", case.applicant)
        assert (await s.see(f"cases/{case.id}"))["applicant"] is None


# ---- what a follower writes


async def test_the_register_has_every_case_as_the_engine_had_it_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two days, written and followed in pieces: every case that ever was, in its last form, and its whole trace."""
    monkeypatch.setattr("tidehall.records.follower.CHUNK", 97)
    events = Day(tickets=90, cases=60, seed=3, until=6_000).events
    journal, store, chance = MemoryJournal(), MemoryProjections(), random.Random(5)
    follower = Follower(HALL, CaseRegister(), journal=journal, store=store)
    done = 0
    while done < len(events):
        piece = chance.randrange(1, 700)
        await write(journal, events[done : done + piece])
        done += piece
        if chance.random() < 0.3:  # another process goes on from the checkpoint
            follower = Follower(HALL, CaseRegister(), journal=journal, store=store)
        await follower.catch_up()
    seen = last_seen(events)
    assert len(seen) > 60
    assert any(case.id not in (follower.engine or Hall(HALL)).state.offices.cases for case in seen.values())
    nothing = MemoryProjections()
    for case in seen.values():
        assert await case_recorded(store, HALL, case.receipt) == (len(events), case)
    for case in chance.sample(list(seen.values()), 12):
        known = await case_trace(journal, store, HALL, case.receipt)
        assert known is not None
        assert known == await case_trace(journal, nothing, HALL, case.id), "the journal alone says the same"


class Later(CaseRegister):
    """The next release's register: other rows."""

    version = 2

    def feed(self, state: HallState, event: Event) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        for table, row in super().feed(state, event):
            if table is CASES:
                yield table, (row[0], f"new-{row[1]}", *row[2:])


async def test_a_new_version_makes_the_register_anew_and_an_old_one_leaves_it_alone() -> None:
    """Rows of the old form are dropped, the new ones come; a server of the last release only looks on."""
    events = Day(tickets=20, cases=15).events
    journal, store = MemoryJournal(), MemoryProjections()
    await write(journal, events[:-10])
    old = Follower(HALL, CaseRegister(), journal=journal, store=store)
    await old.catch_up()
    case = next(iter(last_seen(events).values()))
    assert (await case_recorded(store, HALL, case.receipt))[1] is not None
    await Follower(HALL, Later(), journal=journal, store=store).catch_up()
    assert (await case_recorded(store, HALL, case.receipt))[1] is None
    assert (await case_recorded(store, HALL, f"new-{case.receipt}"))[1] is not None
    await write(journal, events[-10:])
    await old.catch_up()
    assert (old.at.version, old.at.seq, old.lag) == (2, len(events) - 10, 10)
    await Follower(HALL, Later(), journal=journal, store=store).catch_up()
    await old.catch_up()
    assert (old.at.seq, old.lag) == (len(events), 0)


class Stumbling(CaseRegister):
    """Fails at the first cases that it is given."""

    def __init__(self, times: int) -> None:
        self.times = times

    def feed(self, state: HallState, event: Event) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        if self.times and state.offices.cases:
            self.times -= 1
            raise RuntimeError("a mistake in the projection")
        return super().feed(state, event)


async def test_a_follower_that_fails_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The hall goes on, the mistake is logged, the lag is shown, and the follower tries again until it works."""
    with caplog.at_level(logging.ERROR, logger="tidehall.records"):
        async with offices(tmp_path) as s, followed(s, Stumbling(3)) as follower:
            taken = await s.intake("IMM")
            await s.finish()
            assert await follower.reached(s.seq)
            assert (await case_recorded(s.door.house.projections, "t", taken["case"]["id"]))[1] is not None
    said = [record for record in caplog.records if "projection cases" in record.message]
    assert len(said) == 3
    assert all(record.exc_info for record in said)


async def test_the_lag_is_shown(tmp_path: Path) -> None:
    """/metrics tells for each hall how many events its register has not read."""
    async with offices(tmp_path) as s:
        door = s.door
        follower = Follower("t", CaseRegister(), journal=s.journal, store=door.house.projections)
        door.house.records["t"] = follower
        again = type(door)(door.house, data=tmp_path, base_url="http://hall.test")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(again.app), base_url="http://hall.test") as client:
            assert not await follower.reached(s.seq, 0)
            row = f'tidehall_projection_lag{{hall="t",projection="cases"}} {float(s.seq)}'
            assert row in (await client.get("/metrics")).text
            await follower.catch_up()
            assert row.rsplit(" ", 1)[0] + " 0.0" in (await client.get("/metrics")).text


async def test_two_followers_do_no_harm() -> None:
    """Two that follow the same projection at once leave what one leaves, while the hall goes on."""
    events = Day(tickets=60, cases=40).events
    journal, both, alone = MemoryJournal(), MemoryProjections(), MemoryProjections()
    head = await journal.create(HALL)
    bus = LocalBus()
    followers = [Follower(HALL, CaseRegister(), journal=journal, store=both) for _ in range(2)]
    running = [asyncio.create_task(follower.run(bus, head.epoch)) for follower in followers]
    for first in range(0, len(events), 40):
        await write(journal, events[first : first + 40])
        await bus.publish(HALL, head.epoch, min(first + 40, len(events)))
        followers[first % 3 // 2].hurry.set()
        await asyncio.sleep(0)
    for follower in followers:
        assert await follower.reached(len(events))
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    await Follower(HALL, CaseRegister(), journal=journal, store=alone).catch_up()
    assert both._rows == alone._rows
    assert both._checkpoints == alone._checkpoints


# ---- real servers


async def kept(url: str) -> list[list[tuple[Any, ...]]]:
    """Everything that the register and the days hold."""
    connection = await asyncpg.connect(url)
    try:
        cases = await connection.fetch('SELECT "case", receipt, seq, body FROM tidehall.case_register ORDER BY 1')
        names = await connection.fetch("SELECT name, seq FROM tidehall.event_name ORDER BY 1, 2")
        days = await connection.fetch("SELECT day, sort, id, going_on, body FROM tidehall.day_record ORDER BY 1, 2, 3")
        waits = await connection.fetch("SELECT * FROM tidehall.quarter_waits ORDER BY day, zone, quarter")
        return [[tuple(row) for row in rows] for rows in (cases, names, days, waits)]
    finally:
        await connection.close()


async def test_a_register_cut_off_by_kill_9_equals_a_rebuild(tmp_path: Path) -> None:
    """Two servers make the register; one is killed in the middle and comes again; a rebuild beside them is the same."""
    events = Day(until=10_000).events
    postgres = EmbeddedPostgres(tmp_path / "external")
    url = await postgres.start()
    servers = [Server(tmp_path / "data", Path("halls/yangxin.toml"), url=url) for _ in range(2)]
    journal = await connect(url)
    try:
        await write(journal, events)

        async def position() -> int:
            rows = await journal.fetch("SELECT count(*), min(seq) FROM tidehall.projection WHERE hall = $1", HALL)
            return rows[0][1] if rows[0][0] == 2 else 0

        async def caught_up() -> bool:
            head = await journal.head(HALL)
            return head is not None and head.seq >= len(events) and await position() == head.seq

        for server in servers:
            server.launch()
        await until(position, "the register is begun")
        servers[0].kill()
        cut = await position()
        assert 0 < cut < len(events), "killed in the middle"
        servers[0].launch()
        for server in servers:
            await until(server.ready, "ready")
        await until(caught_up, "the register is whole")
        before = await kept(url)
        assert {row[0]: row[3] for row in before[0]} == {id: encode(case) for id, case in last_seen(events).items()}

        async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
            for server in servers:

                async def no_lag(base: str = server.base) -> bool:
                    text = (await client.get(f"{base}/metrics")).text
                    found = re.findall(r"^tidehall_projection_lag\{.*\} (\S+)$", text, re.M)
                    return len(found) == 2 and not any(map(float, found))

                await until(no_lag, "the lag is over")

        again = await asyncio.to_thread(tidehall, "rebuild", "--hall", HALL, data=tmp_path / "data", url=url)
        assert (again.returncode, again.stderr) == (0, ""), "no progress bar in a pipe"
        assert re.fullmatch(r"(hall yangxin: .* from \d+ events in [\d.]+ s\n){2}", again.stdout)
        await until(caught_up, "made again")
        assert await kept(url) == before

        out = tmp_path / "out"
        said = await asyncio.to_thread(
            tidehall, "report", "--hall", HALL, "--month", "2026-11", "--lang", "en", "--csv", str(out),
            "--xlsx", str(tmp_path / "book.xlsx"), "--html", str(tmp_path / "page.html"),
            data=tmp_path / "data", url=url,
        )  # fmt: skip
        assert (said.returncode, said.stderr) == (0, "")
        assert len(said.stdout.splitlines()) == len(list(out.iterdir())) + 2
        taken = sum(type(event).__name__ == "TicketTaken" for event in events)
        assert f"Numbers taken,{taken},number" in (out / "2026-11-0-Published indicators.csv").read_text("utf-8-sig")
        assert f"<td>{taken:,}</td>" in (tmp_path / "page.html").read_text("utf-8")

        receipt = before[0][0][1]
        trace = await asyncio.to_thread(
            tidehall, "trace", "--hall", HALL, "--case", receipt, data=tmp_path / "data", url=url
        )
        assert trace.stdout.startswith(f"case {before[0][0][0]}  receipt {receipt}"), trace.stderr
        for server in servers:
            assert not server.complaints()
    finally:
        await journal.close()
        for server in servers:
            server.stop()
        await postgres.stop()
