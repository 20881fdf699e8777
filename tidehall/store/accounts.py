"""Accounts of the people who work in the halls, and their sessions, in PostgreSQL; the protocol is shared with a twin.

One law: a session that was ended, or whose account was shut, opens nothing from that moment on: it is looked up at
every request. Tokens and passwords are kept as hashes only, names under seal (law 11). Times are `int` microseconds.
Source: R9, R112-R114; design.md section 9.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

import msgspec
from msgspec import Struct

from tidehall.store.journal import PostgresJournal
from tidehall.store.posts import Post
from tidehall.store.rows import SealedRow, check_texts

__all__ = [
    "EVERYBODY",
    "IDLE",
    "LASTS",
    "Account",
    "Accounts",
    "Change",
    "Done",
    "PostgresAccounts",
    "SignedIn",
    "plain_login",
]

#: µs that a session lasts at most: a long service day with the work before and after it.
LASTS = 14 * 3600 * 1_000_000
#: µs without a request after which it ends: longer than a lunch break of two and a half hours, shorter than a night.
IDLE = 3 * 3600 * 1_000_000
#: In the place of a staff id: all of them.
EVERYBODY = "*"

Done = Literal["done", "repeated", "key_reused", "unknown", "exists"]


def plain_login(login: str) -> str:
    """A login as it is kept and compared: width, case and outer spaces make no difference."""
    return unicodedata.normalize("NFKC", login).casefold().strip()


class Account(Struct, frozen=True, kw_only=True):
    """One person's account. `employer`: the dispatching department, None for the hall authority (R113).

    `login` is as `plain_login` makes it; `password` is a hash; `name` is the sealed display name.
    """

    staff: str
    login: str
    password: str
    name: SealedRow | None = None
    employer: str | None = None
    active: bool = True
    must_change: bool = True
    posts: tuple[Post, ...] = ()
    created_at: int = 0


class Change(Struct, frozen=True):
    """Who changes an account, under which key, with which keyed hash of the request, and when (µs)."""

    actor: str
    key: str
    fingerprint: bytes
    at: int


class SignedIn(Struct, frozen=True):
    """A session that holds, and whose it is."""

    digest: bytes
    account: Account
    created_at: int
    seen_at: int
    ends_at: int


class Accounts(Protocol):
    """What is asked of accounts. Every method may raise StoreUnavailable.

    Changes answer "repeated" when the same change came before under its key, "key_reused" when another did.
    """

    async def add(self, account: Account, change: Change) -> Done:
        """Make an account; "exists" when the staff id or the login is taken."""
        ...

    async def set_posts(self, staff: str, posts: Sequence[Post], change: Change) -> Done:
        """Give a person other posts; they rule from the next request on."""
        ...

    async def set_active(self, staff: str, change: Change, *, active: bool) -> Done:
        """Shut an account and end its sessions, or open it again."""
        ...

    async def set_password(
        self, staff: str, password: str, change: Change, *, must_change: bool, old: str | None = None,
        keep: bytes | None = None,
    ) -> Done:  # fmt: skip
        """Take another password hash and end all sessions but `keep`; "unknown" when the hash is no longer `old`."""
        ...

    async def end_sessions(self, staff: str, change: Change) -> Done:
        """End all sessions of a person, or of EVERYBODY."""
        ...

    async def rehash(self, staff: str, old: str, new: str) -> None:
        """Keep the same password under a newer hash, unless it was changed meanwhile."""
        ...

    async def erase_name(self, staff: str, change: Change) -> Done:
        """Forget a person's name for ever."""
        ...

    async def accounts(self) -> list[Account]:
        """All accounts in the order of their staff ids."""
        ...

    async def account(self, staff: str) -> Account | None:
        """One account."""
        ...

    async def by_login(self, login: str) -> Account | None:
        """The account with this login."""
        ...

    async def exist(self) -> bool:
        """Whether there is any account."""
        ...

    async def open_session(self, digest: bytes, account: Account, now: int) -> bool:
        """Begin a session unless the account was shut or its password changed meanwhile; old sessions are swept."""
        ...

    async def session(self, digest: bytes, now: int) -> SignedIn | None:
        """The session, if it holds at `now`."""
        ...

    async def seen(self, digest: bytes, now: int) -> None:
        """The session is in use."""
        ...

    async def end_session(self, digest: bytes) -> bool:
        """End one session; whether there was one."""
        ...

    async def holding(self, digests: Iterable[bytes], now: int) -> set[bytes]:
        """Which of these sessions hold at `now`."""
        ...


