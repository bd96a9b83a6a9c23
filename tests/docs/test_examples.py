"""Every example in a docstring runs, on a paper exchange whose clock stands still.

The examples of ``AsyncSession`` and of its blocking twins are those of the functions, word for word; they run once.
"""

from __future__ import annotations

import ast
import doctest
import functools
import io
from pathlib import Path

import pytest

import cryptox as cx

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "cryptox"
FUNCTIONS = "sync/quick.py"
FACE = "sync/face.py"
TWINS = ("sessions/", "sync/face.py")
# Functions that a page of the docs shows in their place: they need an error or an interrupt first.
TOLD_ELSEWHERE = {"last_error", "last_partial"}

Example = tuple[str, str, int, str]  # module, name, line, docstring


def docstrings(path: Path) -> list[tuple[str, int, str]]:
    """Name, line and text of every docstring of a file, the module's own included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                found.append((getattr(node, "name", "<module>"), getattr(node, "lineno", 1), text))
    return found


@functools.cache
def examples() -> dict[str, list[Example]]:
    """Docstrings with examples, by module."""
    found: dict[str, list[Example]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        if not module.startswith("_dev/") and ">>>" in path.read_text(encoding="utf-8"):
            told = [(module, name, line, text) for name, line, text in docstrings(path) if ">>>" in text]
            if told:
                found[module] = told
    return found


def run(name: str, text: str, line: int) -> str:
    """What is wrong with the examples of a docstring; empty where nothing is."""
    test = doctest.DocTestParser().get_doctest(text, {"cx": cx}, name, name, line)
    said = io.StringIO()
    failed = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.write).failed
    return said.getvalue() if failed else ""


def of_sessions() -> list[Example]:
    """Calls that only a session has, in their blocking form."""
    functions = {name for _, name, _, _ in examples()[FUNCTIONS]}
    return [example for example in examples()[FACE] if example[1] not in functions]


OWN = [example for module, told in examples().items() if not module.startswith(TWINS) for example in told]
OWN += of_sessions()


@pytest.mark.parametrize(("module", "name", "line", "text"), OWN, ids=[f"{one[0]}:{one[1]}" for one in OWN])
def test_the_example_runs(module: str, name: str, line: int, text: str, frozen: cx.PaperExchange) -> None:
    assert run(f"{module}:{name}", text, line) == ""


def test_the_twins_have_the_examples_of_the_functions() -> None:
    ran = {(name, tuple(lines_of(text))) for _, name, _, text in [*examples()[FUNCTIONS], *of_sessions()]}
    twins = [example for module, told in examples().items() if module.startswith(TWINS) for example in told]
    assert len(twins) >= 2 * len(ran)
    strange = [
        f"{module}:{line} {name}" for module, name, line, text in twins if (name, tuple(lines_of(text))) not in ran
    ]
    assert strange == []


def lines_of(text: str) -> list[str]:
    """The statements of a docstring's examples, without ``await``."""
    return [one.source.replace("await ", "") for one in doctest.DocTestParser().get_examples(text)]


def test_every_public_function_has_an_example() -> None:
    shown = {name for _, name, _, _ in OWN}
    functions = {name for name in cx.__all__ if callable(getattr(cx, name)) and name[0].islower()}
    assert sorted(functions - shown - TOLD_ELSEWHERE) == []


def test_a_wrong_example_is_noticed(frozen: cx.PaperExchange) -> None:
    assert "Expected:" in run("wrong", '>>> len(cx.klines("BTCUSDT", "1h", 3))\n4\n', 1)
    assert "BadSymbol" in run("raises", '>>> cx.klines("BTCUSD")\n', 1)
