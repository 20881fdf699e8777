"""The contract of accounts and sessions, on PostgreSQL and on the twin in memory; and of passwords and posts."""

import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from importlib import resources
from pathlib import Path

import pytest
import pytest_asyncio
from argon2 import PasswordHasher
from msgspec.structs import replace

from tests.core.halls import make_plan
from tidehall.store.accounts import EVERYBODY, IDLE, LASTS, Account, Accounts, Change, PostgresAccounts, plain_login
from tidehall.store.errors import StoreRefused
from tidehall.store.journal import PostgresJournal, connect
from tidehall.store.memory_accounts import MemoryAccounts
from tidehall.store.passwords import Passwords, weak
from tidehall.store.persons import Persons
from tidehall.store.posts import Post, faults, given_rights, rights_of

NOW = 1_800_000_000_000_000
WINDOW = Post(hall="t", zone="social", post="acceptance", items=("SS-001",), accept=True)
OFFICE = Post(hall="t", post="officer", department="hrss", decide=True)
MIDDLE = Post(hall="t", post="middle")

counter = itertools.count()
NewAccount = Callable[..., Account]


@pytest_asyncio.fixture
async def store(journal_url: str | None) -> AsyncIterator[Accounts]:
    """Both stores, one after the other."""
    if journal_url is None:
        yield MemoryAccounts()
        return
    journal = await connect(journal_url)
    assert isinstance(journal, PostgresJournal)
    yield PostgresAccounts(journal)
    await journal.close()


@pytest.fixture
def person(tmp_path: Path) -> NewAccount:
    """Accounts that no other test has."""
    persons = Persons.load(tmp_path / "persons.key")

    def make(**fields: object) -> Account:
        id = f"{secrets.token_hex(4)}-{next(counter)}"
        name = persons.seal_holder("欧阳长风").row
        given = {"staff": id, "login": f"login-{id}", "password": f"hash of {id}", "name": name, "posts": (WINDOW,)}
        return Account(**given | fields)  # type: ignore[arg-type] # fields of Account

    return make


def change(key: str | None = None, request: bytes = b"request", at: int = NOW) -> Change:
    """A change of the administrator's under a key of its own."""
    return Change("admin", key or secrets.token_hex(8), sha256(request).digest(), at)


async def sit_down(store: Accounts, account: Account, now: int = NOW) -> bytes:
    """A new session."""
    digest = secrets.token_bytes(32)
    assert await store.open_session(digest, account, now)
    return digest


async def test_an_account_is_kept_whole(store: Accounts, person: NewAccount) -> None:
    """What was added is found by staff id and by login, with several posts and its sealed name."""
    made = person(posts=(WINDOW, OFFICE, MIDDLE), employer="hrss")
    assert await store.account(made.staff) is None
    assert await store.add(made, change()) == "done"
    kept = replace(made, created_at=NOW)
    assert await store.account(made.staff) == kept
    assert await store.by_login(made.login) == kept
    assert kept in await store.accounts()
    assert [a.staff for a in await store.accounts()] == sorted(a.staff for a in await store.accounts())
    assert await store.exist()
    nameless = person(name=None)
    assert await store.add(nameless, change()) == "done"
    assert await store.account(nameless.staff) == replace(nameless, created_at=NOW)


async def test_staff_ids_and_logins_are_given_once(store: Accounts, person: NewAccount) -> None:
    """A second account with the staff id or the login of another is refused and changes nothing."""
    first, second = person(), person()
    assert await store.add(first, change()) == "done"
    assert await store.add(replace(second, staff=first.staff), change()) == "exists"
    assert await store.add(replace(second, login=first.login), change()) == "exists"
    assert await store.account(second.staff) is None
    assert await store.account(first.staff) == replace(first, created_at=NOW)


async def test_a_repeated_change_is_known_by_its_key(store: Accounts, person: NewAccount) -> None:
    """The same key and request again: "repeated"; the same key with another request: "key_reused"; nothing changes."""
    made, again = person(), change(request=b"one")
    other = replace(again, fingerprint=sha256(b"two").digest())
    assert await store.add(made, again) == "done"
    assert await store.add(made, again) == "repeated"
    assert await store.add(person(), other) == "key_reused"
    posts = change(request=b"posts")
    assert await store.set_posts(made.staff, [MIDDLE], posts) == "done"
    assert await store.set_posts(made.staff, [OFFICE], change()) == "done"
    assert await store.set_posts(made.staff, [MIDDLE], posts) == "repeated"
    assert await store.set_active(made.staff, replace(posts, fingerprint=b"x" * 32), active=False) == "key_reused"
    kept = await store.account(made.staff)
    assert kept is not None
    assert (kept.posts, kept.active) == ((OFFICE,), True)
    assert await store.end_sessions(EVERYBODY, posts) == "repeated"


