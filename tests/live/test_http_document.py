"""The table of calls: its words, its OpenAPI document, and what Schemathesis finds by it."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from itertools import product
from pathlib import Path

import pytest

from tests.live.door import ADMIN, served, stage
from tidehall.display.http.accounts import ACCOUNT_CALLS
from tidehall.display.http.api import CALLS
from tidehall.display.http.app import ALL_CALLS, SYSTEM_CALLS
from tidehall.display.http.openapi import document
from tidehall.display.http.problems import STATUS
from tidehall.locales import LANGUAGES, has, words

#: Seconds, several times what it needs, until Schemathesis is not going to end.
PATIENCE_S = {"coverage": 240, "coverage,fuzzing": 3600}

# ---- words


def test_every_code_has_its_words() -> None:
    """Every code that the rules or the door can say no with has a title and a sentence in both languages."""
    sources = [path for room in ("hall", "queue", "display/http") for path in Path("tidehall", room).glob("*.py")]
    pattern = re.compile(r"""(?:Refusal|Problem)\(\s*"(\w+)\"""")
    codes = {code for path in sources for code in pattern.findall(path.read_text("utf-8"))} | set(STATUS)
    codes |= {code for call in CALLS + SYSTEM_CALLS for code in call.described}
    codes |= set(re.findall(r'may\(\w+, "\w+", "(\w+)"\)', Path("tidehall/hall/citizens.py").read_text("utf-8")))
    assert len(codes) > 40
    for lang in LANGUAGES:
        missing = [
            f"problem.{c}.{p}" for c in codes for p in ("title", "detail") if f"problem.{c}.{p}" not in words(lang)
        ]
        assert missing == [], lang


def test_every_code_of_the_offices_has_its_words() -> None:
    """Every code that the offices' rules and calls can say no with has a title and a sentence in both languages."""
    sources = [*Path("tidehall/hall/offices").glob("*.py"), *Path("tidehall/display/http").glob("*.py")]
    pattern = re.compile(r"""(?:Refusal|Problem)\(\s*"(\w+)\"""")
    codes = {code for path in sources for code in pattern.findall(path.read_text("utf-8"))}
    codes |= {code for call in ALL_CALLS for code in call.described}
    assert {"papers_differ", "parts_open", "unknown_receipt"} <= codes
    for lang in LANGUAGES:
        assert not [c for c in codes for p in ("title", "detail") if f"problem.{c}.{p}" not in words(lang)], lang


def test_every_fault_has_its_words() -> None:
    """Every word that the door has for a wrong field stands in the locales."""
    source = "".join(path.read_text("utf-8") for path in Path("tidehall/display/http").glob("*.py"))
    found = set(re.findall(r'Fault\([^()]+?, "(\w+)"', source))
    assert len(found) > 5
    assert [word for word in found if not has(f"problem.field.{word}")] == []


# ---- the document


def test_the_document_is_complete() -> None:
    """OpenAPI 3.1 names every route with every status, every reference leads somewhere, every id stands once."""
    data = document(CALLS + SYSTEM_CALLS)
    assert data["openapi"].startswith("3.1")
    operations = [operation for methods in data["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) == len(CALLS + SYSTEM_CALLS)
    schemas = data["components"]["schemas"]
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(data)):
        assert reference.removeprefix("#/components/schemas/") in schemas
    for call in CALLS:
        said = data["paths"][call.path][call.method.lower()]
        assert set(said["responses"]) == {str(call.status), *map(str, call.answering())}
        assert ("security" in said) == bool(call.rights)
        named = {p["name"] for p in said.get("parameters", ()) if p["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", call.path))
        assert ("requestBody" in said) == (call.method == "POST")


def test_the_document_names_every_call() -> None:
    """The OpenAPI document has every call once, with every status that its table row says."""
    data = document(ALL_CALLS + SYSTEM_CALLS)
    operations = [operation for methods in data["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for call in ALL_CALLS:
        said = data["paths"][call.path][call.method.lower()]
        assert set(said["responses"]) == {str(call.status), *map(str, call.answering())}
        assert {p["name"] for p in said.get("parameters", ()) if p["in"] == "path"} == set(
            re.findall(r"\{(\w+)\}", call.path)
        )


def test_the_document_has_these_calls() -> None:
    """OpenAPI holds every call of accounts with its body, statuses and schemas; passwords are write-only."""
    data = document(CALLS + ACCOUNT_CALLS + SYSTEM_CALLS)
    for call in ACCOUNT_CALLS:
        said = data["paths"][call.path][call.method.lower()]
        assert set(said["responses"]) == {str(call.status), *map(str, call.answering())}
        assert ("security" in said) == bool(call.rights)
        assert ("requestBody" in said) == (call.method == "POST")
    assert data["components"]["schemas"]["LoginBody"]["properties"]["password"]["writeOnly"] is True
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(data)):
        assert reference.removeprefix("#/components/schemas/") in data["components"]["schemas"]
    kinds = product(ACCOUNT_CALLS, ("AccountView", "SessionView"))
    assert not [call.name for call, kind in kinds if "password" in data["components"]["schemas"][kind]["properties"]]


async def test_the_documents_page_needs_no_network(tmp_path: Path) -> None:
    """/api/docs holds every call and no script, style or address from elsewhere."""
    async with stage(tmp_path) as s:
        page = (await s.get("/api/docs", token=None)).text
        assert [call.name for call in CALLS if f'id="{call.name}"' not in page] == []
        assert "<script" not in page
        assert "style=" not in page
        assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []


@pytest.mark.flaky(reruns=2)  # the tool itself ends with a runtime error, or not at all, now and then (threads)
@pytest.mark.parametrize("phases", ["coverage", pytest.param("coverage,fuzzing", marks=pytest.mark.proof)])
async def test_schemathesis_finds_nothing(tmp_path: Path, phases: str) -> None:
    """Schemathesis, sending right and wrong input to every call over a real socket, finds no undocumented answer.

    503 with Retry-After is documented (`behind` for a position far ahead), every other 5xx is a failure.
    """
    async with stage(tmp_path) as s, served(s) as base:
        await s.post("windows/w1/sign-in", {"staff": "clerk-w1"})
        await s.post("windows/w1/open")
        ticket = await s.take()
        config = tmp_path / "schemathesis.toml"
        path = {"hall": "t", "window": "w1", "board": "main", "ticket": ticket["id"], "token": ticket["token"],
                "period": "2026-11", "runner": "r1"}  # fmt: skip
        config.write_text(
            '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", "503"]\n[parameters]\n'
            + "".join(f'"path.{name}" = "{value}"\n' for name, value in path.items())
        )
        checks = (
            "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
            "negative_data_rejection", "unsupported_method",
        )  # fmt: skip
        running = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("st")), "--config-file", str(config), "run", f"{base}/api/openapi.json",
            "--header", f"Authorization: Bearer {ADMIN}", "--checks", ",".join(checks), "--phases", phases,
            "--max-examples", "5", "--workers", "1", "--no-color", "--seed", "7",
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE_S[phases]):
                said, _ = await running.communicate()
        finally:
            if running.returncode is None:
                running.kill()
                await running.wait()
        assert running.returncode == 0, said.decode().partition("= FAILURES =")[2][:6000]
        assert "Tested: " in said.decode()
