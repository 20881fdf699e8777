"""Where a secret could stand: in what is said, in a row, in a file; plain or in another form."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["as_bytes", "betrayed", "forms", "on_disk"]


def forms(secret: str) -> Iterable[bytes]:
    """How a text could stand somewhere: plain, escaped as JSON does, as PostgreSQL's hexadecimal bytes."""
    plain = secret.encode()
    yield from {plain, json.dumps(secret)[1:-1].encode(), plain.hex().encode()}


def betrayed(where: str, content: bytes, secrets: Iterable[str]) -> list[str]:
    """What of the secrets stands in `content`."""
    return [f"{secret} in {where}" for secret in secrets if any(form in content for form in forms(secret))]


def as_bytes(value: Any) -> bytes:
    """A value of the database, whatever its type."""
    return value if isinstance(value, bytes) else str(value).encode()


def on_disk(folder: Path, secrets: Iterable[str]) -> list[str]:
    """What of the secrets stands in any file: PostgreSQL's tables and its log of writes, keys, links, logs."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any("pg_wal" in path.parts for path in files)
    return [one for path in files for one in betrayed(str(path.relative_to(folder)), path.read_bytes(), secrets)]