async def test_changes_of_nobody_are_unknown(store: Accounts) -> None:
    """A change of an account that is not there says so, and its key stays free."""
    key = change()
    assert await store.set_posts("nobody-here", [MIDDLE], key) == "unknown"
    assert await store.set_active("nobody-here", key, active=False) == "unknown"
    assert await store.set_password("nobody-here", "hash", key, must_change=True) == "unknown"
    assert await store.end_sessions("nobody-here", key) == "unknown"
    assert await store.erase_name("nobody-here", key) == "unknown"
    assert await store.account("nobody-here") is None


async def test_a_session_holds_until_it_is_over(store: Accounts, person: NewAccount) -> None:
    """A session ends by its own end, by idleness unless it is in use, and when it is ended."""
    made = person()
    await store.add(made, change())
    digest = await sit_down(store, made)
    found = await store.session(digest, NOW)
    assert found is not None
    assert (found.account.staff, found.created_at, found.seen_at, found.ends_at) == (made.staff, NOW, NOW, NOW + LASTS)
    assert await store.session(secrets.token_bytes(32), NOW) is None
    assert await store.session(digest, NOW + IDLE - 1) is not None
    assert await store.session(digest, NOW + IDLE) is None
    await store.seen(digest, NOW + IDLE - 1)
    await store.seen(digest, NOW)  # a late note never takes the session back
    assert await store.session(digest, NOW + 2 * IDLE - 2) is not None
    await store.seen(digest, NOW + LASTS - 1)
    assert await store.session(digest, NOW + LASTS - 1) is not None
    assert await store.session(digest, NOW + LASTS) is None
    other = await sit_down(store, made)
    assert await store.end_session(other)
    assert not await store.end_session(other)
    assert await store.session(other, NOW) is None
    assert await store.holding([digest, other], NOW + LASTS - 1) == {digest}
    assert await store.holding([], NOW) == set()


async def test_a_shut_account_opens_nothing(store: Accounts, person: NewAccount) -> None:
    """Shutting an account ends its sessions, hinders new ones, and leaves those of others alone."""
    made, other = person(), person()
    for account in (made, other):
        await store.add(account, change())
    gone, stays = await sit_down(store, made), await sit_down(store, other)
    assert await store.set_active(made.staff, change(), active=False) == "done"
    assert await store.holding([gone, stays], NOW) == {stays}
    assert await store.session(gone, NOW) is None
    assert not await store.open_session(secrets.token_bytes(32), made, NOW)
    assert await store.set_active(made.staff, change(), active=True) == "done"
    assert await store.session(gone, NOW) is None, "an ended session never comes back"
    assert await store.open_session(secrets.token_bytes(32), made, NOW)


async def test_another_password_ends_the_other_sessions(store: Accounts, person: NewAccount) -> None:
    """A new hash is taken only in the place of the old one that was verified, and only the kept session stays."""
    made = person()
    await store.add(made, change())
    here, there = await sit_down(store, made), await sit_down(store, made)
    assert await store.set_password(made.staff, "new", change(), must_change=False, old="another") == "unknown"
    assert await store.holding([here, there], NOW) == {here, there}
    done = await store.set_password(made.staff, "new", change(), must_change=False, old=made.password, keep=here)
    assert done == "done"
    assert await store.holding([here, there], NOW) == {here}
    kept = await store.account(made.staff)
    assert kept is not None
    assert (kept.password, kept.must_change) == ("new", False)
    assert not await store.open_session(secrets.token_bytes(32), made, NOW), "verified against the old password"
    assert await store.set_password(made.staff, "reset", change(), must_change=True) == "done"
    assert await store.holding([here], NOW) == set()


async def test_sessions_are_ended_for_one_and_for_all(store: Accounts, person: NewAccount) -> None:
    """The administrator ends one person's sessions, or everybody's."""
    one, two = person(), person()
    for account in (one, two):
        await store.add(account, change())
    first, second, third = [await sit_down(store, account) for account in (one, one, two)]
    assert await store.end_sessions(one.staff, change()) == "done"
    assert await store.holding([first, second, third], NOW) == {third}
    assert await store.end_sessions(EVERYBODY, change()) == "done"
    assert await store.holding([third], NOW) == set()


async def test_a_rehash_changes_the_hash_alone(store: Accounts, person: NewAccount) -> None:
    """A newer hash of the same password ends no session and comes too late after another password."""
    made = person()
    await store.add(made, change())
    digest = await sit_down(store, made)
    await store.rehash(made.staff, made.password, "newer")
    await store.rehash(made.staff, made.password, "too late")
    kept = await store.account(made.staff)
    assert kept is not None
    assert (kept.password, kept.must_change) == ("newer", True)
    assert await store.holding([digest], NOW) == {digest}


async def test_a_name_is_erased_for_ever(store: Accounts, person: NewAccount) -> None:
    """After the erasure the account is there without a name."""
    made = person()
    await store.add(made, change())
    assert await store.erase_name(made.staff, change()) == "done"
    kept = await store.account(made.staff)
    assert kept is not None
    assert kept.name is None


