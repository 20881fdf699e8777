"""Law 11: no person and no free text in the journal, nor anywhere else where it could be read or kept unsealed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg

from tests.live.clients import HALL, Board, Client, until
from tests.live.leaks import as_bytes, betrayed, forms, on_disk
from tests.live.servers import houses, tidehall
from tidehall.live import HallKeeper
from tidehall.store.bus import LocalBus
from tidehall.store.clock import HallClock
from tidehall.store.journal import connect
from tidehall.store.persons import Person, Persons

PEOPLE: list[Person] = [
    {"name": "欧阳长风", "id_number": "420222195001011239", "phone": "13907231101"},
    {"name": "司徒静好", "id_number": "420222198803042221", "phone": "13907231102"},
    {"name": "Zebulon Quackenbush", "id_number": "P77410853K", "phone": "+44 20 7946 0953"},
    {"name": "令狐青山", "id_number": "420222197212124414", "phone": "13907231104"},
]
#: What people wrote, each at another place.
NOTE = "缺户口本原件，女儿下午送来"
REASON = "怀孕八个月，请先办"
TRANSFER = "听力不好，请大声说"
MISSING = ["前夫的离婚协议书", "copy of the tenancy in Elm Grove"]
PAUSE = "张科长找我谈话"
RESTORE = "老人去看了急诊才回来"
TEXTS = [NOTE, REASON, TRANSFER, *MISSING, PAUSE, RESTORE]
SECRETS = [str(value) for person in PEOPLE for value in person.values()] + TEXTS


async def a_day(client: Client) -> tuple[dict[str | None, Any], list[str]]:
    """People are served in every way that leaves a text; the tickets by name, and everything that was answered."""
    said: list[str] = []
    tickets: dict[str | None, Any] = {}

    async def do(window: str, action: str, **body: Any) -> Any:
        answer = await client.do(window, action, **body)
        assert answer.status == 200, answer
        said.append(json.dumps(answer.body, ensure_ascii=False))
        return answer.body

    await client.open(["w01", "w02"])
    for number, person in enumerate(PEOPLE):
        channel = "phone" if number == 1 else "kiosk"
        answer = await client.take("A", holder=person, channel=channel, priority="senior" if number == 0 else "normal")
        assert answer.status == 201, answer
        said.append(json.dumps(answer.body, ensure_ascii=False))
        tickets[person["name"]] = answer.body
    ids = [ticket["id"] for ticket in tickets.values()]
    refused = [
        await client.take("A", holder=PEOPLE[0]),  # a second number for the same line
        await client.take("A", holder={**PEOPLE[3], "nickname": NOTE}),
        await client.take("A", holder={"name": PEOPLE[2]["name"], "phone": PEOPLE[1]["name"]}),
        await client.do("w01", "transfer", line="Z", note=NOTE, reason=REASON),
        await client.request("POST", f"halls/{HALL}/tickets/{ids[0]}/restore", {"reason": RESTORE}),
    ]
    assert [answer.status for answer in refused] == [409, 422, 422, 409, 409]
    assert refused[0].code == "already_queueing"
    said += [json.dumps(answer.body, ensure_ascii=False) for answer in refused]

    await do("w01", "call", ticket=ids[1], reason=REASON)
    await do("w01", "start")
    await do("w01", "transfer", line="B", place="front", reason=TRANSFER, note=NOTE)
    await do("w02", "pause", reason=PAUSE)
    await do("w02", "resume")
    await do("w02", "call", ticket=ids[2], reason="courtesy")
    await do("w02", "start")
    await do("w02", "suspend", kind="away")
    await do("w02", "unsuspend", ticket=ids[2])
    await do("w02", "reject", missing=MISSING)
    for _ in range(3):
        await do("w01", "call", ticket=ids[3], reason="missed")
        await do("w01", "no-show")
    restored = await client.request("POST", f"halls/{HALL}/tickets/{ids[3]}/restore", {"reason": RESTORE})
    assert restored.status == 200, restored
    await do("w01", "call", ticket=ids[0], reason="senior")
    await do("w01", "start")
    await do("w01", "finish")
    return tickets, said


async def everybody_sees(client: Client, tokens: Iterable[str]) -> dict[str, str]:
    """Every answer that needs no principal, pages too."""
    paths = [f"/api/v1/{path}" for path in (
        "halls", f"halls/{HALL}", f"halls/{HALL}/lines", f"halls/{HALL}/boards/main",
        f"halls/{HALL}/boards/window:w01", f"halls/{HALL}/boards/window:w02", f"halls/{HALL}/windows/w02",
        *(f"tickets/{token}" for token in tokens),
    )]  # fmt: skip
    pages = ["/metrics", "/readyz", "/", f"/board/{HALL}/main", f"/board/{HALL}/window/w01"]
    pages += [f"/t/{token}" for token in tokens]
    found = {}
    for path in paths + pages:
        answer = await client.get(path, token=None)
        assert answer.status == 200, (path, answer)
        found[path] = json.dumps(answer.body, ensure_ascii=False) if answer.kind.endswith("json") else answer.body
    return found


async def test_no_person_is_ever_unsealed(tmp_path: Path) -> None:
    """Known people and texts are in no row, snapshot, log, metric, frame or public answer, nor on the disk at all."""
    found: list[str] = []
    async with houses(tmp_path, external=True, windows=2, limits={"misses": 3, "calls": 3}) as house:
        assert house.postgres is not None
        assert house.url is not None
        client = house.client
        async with Board(client) as board, Board(client, f"halls/{HALL}/boards/window:w01") as strip:
            tickets, said = await a_day(client)
            tokens = [ticket["token"] for ticket in tickets.values()]
            last = await client.do("w01", "call")
            assert last.body["ticket"] is not None
            await until(lambda: min(board.seq, strip.seq) >= last.body["seq"], "the last call on board and strip")
            public = await everybody_sees(client, tokens)
            for where, text in public.items():
                found += betrayed(where, text.encode(), SECRETS)
            found += betrayed("the boards' frames", "\n".join(board.frames + strip.frames).encode(), SECRETS)
            found += betrayed("an answer to a kiosk or window", "\n".join(said).encode(), SECRETS)
        events = await client.journal()
        transferred = next(event for event in events if event["kind"] == "ticket_transferred")
        references = [transferred["body"]["note"], *next(
            event["body"]["missing"] for event in events if event["kind"] == "ticket_rejected"
        )]  # fmt: skip
        opened = [(await client.get(f"halls/{HALL}/texts/{text}")).body["text"] for text in references]
        assert opened == [NOTE, *MISSING], "staff can read what was written"
        assert (await client.get(f"halls/{HALL}/texts/{references[0]}", token=None)).status == 401
        found += betrayed("the journal's answer", json.dumps(events, ensure_ascii=False).encode(), SECRETS)
        house.server.stop()
        assert house.server.complaints() == []

        # ---- the store, with and without the keys
        journal = await connect(house.url)
        try:
            clock = HallClock()
            await clock.measure(journal)
            keeper = HallKeeper(HALL, journal=journal, bus=LocalBus(), clock=clock)
            await keeper.start()
            await keeper.save_snapshot()
            await keeper.stop()
            connection = await asyncpg.connect(house.url)
            try:
                names = [row[0] for row in await connection.fetch(
                    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'tidehall'"
                )]  # fmt: skip
                assert {"event", "command", "snapshot", "sealed", "hall"} <= set(names)
                for name in names:
                    rows = await connection.fetch(f'SELECT * FROM tidehall."{name}"')
                    content = b"\n".join(as_bytes(value) for row in rows for value in row.values())
                    assert rows or name not in ("event", "command", "snapshot", "sealed"), f"nothing in {name}"
                    found += betrayed(f"table {name}", content, SECRETS)
                    found += betrayed(f"table {name}", content, [token.rpartition(".")[2] for token in tokens])
            finally:
                await connection.close()
            persons = Persons.load(house.data / "persons.key", create=False)
            holders = {
                event["body"]["ticket"]: event["body"]["holder"] for event in events if event["kind"] == "ticket_taken"
            }
            rows_of = await journal.sealed(HALL, list(holders.values()))
            for person in PEOPLE:
                holder = holders[tickets[person["name"]]["id"]]
                assert persons.open_holder(rows_of[holder]) == person
                assert await journal.find_holder(HALL, persons.lookup(person["id_number"] or "")) == holder

            # ---- erasing one person and one text leaves the chain whole, and nothing that could be guessed from
            gone = holders[tickets[PEOPLE[1]["name"]]["id"]]
            text_id, digest = references[0].split(":")[1:]
            assert await journal.erase(HALL, gone)
            assert await journal.erase(HALL, text_id)
            assert await journal.sealed(HALL, [gone, text_id]) == {}
            assert await journal.find_holder(HALL, persons.lookup(PEOPLE[1]["id_number"] or "")) is None
            assert digest != sha256(NOTE.encode()).hexdigest()
        finally:
            await journal.close()
        whole = tidehall("verify", "--hall", HALL, "--rules", data=house.data, url=house.url)
        assert whole.returncode == 0, whole.stderr
        found += betrayed("what verify says", (whole.stdout + whole.stderr).encode(), SECRETS)
        found += betrayed("the server's log", house.server.log.read_bytes(), SECRETS)
        await house.postgres.stop()
        found += on_disk(tmp_path, SECRETS)
    assert found == []


def test_the_search_finds_what_is_there() -> None:
    """The search of this proof is not blind: it finds each form of a secret."""
    for form in forms(NOTE):
        assert betrayed("here", b"before " + form + b" after", SECRETS) == [f"{NOTE} in here"]
    assert betrayed("here", NOTE[:-1].encode(), SECRETS) == []
