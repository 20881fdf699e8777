"""Who may do what in the offices: the chief representative's rights, desks for their posts, forgetting people."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from tests.live.clients import HALL
from tests.live.door import problem
from tests.live.leaks import betrayed
from tests.live.offices import AGENT, LI, OPINION, SIGNATURE, STREET, Offices, offices, papers, plan
from tests.live.people import add, enter
from tests.live.servers import Servers, houses
from tidehall.command import main
from tidehall.display.desks import OPENS
from tidehall.display.door import Door
from tidehall.display.http.access import POSTS
from tidehall.store.journal import verify

HTML: dict[str, Any] = {"token": None, "accept": "text/html"}
HRSS, AMR = {"hall": "t", "department": "hrss"}, {"hall": "t", "department": "amr"}
CHIEF = {"post": "chief_representative"}


async def person(s: Offices, staff: str, *posts: dict[str, Any]) -> dict[str, Any]:
    """An account that has signed in: what its browser sends."""
    await add(s, staff, *posts)
    return {"token": None, **await enter(s, staff)}


async def at_window(s: Offices, who: dict[str, Any], window: str = "w2", staff: str = "") -> str:
    """The person sits down at a window and serves somebody new; the ticket's id."""
    await s.ok(f"windows/{window}/sign-in", {"staff": staff}, **who)
    await s.ok(f"windows/{window}/open", **who)
    ticket = await s.take("A")
    for action in ("call", "start"):
        await s.ok(f"windows/{window}/{action}", **who)
    return str(ticket["id"])


async def verified(s: Offices, code: str, **more: Any) -> str:
    """The address of a case whose papers have come to its office."""
    taken = await s.intake(code, **more)
    await s.finish()
    await s.carry(taken["hand_off"])
    return f"cases/{taken['case']['id']}"


# ---- the chief representative


async def test_a_chief_representative_ends_immediate_items_at_the_window(tmp_path: Path) -> None:
    """R54: takes in, reviews and ends his department's immediate items on the spot; no others'; no other kind."""
    async with offices(tmp_path) as s:
        chief = await person(s, "8001", HRSS | CHIEF)
        stranger = await person(s, "8002", AMR | CHIEF)
        ticket = await at_window(s, chief, staff="8001")
        done = await s.ok("windows/w2/cases", papers("IMM", ticket=ticket), 201, **chief)
        case = s.keeper.committed.state.offices.cases[done["case"]["id"]]
        assert (case.stage, case.accepted_by, case.decided_by) == ("delivered", "8001", "8001")
        problem(await s.post("windows/w2/cases", papers("URG", ticket=ticket), **chief), 403, "not_allowed")
        problem(await s.post("windows/w2/cases", papers("FEE", ticket=ticket), **chief), 403, "not_allowed")
        await s.ok("windows/w2/finish", **chief)
        ticket = await at_window(s, stranger, "w1", staff="8002")
        problem(await s.post("windows/w1/cases", papers("IMM", ticket=ticket), **stranger), 403, "not_allowed")


async def test_a_chief_representative_approves_promised_items(tmp_path: Path) -> None:
    """R55: approves his department's promised items; whoever accepted the case never does, whatever his posts (R4)."""
    async with offices(tmp_path) as s:
        chief, other = await person(s, "8001", HRSS | CHIEF), await person(s, "8002", AMR | CHIEF)
        clerk = {"hall": "t", "zone": "g", "post": "acceptance"}
        both = await person(s, "8003", clerk, HRSS | CHIEF)
        body = {"outcome": "approve", "opinion": OPINION}
        case = await verified(s, "URG")
        problem(await s.post(f"{case}/claim", **other), 403, "not_allowed")
        await s.ok(f"{case}/claim", **chief)
        problem(await s.post(f"{case}/decide", body, **other), 403, "not_allowed")
        assert (await s.ok(f"{case}/decide", body, **chief))["outcome"] == "approve"

        ticket = await at_window(s, both, staff="8003")
        taken = await s.ok("windows/w2/cases", papers("URG", ticket=ticket), 201, **both)
        assert taken["case"]["accepted_by"] == "8003"
        await s.carry(taken["hand_off"])
        case = f"cases/{taken['case']['id']}"
        problem(await s.post(f"{case}/claim", **both), 409, "acceptor_decides")
        await s.ok(f"{case}/claim", **chief)
        problem(await s.post(f"{case}/decide", body, **both), 409, "acceptor_decides")
        await s.ok(f"{case}/decide", body, **chief)


