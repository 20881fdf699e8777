"""Accounts on real servers and PostgreSQL: sessions on two servers, what is never written down, the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from argon2 import PasswordHasher
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.live.clients import HALL, NO_TLS, PATIENCE_S
from tests.live.leaks import as_bytes, betrayed, forms, on_disk
from tests.live.people import FIRST, NAME, OWN, PASSWORDS
from tests.live.servers import Servers, houses, tidehall
from tidehall.command import main
from tidehall.display.http.sessions import SESSION
from tidehall.store.passwords import Passwords


@asynccontextmanager
async def browser(base: str, login: str, password: str, own: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has signed in, and has chosen its `own` password."""
    async with httpx.AsyncClient(base_url=base, trust_env=False, verify=NO_TLS, timeout=25) as client:
        answer = await client.post("/api/v1/session", json={"login": login, "password": password})
        assert answer.status_code == 201, answer.text
        if own is not None:
            body = {"password": password, "new_password": own}
            answer = await client.post("/api/v1/session/password", json=body)
            assert answer.status_code == 200, answer.text
        yield client


async def close_code(socket: ClientConnection) -> int | None:
    """The code with which the server ends this socket."""
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else None


async def new_account(house: Servers, staff: str = "1042") -> None:
    """A window clerk."""
    body = {
        "staff": staff, "login": f"login-{staff}", "password": FIRST, "name": NAME,
        "posts": [{"hall": HALL, "zone": "g", "post": "acceptance"}],
    }  # fmt: skip
    answer = await house.client.request("POST", "accounts", body)
    assert answer.status == 201, answer


async def test_a_session_ends_at_once_on_every_server(tmp_path: Path) -> None:
    """A session made at one server holds at the other, and ends at both at once; its open socket closes with 4401."""
    async with houses(tmp_path, servers=2, windows=2) as house:
        await new_account(house)
        first, second = house.servers
        async with browser(first.base, "login-1042", FIRST, OWN) as client:
            cookie = {"Cookie": f"{SESSION}={client.cookies[SESSION]}"}
            path = f"/api/v1/halls/{HALL}/tickets"
            assert (await client.get(f"{second.base}{path}", headers=cookie)).status_code == 200
            live = f"ws://127.0.0.1:{second.port}/api/v1/halls/{HALL}/live?window=w01"
            async with connect(live, additional_headers=cookie) as socket:
                await asyncio.wait_for(socket.recv(), PATIENCE_S)
                assert (await house.client.request("POST", "accounts/1042/end-sessions")).status == 200
                for server in (first, second):
                    answer = await client.get(f"{server.base}{path}", headers=cookie)
                    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
                assert await asyncio.wait_for(close_code(socket), PATIENCE_S) == 4401
            listed = await house.client.get(f"halls/{HALL}/tickets")
            assert listed.status == 200, "the admin token has no session to lose"


async def test_no_password_is_ever_written_down(tmp_path: Path) -> None:
    """Passwords, tokens and names of people stand in no table, log, metric, journal or file; hashes are Argon2id."""
    found: list[str] = []
    async with houses(tmp_path, external=True, windows=2) as house:
        assert house.postgres is not None
        assert house.url is not None
        await new_account(house)
        base = house.server.base
        async with browser(base, "login-1042", FIRST, OWN) as client:
            wrong = await client.post("/api/v1/session", json={"login": "login-1042", "password": PASSWORDS[2]})
            assert wrong.status_code == 401
            odd = await client.post("/api/v1/session", json={"login": PASSWORDS[3], "password": [PASSWORDS[2]]})
            assert odd.status_code == 422
            assert betrayed("a refusal", odd.content, PASSWORDS) == []
            seated = await client.post(f"/api/v1/halls/{HALL}/windows/w01/sign-in", json={"staff": "1042"})
            assert seated.status_code == 200
            token = client.cookies[SESSION]
        events = await house.client.journal()
        assert events[-1]["actor"] == "staff:1042"
        metrics = (await house.client.get("/metrics", token=None)).body
        secrets = [*PASSWORDS, NAME, token]
        found += betrayed("the journal", json.dumps(events, ensure_ascii=False).encode(), secrets)
        found += betrayed("the metrics", metrics.encode(), secrets)
        for path in ("/", f"/board/{HALL}/main", f"/api/v1/halls/{HALL}"):
            page = await house.client.get(path, token=None)
            found += betrayed(path, str(page.body).encode(), secrets)
        house.server.stop()
        assert house.server.complaints() == []
        connection = await asyncpg.connect(house.url)
        try:
            hashed = await connection.fetchval("SELECT password FROM tidehall.account")
            assert hashed.startswith("$argon2id$")
            assert await Passwords().verify(hashed, OWN) == (True, None)
            for name in ("account", "account_name", "session", "account_change", "event", "command", "sealed"):
                rows = await connection.fetch(f"SELECT * FROM tidehall.{name}")
                content = b"\n".join(as_bytes(value) for row in rows for value in row.values())
                assert rows or name == "sealed", name
                found += betrayed(f"table {name}", content, secrets)
            actions = await connection.fetch("SELECT actor, action FROM tidehall.account_change ORDER BY at")
            assert [tuple(row) for row in actions] == [("admin", "add"), ("staff:1042", "password")]
        finally:
            await connection.close()
        await house.postgres.stop()
        found += betrayed("the log", house.server.log.read_bytes(), secrets)
        found += on_disk(tmp_path, secrets)
    assert found == []
    assert len(list(forms(NAME))) > 1, "names are looked for in every form"


