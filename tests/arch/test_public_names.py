"""The public names and their signatures are pinned: a change to them is seen in review.

Write the file anew with ``CRYPTOX_PIN=1 python -m pytest tests/arch/test_public_names.py``.
"""

from __future__ import annotations

import difflib
import inspect
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import cryptox

PINNED = Path(__file__).with_name("public_names.txt")
CLASSES = ("Session", "AsyncSession", "PaperExchange", "Feed")


def signature(thing: object) -> str:
    """Parameters with their defaults, annotations left out."""
    try:
        found = inspect.signature(thing)  # type: ignore[arg-type]  # whatever is public may be asked
    except (TypeError, ValueError):
        return ""
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in found.parameters.values()]
    return str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))


def members(kind: type) -> list[str]:
    """Public attributes of a class, methods with their signatures."""
    lines = []
    for name in sorted(name for name in dir(kind) if not name.startswith("_")):
        raw = inspect.getattr_static(kind, name)
        value = raw.__func__ if isinstance(raw, (staticmethod, classmethod)) else raw
        lines.append(f"{kind.__name__}.{name}{signature(value) if inspect.isfunction(value) else ''}")
    return lines


def public_names(package: types.ModuleType) -> list[str]:
    """One line for everything a user can reach by name from the package."""
    lines = []
    for name in sorted(name for name in dir(package) if not name.startswith("_")):
        value = getattr(package, name)
        if inspect.ismodule(value):
            names = sorted(getattr(value, "__all__", []))
            lines += [f"cx.{name} (module)", *(f"cx.{name}.{one}" for one in names)]
        elif inspect.isclass(value):
            lines.append(f"cx.{name} (class)")
        else:
            lines.append(f"cx.{name}{signature(value) if callable(value) else ''}")
    for name in CLASSES:
        kind = getattr(package, name, None)
        if inspect.isclass(kind):
            lines += members(kind)
    return lines


def difference(pinned: list[str], found: list[str]) -> list[str]:
    """The lines that differ, as in a diff; empty when nothing does."""
    return [line for line in difflib.ndiff(pinned, found) if line[0] in "+-"]


def test_public_names_are_pinned() -> None:
    found = public_names(cryptox)
    if os.environ.get("CRYPTOX_PIN"):
        PINNED.write_text("\n".join(found) + "\n", encoding="utf-8")
    if not PINNED.is_file():
        pytest.fail("public_names.txt is missing: write it with CRYPTOX_PIN=1 once the names are final")
    changes = difference(PINNED.read_text(encoding="utf-8").splitlines(), found)
    assert changes == [], "\n".join(["public names changed; if that is meant, run with CRYPTOX_PIN=1:", *changes])


def package(**names: object) -> types.ModuleType:
    module = types.ModuleType("package")
    vars(module).update(names)
    return module


def test_a_changed_signature_is_noticed() -> None:
    def klines(symbol: str, interval: str = "1h") -> None: ...

    before = public_names(package(klines=klines))
    assert before == ["cx.klines(symbol, interval='1h')"]
    klines.__defaults__ = ("1d",)
    assert difference(before, public_names(package(klines=klines))) == [
        "- cx.klines(symbol, interval='1h')",
        "+ cx.klines(symbol, interval='1d')",
    ]


def test_a_lost_method_is_noticed() -> None:
    class Session:
        def klines(self, symbol: str) -> None: ...
        def trades(self, symbol: str, *, limit: int | None = None) -> None: ...
        @property
        def venue(self) -> str: ...

    before = public_names(package(Session=Session))
    assert before == [
        "cx.Session (class)",
        "Session.klines(self, symbol)",
        "Session.trades(self, symbol, *, limit=None)",
        "Session.venue",
    ]
    del Session.trades
    assert difference(before, public_names(package(Session=Session))) == [
        "- Session.trades(self, symbol, *, limit=None)"
    ]


def hidden_by_folders(root: Path) -> list[str]:
    """Public functions that a folder or module of the same name takes the place of, once that is imported."""
    code = (
        "import importlib, pkgutil, cryptox\n"
        "for part in pkgutil.iter_modules(cryptox.__path__):\n"
        "    if part.name in cryptox.__all__ and part.name not in ('aio', 'errors', 'logs', 'keys', 'live'):\n"
        "        importlib.import_module('cryptox.' + part.name)\n"
        "        if not callable(getattr(cryptox, part.name)):\n"
        "            print(part.name)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.split()


def test_no_public_function_is_hidden_by_a_folder() -> None:
    assert hidden_by_folders(Path(__file__).resolve().parents[2]) == []


def test_a_hidden_function_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "cryptox" / "session").mkdir(parents=True)
    (tmp_path / "cryptox" / "session" / "__init__.py").write_text("")
    (tmp_path / "cryptox" / "__init__.py").write_text("__all__ = ['session']\ndef session(user): ...\n")
    assert hidden_by_folders(tmp_path) == ["session"]