@pytest.mark.parametrize("journal_url", ["postgres"], indirect=True)
async def test_posts_of_the_last_release_keep_what_they_could(journal_url: str, person: NewAccount) -> None:
    """The migration gives an officer of before the rights that he had: opinions, and joint cases where he decided."""
    journal = await connect(journal_url)
    assert isinstance(journal, PostgresJournal)
    try:
        accounts = PostgresAccounts(journal)
        made = person(posts=(OFFICE, WINDOW, Post(hall="t", post="officer", department="amr")))
        await accounts.add(made, change())
        await journal.fetch("UPDATE tidehall.account SET posts = posts #- '{0,opine}' #- '{0,coordinate}'")
        await journal.fetch(resources.files("tidehall.store").joinpath("sql/005_rights.sql").read_text("utf-8"))
        kept = await accounts.account(made.staff)
        assert kept is not None
        assert [rights_of(post) for post in kept.posts] == [("decide", "opine", "coordinate"), ("accept",), ("opine",)]
    finally:
        await journal.close()


async def test_text_that_cannot_be_kept_is_refused(store: Accounts, person: NewAccount) -> None:
    """A NUL in a login or key is refused by both stores alike."""
    with pytest.raises(StoreRefused):
        await store.add(person(login="a\0b"), change())
    with pytest.raises(StoreRefused):
        await store.set_active("nobody", change(key="a\0"), active=True)


# ---- passwords, logins, posts

WEAK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
STRONGER = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)


async def test_a_password_verifies_and_is_hashed_anew_when_parameters_change() -> None:
    """The right password is right under old parameters too, and comes back under today's; a wrong one never."""
    old, today = Passwords(WEAK), Passwords(STRONGER)
    known = await old.hash("tide comes in 12")
    assert known.startswith("$argon2id$")
    assert known != await old.hash("tide comes in 12"), "salted"
    assert await old.verify(known, "tide comes in 12") == (True, None)
    assert await old.verify(known, "tide comes in 13") == (False, None)
    right, anew = await today.verify(known, "tide comes in 12")
    assert right
    assert anew is not None
    assert anew.startswith("$argon2id$v=19$m=16,t=2")
    assert await today.verify(anew, "tide comes in 12") == (True, None)
    assert (await today.verify(known, "tide comes in 13")).anew is None
    assert await today.verify("no hash at all", "tide comes in 12") == (False, None)
    assert await today.verify(None, "nobody has this password") == (False, None)


async def test_the_same_characters_are_the_same_password() -> None:
    """Full-width letters of a Chinese keyboard and composed accents make no difference; case does."""
    passwords = Passwords(WEAK)
    known = await passwords.hash("café tide 2026")
    assert (await passwords.verify(known, "cafe\u0301 ｔｉｄｅ 2026")).right
    assert not (await passwords.verify(known, "Café tide 2026")).right
    assert plain_login("  Ｗａｎｇ.Li ") == "wang.li"


@pytest.mark.parametrize(
    "password", ["short1!", "aaaaaaaaaaaaaaaa", "abcdabcdabcd", "my wangli password", "S-1042 is mine"]
)
def test_a_weak_password_is_known(password: str) -> None:
    """Too short, too uniform, or with the login or staff id inside."""
    assert weak(password, "wangli", "s-1042")
    assert not weak("tide comes in 12", "wangli", "s-1042")


def test_posts_name_what_the_plan_has() -> None:
    """Everything that the plan does not have is said at once; an officer needs a department."""
    known = make_plan()
    plans = {known.hall.id: known}
    zone = known.zones[0].id
    assert faults(Post(hall=known.hall.id, zone=zone, post="acceptance"), plans) == []
    assert [(f.field, f.word) for f in faults(Post(hall="elsewhere", post="guide"), plans)] == [("hall", "choice")]
    wrong = Post(hall=known.hall.id, zone="moon", post="officer", items=("X-1", "X-2"))
    assert [(f.field, f.word) for f in faults(wrong, plans)] == [
        ("zone", "choice"), ("department", "missing"), ("items", "no_such_item"),
    ]  # fmt: skip
    chief = Post(hall=known.hall.id, post="chief_representative")
    assert [(f.field, f.word) for f in faults(chief, plans)] == [("department", "missing")]
    wrong = Post(hall=known.hall.id, post="officer", department="moon")
    assert [(f.field, f.word) for f in faults(wrong, plans)] == [("department", "choice")]


def test_a_post_has_its_usual_rights_unless_it_is_said_otherwise() -> None:
    """A chief representative has all four rights over cases (R73), other posts fewer; each can be given or taken."""

    def usual(post: str, **said: bool | None) -> list[str]:
        return [right for right, has in given_rights(post, said).items() if has]

    assert usual("chief_representative") == ["accept", "decide", "opine", "coordinate"]
    assert usual("officer") == ["decide", "opine"]
    assert usual("acceptance") == usual("tidal") == ["accept"]
    assert usual("runner") == []
    assert usual("officer", decide=False, coordinate=True, opine=None) == ["opine", "coordinate"]
