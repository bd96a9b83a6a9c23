"""``import cryptox`` is instant and loads nothing heavy."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cryptox

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ["numpy", "pandas", "polars", "pyarrow", "plotly", "httpx", "aiohttp", "ipywidgets", "anywidget", "websockets"]
MOST_MS = 50.0
RUNS = 5

PROBE = """
import json, sys, time
began = time.perf_counter()
import cryptox
took_ms = (time.perf_counter() - began) * 1000
dir(cryptox), repr(cryptox)
print(json.dumps([took_ms, cryptox.__file__, [name for name in {heavy} if name in sys.modules]]))
"""


def import_once(root: Path) -> tuple[float, str, list[str]]:
    """Milliseconds of ``import cryptox`` in a fresh process, the file it came from, and heavy modules it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=HEAVY)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    took_ms, path, loaded = json.loads(done.stdout)
    return took_ms, path, loaded


def complaints(root: Path) -> list[str]:
    """What is wrong with importing the package inside ``root``: the best of several runs counts."""
    runs = [import_once(root) for _ in range(RUNS)]
    best = min(took_ms for took_ms, _, _ in runs)
    found = [f"loads {name}" for name in runs[0][2]]
    return [*found, f"takes {best:.0f} ms"] if best >= MOST_MS else found


def test_import_is_fast_and_light() -> None:
    assert Path(import_once(ROOT)[1]).is_relative_to(ROOT)
    assert complaints(ROOT) == []


def test_a_heavy_import_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "cryptox").mkdir()
    (tmp_path / "cryptox" / "__init__.py").write_text("import numpy\n")
    assert "loads numpy" in complaints(tmp_path)


def test_a_slow_import_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "cryptox").mkdir()
    (tmp_path / "cryptox" / "__init__.py").write_text("import time\ntime.sleep(0.06)\n")
    assert [found.split()[0] for found in complaints(tmp_path)] == ["takes"]


def test_a_misspelt_name_is_an_error_to_a_type_checker() -> None:
    """A ``__getattr__`` that it sees would make an object of every name that there is not."""
    tree = ast.parse((ROOT / "cryptox" / "__init__.py").read_text(encoding="utf-8"))
    assert not [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "__getattr__"]
    blocks = {ast.unparse(one.test): one.body for one in tree.body if isinstance(one, ast.If)}
    assert [one.name for one in blocks["not TYPE_CHECKING"] if isinstance(one, ast.FunctionDef)] == ["__getattr__"]
    imports = [one for one in blocks["TYPE_CHECKING"] if isinstance(one, ast.ImportFrom)]
    assert {alias.asname or alias.name for one in imports for alias in one.names} == set(cryptox.__all__)


def test_what_a_session_alone_has_is_said() -> None:
    assert hasattr(cryptox.Session, "buy")
    with pytest.raises(AttributeError, match=r"no attribute 'buy'; a session has it: cx.connect\(...\).buy$"):
        _ = cryptox.buy
    with pytest.raises(AttributeError, match=r"no attribute 'get_klines'. Did you mean 'klines'\?$"):
        _ = cryptox.get_klines


def test_a_guess_is_said_once() -> None:
    """Python has guesses of its own, which it adds when it prints the error."""
    line = "import cryptox; cryptox.klins"
    done = subprocess.run(
        [sys.executable, "-c", line], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    told = "AttributeError: module 'cryptox' has no attribute 'klins'. Did you mean 'klines'?"
    assert done.stderr.splitlines()[-1] == told


def test_imports_of_our_own_look_for_no_near_names() -> None:
    line = "import sys, cryptox.aio; from cryptox import portal; sys.exit('difflib' in sys.modules)"
    subprocess.run([sys.executable, "-c", line], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
