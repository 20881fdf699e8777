"""Writes the generated parts of docs/reference.md from the program itself.

    .venv/bin/python docs/generate.py           brings the file up to date
    .venv/bin/python docs/generate.py --check   says what is stale and exits with 1

Law: what a table, a struct or a locale already says is never typed again by hand. The text between the marks
`<!-- generated: NAME -->` and `<!-- end -->` is this program's; the rest of the file is the author's.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from tidehall.command import parser
from tidehall.display.http.problems import STATUS
from tidehall.hall import catalogue
from tidehall.hall import plan as plan_tables
from tidehall.hall.alert_rules import AlertRules
from tidehall.hall.commands import Command
from tidehall.hall.events import Event
from tidehall.hall.papers.commands import OfficeCommand
from tidehall.hall.papers.events import OfficeEvent
from tidehall.hall.papers.objects import CASE_LIFE, HAND_OFF_LIFE, MATTER_LIFE, SUPPORT_LIFE
from tidehall.hall.state import WINDOW_LIFE
from tidehall.hall.targets import Targets
from tidehall.queue.tickets import TICKET_LIFE, UNDO_LIFE
from tidehall.simulation import tables
from tidehall.simulation.sizing_table import Sizing

__all__ = ["PARTS", "main", "raised_codes", "settings", "updated"]

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference.md"
PACKAGE = ROOT / "tidehall"
PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
SETTING = re.compile(r"TIDEHALL_[A-Z_]+")
NOES = ("Refusal", "Problem")  # the two classes whose first argument is a code


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def sentence(doc: str | None) -> str:
    """A docstring's first paragraph on one line."""
    return " ".join((doc or "").strip().split("\n\n")[0].split())


def type_name(type_: object) -> str:
    """A field's type as a reader of JSON sees it; of a choice, all that may be chosen."""
    if isinstance(type_, type) and issubclass(type_, Enum):
        return " or ".join(f"`{member.value}`" for member in type_)
    if get_origin(type_) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(type_))
    if get_origin(type_) is UnionType or get_origin(type_) is Union:
        return " or ".join(type_name(part) for part in get_args(type_))
    if get_origin(type_) is tuple:
        parts = [part for part in get_args(type_) if part is not Ellipsis]
        return f"list of {', '.join(map(type_name, parts))}"
    names = {str: "text", int: "integer", float: "number", bool: "true/false", type(None): "null"}
    return names.get(type_, getattr(type_, "__name__", str(type_)))  # type: ignore[call-overload,no-any-return] # any type


def field_list(struct: type[msgspec.Struct], *, leave_out: frozenset[str] = frozenset()) -> str:
    """The fields of a struct; those that may be left out stand in brackets."""
    parts = []
    for field in msgspec.structs.fields(struct):
        if field.name in leave_out:
            continue
        text = f"`{field.encode_name}` {type_name(field.type)}"
        optional = field.default is not msgspec.NODEFAULT or field.default_factory is not msgspec.NODEFAULT
        parts.append(f"[{text}]" if optional else text)
    return ", ".join(parts) or "none"


def structs(
    members: Sequence[type[msgspec.Struct]], *, leave_out: frozenset[str] = frozenset()
) -> list[tuple[str, ...]]:
    """One row for each member of a tagged union."""
    return [
        (f"`{struct.__struct_config__.tag}`", sentence(struct.__doc__), field_list(struct, leave_out=leave_out))
        for struct in members
    ]


def line_only(whole: object, offices: object) -> list[type[msgspec.Struct]]:
    """The members of `whole` that are not the offices'."""
    return [struct for struct in get_args(whole) if struct not in get_args(offices)]


def command_table(members: Sequence[type[msgspec.Struct]]) -> str:
    """What may be asked of the engine."""
    return table(("command", "what is asked", "fields"), structs(members))


def event_table(members: Sequence[type[msgspec.Struct]]) -> str:
    """What the journal may hold."""
    return table(("kind", "what has happened", "fields beside `at`"), structs(members, leave_out=frozenset({"at"})))


def words(language: str) -> dict[str, str]:
    """A locale."""
    found: dict[str, str] = json.loads((PACKAGE / "locales" / f"{language}.json").read_text("utf-8"))
    return found


def constants(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be: a constant, or one of the two sides of a condition."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def raised_codes() -> dict[str, set[str]]:
    """Every code that a Refusal or a Problem is made with → the modules that do it, read from the source.

    A code is the first argument of `Refusal(…)` and `Problem(…)`, or what is handed as the parameter `code` to a
    function of the package that has one, or a value of a table of codes (a module's dict that a Refusal looks up).
    """
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    places: dict[str, int] = dict.fromkeys(NOES, 0)
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [a.arg for a in node.args.args if a.arg not in {"self", "cls"}]
                if "code" in names and any(
                    isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in NOES
                    for n in ast.walk(node)
                ):
                    places[node.name] = names.index("code")
    codes: dict[str, set[str]] = {}
    for path, tree in trees.items():
        module = path.relative_to(PACKAGE).with_suffix("").as_posix()
        tables = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name not in places:
                continue
            place = places[name]
            given = node.args[place : place + 1] + [k.value for k in node.keywords if k.arg == "code"]
            for value in given:
                looked_up = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)} & tables.keys()
                found = list(constants(value))
                for table_name in looked_up:
                    found += [text for v in tables[table_name].values for text in constants(v)]
                for code in found:
                    codes.setdefault(code, set()).add(module)
    return codes


