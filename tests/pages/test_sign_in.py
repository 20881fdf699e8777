"""Signing in and out in a real browser, with and without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.pages.conftest import Hands, Server

pytestmark = pytest.mark.browser

FIRST, OWN, NAME = "first-tide-4711", "my-own-tide-0815", "欧阳长风"


@pytest.mark.parametrize("scripts", [False, True])
def test_a_clerk_signs_in_works_and_leaves(server: Server, hands: Hands, *, scripts: bool) -> None:
    """A desk leads to the sign-in, over an own password to the desk that names who sits there, and out again."""
    staff = f"page-{scripts}"
    body = {
        "staff": staff, "login": staff, "password": FIRST, "name": NAME,
        "posts": [{"hall": "pages", "zone": "social", "post": "acceptance"}],
    }  # fmt: skip
    answer = server.api.post("/api/v1/accounts", json=body)
    assert answer.status_code == 201, answer.text
    page = hands.open("/desk/pages/window/s01", signed_in=False, scripts=scripts)
    expect(page).to_have_url(re.compile(r"/sign-in\?to=/desk/pages/window/s01$"))
    page.fill("#login", staff)
    page.fill("#password", FIRST)
    page.locator("button.go").click()
    expect(page).to_have_url(re.compile(r"/sign-in/password\?to="))
    page.fill("#password", FIRST)
    page.fill("#new_password", OWN)
    page.fill("#again", OWN)
    page.locator("button.go").click()
    expect(page).to_have_url(re.compile(r"/desk/pages/window/s01$"))
    expect(page.locator(".who b")).to_have_text(NAME)
    if scripts:
        page.locator("#plain-sign-in").click()
        expect(page.locator("#who")).to_have_text(staff)
        page.locator("[data-press=open]").click()
        page.locator("[data-press=close]:not([disabled])").click()
        page.locator("[data-press=sign-out]:not([disabled])").click()
        page.goto("/sign-out")
        page.locator("button.go").click()
    else:
        page.locator(".who button").click()
    expect(page).to_have_url(f"{server.base}/")
    page.goto("/desk/pages/window/s01")
    expect(page).to_have_url(re.compile(r"/sign-in\?to="))
