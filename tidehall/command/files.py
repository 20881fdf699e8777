"""Files that a command leaves: asked for before the work begins, and written whole or not at all.

Law: whoever has waited for an hour must not hear only then that the folder is missing, and a command that is stopped in
the middle leaves what was there before.
"""

from __future__ import annotations

import os
from pathlib import Path

from tidehall.server import StartError

__all__ = ["must_be_writable", "write_whole"]


def must_be_writable(path: Path | None, what: str = "file") -> None:
    """Refuse a place that can't be written, before any work. Raises StartError."""
    if path is None:
        return
    folder = path.resolve().parent
    why = None
    if path.is_dir():
        why = "is a folder"
    elif not folder.is_dir():
        why = "there is no such folder"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        why = "may not be written"
    if why is not None:
        raise StartError(f"{path}: {why}; name a {what} that can be written")


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file at once: nobody ever sees half of it. Raises StartError."""
    data = content.encode() if isinstance(content, str) else content
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if (path.exists() and not path.is_file()) or not os.access(target.parent, os.W_OK):
            path.write_bytes(data)  # a device or a pipe, or a folder that takes no new file
            return
        try:
            beside.write_bytes(data)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise StartError(f"{path}: {error.strerror or error}; name a file that can be written") from error
