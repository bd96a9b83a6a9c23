"""Imports go only downwards: the contracts of pyproject.toml, and proof that each of them can be broken."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="import-linter is not installed (pip install cryptox[dev])")

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "pyproject.toml"
CONTRACTS = [one["id"] for one in tomllib.loads(PROJECT.read_text("utf-8"))["tool"]["importlinter"]["contracts"]]

BREAKS = {
    "floors": ("model/a.py", "import cryptox.sessions\n"),
    "core-names-no-adapter": ("sessions/a.py", "from cryptox.venues import binance\n"),
    "port-names-no-adapter": ("venues/registry.py", "import cryptox.paper\n"),
    "nothing-imports-dev": ("errors.py", "from cryptox import _dev\n"),
    "transport-is-generic": ("transport/a.py", "def f():\n    import pandas\n"),
}

ALSO_BREAK_FLOORS = [
    ("venues/binance/a.py", "from cryptox import paper\n"),
    ("transport/a.py", "def f():\n    from cryptox.table import b\n    from cryptox.venues import port\n"),
    ("table/a.py", "import cryptox.transport\n"),
    ("errors.py", "import cryptox.model\n"),
    ("sessions/a.py", "import cryptox.sync\n"),
    ("logs.py", "import cryptox.sessions\n"),
]


def lint(root: Path, *only: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the package ``cryptox`` inside ``root``, with our contracts."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    for contract in only:
        command += ["--contract", contract]
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [*command, "--config", str(PROJECT)],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
        timeout=110,
    )


def plant(root: Path, broken: str, text: str) -> None:
    """The floors as empty packages, with one file that breaks a rule."""
    for folder in (
        "_dev",
        "sync",
        "show",
        "sessions",
        "paper",
        "venues/binance",
        "venues",
        "transport",
        "table",
        "model",
    ):
        (root / "cryptox" / folder).mkdir(parents=True, exist_ok=True)
        (root / "cryptox" / folder / "__init__.py").write_text("")
    for name in ("__init__", "errors", "logs", "settings", "_display", "venues/port", "venues/registry", "table/b"):
        (root / "cryptox" / f"{name}.py").write_text("")
    (root / "cryptox" / broken).write_text(text)


def test_the_house_keeps_the_contracts() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in done.stdout


def test_every_contract_is_proved() -> None:
    assert set(CONTRACTS) == BREAKS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_contract_can_be_broken(contract: str, tmp_path: Path) -> None:
    plant(tmp_path, *BREAKS[contract])
    done = lint(tmp_path, contract)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 kept, 1 broken" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("broken", "text"), ALSO_BREAK_FLOORS)
def test_no_floor_looks_up(broken: str, text: str, tmp_path: Path) -> None:
    plant(tmp_path, broken, text)
    assert "0 kept, 1 broken" in lint(tmp_path, "floors").stdout