async def test_the_opinion_on_a_reported_item_needs_its_right(tmp_path: Path) -> None:
    """R56: the opinion before a reported item goes up is given by whoever has that right, and by nobody else."""
    async with offices(tmp_path) as s:
        chief = await person(s, "8001", HRSS | CHIEF)
        mute = await person(s, "8002", HRSS | {"post": "officer", "opine": False})
        case = await verified(s, "REP")
        await s.ok(f"{case}/claim", **mute)
        problem(await s.post(f"{case}/opine", {"opinion": OPINION}, **mute), 403, "not_allowed")
        body = {"outcome": "approve", "opinion": OPINION}
        problem(await s.post(f"{case}/decide", body, **mute), 409, "opinion_missing")
        await s.ok(f"{case}/opine", {"opinion": OPINION}, **chief)
        await s.ok(f"{case}/decide", body, **mute)


async def test_a_joint_case_is_coordinated_by_its_lead_department(tmp_path: Path) -> None:
    """R57: only the lead's chief, or an officer with that right, opens a joint case to the others and decides it."""
    async with offices(tmp_path) as s:
        lead, other = await person(s, "8001", AMR | CHIEF), await person(s, "8002", HRSS | CHIEF)
        plain = await person(s, "8003", AMR | {"post": "officer"})
        given = await person(s, "8004", AMR | {"post": "officer", "coordinate": True})
        body = {"outcome": "approve", "opinion": OPINION}
        for coordinator in (lead, given):
            case = await verified(s, "JOI")
            problem(await s.post(f"{case}/claim", **plain), 403, "not_allowed")
            problem(await s.post(f"{case}/claim", **other), 403, "not_allowed")
            await s.ok(f"{case}/claim", **coordinator)
            problem(await s.post(f"{case}/request-fee", {"amount": 100, "reason": "x"}, **plain), 403, "not_allowed")
            part = {"opinion": OPINION, "department": "hrss"}
            problem(await s.post(f"{case}/opine", part, **plain), 403, "not_allowed")
            await s.ok(f"{case}/opine", part, **other)
            await s.ok(f"{case}/opine", part | {"department": "amr"}, **plain)
            problem(await s.post(f"{case}/decide", body, **plain), 403, "not_allowed")
            problem(await s.post(f"{case}/decide", body, **other), 403, "not_allowed")
            await s.ok(f"{case}/decide", body, **coordinator)


async def test_rights_are_said_and_may_be_fewer(tmp_path: Path) -> None:
    """A chief has all four rights, an officer two; each may be taken or given; a chief needs a department."""
    async with offices(tmp_path) as s:
        rights = ("accept", "decide", "opine", "coordinate")
        posts: list[dict[str, Any]] = [
            HRSS | CHIEF,
            HRSS | {"post": "officer"},
            HRSS | CHIEF | {"coordinate": False, "decide": False},
        ]
        made = await add(s, "1", *posts)
        assert [tuple(post[right] for right in rights) for post in made["posts"]] == [
            (True, True, True, True), (False, True, True, False), (True, False, True, False),
        ]  # fmt: skip
        body = {"posts": [{"hall": "t", **CHIEF}]}
        wrong = problem(await s.post("/api/v1/accounts/1/posts", body), 422, "invalid")
        assert [e["field"] for e in wrong["errors"]] == ["posts[0].department"]


async def test_papers_are_accepted_by_whoever_may_take_them_in(tmp_path: Path) -> None:
    """A pre-check desk and a chief accept no case whose papers came later; an acceptance clerk does."""
    async with offices(tmp_path) as s:
        zone = {"hall": "t", "zone": "g"}
        precheck, chief = await person(s, "1", zone | {"post": "precheck"}), await person(s, "2", HRSS | CHIEF)
        clerk = await person(s, "3", zone | {"post": "acceptance"})
        taken = await s.intake("URG", materials=[{"code": "photo"}], incomplete=True)
        case = f"cases/{taken['case']['id']}"
        await s.ok(f"{case}/request-correction", {"missing": ["form"]})
        await s.ok(f"{case}/correct")
        for who in (precheck, chief):
            problem(await s.post(f"{case}/accept", **who), 403, "not_allowed")
        assert (await s.ok(f"{case}/accept", **clerk))["accepted_by"] == "3"


