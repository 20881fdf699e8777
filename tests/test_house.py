"""The house keeps its own rules: layers, traps, words, documents. A rule that nobody checks is a wish."""

from __future__ import annotations

import ast
import json
import re
import string
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from tidehall.display.http.app import ALL_CALLS
from tidehall.display.http.problems import STATUS
from tidehall.hall.commands import Command
from tidehall.hall.events import Event
from tidehall.hall.papers.objects import CASE_LIFE, HAND_OFF_LIFE, MATTER_LIFE, SUPPORT_LIFE
from tidehall.hall.plan import parse_plan
from tidehall.hall.state import WINDOW_LIFE
from tidehall.queue.tickets import TICKET_LIFE, UNDO_LIFE

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tidehall"
LANGUAGES = ("zh", "en")
LONGEST = 600
#: Modules that may be longer, and why.
ARGUED: dict[str, str] = {}

#: What the pure rooms may import besides each other; everything else is I/O, a clock or chance, or must be argued here.
PURE = {
    "__future__", "bisect", "collections", "dataclasses", "datetime", "enum", "functools", "heapq", "itertools", "math",
    "msgspec", "operator", "re", "typing", "zoneinfo",
    # The State Council's yearly holidays and make-up days: tables in its own Python source. It opens no file, asks no
    # clock, and the answer depends on the date given alone; hall/workdays.py is the one that imports it.
    "chinese_calendar",
}  # fmt: skip
#: The core rows of the requirements that the line and the offices are answerable for; docs/requirements.md has them.
CORE = {
    *range(1, 19), 21, 22, *range(23, 47), 53, *range(54, 61), 63, 64, 66, *range(69, 74), *range(74, 96),
    *range(96, 100), *range(102, 108), 110, *range(112, 118), 120, *range(123, 129), 132, 133, 135,
}  # fmt: skip
#: Folders that are not ours.
OTHERS = {".git", ".venv", "data", "build", "node_modules", "fonts", "icons", "__pycache__"}
TEXT = {".py", ".md", ".toml", ".html", ".css", ".js", ".mjs", ".json", ".sql", ".yaml", ".yml", ""}


def generator() -> ModuleType:
    """docs/generate.py as a module."""
    spec = spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ours(*suffixes: str) -> Iterator[Path]:
    """The project's own files with one of these suffixes."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any((part.startswith(".") and part != ".ci") or part.endswith(".egg-info") for part in parts)
        if path.is_file() and path.suffix in suffixes and not hidden and not OTHERS & set(parts):
            yield path


def name(path: Path) -> str:
    """A path as a reader of the repository writes it."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(path.read_text("utf-8"))


@cache
def words(language: str) -> dict[str, str]:
    """A locale."""
    found: dict[str, str] = json.loads((PACKAGE / "locales" / f"{language}.json").read_text("utf-8"))
    return found


def placeholders(text: str) -> set[str]:
    """The names that a sentence wants filled in."""
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def imports(module: ast.Module) -> set[str]:
    """The names of all modules that this one imports, wherever it does so."""
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


# ---- layers and traps


