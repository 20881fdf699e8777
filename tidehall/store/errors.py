"""What can go wrong in the store, as one small tree; no other exception of a driver leaves this room.

StoreError
├── StoreUnavailable     the database cannot be reached or did not answer in time
│   └── OutcomeUnknown   … while an append was under way: it may or may not have been committed
├── StoreRefused         the value itself cannot be stored; sending it again will not help
├── SchemaError          the database is not the one this program was written for
└── KeyFileError         the file with the keys of the persons table is missing, open to others or damaged
"""

__all__ = ["KeyFileError", "OutcomeUnknown", "SchemaError", "StoreError", "StoreRefused", "StoreUnavailable"]


class StoreError(Exception):
    """The root of everything the store raises."""


class StoreUnavailable(StoreError):
    """Connection refused, lost or silent for too long. A write that raises exactly this was not committed."""


class OutcomeUnknown(StoreUnavailable):
    """The connection was lost while an append was under way; the command's key tells later whether it happened."""


class StoreRefused(StoreError, ValueError):
    """A value that no journal can hold: a NUL character, a number that is too large, one key twice in a batch."""


class SchemaError(StoreError):
    """An edited migration, a database newer than the program, or a server that does not fit."""


class KeyFileError(StoreError):
    """The key file is missing, readable by others, or holds something that is no key."""