async def test_receipt_is_acceptance_where_the_department_says_so(tmp_path: Path) -> None:
    """R12: a window post without the right to accept takes in what is accepted on receipt, and nothing else."""
    rules = plan()
    items = tuple(replace(item, accept_on_receipt=item.code == "URG") for item in rules.items)
    async with offices(tmp_path, hall=replace(rules, items=items)) as s:
        clerk = await person(s, "1", {"hall": "t", "zone": "g", "post": "acceptance", "accept": False})
        ticket = await at_window(s, clerk, staff="1")
        papers = {"ticket": ticket, "applicant": LI, "materials": [{"code": "form", "present": True}],
                  "delivery": {"method": "window"}}  # fmt: skip
        problem(await s.post("windows/w2/cases", papers | {"item": "REP"}, **clerk), 403, "not_allowed")
        taken = await s.post("windows/w2/cases", papers | {"item": "URG"}, **clerk)
        assert (taken.status_code, taken.json()["case"]["accepted_by"]) == (201, "1")


# ---- desks

PAGES = {
    "runner": "/desk/t/runner", "middle": "/desk/t/middle", "office": "/desk/t/office/hrss", "issue": "/desk/t/issue",
    "handoffs": "/desk/t/handoffs", "guide": "/desk/t/guide",
}  # fmt: skip
OWN = {
    "runner": {"runner"}, "middle": {"middle"}, "officer": {"office"}, "maker": {"office"}, "issue": {"issue"},
    "chief_representative": {"office"}, "guide": {"guide"}, "acceptance": set(), "auditor": set(),
    "supervisor": set(PAGES), "manager": set(PAGES),
}  # fmt: skip


@pytest.mark.parametrize("post", OWN)
async def test_a_desk_opens_to_its_own_post(tmp_path: Path, post: str) -> None:
    """Each desk's page, and what its script asks for, open to its post and supervisors; others are told where to go."""
    assert PAGES.keys() == OPENS.keys()
    async with offices(tmp_path) as s:
        department = {"department": "hrss"} if post in ("officer", "maker", "chief_representative") else {}
        who = await person(s, "1", {"hall": "t", "post": post} | department)
        for place, path in PAGES.items():
            wanted = 200 if place in OWN[post] else 403
            page = await s.get(f"{path}?lang=en", **HTML | who)
            assert page.status_code == wanted, (place, page.text)
            assert (await s.get(f"{path}/state", **who)).status_code == wanted, place
            if wanted == 403:
                assert "This page belongs to another post" in page.text
                own = [PAGES[mine] for mine in OWN[post]]
                assert all(f'href="{mine}"' in page.text for mine in own), "and where to go instead"
                assert LI["name"] not in page.text
        other = (await s.get("/desk/t/office/amr?lang=en", **HTML | who)).status_code
        assert other == (200 if "supervise" in POSTS[post] else 403), "another department's office"


async def test_an_officer_sees_no_other_departments_case(tmp_path: Path) -> None:
    """A case opens beside the list of the departments that it belongs to, in no other office."""
    async with offices(tmp_path) as s:
        officer = await person(s, "1", HRSS | {"post": "officer"})
        fee, urgent = await verified(s, "FEE"), await verified(s, "URG")
        ids = [case.removeprefix("cases/") for case in (fee, urgent)]
        shown = [(await s.get(f"/desk/t/office/hrss?case={id}", **HTML | officer)).text for id in ids]
        assert [LI["name"] in page for page in shown] == [False, True]


async def test_several_posts_are_several_desks(tmp_path: Path) -> None:
    """Whoever has several posts goes from desk to desk by links at the head of each page (R9); one post has none."""
    async with offices(tmp_path) as s:
        posts = [{"hall": "t", "zone": "g", "post": "acceptance"}, {"hall": "t", "post": "middle"}, HRSS | CHIEF]
        who = await person(s, "1", *posts)
        page = (await s.get("/desk/t/middle?lang=en", **HTML | who)).text
        head = page[page.index('<nav class="desks"') : page.index("</nav>")]
        links = re.findall(r'<a href="([^"]+)"( aria-current="page")?>', head)
        assert links == [("/", ""), ("/desk/t/middle", ' aria-current="page"'), ("/desk/t/office/hrss", "")]
        await at_window(s, who, "w2", "1")
        assert 'href="/desk/t/window/w2"' in (await s.get("/desk/t/office/hrss", **HTML | who)).text
        assert 'href="/desk/t/middle"' in (await s.get("/desk/t/window/w2", **HTML | who)).text
        single = await person(s, "2", {"hall": "t", "post": "middle"})
        assert '<nav class="desks"' not in (await s.get("/desk/t/middle", **HTML | single)).text


