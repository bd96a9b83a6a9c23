"""Rules of the house that the text of the source can break. Each rule is a function over a package's folder.

Every rule is also shown a small bad tree and must complain, so that no guard passes by looking nowhere.
"""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "cryptox"

MOST_LINES = 400
GENERATED = {"sync/face.py", "sync/quick.py"}
FACES = ("sync/", "show/", "widgets/", "cli")
PURE = (
    "model/",
    "table/",
    "sessions/blotter.py",
    "sessions/live/control.py",
    "sessions/live/order.py",
    "sessions/pages.py",
    "sessions/usernews.py",
    "transport/frames.py",
    "transport/life.py",
    "transport/limiter.py",
    "transport/pulse.py",
    "transport/spare.py",
    "transport/tally.py",
    "transport/terms.py",
    "transport/window.py",
    "transport/clock.py",
    "transport/body.py",
    "transport/retry.py",
    "transport/breaker.py",
    "transport/messages.py",
    "venues/binance/",
    "widgets/book.py",
    "widgets/digits.py",
    "widgets/keyed.py",
    "widgets/kinds.py",
    "widgets/klines.py",
    "widgets/own.py",
    "widgets/tickers.py",
    "widgets/trades.py",
    "paper/",
)
# Of the paper exchange: the server, its life, its sockets, and what delays or breaks its answers.
EDGES = (
    "paper/actions.py",
    "paper/clock.py",
    "paper/control.py",
    "paper/desk.py",
    "paper/exchange.py",
    "paper/faults.py",
    "paper/follower.py",
    "paper/front.py",
    "paper/process.py",
    "paper/server.py",
    "paper/sockets.py",
    "paper/streams/connection.py",
    "paper/streams/hub.py",
    "paper/streams/pump.py",
    "paper/streams/recording.py",
    "paper/tampering.py",
    "paper/waiting.py",
    "paper/wsapi/api.py",
    "paper/wsapi/connection.py",
    "paper/wsapi/handshake.py",
)
IMPURE = {"asyncio", "time", "random", "logging", "socket"}
CLOCKS = {"now", "utcnow", "today"}

Rule = Callable[[Path], list[str]]


@functools.cache
def parsed(text: str) -> ast.Module:
    """The syntax tree of a module; every rule looks at the same one."""
    return ast.parse(text)


def sources(package: Path) -> Iterator[tuple[str, str]]:
    """Every module: its path inside the package with forward slashes, and its text."""
    for path in sorted(package.rglob("*.py")):
        yield path.relative_to(package).as_posix(), path.read_text(encoding="utf-8")


@functools.cache
def literals(text: str) -> list[tuple[int, object]]:
    """Constants of the code with their lines: text (docstrings left out), numbers, negative numbers as such."""
    found: list[tuple[int, object]] = []
    tree = parsed(text)
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(node.value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            skipped.add(node.operand)
            if isinstance(node.operand.value, int):
                found.append((node.lineno, -node.operand.value))
    plain = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in skipped)
    return found + [(node.lineno, node.value) for node in plain]


@functools.cache
def comments(text: str) -> list[tuple[int, str]]:
    """The comments of the code with their lines."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]


def files_are_short(package: Path) -> list[str]:
    """At most 400 lines a file, the generated ones excepted."""
    return [
        f"{name}: {len(text.splitlines())} lines"
        for name, text in sources(package)
        if len(text.splitlines()) > MOST_LINES and name not in GENERATED
    ]


def paths_stand_in_endpoints(package: Path) -> list[str]:
    """A path of the REST API is written in the table of endpoints only (hosts.py strips the prefix)."""
    allowed = {"venues/binance/endpoints.py", "venues/binance/hosts.py"}
    return [
        f"{name}:{line}: {value!r}"
        for name, text in sources(package)
        if name not in allowed
        for line, value in literals(text)
        if isinstance(value, str) and "/api/v3" in value
    ]


def codes_stand_in_codes(package: Path) -> list[str]:
    """A code of the exchange is a number in codes.py and a name everywhere else."""
    from cryptox.venues.binance.codes import ROWS

    return [
        f"{name}:{line}: {value}"
        for name, text in sources(package)
        if name != "venues/binance/codes.py"
        for line, value in literals(text)
        if isinstance(value, int) and value in ROWS and value % 1000  # a round thousand is arithmetic
    ]


def headers_stand_in_headers(package: Path) -> list[str]:
    """A header of the exchange is named in headers.py only."""
    return [
        f"{name}:{line}: {value!r}"
        for name, text in sources(package)
        if name != "venues/binance/headers.py"
        for line, value in literals(text)
        if isinstance(value, str) and re.fullmatch(r"(?i)x-mbx-[\w-]*", value)
    ]


def adapters_are_not_named(package: Path) -> list[str]:
    """Only the registry and the adapters themselves write an adapter's module name, even as text."""
    allowed = ("venues/registry.py", "venues/binance/", "paper/", *FACES, "__init__.py", "_dev/")
    return [
        f"{name}:{line}: {value!r}"
        for name, text in sources(package)
        if not name.startswith(allowed)
        for line, value in literals(text)
        if isinstance(value, str) and re.match(r"cryptox\.(venues\.binance|paper)\b", value)
    ]


