"""The rows of the journal as Python sees them, and the digest that chains them.

One law: a row's digest covers every one of its fields and the digest before it, so nothing can be changed, swapped or
cut out unseen. Times are `int` microseconds since the Unix epoch, UTC. Source: design.md section 7, laws 4, 5 and 11.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Literal

import msgspec

from tidehall.store.errors import StoreRefused

__all__ = [
    "NO_DIGEST",
    "Appended",
    "Batch",
    "CommandRow",
    "Fact",
    "Head",
    "Outcome",
    "Row",
    "SealedRow",
    "Snapshot",
    "chain",
    "chain_facts",
    "check",
    "check_texts",
]

NO_DIGEST = bytes(32)
"""What stands before the first row of a hall."""

Outcome = Literal["committed", "behind", "repeated", "person_exists"]


class Row(msgspec.Struct, frozen=True, gc=False):
    """An event as it stands in the journal; `at` when it was written, `due` when time made it true (law 1), in µs."""

    seq: int
    at: int
    due: int | None
    kind: str
    version: int
    body: bytes
    actor: str
    cause: str
    digest: bytes


class Fact(msgspec.Struct, frozen=True, gc=False):
    """An event before it has a place in the journal: a Row without seq and digest."""

    at: int
    due: int | None
    kind: str
    version: int
    body: bytes
    actor: str
    cause: str


class CommandRow(msgspec.Struct, frozen=True, gc=False):
    """A decided command and its first answer.

    `fingerprint` is a keyed hash of the raw request, made by the caller; `body` holds no person. The events that the
    command caused are first_seq…last_seq. `answer` is None once it has been purged.
    """

    principal: str
    key: str
    fingerprint: bytes
    body: bytes
    now: int
    first_seq: int
    last_seq: int
    status: int
    answer: bytes | None


class SealedRow(msgspec.Struct, frozen=True, gc=False):
    """A person or a free text under seal (law 11); `lookup` is the keyed hash by which a holder is found."""

    id: str
    kind: Literal["holder", "text"]
    lookup: bytes | None
    sealed: bytes


class Batch(msgspec.Struct, frozen=True):
    """What is written together or not at all, behind exactly the head (expected_seq, expected_digest)."""

    hall: str
    expected_seq: int
    expected_digest: bytes
    facts: list[Fact]
    commands: list[CommandRow] = []
    sealed: list[SealedRow] = []


class Head(msgspec.Struct, frozen=True):
    """Where a hall's journal ends; `epoch` names the journal itself. Serves as anchor for `verify` too."""

    epoch: str
    seq: int
    digest: bytes


class Appended(msgspec.Struct, frozen=True):
    """What became of a batch.

    committed: written; `head` is the new head and `digests` those of its facts in order. The others wrote nothing, and
    `head` is the head found there: behind (it is not the expected one), repeated (a (principal, key) is already
    there), person_exists (a sealed id or lookup is already there: look the holder up and decide again).
    """

    outcome: Outcome
    head: Head
    digests: list[bytes] = []


class Snapshot(msgspec.Struct, frozen=True):
    """A hall's folded state right after `seq`; `schema` is the version of its form, `digest` that of the row `seq`."""

    seq: int
    schema: int
    body: bytes
    digest: bytes


_header = msgspec.msgpack.Encoder().encode


def chain(
    hall: str,
    previous: bytes,
    seq: int,
    at: int,
    due: int | None,
    kind: str,
    version: int,
    body: bytes,
    actor: str,
    cause: str,
) -> bytes:
    """Return the digest of a row: sha256(previous ‖ header ‖ body), header = MessagePack of the other fields.

    A MessagePack array ends where it says, so no two different rows give the same bytes.
    """
    return sha256(previous + _header((hall, seq, at, due, kind, version, actor, cause)) + body).digest()


def chain_facts(batch: Batch) -> list[bytes]:
    """Return the digests that the facts of a batch will have if it is committed where it expects."""
    digests: list[bytes] = []
    previous = batch.expected_digest
    for seq, fact in enumerate(batch.facts, batch.expected_seq + 1):
        previous = chain(
            batch.hall, previous, seq, fact.at, fact.due, fact.kind, fact.version, fact.body, fact.actor, fact.cause
        )
        digests.append(previous)
    return digests


def check_texts(texts: Iterable[str]) -> None:
    """Refuse what PostgreSQL's text cannot hold (NUL, lone surrogates), for both journals alike."""
    joined = "".join(texts)
    if "\0" in joined:
        raise StoreRefused("a text for the journal holds a NUL character")
    try:
        joined.encode()
    except UnicodeEncodeError as error:
        raise StoreRefused("a text for the journal is not valid Unicode") from error


def check(batches: Sequence[Batch]) -> None:
    """Refuse batches that contradict themselves: one hall, command key, sealed id or lookup twice; foreign text.

    These are mistakes of the caller that no other process can cause, so they raise StoreRefused and are no outcome.
    """
    if len({batch.hall for batch in batches}) < len(batches):
        raise StoreRefused("one hall stands twice in a flush")
    for batch in batches:
        if len({(command.principal, command.key) for command in batch.commands}) < len(batch.commands):
            raise StoreRefused("one command key stands twice in a batch")
        lookups = [row.lookup for row in batch.sealed if row.lookup is not None]
        if len({row.id for row in batch.sealed}) < len(batch.sealed) or len(set(lookups)) < len(lookups):
            raise StoreRefused("one sealed id or one person stands twice in a batch")
        check_texts(text for fact in batch.facts for text in (batch.hall, fact.kind, fact.actor, fact.cause))
        check_texts(text for command in batch.commands for text in (command.principal, command.key))
        check_texts(row.id for row in batch.sealed)
