"""The environment, read once.

Law: nothing else in the house reads the environment; a wrong value is one sentence that says how to mend it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Settings", "SettingsError"]


class SettingsError(ValueError):
    """A setting that can't be used; the message names it and says what would do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process runs."""

    data: Path
    """`TIDEHALL_DATA` or --data: keys, the embedded database, logs."""
    database_url: str | None = None
    """`TIDEHALL_DATABASE_URL`: an external PostgreSQL; without it the server starts its own."""
    redis_url: str | None = None
    """`TIDEHALL_REDIS_URL`: Valkey or Redis, the loudspeaker between several servers."""
    admin_token: str | None = None
    """`TIDEHALL_ADMIN_TOKEN`: a bearer token with every right."""
    base_url: str = "http://127.0.0.1:8000"
    """Where this server is reached; printed links begin with it."""
    plans: tuple[Path, ...] = ()
    """`TIDEHALL_PLANS`: plan files of new halls, separated like PATH."""
    scenarios: tuple[Path, ...] = ()
    """`TIDEHALL_SCENARIOS`: scenario files that look-ahead rests on, each for its plan's hall, separated like PATH."""
    demo: float | None = None
    """`TIDEHALL_DEMO`: the demonstration's speed; None is a real hall."""
    sms: str | None = None
    """`TIDEHALL_SMS`: where short messages go: file:PATH, or the http(s) address of the town's gateway."""
    webhook: str | None = None
    """`TIDEHALL_WEBHOOK`: the http(s) address to which alerts go that the plan sends out."""
    webhook_secret: str | None = None
    """`TIDEHALL_WEBHOOK_SECRET`: the key with which they are signed."""
    duty: Path | None = None
    """`TIDEHALL_DUTY`: a TOML file with the duty telephones: owner of alerts = telephone or list of them."""
    single: bool = True
    """`TIDEHALL_SINGLE`: this process is the only one on its database (1), or not (0)."""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings that the environment describes. Raises SettingsError."""
        database = environment.get("TIDEHALL_DATABASE_URL") or None
        if database is not None and not database.startswith(("postgresql://", "postgres://")):
            raise SettingsError("TIDEHALL_DATABASE_URL must begin with postgresql:// ")
        redis = environment.get("TIDEHALL_REDIS_URL") or None
        if redis is not None and not redis.startswith(("redis://", "rediss://", "unix://", "valkey://")):
            raise SettingsError("TIDEHALL_REDIS_URL must begin with redis://, rediss:// or unix://")
        token = environment.get("TIDEHALL_ADMIN_TOKEN") or None
        speed = environment.get("TIDEHALL_DEMO")
        try:
            demo = float(speed) if speed else None
        except ValueError as error:
            raise SettingsError(f"TIDEHALL_DEMO must be a number, not {speed!r}") from error
        if demo is not None and not 0.1 <= demo <= 1000:
            raise SettingsError(f"the demonstration's speed must lie between 0.1 and 1000, not {demo:g}")
        return cls(
            data=Path(environment.get("TIDEHALL_DATA") or "data"),
            database_url=database,
            redis_url=redis,
            admin_token=token,
            base_url=environment.get("TIDEHALL_BASE_URL") or "http://127.0.0.1:8000",
            plans=tuple(Path(p) for p in environment.get("TIDEHALL_PLANS", "").split(os.pathsep) if p),
            scenarios=tuple(Path(p) for p in environment.get("TIDEHALL_SCENARIOS", "").split(os.pathsep) if p),
            demo=demo,
            sms=environment.get("TIDEHALL_SMS") or None,
            webhook=environment.get("TIDEHALL_WEBHOOK") or None,
            webhook_secret=environment.get("TIDEHALL_WEBHOOK_SECRET") or None,
            duty=Path(environment["TIDEHALL_DUTY"]) if environment.get("TIDEHALL_DUTY") else None,
            single=environment.get("TIDEHALL_SINGLE", "1" if database is None else "0") == "1",
        )
