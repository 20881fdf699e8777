"""From a template and plain values to a page: words of the visitor's language, static addresses, headers.

Law: nothing on a page is inline or from elsewhere (strict CSP), and every value is escaped by the template engine.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import segno
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tidehall import locales
from tidehall.display.assets import Assets
from tidehall.queue.estimates import minutes_shown

__all__ = ["CSP", "Renderer", "local_clock", "minutes_range", "qr", "today", "visitor_language"]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
WEEKDAYS = {
    "zh": "一二三四五六日",
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def visitor_language(request: Request) -> str:
    """`?lang=` where it is one of ours, else what the browser asks for. Boards and kiosks begin in Chinese."""
    asked = request.query_params.get("lang", "")
    if asked in locales.LANGUAGES:
        return asked
    return locales.language(request.headers.get("accept-language"))


def minutes_range(estimate: dict[str, float] | None) -> tuple[int, int] | None:
    """The minutes that citizens read, of an estimate in seconds."""
    if estimate is None:
        return None
    return minutes_shown((round(estimate["p10_s"] * 1e6), 0, round(estimate["p90_s"] * 1e6)))


def local_clock(at: str) -> str:
    """HH:MM of an RFC 3339 time in its own offset, which is the hall's."""
    return datetime.fromisoformat(at).strftime("%H:%M")


def today(now: int, zone: str, lang: str) -> str:
    """The date (`now` in µs) as the board's script writes it too."""
    moment = datetime.fromtimestamp(now / 1e6, ZoneInfo(zone))
    day = WEEKDAYS[lang][moment.weekday()]
    if lang == "zh":
        return f"{moment.month}月{moment.day}日星期{day}"
    return f"{day} {moment.day} {moment.strftime('%B')}"


def qr(url: str) -> Markup:
    """A QR code as inline SVG; colours by the style sheet's own."""
    code = segno.make(url, error="m", micro=False)
    return Markup(code.svg_inline(border=2, omitsize=True, svgclass="qr", lineclass=None, dark="#10242e", light="#fff"))


class Renderer:
    """The templates with everything that they may use."""

    def __init__(self, assets: Assets) -> None:
        self.assets = assets
        self.environment = Environment(
            loader=PackageLoader("tidehall.display", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
        self.environment.globals.update(static=assets.url, clock=local_clock)

    def sentences(self, lang: str, *prefixes: str) -> dict[str, str]:
        """The words that a page's script needs."""
        return {key: text for key, text in locales.words(lang).items() if key.startswith((*prefixes, "common."))}

    def speech(self, lang: str) -> dict[str, Any]:
        """What every template may say with: `t` for sentences, `words` for names, `range_words` for waits."""

        def t(key: str, **params: Any) -> str:
            return locales.say(key, lang, **params)

        def words(text: dict[str, str] | None) -> str:
            return (text.get(lang) or text.get(locales.FIRST) or next(iter(text.values()), "")) if text else ""

        def range_words(estimate: dict[str, float] | None, key: str) -> str:
            found = minutes_range(estimate)
            return t(key, low=found[0], high=found[1]) if found else t("common.no_estimate")

        def waiting_words(line: dict[str, Any]) -> str:
            if line["waiting"]:
                return t("board.people", n=line["waiting"])
            return t("board.nobody" if line["open_windows"] else "board.no_window")

        return {"lang": lang, "t": t, "words": words, "range_words": range_words, "waiting_words": waiting_words}

    def macros(self, name: str, lang: str, **values: Any) -> Any:
        """The macros of the template `name` in a language, for parts of a page that are sent alone."""
        return self.environment.get_template(name).make_module(self.speech(lang) | values)

    def page(self, name: str, lang: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The page `name` in a language."""
        body = self.environment.get_template(name).render(**self.speech(lang), **values)
        headers = {"Content-Security-Policy": CSP, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
        return HTMLResponse(body, status_code=status, headers=headers)