def pure_modules_are_pure(package: Path) -> list[str]:
    """The pure middle imports no loop, clock, chance, log or socket, awaits nothing and asks for no present time."""
    found = []
    for name, text in sources(package):
        if not name.startswith(PURE) or name in EDGES:
            continue
        for node in ast.walk(parsed(text)):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            found += [f"{name}:{node.lineno}: import {one}" for one in names if one.split(".")[0] in IMPURE]
            if isinstance(node, (ast.AsyncFunctionDef, ast.Await)):
                found.append(f"{name}:{node.lineno}: async")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
                found.append(f"{name}:{node.lineno}: {ast.unparse(node.func)}()")
    return found


def blind_excepts_have_reasons(package: Path) -> list[str]:
    """Below the faces nobody catches everything, unless it is raised again or a comment right there says why not."""
    found = []
    for name, text in sources(package):
        lines = text.splitlines()
        for node in ast.walk(parsed(text)):
            if not isinstance(node, ast.ExceptHandler) or name.startswith(FACES):
                continue
            if isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None:
                continue
            caught = ast.unparse(node.type) if node.type else "BaseException"
            after = lines[node.lineno].strip() if node.lineno < len(lines) else ""
            said = lines[node.lineno - 1].partition("#")[2] + (after if after.startswith("#") else "")
            reason = re.sub(r"noqa:?[ \w,]*", "", said).strip(" -#")
            if re.search(r"\b(Base)?Exception\b", caught) and len(reason) < 8:
                found.append(f"{name}:{node.lineno}: except {caught}")
    return found


def silenced_checks_have_reasons(package: Path) -> list[str]:
    """No ``type: ignore`` or ``noqa`` without its code and a reason on the same line."""
    mark = re.compile(r"(type: ignore\[[\w\-, ]+\]|noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*)(.*)")
    found = []
    for name, text in sources(package):
        for line, comment in comments(text):
            if "type: ignore" in comment or re.search(r"#\s*noqa", comment):
                match = mark.search(comment)
                if match is None or len(match[2].strip(" -#")) < 8:
                    found.append(f"{name}:{line}: {comment}")
    return found


def nothing_is_unfinished(package: Path) -> list[str]:
    """No stub, no note to oneself."""
    found = []
    for name, text in sources(package):
        found += [f"{name}:{n}: {c}" for n, c in comments(text) if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", c)]
        for node in ast.walk(parsed(text)):
            if isinstance(node, ast.Raise) and node.exc and "NotImplementedError" in ast.unparse(node.exc):
                found.append(f"{name}:{node.lineno}: NotImplementedError")
    return found


def exports_exist(package: Path) -> list[str]:
    """``__all__`` names what is there, each name once (ruff keeps it sorted)."""
    found = []
    for name, text in sources(package):
        tree = parsed(text)
        listed = [
            [element.value for element in node.value.elts if isinstance(element, ast.Constant)]
            for node in tree.body
            if isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "__all__"
            and isinstance(node.value, (ast.List, ast.Tuple))
        ]
        if not listed or "def __getattr__" in text:
            continue
        bound = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        bound |= {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}
        imports = [n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))]
        bound |= {alias.asname or alias.name for n in imports for alias in n.names}
        found += [f"{name}: {one} is not there" for one in listed[0] if one not in bound]
        found += [f"{name}: {one} is listed twice" for one in {one for one in listed[0] if listed[0].count(one) > 1}]
    return found


def secrets_have_one_home(package: Path) -> list[str]:
    """What is hidden in texts is decided in _secrets.py only."""
    return [
        f"{name}:{line}: {value!r}"
        for name, text in sources(package)
        if name != "_secrets.py"
        for line, value in literals(text)
        if isinstance(value, str) and "signature" in value and "password" in value and re.search(r"[|(\\]", value)
    ]


