"""The clocks of papers on their way, over crashes and with several servers (R23, R24; design section 5).

Each hall here has an urgent limit of a few seconds; what counts is the due moment in the event, never how punctual
this machine is.
"""

from __future__ import annotations

from pathlib import Path
from time import time_ns

import pytest

from tests.live.clients import HALL, Client, Said, until
from tests.live.servers import houses, tidehall

LIMIT_S = 5
KINDS = ("hand_off_started", "hand_off_warned", "hand_off_breached")


def with_papers(path: Path) -> None:
    """Adds a department and an urgent item to a plan file."""
    words = '{ zh = "名", en = "Name" }'
    path.write_text(
        path.read_text("utf-8") + f'[[departments]]\nid = "hrss"\nname = {words}\n'
        f'[[items]]\ncode = "URG"\nname = {words}\ndepartment = "hrss"\nline = "A"\nkind = "promised"\n'
        "promised_days = 5\nurgent_allowed = true\n",
        "utf-8",
    )


async def urgent(client: Client) -> Said:
    """Urgent papers are taken in; their hand-off."""
    await client.open(["w01"])
    ticket = (await client.take()).body
    for action in ("call", "start"):
        assert (await client.request("POST", f"halls/{HALL}/windows/w01/{action}")).status == 200
    body = {"ticket": ticket["id"], "item": "URG", "urgent": True, "materials": [], "delivery": {"method": "window"},
            "applicant": {"name": "李四", "phone": "13900001111"}}  # fmt: skip
    answer = await client.request("POST", f"halls/{HALL}/windows/w01/cases", body)
    assert answer.status == 201, answer.body
    found: Said = answer.body["hand_off"]
    return found


async def clocks(client: Client, id: str) -> dict[str, list[Said]]:
    """What the journal says of the hand-off's clock, by kind."""
    events = await client.journal()
    return {kind: [e["body"] for e in events if e["kind"] == kind and e["body"]["hand_off"] == id] for kind in KINDS}


async def test_down_across_the_limit(tmp_path: Path) -> None:
    """kill -9 before the warning, up again after the limit: warned and breached once, each as of its own second."""
    async with houses(tmp_path, windows=1, limits={"hand_off_urgent_s": LIMIT_S}, plan=with_papers) as house:
        client = house.client
        id = (await urgent(client))["id"]
        (started,) = (await clocks(client, id))["hand_off_started"]
        house.server.kill()
        await until(lambda: time_ns() // 1000 > started["due_at"], "the limit to pass")
        await house.server.start()

        async def breached() -> object:
            return (await clocks(client, id))["hand_off_breached"]

        await until(breached, "the breach")
        found = await clocks(client, id)
        assert [w["due"] for w in found["hand_off_warned"]] == [started["warn_at"]]
        assert [b["due"] for b in found["hand_off_breached"]] == [started["due_at"]]
        assert found["hand_off_breached"][0]["at"] > started["due_at"]
        house.server.kill()
        await house.server.start()
        assert await clocks(client, id) == found, "a second start says nothing twice"
        house.server.stop()
        verified = tidehall("verify", "--hall", HALL, "--rules", data=house.data)
        assert verified.returncode == 0, verified.stderr


@pytest.mark.parametrize("redis", [False, True], ids=["polling", "redis"])
async def test_two_servers_breach_once(tmp_path: Path, redis: bool) -> None:
    """Both servers see the limit come; the journal has one warning and one breach."""
    limits = {"hand_off_urgent_s": 2}
    async with houses(tmp_path, servers=2, redis=redis, windows=1, limits=limits, plan=with_papers) as house:
        here, there = house.clients
        id = (await urgent(here))["id"]

        async def both() -> object:  # each from what it has seen itself: the journal is the same to all
            said = [(await client.get(f"halls/{HALL}/alerts")).body for client in (here, there)]
            breaches = [[a["about"] for a in alerts if a["kind"] == "hand_off_breached"] for alerts in said]
            return breaches == [[id], [id]]

        await until(both, "the breach at both")
        found = await clocks(here, id)
        assert [len(found[kind]) for kind in KINDS] == [1, 1, 1]
        (started,), (breached,) = found["hand_off_started"], found["hand_off_breached"]
        assert breached["due"] == started["due_at"] == started["started_at"] + 2_000_000
        assert [server.complaints() for server in house.servers] == [[], []]