def problems() -> str:
    """Every code that the house says no with, its status and its sentences."""
    zh, en = words("zh"), words("en")
    rows = []
    for code in sorted(raised_codes().keys() | STATUS.keys()):
        said = [f"**{told.get(f'problem.{code}.title')}** {told.get(f'problem.{code}.detail')}" for told in (en, zh)]
        rows.append((f"`{code}`", str(STATUS.get(code, 409)), *said))
    return table(("code", "status", "English", "中文"), rows)


#: Variables that are no field of `Settings`.
ELSEWHERE = {
    "TIDEHALL_POSTGRES_BIN": "the folder with PostgreSQL's `initdb` and `postgres`, instead of the packaged ones.",
    "TIDEHALL_DEMO_PARENT": "handed by the server to its demonstration's process, which ends with it; not for people.",
    "TIDEHALL_DEMO_SPEED": "handed by the server to its demonstration's process; not for people.",
    "TIDEHALL_DEMO_TOKEN": "handed by the server to its demonstration's process; not for people.",
    "TIDEHALL_DEMO_URL": "handed by the server to its demonstration's process; not for people.",
}


def settings() -> dict[str, str]:
    """Environment variable → what it sets. Raises KeyError for one that the package names and nothing explains."""
    found: dict[str, str] = {}
    tree = ast.parse((PACKAGE / "settings.py").read_text("utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef) or node.name != "Settings":
            continue
        for field, text in zip(node.body, node.body[1:], strict=False):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            doc = text.value.value if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) else ""
            named = SETTING.search(str(doc))
            name = named[0] if named else f"TIDEHALL_{field.target.id.upper()}"
            said = re.sub(rf"^`{name}`(?: or (--\w+))?: ", lambda m: f"(or `{m[1]}`) " if m[1] else "", str(doc))
            found[name] = " ".join(said.split())
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in SETTING.findall(path.read_text("utf-8")):
            if name not in found:
                found[name] = ELSEWHERE[name]
    return dict(sorted(found.items()))


def setting_table() -> str:
    """The environment."""
    return table(("variable", "what it sets"), [(f"`{name}`", text) for name, text in settings().items()])


def life(states: dict[str, dict[str, str]], first: str) -> str:
    """A transition table as a Mermaid state diagram; several kinds between the same two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, steps in states.items():
        for kind, target in steps.items():
            arrows.setdefault((str(state), str(target)), []).append(kind)
    lines = [f"    [*] --> {first}"]
    lines += [f"    {a} --> {b}: {', '.join(kinds)}" for (a, b), kinds in arrows.items()]
    lines += [f"    {state} --> [*]" for state, steps in states.items() if not steps]
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```\n"


def plain(states: Mapping[Any, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """A transition table whose states are members of an enumeration, as texts."""
    return {str(state): {kind: str(target) for kind, target in steps.items()} for state, steps in states.items()}


def undo_life() -> str:
    """Where `action_undone` leads back to."""
    rows = [(f"`{kind}`", f"`{state.value}`") for kind, state in UNDO_LIFE.items()]
    return table(("what is taken back", "the ticket is again"), rows)


def command_line() -> str:
    """Every command of `tidehall` with its options, as its own help says it."""
    rows: list[tuple[str, ...]] = []

    def add(one: argparse.ArgumentParser, what: str) -> None:
        below = [action for action in one._actions if isinstance(action, argparse._SubParsersAction)]  # no public way
        for action in below:
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, sub in action.choices.items():
                add(sub, helps.get(name, ""))
        if not below:
            usage = " ".join(one.format_usage().removeprefix("usage: ").split())
            rows.append((f"`{usage.replace('[-h] ', '')}`", what))

    add(parser(), "")
    return table(("command", "does"), rows)


#: Where each table of a scenario file stands.
SCENARIO: dict[str, type[msgspec.Struct]] = {
    "[day]": tables.DayPlan,
    "[demand.lines.ID], [demand.items.CODE]": tables.DemandTable,
    "… bursts": tables.Bursts,
    "[service.lines.ID], [service.items.CODE]": tables.Distribution,
    "[transfers.FROM] TO": tables.Transfer,
    "[people]": tables.People,
    "… patience": tables.Patience,
    "… away": tables.Away,
    "[clerks]": tables.Clerks,
    "[offices]": tables.OfficeWork,
    "… messenger": tables.Messenger,
    "[tide]": tables.TidePolicy,
    "[target] wait": tables.WaitTarget,
    "… hand_off": tables.HandOffTarget,
    "[cost]": tables.Cost,
    "[sizing]": Sizing,
}


#: Where each table of a plan stands; what is indented lies in the one before.
PLAN: dict[str, type[msgspec.Struct]] = {
    "[hall]": plan_tables.HallFacts,
    "[limits]": plan_tables.Limits,
    "[calendar]": plan_tables.Calendar,
    "[service]": plan_tables.Service,
    "[offices]": plan_tables.OfficeRules,
    "[[zones]]": plan_tables.Zone,
    "[[lines]]": plan_tables.LinePlan,
    "[[windows]]": plan_tables.WindowPlan,
    "[[window_ranges]]": plan_tables.WindowRange,
    "[[departments]]": plan_tables.Department,
    "[[items]]": catalogue.Item,
    "… materials": catalogue.Material,
    "… … standard": catalogue.Standard,
    "… parts": catalogue.ItemPart,
    "… guide": catalogue.Guide,
    "… form, sample, result_sample": catalogue.Form,
    "[[bundles]]": catalogue.Bundle,
    "[[authorisations]]": catalogue.Authorisation,
    "[[reasons]]": catalogue.Reason,
    "[tide.ZONE]": plan_tables.TideRule,
    "[[boards]]": plan_tables.Board,
}


def scenario_keys(struct: type[msgspec.Struct]) -> str:
    """The keys of a table with what stands where one is left out, and what may stand there where only some words
    may."""
    found = []
    for field in msgspec.structs.fields(struct):
        default = field.default
        plain_value = isinstance(default, str | bool | int | float) or (isinstance(default, tuple) and default != ())
        shown = (
            f" = {json.dumps(msgspec.to_builtins(default))}" if plain_value else " (needed)" if field.required else ""
        )
        words = [str(word) for word in get_args(field.type)] if get_origin(field.type) is Literal else []
        found.append(f"`{field.name}`{shown}" + (f" (one of {' · '.join(words)})" if words else ""))
    return ", ".join(found)


def plan() -> str:
    """Every table of a plan, as the reader's own structs describe it; alerts and targets have tables of their own."""
    rows = [(f"`{place}`", " ".join((kind.__doc__ or "").split()), scenario_keys(kind)) for place, kind in PLAN.items()]
    rows.append(("`[priority]`", "Head starts of the classes of people, minutes.", "`normal` = 0, `booked` = 30, …"))
    rows.append(("`[priority_names]`", "What the classes are called, in the hall's languages.", "a class = words"))
    for field in msgspec.structs.fields(AlertRules):
        kind = type(field.default)
        told = " ".join((kind.__doc__ or "").split())
        rows.append((f"`[alerts.{field.name}]`", told, scenario_keys(kind)))
    return table(("table", "what it says", "keys, with what holds where one is left out"), rows)


def scenario() -> str:
    """Every table of a scenario file, as the reader's own structs describe it."""
    rows = [
        (f"`{place}`", " ".join((kind.__doc__ or "").split()), scenario_keys(kind)) for place, kind in SCENARIO.items()
    ]
    return table(("table", "what it says", "keys, with what holds where one is left out"), rows)


def targets() -> str:
    """The plan's targets, as their structs describe them."""
    kinds = [(field.name, type(field.default)) for field in msgspec.structs.fields(Targets)]
    rows = [
        (f"`[targets.{name}]`", sentence(kind.__doc__).partition(": ")[2], scenario_keys(kind)) for name, kind in kinds
    ]
    return table(("table", "what it says", "keys, with what holds where one is left out"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "case-life": lambda: life(plain(CASE_LIFE), "received"),
    "command-line": command_line,
    "commands": lambda: command_table(line_only(Command, OfficeCommand)),
    "events": lambda: event_table(line_only(Event, OfficeEvent)),
    "hand-off-life": lambda: life(plain(HAND_OFF_LIFE), "waiting"),
    "matter-life": lambda: life(plain(MATTER_LIFE), "open"),
    "office-commands": lambda: command_table(get_args(OfficeCommand)),
    "office-events": lambda: event_table(get_args(OfficeEvent)),
    "plan": plan,
    "problems": problems,
    "scenario": scenario,
    "settings": setting_table,
    "support-life": lambda: life(plain(SUPPORT_LIFE), "asked"),
    "targets": targets,
    "ticket-life": lambda: life(plain(TICKET_LIFE), "waiting"),
    "undo-life": undo_life,
    "window-life": lambda: life(WINDOW_LIFE, "closed"),
}


def updated(text: str) -> str:
    """`text` with every generated part made anew. Raises KeyError for a mark that names no part."""
    return PART.sub(lambda m: f"{m[1]}\n{PARTS[m[2]]()}\n{m[3]}", text)


def main(arguments: list[str]) -> int:
    """0: up to date or brought up to date; 1: stale (only with --check)."""
    options = argparse.ArgumentParser(description="Write the generated parts of docs/reference.md.")
    options.add_argument("--check", action="store_true", help="change nothing; exit with 1 when something is stale")
    check = options.parse_args(arguments).check
    old = REFERENCE.read_text("utf-8")
    new = updated(old)
    if new == old:
        return 0
    if check:
        before = {m[2]: m[0] for m in PART.finditer(old)}
        stale = [m[2] for m in PART.finditer(new) if before[m[2]] != m[0]]
        print(f"docs/reference.md is stale: {', '.join(stale)}; run: python docs/generate.py", file=sys.stderr)
        return 1
    REFERENCE.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
