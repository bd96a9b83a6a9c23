"""Every event of the source has a noun that is grouped, and a line on the page about logs; the page names no others."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cryptox import logs

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "cryptox"
PAGE = ROOT / "docs" / "logs.md"

# Functions of ours that write the event they are given: which argument its name is, and its level.
WRITERS = {"event": (1, None), "_tell": (0, 1), "stumbled": (0, "WARNING"), "with_timing": (0, "INFO")}
ROW = re.compile(r"^\| `(?P<name>[a-z_]+\.[a-z_]+)` \| (?P<level>[A-Z, ]+) \| (?P<group>\w+) \| .+ \|$", re.MULTILINE)


class Told(NamedTuple):
    """An event where it is written."""

    name: str
    level: str
    place: str


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, int]]:
    """Calls that write an event, and where its name is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in WRITERS and len(node.args) > WRITERS[name][0]:
                yield node, WRITERS[name][0]


def level_of(node: ast.Call) -> str:
    """As the call has it; INFO where it has none."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    fixed = WRITERS[name][1]
    if isinstance(fixed, str):
        return fixed
    given = [one.value for one in node.keywords if one.arg == "level"]
    if isinstance(fixed, int) and not given:
        given = [node.args[fixed]]
    return ast.unparse(given[0]).rpartition(".")[2] if given else "INFO"


def names_in(node: ast.AST, scope: ast.AST) -> list[str]:
    """The texts that an argument may be: itself, or what a name was set to."""
    found = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if isinstance(node, ast.Name):
        for one in ast.walk(scope):
            if isinstance(one, ast.Assign) and any(ast.unparse(target) == node.id for target in one.targets):
                found += names_in(one.value, scope)
    return [one for one in found if re.fullmatch(r"[a-z_]+\.[a-z_]+", one)]


@functools.cache
def events(package: Path) -> tuple[list[Told], list[str]]:
    """All events of a package, and the calls whose event cannot be told from the text."""
    found, strange = [], []
    for path in sorted(package.rglob("*.py")):
        module = path.relative_to(package).as_posix()
        text = path.read_text(encoding="utf-8")
        if module == "logs.py" or not any(writer in text for writer in WRITERS):
            continue
        tree = ast.parse(text)
        passed_on = {
            one.arg
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name in WRITERS
            for one in function.args.args
        }
        for node, index in calls(tree):
            place = f"{module}:{node.lineno}"
            names = names_in(node.args[index], tree)
            found += [Told(name, level_of(node), place) for name in names]
            if not names and ast.unparse(node.func).endswith(("logs.event", "stumbled")):
                argument = node.args[index]
                if not (isinstance(argument, ast.Name) and argument.id in passed_on):
                    strange.append(place)
    return found, strange


def rows(text: str) -> dict[str, tuple[set[str], str]]:
    """The lines of the table: name, levels, group."""
    return {one["name"]: (set(one["level"].split(", ")), one["group"]) for one in ROW.finditer(text)}


def complaints(package: Path, page: str) -> list[str]:
    """What is wrong between the source and the page."""
    told, strange = events(package)
    known = rows(page)
    levels: dict[str, set[str]] = {}
    for one in told:
        levels.setdefault(one.name, set()).add(one.level)
    wrong = [f"{place}: the name of the event cannot be told" for place in strange]
    wrong += [f"{one.place}: {one.name} has an unknown noun" for one in told if one.name.partition(".")[0] not in NOUNS]
    wrong += [f"{one.place}: {one.name} is not on the page" for one in told if one.name not in known]
    wrong += [f"{name} is on the page and nowhere else" for name in known if name not in levels]
    for name, (on_page, group) in known.items():
        if name in levels and levels[name] != on_page:
            wrong.append(f"{name} is {sorted(levels[name])}, on the page {sorted(on_page)}")
        if group != logs._category(name):
            wrong.append(f"{name} is of {logs._category(name)}, on the page of {group}")
    return wrong


NOUNS = frozenset(logs._CATEGORIES)


def test_the_page_has_every_event_and_no_other() -> None:
    assert complaints(PACKAGE, PAGE.read_text(encoding="utf-8")) == []
    assert len(events(PACKAGE)[0]) > 50


@pytest.mark.parametrize(
    ("source", "page", "complaint"),
    [
        ('logs.event(log, "weather.changed", level=INFO)\n', "", "unknown noun"),
        ('logs.event(log, "order.eaten", level=INFO)\n', "", "not on the page"),
        ("", "| `order.eaten` | INFO | trading | It was. |\n", "nowhere else"),
        (
            'logs.event(log, "order.eaten")\n',
            "| `order.eaten` | DEBUG | trading | It was. |\n",
            "page ['DEBUG']",
        ),
        ('logs.event(log, "order.eaten")\n', "| `order.eaten` | INFO | api | It was. |\n", "on the page of api"),
        ('logs.event(log, f"order.{state}")\n', "", "cannot be told"),
        ('self.stumbled("order.eaten", error)\n', "", "not on the page"),
        ('self._tell("order.eaten", DEBUG, 1)\n', "| `order.eaten` | INFO | trading | It was. |\n", "['DEBUG']"),
        ('name = "order.a" if x else "order.b"\nlogs.event(log, name)\n', "", "order.b is not on the page"),
    ],
)
def test_what_differs_is_noticed(source: str, page: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(source, encoding="utf-8")
    assert any(complaint in one for one in complaints(tmp_path, page))


def test_what_fits_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('logs.event(log, "order.eaten", level=logging.ERROR)\n', encoding="utf-8")
    assert complaints(tmp_path, "| `order.eaten` | ERROR | trading | It was. |\n") == []