async def test_a_demonstration_lets_newcomers_in_everywhere(tmp_path: Path) -> None:
    """Its greeting and its front door have links into every desk; a real hall's say: sign in, or ask for a link."""
    async with offices(tmp_path) as s:
        real = "\n".join(s.door.greeting())
        assert "/sign-in" in real
        assert "tidehall device link" in real
        front = (await s.get("/?lang=en", **HTML)).text
        assert ("/enter/" in front, 'href="/desk/t/runner"' in front) == (False, True)

        s.door.house.demo = True
        door = Door(s.door.house, data=tmp_path, base_url="http://hall.test")
        said = "\n".join(door.greeting())
        assert "tidehall device" not in said
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door.app), base_url="http://hall.test") as client:
            front = (await client.get("/?lang=en")).text
            for text in (said, front):
                pages = []
                client.cookies.clear()
                for link in re.findall(r"/enter/[\w-]+", text):
                    entered = await client.get(link)
                    assert entered.status_code == 303
                    pages.append(entered.headers["location"])
                    opened = await client.get(pages[-1])
                    assert opened.status_code == 200, pages[-1]
                wanted = {*PAGES.values(), "/kiosk/t", "/desk/t/window/w1"}
                assert wanted <= set(pages)


# ---- forgetting a person


def unsealed(s: Offices) -> str:
    """Everything that is still under seal, opened."""
    found = []
    for row in s.journal._halls["t"].sealed.values():
        persons = s.door.house.persons
        found.append(str(persons.open_holder(row)) if row.kind == "holder" else persons.open_text(row))
    return "\n".join(found)


async def test_a_person_is_forgotten_for_ever(tmp_path: Path) -> None:
    """Refused while a case is open; then the name is gone from desk, receipt, trace and search, the chain whole."""
    async with offices(tmp_path) as s:
        manager = await person(s, "1", {"hall": "t", "post": "manager"})
        supervisor = await person(s, "2", {"hall": "t", "post": "supervisor"})
        officer = await person(s, "3", HRSS | {"post": "officer"})
        id = await s.to_review("URG", agent=AGENT, delivery={"method": "courier", "address": STREET})
        case = s.keeper.committed.state.offices.cases[id]
        path, body = f"persons/{case.applicant}/erase", {"reason": "own_request"}
        for who in (supervisor, officer):
            problem(await s.post(path, body, **who), 403, "not_allowed")
        problem(await s.post("persons/nobody/erase", body, **manager), 404, "unknown_person")
        text = case.delivery.address or ""
        problem(await s.post(f"persons/{text.split(':')[1]}/erase", body, **manager), 404, "unknown_person")
        no = problem(await s.post(path, body, **manager), 409, "person_needed")
        assert case.receipt in no["detail"]
        assert (await s.see(f"cases/{id}", **officer))["applicant"]["name"] == LI["name"]

        await s.ok(f"cases/{id}/decide", {"outcome": "approve", "opinion": OPINION})
        await s.hand_out(id, "courier")
        erased = await s.ok(path, body, **manager, idempotency_key="k1")
        assert (erased["person"], erased["forced"]) == (case.applicant, False)
        assert await s.ok(path, body, **manager, idempotency_key="k1") == erased, "a repeat has the first answer"
        problem(await s.post(path, body, **manager), 404, "unknown_person")
        last = (await s.journal.read("t", 0))[-1]
        assert (last.kind, last.actor) == ("person_erased", "staff:1")
        assert json.loads(last.body).keys() == {"kind", "at", "person", "reason"}

        plain = unsealed(s)
        assert betrayed("what is under seal", plain.encode(), [*LI.values(), STREET, SIGNATURE]) == []
        assert AGENT["name"] in plain, "another person stays"
        assert OPINION in plain, "an official opinion stays"
        shown = [
            await s.see(f"cases/{id}", **officer), await s.see(f"cases/{id}/receipt", **officer),
            await s.see(f"cases/{id}/trace", **officer), await s.see("cases", **officer),
            (await s.get(f"/case/t/{id}", **HTML | officer)).text,
            (await s.get(f"/receipt/t/{id}", **HTML | officer)).text,
            (await s.get(f"/desk/t/office/hrss?case={id}", **HTML | officer)).text,
        ]  # fmt: skip
        assert betrayed("an answer", json.dumps(shown, ensure_ascii=False).encode(), [*LI.values(), STREET]) == []
        problem(await s.get(f"progress?receipt={case.receipt}&last4=7475", token=None), 404, "unknown_receipt")
        assert (await verify(s.journal, "t")).faults == []

        again = await s.intake("URG")
        new = s.keeper.committed.state.offices.cases[again["case"]["id"]].applicant
        assert new != case.applicant, "the same citizen is a new person to the hall"


