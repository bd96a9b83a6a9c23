"""Other clients, unchanged, at the paper exchange; and the lines that point them there are those of the docs."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VARIABLE = "CRYPTOX_PEERS_PYTHON"
PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
SECTIONS = {"python_binance.py": "python-binance", "ccxt_client.py": "ccxt", "official_sdk.py": "The official SDK"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The driver, in this Python."""
    return subprocess.run(
        [sys.executable, str(HERE / "run.py"), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=180,
    )


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_other_clients_run_their_whole_scenario_unchanged() -> None:
    peer = os.environ.get(VARIABLE)
    if not peer:
        pytest.skip(f"{VARIABLE} names no Python that has the clients; .ci/run runs them in a step of its own")
    done = run(peer)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ccxt") is not None, reason="ccxt is installed here")
def test_a_client_that_fails_is_noticed() -> None:
    done = run(sys.executable, "ccxt")
    assert done.returncode == 1
    assert re.search(r"^FAILED +ccxt +0 of +0 checks held", done.stdout)
    assert "ModuleNotFoundError: No module named 'ccxt'" in done.stdout


def test_a_check_that_does_not_hold_is_noticed() -> None:
    program = """
        import asyncio
        from checks import Checks
        checks = Checks(lambda error: (error.args[0], error.args[1]))
        checks.equal("same", 1, 1)
        checks.equal("other", 1, 2)
        with checks.refused("refused", KeyError, -1121, "Invalid symbol."):
            raise KeyError(-1121, "Invalid symbol.")
        with checks.refused("another text", KeyError, -1121, "Invalid symbol."):
            raise KeyError(-1121, "No such symbol.")
        with checks.refused("another class", LookupError, -1121, "Invalid symbol."):
            raise KeyError(-1121, "Invalid symbol.")
        with checks.refused("not refused", KeyError, -1121, "Invalid symbol."):
            pass
        checks.part("broken", lambda: 1 / 0)
        asyncio.run(checks.async_part("late", asyncio.sleep, 9, within=0.01))
        checks.end()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    told = [line.split(":")[0] for line in done.stdout.splitlines() if line.startswith(("ok", "FAIL"))]
    bad = ["other", "another text", "another class", "not refused", "broken", "late"]
    assert told == ["ok    same", "FAIL  other", "ok    refused", *(f"FAIL  {name}" for name in bad[1:])]
    assert done.stdout.endswith("=== 2 of 8 checks held\n")


def documented(script: str) -> str:
    """The marked lines of a script, without what only our linter reads."""
    text = (HERE / script).read_text(encoding="utf-8")
    assert text.count("# documented: begin\n") == text.count("# documented: end\n") == 1
    inside = text.partition("# documented: begin\n")[2].partition("# documented: end\n")[0]
    return re.sub(r"  # noqa: \w+$", "", inside, flags=re.MULTILINE)


@pytest.mark.parametrize("script", SECTIONS)
def test_the_page_shows_the_very_lines_that_ran(script: str) -> None:
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
    shown = re.search(r"^```py\n(.*?)^```$", sections[SECTIONS[script]], re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert shown[1] == documented(script)


def test_the_page_names_the_versions_that_ran() -> None:
    packages = run("--packages").stdout.split()
    assert len(packages) == len(SECTIONS)
    assert [one for one in packages if "`" + one.replace("==", " ") + "`" not in PAGE] == []
