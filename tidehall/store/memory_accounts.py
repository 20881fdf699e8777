"""The accounts' twin in memory, for tests and for a house that has none.

One law: it gives the same outcomes as PostgreSQL; both pass tests/contract/test_accounts.py. Nothing is durable here.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from tidehall.store.accounts import EVERYBODY, IDLE, LASTS, Account, Change, Done, SignedIn
from tidehall.store.posts import Post
from tidehall.store.rows import check_texts

__all__ = ["MemoryAccounts"]


class MemoryAccounts:
    """Accounts that are forgotten with the process."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._sessions: dict[bytes, SignedIn] = {}
        self._changes: dict[tuple[str, str], bytes] = {}

    async def add(self, account: Account, change: Change) -> Done:
        """See Accounts.add."""
        check_texts([account.staff, account.login, account.employer or "", change.key])
        if known := self._known(change):
            return known
        if any(other.staff == account.staff or other.login == account.login for other in self._accounts.values()):
            return "exists"
        self._note(change)
        self._accounts[account.staff] = replace(account, created_at=change.at)
        return "done"

    async def set_posts(self, staff: str, posts: Sequence[Post], change: Change) -> Done:
        """See Accounts.set_posts."""
        return self._change(staff, change, posts=tuple(posts))

    async def set_active(self, staff: str, change: Change, *, active: bool) -> Done:
        """See Accounts.set_active."""
        done = self._change(staff, change, active=active)
        if done == "done" and not active:
            self._end(staff)
        return done

    async def set_password(
        self, staff: str, password: str, change: Change, *, must_change: bool, old: str | None = None,
        keep: bytes | None = None,
    ) -> Done:  # fmt: skip
        """See Accounts.set_password."""
        account = self._accounts.get(staff)
        if account is not None and old is not None and account.password != old:
            return self._known(change) or "unknown"
        done = self._change(staff, change, password=password, must_change=must_change)
        if done == "done":
            self._end(staff, keep)
        return done

    async def end_sessions(self, staff: str, change: Change) -> Done:
        """See Accounts.end_sessions."""
        if staff != EVERYBODY:
            done = self._change(staff, change)
        elif known := self._known(change):
            return known
        else:
            self._note(change)
            done = "done"
        if done == "done":
            self._end(staff)
        return done

    async def rehash(self, staff: str, old: str, new: str) -> None:
        """See Accounts.rehash."""
        account = self._accounts.get(staff)
        if account is not None and account.password == old:
            self._accounts[staff] = replace(account, password=new)

    async def erase_name(self, staff: str, change: Change) -> Done:
        """See Accounts.erase_name."""
        return self._change(staff, change, name=None)

    async def accounts(self) -> list[Account]:
        """See Accounts.accounts."""
        return [self._accounts[staff] for staff in sorted(self._accounts)]

    async def account(self, staff: str) -> Account | None:
        """See Accounts.account."""
        return self._accounts.get(staff)

    async def by_login(self, login: str) -> Account | None:
        """See Accounts.by_login."""
        return next((account for account in self._accounts.values() if account.login == login), None)

    async def exist(self) -> bool:
        """See Accounts.exist."""
        return bool(self._accounts)

    async def open_session(self, digest: bytes, account: Account, now: int) -> bool:
        """See Accounts.open_session."""
        self._sessions = {d: s for d, s in self._sessions.items() if _in_time(s, now)}
        kept = self._accounts.get(account.staff)
        if kept is None or not kept.active or kept.password != account.password:
            return False
        self._sessions[digest] = SignedIn(digest, kept, now, now, now + LASTS)
        return True

    async def session(self, digest: bytes, now: int) -> SignedIn | None:
        """See Accounts.session."""
        found = self._sessions.get(digest)
        if found is None or not _in_time(found, now):
            return None
        account = self._accounts[found.account.staff]
        return replace(found, account=account) if account.active else None

    async def seen(self, digest: bytes, now: int) -> None:
        """See Accounts.seen."""
        found = self._sessions.get(digest)
        if found is not None:
            self._sessions[digest] = replace(found, seen_at=max(now, found.seen_at))

    async def end_session(self, digest: bytes) -> bool:
        """See Accounts.end_session."""
        return self._sessions.pop(digest, None) is not None

    async def holding(self, digests: Iterable[bytes], now: int) -> set[bytes]:
        """See Accounts.holding."""
        return {digest for digest in digests if await self.session(digest, now) is not None}

    def _known(self, change: Change) -> Done | None:
        fingerprint = self._changes.get((change.actor, change.key))
        if fingerprint is None:
            return None
        return "repeated" if fingerprint == change.fingerprint else "key_reused"

    def _note(self, change: Change) -> None:
        self._changes[change.actor, change.key] = change.fingerprint

    def _change(self, staff: str, change: Change, **fields: object) -> Done:
        check_texts([staff, change.key])
        if known := self._known(change):
            return known
        account = self._accounts.get(staff)
        if account is None:
            return "unknown"
        self._note(change)
        self._accounts[staff] = replace(account, **fields)
        return "done"

    def _end(self, staff: str, keep: bytes | None = None) -> None:
        self._sessions = {
            digest: session
            for digest, session in self._sessions.items()
            if digest == keep or staff not in (EVERYBODY, session.account.staff)
        }


def _in_time(session: SignedIn, now: int) -> bool:
    return session.ends_at > now and session.seen_at > now - IDLE