def test_the_import_contracts_hold() -> None:
    """Every contract of pyproject.toml is kept: layers, no circles, pure rooms, one room per driver."""
    lint = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    ran = subprocess.run([sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("room", ["queue", "hall"])
def test_a_pure_room_imports_only_what_is_pure(room: str) -> None:
    """The pure rooms use msgspec, a few parts of the standard library, the holidays, and each other."""
    wrong = {
        (name(path), module)
        for path in (PACKAGE / room).rglob("*.py")
        for module in imports(tree(path))
        if module.split(".")[0] not in PURE and not module.startswith(("tidehall.queue", "tidehall.hall"))
    }
    assert not wrong


@pytest.mark.parametrize("room", ["queue", "hall"])
def test_a_pure_room_never_asks_what_time_it_is(room: str) -> None:
    """Time comes in through the door (law 1): no now(), today() or utcnow(), which a permitted import would allow."""
    wrong = [
        f"{name(path)}:{node.lineno}"
        for path in (PACKAGE / room).rglob("*.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "today", "utcnow"}
        and isinstance(node.value, ast.Name)
        and node.value.id in {"datetime", "date"}
    ]
    assert not wrong


@pytest.mark.parametrize("how", [["-c", "import queue"], ["-m", "timeit", "-n", "1", "-r", "1", "import queue"]])
def test_queue_is_pythons_own_queue_from_the_root(how: list[str]) -> None:
    """No folder or module of ours hides the standard library's `queue` from whoever starts at the root."""
    check = "; assert hasattr(queue, 'SimpleQueue'), queue.__file__"
    ran = subprocess.run([sys.executable, *how[:-1], how[-1] + check], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_no_top_level_name_hides_the_standard_library() -> None:
    """Nothing at the root, and no folder of tests, is named like a module of the standard library."""
    found = {path.stem for path in ROOT.glob("*.py")} | {path.parent.name for path in ROOT.glob("*/__init__.py")}
    found |= {path.parent.name for path in (ROOT / "tests").rglob("__init__.py")}
    assert not found & sys.stdlib_module_names


# ---- how modules look


def test_every_module_says_what_it_is_for() -> None:
    """Each module of the package has a docstring, and each that defines something has `__all__`."""
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        module = tree(path)
        if not ast.get_docstring(module):
            wrong.append(f"{name(path)}: no docstring")
        targets = [t for n in module.body if isinstance(n, ast.Assign) for t in n.targets]
        targets += [n.target for n in module.body if isinstance(n, ast.AnnAssign)]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        defines = [n for n in module.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
        if defines and "__all__" not in names:
            wrong.append(f"{name(path)}: no __all__")
    assert not wrong


def test_no_module_is_longer_than_can_be_read() -> None:
    """600 lines at most; what is longer is argued in `ARGUED`, and nothing is argued that is not longer."""
    long = {
        name(path)
        for path in ours(".py", ".js", ".mjs")
        if len(path.read_text("utf-8").splitlines()) > LONGEST and "tests" not in path.relative_to(ROOT).parts
    }
    assert long == ARGUED.keys()


def test_no_module_has_a_name_that_says_nothing() -> None:
    """One noun per module: no utils, helpers, manager or base."""
    nothing = {"util", "utils", "helper", "helpers", "manager", "base", "common", "misc"}
    assert not {name(path) for path in PACKAGE.rglob("*.py") if path.stem in nothing}


def test_nothing_is_left_to_be_done_later() -> None:
    """No mark in the text says that something is still to be done: that is an issue's place."""
    mark = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
    found = [
        f"{name(path)}:{number}"
        for path in ours(*TEXT)
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if mark.search(line)
    ]
    assert not found


def test_no_file_knows_a_machine() -> None:
    """No path of somebody's machine stands in code, documents or data."""
    place = re.compile(r"(?<![\w.~*}\])-])/(work|home|root|Users|mnt)/\w")
    found = [
        f"{name(path)}:{number}: {line.strip()[:80]}"
        for path in ours(*TEXT)
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if place.search(line)
    ]
    assert not found


def test_pages_need_no_build_step() -> None:
    """Pages are plain scripts: no TypeScript sources, no package.json, no bundler's configuration."""
    assert not [name(path) for path in ours(".ts", ".tsx", ".jsx", ".vue") if not path.name.endswith(".d.ts")]
    assert not [name(path) for path in ours(".json") if path.name.startswith("package")]


# ---- tests about tests


def test_tests_neither_sleep_nor_mock() -> None:
    """Tests wait on conditions with a deadline and use real small implementations."""
    wrong = []
    for path in (ROOT / "tests").rglob("*.py"):
        module = tree(path)
        polls = {
            id(node)
            for loop in ast.walk(module)
            if isinstance(loop, ast.While | ast.AsyncFor)
            for node in ast.walk(loop)
        }
        wrong += [f"{name(path)}: imports {found}" for found in imports(module) if found.split(".")[-1] == "mock"]
        for node in ast.walk(module):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            called = f"{owner}.{node.func.attr}"
            waits = bool(node.args) and not (isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
            in_a_test = path.name.startswith(("test_", "conftest"))  # elsewhere simulated people may take their time
            sleeps = (
                waits
                and id(node) not in polls
                and (called == "time.sleep" or (called == "asyncio.sleep" and in_a_test))
            )
            if sleeps or owner == "mocker":
                wrong.append(f"{name(path)}:{node.lineno}: {called}")
    assert not wrong


def test_every_test_says_which_behaviour_it_shows() -> None:
    """Each test function has a docstring."""
    wrong = [
        f"{name(path)}:{node.lineno}: {node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert not wrong


# ---- words


def test_every_language_says_the_same_things() -> None:
    """All locales have the same keys, and a sentence wants the same things filled in in each of them."""
    assert words("zh").keys() == words("en").keys()
    wrong = {key for key in words("zh") if placeholders(words("zh")[key]) != placeholders(words("en")[key])}
    assert not wrong


def test_locale_files_are_sorted_and_hold_a_key_once() -> None:
    """A key stands once in a file, in the alphabet's order, so that two people never add it twice."""
    for language in LANGUAGES:
        pairs = json.loads((PACKAGE / "locales" / f"{language}.json").read_text("utf-8"), object_pairs_hook=list)
        keys = [key for key, _ in pairs]
        assert keys == sorted(set(keys)), language


def test_every_key_that_is_used_exists() -> None:
    """A key in code, templates or scripts is in the locales; a key's beginning ("board." + …) begins at least one."""
    keys = words("zh").keys()
    rooms = {key.split(".")[0] for key in keys}
    quoted = re.compile(r"""["'`]([a-z]+(?:[._][a-z_]+)*\.(?:[a-z_]+)?)(?=["'`{$])""")
    files = [p for p in ours(".py", ".html", ".js") if "tests" not in p.relative_to(ROOT).parts]
    wrong = []
    for path in files:
        for key in quoted.findall(path.read_text("utf-8")):
            if key.split(".")[0] not in rooms or key.endswith((".html", ".js", ".css", ".json")):
                continue
            if key not in keys and not (key[-1] in "._" and any(k.startswith(key) for k in keys)):
                wrong.append(f"{name(path)}: {key}")
    assert not wrong


def test_every_no_has_its_sentence() -> None:
    """Every code that a Refusal or a Problem is made with has a title and a sentence in both languages."""
    codes = generator().raised_codes().keys() | STATUS.keys()
    assert len(codes) > 30  # the reading of the source works at all
    wanted = {f"problem.{code}.{part}" for code in codes for part in ("title", "detail")}
    assert not {language: missing for language in LANGUAGES if (missing := wanted - words(language).keys())}


# ---- lives and documents


def test_the_lives_name_events_that_exist() -> None:
    """Every arrow of the transition tables is an event, and every target is a state with a row."""
    kinds = {str(event.__struct_config__.tag) for event in get_args(Event)}
    for life in (TICKET_LIFE, WINDOW_LIFE, CASE_LIFE, HAND_OFF_LIFE, SUPPORT_LIFE, MATTER_LIFE):
        for state, steps in life.items():
            assert steps.keys() <= kinds, state
            assert {str(target) for target in steps.values()} <= {str(s) for s in life}, state
    assert UNDO_LIFE.keys() <= kinds


def test_the_reference_is_up_to_date() -> None:
    """The generated parts of docs/reference.md are what docs/generate.py would write now."""
    ran = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr


def test_everything_is_documented() -> None:
    """Every event kind, command, problem code and setting stands in docs/reference.md."""
    reference = (ROOT / "docs" / "reference.md").read_text("utf-8")
    names = {str(struct.__struct_config__.tag) for union in (Event, Command) for struct in get_args(union)}
    names |= generator().raised_codes().keys() | STATUS.keys() | generator().settings().keys()
    assert not {one for one in names if f"`{one}`" not in reference}


def test_documents_point_at_things_that_exist() -> None:
    """Links between documents, and paths of ours that documents and docstrings name, lead somewhere."""
    wrong = []
    for path in ours(".md"):
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            if not (path.parent / target).exists():
                wrong.append(f"{name(path)}: {target}")
    for path in ours(".md", ".py"):
        for target in re.findall(r"(?<![\w/.])((?:docs|tests|halls|tidehall)/[\w./-]*\w)", path.read_text("utf-8")):
            if "." in target.split("/")[-1] and not (ROOT / target).exists():
                wrong.append(f"{name(path)}: {target}")
        for number in re.findall(r"docs/decisions/(\d{3})(?!-|\d)", path.read_text("utf-8")):
            if not list((ROOT / "docs" / "decisions").glob(f"{number}-*.md")):
                wrong.append(f"{name(path)}: docs/decisions/{number}")
    assert not wrong


def test_the_reference_hall_is_the_sources() -> None:
    """halls/yangxin.toml has the source's zones, posts and departments (R74–R93), and hides what is restricted."""
    plan = parse_plan(tomllib.loads((ROOT / "halls" / "yangxin.toml").read_text("utf-8")))
    zones = {zone.id: zone for zone in plan.zones}
    assert [z.id for z in plan.zones if z.kind == "general"] == ["social", "enterprise", "property"]
    assert [z.id for z in plan.zones if z.kind == "specialist"] == ["police", "tax", "fund", "marriage"]
    assert {z.kind for z in plan.zones} == {"general", "specialist", "service"}
    posts = {zone: dict(zones[zone].posts) for zone in ("social", "enterprise", "property")}
    assert posts == {
        "social": {"acceptance": 24, "precheck": 2, "issue": 2, "tidal": 2, "runner": 3, "supervisor": 1},
        "enterprise": {"acceptance": 12, "consult": 2, "issue": 2, "tidal": 2, "runner": 2, "supervisor": 1},
        "property": {"acceptance": 15, "precheck": 2, "guide": 4, "issue": 2, "tidal": 3},
    }
    services = [zones[zone].posts for zone in ("help_desk", "smart", "online")]
    assert services == [{"guide": 4, "service": 4}, {"assist": 4}, {"assist": 4}]
    assert sum(sum(p.values()) for p in (*posts.values(), *services)) == 97
    assert not zones["self_service"].posts
    lines = {line.id: line.zone for line in plan.lines}
    assert len([zone for zone in lines.values() if zone == "public_affairs"]) == 4
    for zone in ("police", "tax", "fund"):
        assert zones[zone].posts["issue"] == 1
        assert zones[zone].posts["supervisor"] == 1
    outside = [d.id for d in plan.departments if not d.resident]
    inside = [d.id for d in plan.departments if d.resident and d.zone == "social" and d.id != "hall_authority"]
    assert (len(inside), len(outside)) == (10, 11)
    restricted = [item for item in plan.items if item.restricted]
    assert restricted
    assert all(zones[lines[item.line]].kind == "specialist" and not item.zones for item in restricted)


def pages_of_the_house() -> set[str]:
    """Every address of a page, its variables left open, read from the routes of the display's modules."""
    found = set()
    for path in sorted((PACKAGE / "display").glob("*.py")):
        found |= set(re.findall(r'"(/[a-z{}/-]*)"', path.read_text("utf-8")))
    return {re.sub(r"{\w+}", "{}", address) for address in found}


def test_every_core_requirement_has_its_row() -> None:
    """docs/requirements.md has each core row once, and the tests, files, pages and commands in it exist."""
    text = (ROOT / "docs" / "requirements.md").read_text("utf-8")
    rows = {int(m[1]): m[0] for m in re.finditer(r"^\| R(\d+) \|.*$", text, re.MULTILINE)}
    numbers = re.findall(r"^\| R(\d+) \|", text, re.MULTILINE)
    assert len(numbers) == len(set(numbers))
    assert not CORE - rows.keys()
    pages, commands = pages_of_the_house(), generator().command_line()
    makefile = (ROOT / "Makefile").read_text("utf-8")
    calls = {f"{call.method} {call.path.removeprefix('/api/v1')}" for call in ALL_CALLS}
    wrong = []
    for number, row in rows.items():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        if len(cells) != 4 or not all(cells):
            wrong.append(f"R{number}: not four full cells")
        shown = 0
        for span in re.findall(r"`([^`]+)`", row):
            place, _, test = span.partition("::")
            if test:
                known = (ROOT / place).is_file() and re.search(rf"def {test}\(", (ROOT / place).read_text("utf-8"))
            elif span.startswith("/"):
                known = re.sub(r"{\w+}", "{}", span) in pages
            elif span.startswith(("tidehall ", "make ")):
                known = f"`{span}" in commands or f"\n{span[5:]}:" in makefile
            elif span.startswith(("GET ", "POST ")):
                known = span in calls
            elif "/" in span:
                known = (ROOT / span).exists()
            else:
                continue
            shown += 1
            if not known:
                wrong.append(f"R{number}: {span}")
        if not shown and "Part " not in cells[3] and "Not " not in cells[3]:
            wrong.append(f"R{number}: shows nothing and gives no reason")
    assert not wrong


def test_both_readmes_have_the_same_parts() -> None:
    """The Chinese README follows the English one, heading for heading."""
    parts = [
        [line.count("#") for line in (ROOT / readme).read_text("utf-8").splitlines() if line.startswith("## ")]
        for readme in ("README.md", "README.zh-CN.md")
    ]
    assert parts[0]
    assert parts[0] == parts[1]
