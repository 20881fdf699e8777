"""Seals who people are and what they wrote; everything else in the house knows ids only.

One law: no name, number or free text leaves this room unsealed except to the caller who asks for it by its row
(law 11, R119). Sealing is Fernet with the keys of a file outside the database; people are found again by a keyed hash.

The key file has one key a line, newest first. To rotate, put a new key above: it seals from then on, the older ones
still open. The **last** line is the root of the lookup hashes, tokens and fingerprints, so it must never be removed.
"""

import hmac
import os
import secrets
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypedDict

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tidehall.store.errors import KeyFileError, StoreRefused
from tidehall.store.rows import SealedRow

__all__ = ["Holder", "Person", "Persons", "mask_id", "mask_name", "mask_phone"]

_TOKEN_BYTES = 16
_MOST_STARS = 3


class Person(TypedDict):
    """Who a holder is; what was not asked for is None."""

    name: str | None
    id_number: str | None
    phone: str | None


class Holder(msgspec.Struct, frozen=True):
    """A freshly sealed holder: the row to append, and the hash by which the same person is found already there."""

    row: SealedRow
    lookup: bytes | None


class _Sealed(msgspec.Struct, frozen=True, array_like=True):
    """What lies under the seal. It repeats the row's id and kind, so that rows cannot be exchanged unseen."""

    id: str
    kind: str
    salt: bytes
    fields: list[str | None]


class Persons:
    """The keys, and what can be done with them. Made by `Persons.load`."""

    def __init__(self, keys: list[bytes]) -> None:
        """Take Fernet keys, newest first; the last one is the root."""
        try:
            self._box = MultiFernet([Fernet(key) for key in keys])
            root = urlsafe_b64decode(keys[-1])
        except (ValueError, IndexError) as error:
            raise KeyFileError("the key file holds something that is no key") from error
        self._lookup_key = _derive(root, b"tidehall lookup")
        self._token_key = _derive(root, b"tidehall token")
        self._fingerprint_key = _derive(root, b"tidehall fingerprint")
        self._root = root

    @classmethod
    def load(cls, path: Path, create: bool = True) -> "Persons":
        """Read the key file; make it at the first start if `create`. Raises KeyFileError with a sentence."""
        if create and not path.exists():
            _make(path)
        try:
            mode, text = path.stat().st_mode, path.read_bytes()
        except OSError as error:
            raise KeyFileError(f"the key file {path} cannot be read: {error.strerror}") from error
        if os.name == "posix" and mode & 0o077:
            raise KeyFileError(f"the key file {path} is open to others: chmod 600 it")
        return cls([line.strip() for line in text.splitlines() if line.strip()])

    def derive(self, purpose: bytes) -> bytes:
        """A key for another purpose, from the same root."""
        return _derive(self._root, purpose)

    def seal_holder(self, name: str | None, id_number: str | None = None, phone: str | None = None) -> Holder:
        """Seal a person under a new id. Without an id number nobody can be recognised, and lookup is None."""
        lookup = self.lookup(id_number) if id_number else None
        row, _ = self._seal("holder", [name, id_number, phone], lookup)
        return Holder(row, lookup)

    def open_holder(self, row: SealedRow) -> Person:
        """Return the person in a row; StoreRefused if the row was tampered with or sealed with an unknown key."""
        name, id_number, phone = self._open(row, "holder").fields
        return {"name": name, "id_number": id_number, "phone": phone}

    def lookup(self, id_number: str) -> bytes:
        """Return the keyed hash of an id number; full width, lower case and spaces make no difference."""
        plain = "".join(unicodedata.normalize("NFKC", id_number).upper().split())
        return _mac(self._lookup_key, plain.encode())

    def seal_text(self, text: str) -> tuple[str, SealedRow]:
        """Seal a free text; return what an event may hold, `sealed:<id>:<salted digest>`, and the row to append.

        The salt lies under the seal, so that after an erasure the digest tells nothing, not even of a guessed text.
        """
        row, salt = self._seal("text", [text], None)
        return f"sealed:{row.id}:{_salted(salt, text)}", row

    def open_text(self, row: SealedRow, *, reference: str | None = None) -> str:
        """Return the text in a row; with `reference`, refuse a row that is not what the event refers to."""
        sealed = self._open(row, "text")
        text = sealed.fields[0] or ""
        if reference is not None and reference != f"sealed:{row.id}:{_salted(sealed.salt, text)}":
            raise StoreRefused("the sealed text is not the one that the event refers to")
        return text

    def token(self, ticket_id: str) -> str:
        """Return the secret token of a ticket; it is computed whenever needed, never stored."""
        return f"{ticket_id}.{self._signature(ticket_id)}"

    def ticket_of(self, token: str) -> str | None:
        """Return the ticket id in a genuine token, else None."""
        ticket_id, _, signature = token.rpartition(".")
        # Compared as bytes: compare_digest refuses text outside ASCII, and a token is whatever a stranger sends.
        given = signature.encode(errors="replace")
        known = self._signature(ticket_id).encode()
        return ticket_id if ticket_id and hmac.compare_digest(given, known) else None

    def fingerprint(self, request: bytes) -> bytes:
        """Return the keyed hash by which a repeated request is recognised without being kept."""
        return _mac(self._fingerprint_key, request)

    def _signature(self, ticket_id: str) -> str:
        mac = _mac(self._token_key, ticket_id.encode(errors="replace"))[:_TOKEN_BYTES]
        return urlsafe_b64encode(mac).rstrip(b"=").decode()

    def _seal(
        self, kind: Literal["holder", "text"], fields: list[str | None], lookup: bytes | None
    ) -> tuple[SealedRow, bytes]:
        row_id, salt = secrets.token_urlsafe(12), secrets.token_bytes(16)
        content = msgspec.msgpack.encode(_Sealed(row_id, kind, salt, fields))
        return SealedRow(row_id, kind, lookup, self._box.encrypt(content)), salt

    def _open(self, row: SealedRow, kind: str) -> _Sealed:
        try:
            sealed = msgspec.msgpack.decode(self._box.decrypt(row.sealed), type=_Sealed)
        except (InvalidToken, msgspec.DecodeError) as error:
            raise StoreRefused(f"the sealed row {row.id} cannot be opened with the keys at hand") from error
        if (sealed.id, sealed.kind) != (row.id, kind):
            raise StoreRefused(f"the sealed row {row.id} holds something else than it says")
        return sealed


def mask_name(name: str) -> str:
    """张三丰 → 张**: the first character and at most three stars, so that a long name does not show its length."""
    return name[:1] + "*" * min(len(name) - 1, _MOST_STARS)


def mask_id(id_number: str) -> str:
    """420222199001011234 → 420***********1234; a short number shows at most its last third."""
    return _mask(id_number, 3, 4)


def mask_phone(phone: str) -> str:
    """13812341234 → 138****1234."""
    return _mask(phone, 3, 4)


def _mask(number: str, front: int, back: int) -> str:
    if len(number) < front + back + 4:
        front, back = 0, min(back, len(number) // 3)
    return number[:front] + "*" * (len(number) - front - back) + number[len(number) - back :]


def _make(path: Path) -> None:
    """Write a first key in one step, so that of two processes that start together both read the same key."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(Fernet.generate_key() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        finally:
            draft.unlink()
    except FileExistsError:
        return  # the other process was first
    except OSError as error:
        raise KeyFileError(f"the key file {path} cannot be made: {error.strerror}") from error


def _derive(root: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(root)


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _salted(salt: bytes, text: str) -> str:
    return sha256(salt + text.encode()).hexdigest()