async def test_a_hash_is_renewed_when_its_parameters_have_changed(tmp_path: Path) -> None:
    """Whoever signs in with an old hash has one of today's afterwards, under the same password and session."""
    async with houses(tmp_path, external=True, windows=2) as house:
        assert house.url is not None
        await new_account(house)
        old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(FIRST)
        connection = await asyncpg.connect(house.url)
        try:
            await connection.execute("UPDATE tidehall.account SET password = $1", old)
            async with browser(house.server.base, "login-1042", FIRST) as client:
                assert (await client.get("/api/v1/session")).json()["staff"] == "1042"
            new = await connection.fetchval("SELECT password FROM tidehall.account")
        finally:
            await connection.close()
        assert new != old
        assert await Passwords().verify(new, FIRST) == (True, None)


async def test_accounts_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside a running server: add, list, give posts, reset, shut; a wrong use is one line and exit code 2."""
    secret = tmp_path / "first"
    secret.write_text(FIRST + "\n", "utf-8")
    async with houses(tmp_path, windows=2) as house:

        async def account(*arguments: str) -> tuple[int, str, str]:
            code = await asyncio.to_thread(main, ["account", *arguments, "--data", str(house.data)])
            return code, *capsys.readouterr()

        async def enters(password: str) -> int:
            body = {"login": "wang.li", "password": password}
            async with httpx.AsyncClient(base_url=house.server.base, trust_env=False, verify=NO_TLS) as client:
                return (await client.post("/api/v1/session", json=body)).status_code

        post = f"{HALL}:g:acceptance"
        new = ("add", "1042", "--login", "Wang.Li", "--name", NAME, "--password-from", str(secret), "--post", post)
        ran = await asyncio.to_thread(tidehall, "account", *new, data=house.data)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert await enters(FIRST) == 201
        for wrong, what in (
            (new, "already"),
            (("add", "1", "--login", "x", "--post", f"{HALL}:moon:guide"), "zone"),
            (("add", "1", "--login", "x", "--post", f"{HALL}:g:emperor"), "emperor"),
            (("add", "1", "--login", "x", "--post", f"{HALL}:g"), "HALL:ZONE:POST"),
            (("add", "1", "--login", "x", "--post", "elsewhere:g:guide"), "elsewhere"),
            (("add", "王丽", "--login", "x"), "letters"),
            (("add", "1", "--login", "x", "--password-from", str(tmp_path / "none")), "none"),
            (("posts", "9", "--post", post), "no such account"),
            (("deactivate", "9"), "no such account"),
        ):
            code, said, complaint = await account(*wrong)
            assert (code, said, complaint.count("\n")) == (2, "", 1), (wrong, complaint)
            assert what in complaint
            assert "Traceback" not in complaint
        code, said, _ = await account("list")
        assert (code, said.split()[:2], said.count("\n")) == (0, ["1042", "wang.li"], 1)
        assert post in said
        assert NAME not in said
        assert (await account("posts", "1042", "--post", f"{HALL}::auditor", "--post", f"{HALL}:*:middle"))[0] == 0
        shown = json.loads((await account("list", "--json"))[1])
        assert [(p["zone"], p["post"]) for p in shown["posts"]] == [(None, "auditor"), (None, "middle")]
        assert "argon2" not in json.dumps(shown)
        code, said, _ = await account("password", "1042")
        assert code == 0
        assert await enters(FIRST) == 401
        assert await enters(said.split()[-1]) == 201
        assert (await account("end-sessions", "--all"))[0] == 0
        assert (await account("end-sessions", "1042"))[0] == 0
        assert (await account("deactivate", "1042"))[0] == 0
        assert await enters(said.split()[-1]) == 401
        assert (await account("activate", "1042"))[0] == 0
        assert await enters(said.split()[-1]) == 201
        assert (await account("erase-name", "1042"))[0] == 0
        answer = await house.client.get("accounts/1042")
        assert (answer.body["name"], answer.body["must_change_password"]) == (None, True)
        assert betrayed("the log", house.server.log.read_bytes(), [*PASSWORDS, said.split()[-1]]) == []