async def test_a_person_is_forgotten_by_force(tmp_path: Path) -> None:
    """With force an open case loses its applicant and goes on; the journal says that it was forced."""
    async with offices(tmp_path) as s:
        id = await s.to_review("URG")
        applicant = s.keeper.committed.state.offices.cases[id].applicant
        done = await s.ok(f"persons/{applicant}/erase", {"force": True, "reason": "他本人来电要求"})
        assert done["forced"]
        assert "他本人来电要求" not in s.written()
        assert (await s.see(f"cases/{id}"))["applicant"] is None
        await s.ok(f"cases/{id}/decide", {"outcome": "approve", "opinion": OPINION})
        await s.hand_out(id)


async def test_an_agent_has_only_so_many_open_cases(tmp_path: Path) -> None:
    """R116: the twenty-first open case of one agent is refused; R115: the named helper stands in the case."""
    async with offices(tmp_path) as s:
        for _ in range(20):
            taken = await s.intake("URG", agent=AGENT, helper="7001")
        assert taken["case"]["helper"] == "7001"
        no = problem(
            await s.post("windows/w1/cases", papers("URG", ticket=s.ticket["id"], agent=AGENT)), 409, "agent_limit"
        )
        assert (no["open"], no["limit"]) == (20, 20)
        await s.intake("URG", agent={"name": "别人", "id_number": "420222198803042221"})
        await s.intake("IMM")
        await s.ok(f"cases/{taken['case']['id']}/withdraw", {"reason": "applicant_wish"})
        await s.intake("URG", agent=AGENT)


# ---- from the command line


async def run(house: Servers, *arguments: str) -> int:
    """A command beside the running server; its exit code."""
    return await asyncio.to_thread(main, [*arguments, "--data", str(house.data)])


async def test_people_and_devices_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Find and forget a citizen beside the running server, give rights with a post, and make a link for a place."""
    who = {"name": "欧阳长风", "id_number": "420222195001011239", "phone": "13907231101"}
    async with houses(tmp_path, windows=2) as house:
        ticket = (await house.client.take("A", holder=who)).body
        number = tmp_path / "number"
        number.write_text(f"{who['id_number']}\n", "utf-8")
        assert await run(house, "person", "find", "--hall", HALL, "--ticket", ticket["id"]) == 0
        holder = capsys.readouterr().out.split()[-1]
        assert await run(house, "person", "find", "--hall", HALL, "--id-number-from", str(number)) == 0
        assert capsys.readouterr().out.split()[-1] == holder
        erase = ("person", "erase", "--hall", HALL, "--person", holder)
        assert await run(house, *erase) == 1
        refused = capsys.readouterr().err
        assert (ticket["number"] in refused, refused.count("\n")) == (True, 1)
        answer = await house.client.request("POST", f"tickets/{ticket['token']}/cancel", token=None)
        assert answer.status == 200
        assert await run(house, *erase) == 0
        said = capsys.readouterr().out
        assert betrayed("what it says", said.encode(), who.values()) == []
        assert await run(house, *erase) == 2
        assert await run(house, "person", "find", "--hall", HALL, "--id-number-from", str(number)) == 1
        assert await run(house, "verify", "--hall", HALL, "--rules") == 0
        events = await house.client.journal()
        assert (events[-1]["kind"], events[-1]["actor"]) == ("person_erased", "command-line")
        capsys.readouterr()

        post = f"{HALL}::middle:::opine,coordinate"
        assert await run(house, "account", "add", "1", "--login", "one", "--post", post) == 0
        assert await run(house, "account", "add", "2", "--login", "two", "--post", f"{HALL}::guide:::fly") == 2
        capsys.readouterr()
        assert await run(house, "account", "list") == 0
        assert f"{HALL}:*:middle:::opine,coordinate" in capsys.readouterr().out

        assert await run(house, "device", "link", "runner", "--hall", HALL) == 0
        link = capsys.readouterr().out.strip()
        async with httpx.AsyncClient(base_url=house.server.base, trust_env=False) as client:
            entered = await client.get(httpx.URL(link).path)
            assert (entered.status_code, entered.headers["location"]) == (303, f"/desk/{HALL}/runner")
            assert (await client.get(f"/desk/{HALL}/runner")).status_code == 200
            assert (await client.get(f"/desk/{HALL}/middle")).status_code in (303, 403)
            assert (await client.get(httpx.URL(link).path)).status_code == 410, "good once"
        for place in ("moon", "window:w99", "runner:1", "window"):
            assert await run(house, "device", "link", place, "--hall", HALL) == 2