class PostgresAccounts:
    """Accounts beside the journal, through its connections. Each change is one statement, whole or not at all."""

    def __init__(self, journal: PostgresJournal) -> None:
        self._fetch = journal.fetch

    async def add(self, account: Account, change: Change) -> Done:
        """See Accounts.add."""
        check_texts([account.staff, account.login, account.employer or "", change.key])
        if known := await self._known(change):
            return known
        name = account.name
        made = await self._fetch(
            "WITH made AS (INSERT INTO tidehall.account"
            " (staff, login, employer, active, must_change, password, posts, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $11) ON CONFLICT DO NOTHING RETURNING staff),"
            " named AS (INSERT INTO tidehall.account_name (staff, id, sealed)"
            " SELECT staff, $12, $13::bytea FROM made WHERE $12::text IS NOT NULL),"
            " noted AS (INSERT INTO tidehall.account_change (actor, key, fingerprint, at, action, staff, posts)"
            " SELECT $8, $9, $10, $11, 'add', staff, $7::jsonb FROM made)"
            " SELECT staff FROM made",
            account.staff, account.login, account.employer, account.active, account.must_change, account.password,
            _posts(account.posts), change.actor, change.key, change.fingerprint, change.at,
            None if name is None else name.id, None if name is None else name.sealed,
        )  # fmt: skip
        return "done" if made else await self._known(change) or "exists"

    async def set_posts(self, staff: str, posts: Sequence[Post], change: Change) -> Done:
        """See Accounts.set_posts."""
        return await self._change("posts", staff, change, "posts = noted.posts", posts=posts)

    async def set_active(self, staff: str, change: Change, *, active: bool) -> Done:
        """See Accounts.set_active."""
        if active:
            return await self._change("activate", staff, change, "active = true")
        return await self._change("deactivate", staff, change, "active = false", ends="true")

    async def set_password(
        self, staff: str, password: str, change: Change, *, must_change: bool, old: str | None = None,
        keep: bytes | None = None,
    ) -> Done:  # fmt: skip
        """See Accounts.set_password."""
        return await self._change(
            "password", staff, change, "password = $7, must_change = $8", password, must_change, old, keep,
            when="($9::text IS NULL OR password = $9)", ends="digest IS DISTINCT FROM $10::bytea",
        )  # fmt: skip

    async def end_sessions(self, staff: str, change: Change) -> Done:
        """See Accounts.end_sessions."""
        if staff != EVERYBODY:
            return await self._change("end-sessions", staff, change, "staff = account.staff", ends="true")
        noted = await self._fetch(
            "WITH noted AS (INSERT INTO tidehall.account_change (actor, key, fingerprint, at, action, staff)"
            " VALUES ($1, $2, $3, $4, 'end-sessions', $5) ON CONFLICT (actor, key) DO NOTHING RETURNING staff),"
            " gone AS (DELETE FROM tidehall.session WHERE EXISTS (SELECT FROM noted)) SELECT staff FROM noted",
            *msgspec.structs.astuple(change), EVERYBODY,
        )  # fmt: skip
        return "done" if noted else await self._known(change) or "unknown"

    async def rehash(self, staff: str, old: str, new: str) -> None:
        """See Accounts.rehash."""
        await self._fetch(
            "UPDATE tidehall.account SET password = $3 WHERE staff = $1 AND password = $2", staff, old, new
        )

    async def erase_name(self, staff: str, change: Change) -> Done:
        """See Accounts.erase_name."""
        return await self._change("erase-name", staff, change, "staff = account.staff", erases=True)

    async def accounts(self) -> list[Account]:
        """See Accounts.accounts."""
        return [_account(row) for row in await self._fetch(f"{_SELECT} ORDER BY account.staff")]

    async def account(self, staff: str) -> Account | None:
        """See Accounts.account."""
        rows = await self._fetch(f"{_SELECT} WHERE account.staff = $1", staff)
        return _account(rows[0]) if rows else None

    async def by_login(self, login: str) -> Account | None:
        """See Accounts.by_login."""
        rows = await self._fetch(f"{_SELECT} WHERE login = $1", login)
        return _account(rows[0]) if rows else None

    async def exist(self) -> bool:
        """See Accounts.exist."""
        return bool((await self._fetch("SELECT EXISTS (SELECT FROM tidehall.account)"))[0][0])

    async def open_session(self, digest: bytes, account: Account, now: int) -> bool:
        """See Accounts.open_session."""
        made = await self._fetch(
            "WITH swept AS (DELETE FROM tidehall.session WHERE ends_at <= $4 OR seen_at <= $5)"
            " INSERT INTO tidehall.session (digest, staff, created_at, seen_at, ends_at)"
            " SELECT $1, staff, $4, $4, $6 FROM tidehall.account WHERE staff = $2 AND password = $3 AND active"
            " RETURNING staff",
            digest, account.staff, account.password, now, now - IDLE, now + LASTS,
        )  # fmt: skip
        return bool(made)

    async def session(self, digest: bytes, now: int) -> SignedIn | None:
        """See Accounts.session."""
        rows = await self._fetch(
            f"SELECT {_COLUMNS}, session.created_at AS began_at, seen_at, ends_at FROM tidehall.session"
            " JOIN tidehall.account USING (staff) LEFT JOIN tidehall.account_name USING (staff)"
            " WHERE digest = $1 AND ends_at > $2 AND seen_at > $3 AND active",
            digest, now, now - IDLE,
        )  # fmt: skip
        if not rows:
            return None
        row = rows[0]
        return SignedIn(digest, _account(row), row["began_at"], row["seen_at"], row["ends_at"])

    async def seen(self, digest: bytes, now: int) -> None:
        """See Accounts.seen."""
        await self._fetch("UPDATE tidehall.session SET seen_at = $2 WHERE digest = $1 AND seen_at < $2", digest, now)

    async def end_session(self, digest: bytes) -> bool:
        """See Accounts.end_session."""
        return bool(await self._fetch("DELETE FROM tidehall.session WHERE digest = $1 RETURNING staff", digest))

    async def holding(self, digests: Iterable[bytes], now: int) -> set[bytes]:
        """See Accounts.holding."""
        rows = await self._fetch(
            "SELECT digest FROM tidehall.session JOIN tidehall.account USING (staff)"
            " WHERE digest = ANY ($1::bytea[]) AND ends_at > $2 AND seen_at > $3 AND active",
            list(digests), now, now - IDLE,
        )  # fmt: skip
        return {row[0] for row in rows}

    async def _change(
        self, action: str, staff: str, change: Change, set_: str, *more: object, when: str = "true",
        ends: str | None = None, erases: bool = False, posts: Sequence[Post] | None = None,
    ) -> Done:  # fmt: skip
        """Note a change and make it: `set_` in the account's row `when` that holds, and end sessions where `ends`.

        The pieces of SQL are this module's own; `more` are the values $7 and on.
        """
        check_texts([staff, change.key])
        if known := await self._known(change):
            return known
        also = ""
        if ends is not None:
            also = f", gone AS (DELETE FROM tidehall.session s USING noted WHERE s.staff = noted.staff AND {ends})"
        if erases:
            also = ", gone AS (DELETE FROM tidehall.account_name n USING noted WHERE n.staff = noted.staff)"
        noted = await self._fetch(
            "WITH noted AS (INSERT INTO tidehall.account_change (actor, key, fingerprint, at, action, staff, posts)"
            f" SELECT $1, $2, $3, $4, '{action}', staff, $6::jsonb FROM tidehall.account WHERE staff = $5 AND {when}"
            " ON CONFLICT (actor, key) DO NOTHING RETURNING staff, posts),"
            f" changed AS (UPDATE tidehall.account SET {set_} FROM noted WHERE account.staff = noted.staff)"
            f"{also} SELECT staff FROM noted",
            *msgspec.structs.astuple(change), staff, None if posts is None else _posts(posts), *more,
        )  # fmt: skip
        return "done" if noted else await self._known(change) or "unknown"

    async def _known(self, change: Change) -> Done | None:
        """Whether this change, or another one under its key, stands already."""
        rows = await self._fetch(
            "SELECT fingerprint FROM tidehall.account_change WHERE actor = $1 AND key = $2", change.actor, change.key
        )
        if not rows:
            return None
        return "repeated" if rows[0][0] == change.fingerprint else "key_reused"


_COLUMNS = (
    "account.staff, login, employer, active, must_change, password, posts::text AS posts,"
    " account.created_at AS created_at, account_name.id AS name_id, sealed"
)
_SELECT = f"SELECT {_COLUMNS} FROM tidehall.account LEFT JOIN tidehall.account_name USING (staff)"

_read_posts = msgspec.json.Decoder(tuple[Post, ...]).decode


def _posts(posts: Sequence[Post]) -> str:
    """Posts as they are kept."""
    return msgspec.json.encode(posts).decode()


def _account(row: Any) -> Account:
    """A row of _COLUMNS."""
    name = None if row["name_id"] is None else SealedRow(row["name_id"], "holder", None, row["sealed"])
    return Account(
        staff=row["staff"], login=row["login"], password=row["password"], name=name, employer=row["employer"],
        active=row["active"], must_change=row["must_change"], posts=_read_posts(row["posts"]),
        created_at=row["created_at"],
    )  # fmt: skip
