"""The reference hall at work in a real browser: its people, and what each of them does at a desk of his own.

Law: everything here happens on a page, by the person's own hands; HTTP only reads what the pages have made.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.pages.conftest import DESK, PHONE
from tests.pages.office_hall import Hall

#: Where pictures of the pages go; without it none are taken.
SHOTS = os.environ.get("TIDEHALL_SHOTS")
#: Staff id → posts. Several people, because nobody decides what he has taken in (R4).
PEOPLE: dict[str, tuple[dict[str, str], ...]] = {
    "1001": ({"post": "acceptance", "zone": "social"},),
    "1301": ({"post": "acceptance", "zone": "property"},),
    "2001": ({"post": "runner", "zone": "social"},),
    "2002": ({"post": "runner"},),
    "3001": ({"post": "middle"},),
    "5001": ({"post": "issue", "zone": "social"},),
    "5301": ({"post": "issue", "zone": "property"},),
    "6001": ({"post": "supervisor"},),
} | {
    staff: ({"post": "officer", "department": department}, {"post": "maker", "department": department})
    for staff, department in (
        ("4001", "hrss"), ("4002", "medical_insurance"), ("4003", "justice"), ("4004", "united_front"),
        ("4005", "tax"), ("4006", "housing"),
    )
} | {
    "4007": (
        {"post": "officer", "department": "property"}, {"post": "maker", "department": "property"},
        {"post": "chief_representative", "department": "property"},
    ),
}  # fmt: skip


@dataclass
class Desks:
    """The hall with its people at their desks; each desk is opened once and stays open."""

    hall: Hall
    pages: dict[str, Page] = field(default_factory=dict)

    def at(self, path: str, staff: str | None, size: tuple[int, int] = DESK) -> Page:
        """A person's desk."""
        if path not in self.pages:
            self.pages[path] = self.hall.open(path, staff, size)
        return self.pages[path]

    def runner(self, staff: str = "2001") -> Page:
        """A runner's phone."""
        if staff not in self.pages:
            self.pages[staff] = self.hall.open("/desk/pages/runner", staff, PHONE)
        return self.pages[staff]

    def window(self, window: str, staff: str) -> Page:
        """A window's terminal, its clerk signed in and the window open."""
        path = f"/desk/pages/window/{window}"
        if path not in self.pages:
            desk = self.at(path, staff)
            desk.locator("#plain-sign-in").click()
            expect(desk.locator("#who")).to_have_text(staff)
            desk.locator("[data-press=open]").click()
            expect(desk.locator("#state")).to_have_text("开放")
        return self.pages[path]

    def office(self, department: str) -> Page:
        """A department's back office."""
        officer = next(s for s, posts in PEOPLE.items() if posts[0].get("department") == department)
        return self.at(f"/desk/pages/office/{department}", officer)

    def shot(self, page: Page, name: str) -> None:
        """A picture of a page as it stands, where pictures are wanted."""
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(SHOTS) / f"{name}.png")

    def shown(self, path: str, name: str, size: tuple[int, int]) -> None:
        """A picture of a public screen."""
        if SHOTS:
            self.shot(self.at(path, None, size), name)

    # ---- 办事申请

    def number(self, kiosk: Page, wish: str, code: str, letter: str) -> tuple[str, str]:
        """Look for an item at the kiosk and take a number for it: (number, token)."""
        kiosk.locator(".door.main").click()
        kiosk.wait_for_url("**door=number*")  # and for its script: a hand is slower than this browser
        kiosk.fill("#q", wish)
        self.shot(kiosk, f"kiosk-find-{code}")
        kiosk.locator(f'#found li:visible a[href*="item={code}"]').click()
        expect(kiosk.locator(".bring li")).not_to_have_count(0)
        self.shot(kiosk, f"kiosk-confirm-{code}")
        kiosk.locator(".take").click()
        number = kiosk.locator("#number")
        expect(number).to_have_text(re.compile(rf"^{letter}\d{{3}}$"))
        self.shot(kiosk, f"kiosk-number-{code}")
        token = re.search(r"ticket=([^&]+)", kiosk.url)
        assert token is not None
        taken = number.inner_text(), token[1]
        kiosk.locator("#home").click()
        return taken

    # ---- 前台综合受理

    def begin(self, desk: Page, number: str) -> None:
        """Call the next number and begin."""
        expect(desk.locator("#waiting")).to_contain_text(number)
        desk.keyboard.press("F1")
        expect(desk.locator("#number")).to_have_text(number)
        expect(desk.locator("#ticket-state")).to_have_text("已呼叫，等待群众到窗口")
        desk.keyboard.press("F4")
        expect(desk.locator("#citizen")).to_have_attribute("data-ticket", "serving")

    def finish(self, desk: Page) -> None:
        """The visit is over."""
        desk.keyboard.press("F8")
        expect(desk.locator("#nobody")).to_be_visible()

    def intake(
        self, desk: Page, code: str, applicant: dict[str, str], *, agent: dict[str, str] | None = None,
        delivery: str = "window", bundle: str = "", urgent: bool = False, source: str = "window",
    ) -> str:  # fmt: skip
        """Take papers in with every paper ticked; the receipt's number."""
        desk.locator("#intake-open").click()
        desk.fill("#intake-item", code)
        form = desk.locator("#intake-form")
        expect(form).to_have_attribute("data-item", code)
        for material in form.locator('[name="materials"]').all():
            material.check()
        for who, person in (("applicant", applicant), ("agent", agent or {})):
            if who == "agent" and agent:
                form.locator("details summary").click()
            for part, text in person.items():
                form.locator(f'[name="{who}.{part}"]').fill(text)
        form.locator(f'[name="delivery.method"][value="{delivery}"]').check()
        if delivery == "courier":
            form.locator('[name="delivery.address"]').fill("兴国镇兴国大道一百二十号")
        if urgent:
            form.locator('[name="urgent"]').check()
        if bundle:
            form.locator('[name="bundle"]').select_option(bundle)
        form.locator('[name="source"]').select_option(source)
        self.shot(desk, f"window-intake-{code}")
        form.locator(".go").click()
        number = desk.locator("#intake-done #receipt-number")
        expect(number).to_be_visible()
        expect(number).to_have_text(re.compile(r"^\d{13}$"))
        expect(desk.locator("#receipt-copies li")).to_have_count(3)
        self.shot(desk, f"window-receipt-{code}")
        return number.inner_text()

    # ---- 流转

    def carry(self, receipt: str, runner: str = "2001", *, scan: bool = False) -> None:
        """A runner takes the papers and says that they are there."""
        phone = self.runner(runner)
        task = phone.locator("[data-list=tasks] .task", has_text=receipt[-5:])
        expect(task).to_contain_text("待取件")
        if scan:
            phone.fill("#code", receipt)
            phone.keyboard.press("Enter")
        else:
            task.locator("[data-do=pick-up]").click()
        expect(task).to_contain_text(f"{runner} 送件中")
        self.shot(phone, f"runner-{runner}")
        task.locator("[data-do=arrive]").click()
        expect(phone.locator("[data-list=arrived] .task", has_text=receipt[-5:])).to_have_count(1)

    def coming(self, desk: Page, receipt: str) -> Locator:
        """The papers that stand to be checked at a desk."""
        check = desk.locator(".check", has_text=receipt)
        expect(check).to_contain_text("已送达，待核验")
        return check

    def verify(self, desk: Page, receipt: str) -> None:
        """Paper by paper, face to face."""
        check = self.coming(desk, receipt)
        for box in check.locator("input[type=checkbox]").all():
            box.check()
        check.locator("[data-do=verify]").click()
        expect(check).to_have_count(0)

    # ---- 后台分类审批

    def chosen(self, department: str, receipt: str) -> Locator:
        """A case of the department's basket beside its list."""
        office = self.office(department)
        office.locator(".cases .case", has_text=receipt[-5:]).locator("a").click()
        pane = office.locator("[data-pane=case]")
        expect(pane.locator(".top")).to_contain_text(receipt)
        return pane

    def claimed(self, department: str, receipt: str) -> Locator:
        """The same, with the officer's name on it."""
        pane = self.chosen(department, receipt)
        pane.locator("[data-do=claim]").click()
        expect(pane.locator(".stage")).to_contain_text("审查中")
        return pane

    def opine(self, pane: Locator, text: str) -> None:
        """An opinion into the file."""
        form = pane.locator('form[data-api$="/opine"]')
        form.locator("textarea").fill(text)
        form.locator("[data-do=opine]").click()
        expect(form.locator("textarea")).to_have_value("")

    def decide(self, pane: Locator, outcome: str = "approve") -> None:
        """The decision with its grounds."""
        pane.locator(f"[name=outcome][value={outcome}]").check()
        pane.locator(".deciding textarea").fill("符合条件" if outcome == "approve" else "不符合认定条件")
        pane.locator("[data-do=decide]").click()

    def make(self, pane: Locator) -> None:
        """The result, made in the department's certificate room."""
        expect(pane.locator(".stage")).to_contain_text("已作出决定")
        pane.locator("[data-do=make]").click()
        expect(pane.locator(".stage")).to_contain_text("已制证")

    # ---- 统一窗口出件

    def ready(self, staff: str, receipt: str) -> Locator:
        """At the zone's issue post: the result is there."""
        if f"issue {staff}" not in self.pages:
            zone = PEOPLE[staff][0]["zone"]
            self.pages[f"issue {staff}"] = self.hall.open(f"/desk/pages/issue?zone={zone}", staff)
        desk = self.pages[f"issue {staff}"]
        desk.locator("[data-list=made] .give", has_text=receipt).locator("[data-do=ready]").click()
        row = desk.locator("[data-list=ready] .give", has_text=receipt)
        expect(row).to_have_count(1)
        return row

    def sent(self, staff: str, receipt: str, method: str) -> None:
        """What the applicant asked for at intake is what the post is offered: on its way."""
        row = self.ready(staff, receipt)
        expect(row.locator("[name=method]")).to_have_value(method)
        row.locator("[data-do=deliver]").click()
        expect(self.pages[f"issue {staff}"].locator("[data-list=given]")).to_contain_text(receipt[-5:])

    # ---- 一天一归档

    def file(self, desk: Page, cases: int) -> None:
        """Everything that a unit has open has its place, and with it the cases end."""
        desk.locator("#unfiled").click()
        desk.wait_for_url("**/archive/*")  # and for its script: a hand is slower than this browser
        expect(desk.locator("[data-list=open] .filing")).to_have_count(cases)
        desk.locator('[data-pick-all="open"]').click()
        expect(desk.locator("#file-then")).to_have_text(f"其中 {cases} 个办件同时办结")
        self.shot(desk, "archive-" + desk.url.rpartition("/")[2].replace(":", "-").replace("%3A", "-"))
        desk.locator("#filing-bar button[value=file]").click()
        expect(desk.locator("#said")).to_contain_text("已归档")
        expect(desk.locator("[data-list=open] .filing")).to_have_count(0)
        expect(desk.locator("#unfiled b")).to_have_text("0")
