"""What the house says, in the languages of its people: one flat JSON file per language.

Law: a sentence stands in every language under the same key, and no sentence is written anywhere else. The same files
go to the pages' JavaScript. zh is the first language and what is spoken when nobody asks for another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["FIRST", "LANGUAGES", "has", "language", "say", "words"]

FIRST = "zh"
LANGUAGES = ("zh", "en")


@cache
def words(lang: str) -> Mapping[str, str]:
    """All sentences of a language by key; of the first language when it is not one of ours."""
    name = lang if lang in LANGUAGES else FIRST
    found: dict[str, str] = json.loads(files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return found


class _Given(dict[str, Any]):
    """What a sentence is filled with; what was not given leaves its place empty instead of failing."""

    def __missing__(self, key: str) -> str:
        return ""


def say(key: str, lang: str, **params: Any) -> str:
    """The sentence under `key`, filled with `params`. Raises KeyError for a key that no file has."""
    text = words(lang).get(key)
    if text is None:
        text = words(FIRST)[key]
    return text.format_map(_Given(params)) if "{" in text else text


def has(key: str) -> bool:
    """Whether there is a sentence under `key`."""
    return key in words(FIRST)


def language(accept_language: str | None) -> str:
    """The best of our languages for an Accept-Language header (RFC 9110 12.5.4); zh when none is asked for."""
    best, weight = FIRST, 0.0
    for part in (accept_language or "").split(",")[:20]:
        name, _, parameter = part.strip().partition(";")
        lang = name.strip().lower().partition("-")[0]
        if lang not in LANGUAGES:
            continue
        try:
            q = float(parameter.partition("=")[2]) if parameter.strip() else 1.0
        except ValueError:
            continue
        if q > weight:
            best, weight = lang, q
    return best