BAD: dict[Rule, dict[str, str]] = {
    files_are_short: {"sessions/long.py": "x = 1\n" * 401},
    paths_stand_in_endpoints: {"sessions/a.py": 'URL = f"{1}/api/v3/klines"\n'},
    codes_stand_in_codes: {"paper/a.py": "if 1 == -1121:\n    pass\n"},
    headers_stand_in_headers: {"transport/a.py": 'KEY = "X-MBX-APIKEY"\n'},
    adapters_are_not_named: {"sessions/a.py": 'V = "cryptox.venues.binance.venue"\n'},
    pure_modules_are_pure: {"model/a.py": "from time import monotonic\n"},
    blind_excepts_have_reasons: {"sessions/a.py": "try:\n    pass\nexcept Exception:\n    pass\n"},
    silenced_checks_have_reasons: {"table/a.py": "x = 1  # type: ignore\n"},
    nothing_is_unfinished: {"table/a.py": "# TODO later\n"},
    exports_exist: {"table/a.py": '__all__ = ["gone"]\n'},
    secrets_have_one_home: {"sessions/a.py": 'P = "(signature|password)="\n'},
}

ALSO_BAD: list[tuple[Rule, str, str]] = [
    (pure_modules_are_pure, "transport/limiter.py", "import asyncio.tasks\n"),
    (pure_modules_are_pure, "venues/binance/decode.py", "async def f(): ...\n"),
    (pure_modules_are_pure, "model/a.py", "import datetime\nx = datetime.datetime.now()\n"),
    (blind_excepts_have_reasons, "sessions/a.py", "try:\n    pass\nexcept (ValueError, Exception):\n    pass\n"),
    (blind_excepts_have_reasons, "sessions/a.py", "try:\n    pass\nexcept:\n    pass\n"),
    (blind_excepts_have_reasons, "sessions/a.py", "try:\n    pass\nexcept Exception:  # noqa: BLE001\n    pass\n"),
    (silenced_checks_have_reasons, "table/a.py", "x = 1  # type: ignore[misc]\n"),
    (silenced_checks_have_reasons, "table/a.py", "x = 1  # noqa\n"),
    (nothing_is_unfinished, "table/a.py", "def f():\n    raise NotImplementedError\n"),
]

GOOD: list[tuple[Rule, str, str]] = [
    (files_are_short, "sync/face.py", "x = 1\n" * 401),
    (paths_stand_in_endpoints, "sessions/a.py", '"""Asks /api/v3/klines."""\n'),
    (paths_stand_in_endpoints, "venues/binance/endpoints.py", 'A = "/api/v3/ping"\n'),
    (codes_stand_in_codes, "paper/a.py", "A = -1\nB = 1121  # not a code\n"),
    (pure_modules_are_pure, "sessions/live.py", "import asyncio\n"),
    (pure_modules_are_pure, "model/a.py", "from cryptox.model.time import parse\n"),
    (blind_excepts_have_reasons, "sync/a.py", "try:\n    pass\nexcept Exception:\n    pass\n"),
    (blind_excepts_have_reasons, "sessions/a.py", "try:\n    pass\nexcept BaseException:\n    x = 1\n    raise\n"),
    (blind_excepts_have_reasons, "sessions/a.py", "try:\n    pass\nexcept Exception:\n    # why it must\n    pass\n"),
    (silenced_checks_have_reasons, "table/a.py", "x = 1  # type: ignore[misc]  # chosen at run time\n"),
]


def plant(tmp_path: Path, files: dict[str, str]) -> Path:
    """A package folder with these files."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("rule", BAD, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule: Rule) -> None:
    assert rule(PACKAGE) == []


@pytest.mark.parametrize("rule", BAD, ids=lambda rule: rule.__name__)
def test_the_rule_can_fail(rule: Rule, tmp_path: Path) -> None:
    complaints = rule(plant(tmp_path, BAD[rule]))
    assert len(complaints) == 1
    assert complaints[0].startswith(next(iter(BAD[rule])))


@pytest.mark.parametrize(("rule", "name", "text"), ALSO_BAD)
def test_the_rule_sees_the_disguise(rule: Rule, name: str, text: str, tmp_path: Path) -> None:
    assert len(rule(plant(tmp_path, {name: text}))) == 1


@pytest.mark.parametrize(("rule", "name", "text"), GOOD)
def test_the_rule_leaves_good_code_alone(rule: Rule, name: str, text: str, tmp_path: Path) -> None:
    assert rule(plant(tmp_path, {name: text})) == []


def test_the_rules_look_at_something() -> None:
    assert sum(1 for _ in sources(PACKAGE)) > 20
    names = {name for name, _ in sources(PACKAGE)}
    assert any(name.startswith(PURE) for name in names)


def test_no_endpoint_stands_twice() -> None:
    from cryptox.venues.binance.endpoints import ENDPOINTS

    routes = [(one.method, one.path) for one in ENDPOINTS]
    assert len(routes) == len(set(routes))
