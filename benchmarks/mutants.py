"""Spot checks where money rides: the code is broken in one place at a time, and the tests must notice.

    nice python benchmarks/mutants.py signing doubt
    nice python benchmarks/mutants.py matching --digits 37 --show

mutmut breaks the code and runs the tests that come by there, on a copy of the checkout in a temporary folder. What
belongs to an area, and which tests must notice, is the table below; texts for people are left alone. ``--digits 37``
tries the mutants whose number ends in 3 or 7, a fifth of them; without it all are tried. ``--minutes`` ends an area
early, and ``--show`` prints what each survivor had changed. Tests by hypothesis are left out unless asked for: whatever
survives the examples may still be found by them.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from measure import machine, table

ROOT = Path(__file__).resolve().parent.parent
SHOW = "import sys, mutmut.__main__ as it\nfor name in sys.argv[1:]: it.show.callback(name)"  # all in one process
ALIVE = {"survived", "no tests"}
KILLED = {"killed", "timeout", "segfault"}


class Area(NamedTuple):
    """What is broken, and what must notice: paths below ``cryptox`` and below ``tests``."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]


AREAS = {
    "signing": Area(
        ("venues/binance/signing.py", "transport/crypto.py"),
        ("venues/binance/test_signing.py", "transport/test_crypto.py"),
    ),
    "numbers": Area(
        ("venues/binance/filters.py", "venues/binance/bounds.py", "model/numbers.py", "model/demands.py"),
        (
            "venues/binance/test_filters.py",
            "venues/binance/test_bounds.py",
            "model/test_numbers.py",
            "model/test_demands.py",
            "model/test_drafts.py",
        ),
    ),
    "doubt": Area(
        ("sessions/resolution.py", "sessions/counts.py"),
        ("sessions/test_resolution.py", "sessions/test_counts.py"),
    ),
    "repeats": Area(
        ("sessions/repeats.py", "sessions/questions.py"),
        ("sessions/test_repeats.py", "sessions/test_repeats_told.py", "sessions/test_questions.py"),
    ),
    "acting": Area(
        ("sessions/acting.py", "sessions/settling.py", "sessions/lookups.py", "sessions/journal.py"),
        (
            "sessions/test_acting.py",
            "sessions/test_settling.py",
            "sessions/test_lookups.py",
            "sessions/test_journal.py",
            "sessions/test_exactly_once.py",
        ),
    ),
    "verdicts": Area(
        ("venues/binance/refusals.py",),
        ("venues/binance/test_refusals.py", "venues/binance/test_codes.py"),
    ),
    "limiter": Area(
        ("transport/limiter.py", "transport/window.py", "transport/retry.py", "transport/tally.py"),
        (
            "transport/test_limiter.py",
            "transport/test_window.py",
            "transport/test_retry.py",
            "transport/test_tally.py",
            "transport/test_gate.py",
        ),
    ),
    "answers": Area(
        (
            "venues/binance/orders.py",
            "venues/binance/userdata.py",
            "venues/binance/wire/orders.py",
            "venues/binance/wire/user.py",
            "venues/binance/wire/fills.py",
        ),
        ("venues/binance/test_orders.py", "venues/binance/test_userdata.py", "venues/binance/wire"),
    ),
    "book": Area(
        ("venues/binance/sequence.py", "venues/binance/levels.py", "model/book.py"),
        ("venues/binance/test_sequence.py", "model/test_book.py"),
    ),
    "matching": Area(
        (
            "paper/trading/matching.py",
            "paper/trading/settlement.py",
            "paper/trading/ledger.py",
            "paper/trading/accounts.py",
            "paper/trading/commission.py",
            "paper/trading/resting.py",
            "paper/trading/lists.py",
            "paper/trading/triggers.py",
        ),
        ("paper/trading",),
    ),
    "time": Area(
        ("transport/clock.py", "paper/timing.py"),
        ("transport/test_clock.py", "paper/test_timing.py"),
    ),
}


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(AREAS)}; all without any")
    asked.add_argument("--digits", default="0123456789", help="last digits of the mutants that are tried")
    asked.add_argument("--properties", action="store_true", help="run the tests by hypothesis too, which take long")
    asked.add_argument(
        "--minutes", type=float, default=60.0, help="for one area; the rest of it is told as not checked"
    )
    asked.add_argument("--show", action="store_true", help="print what the survivors had changed")
    told = asked.parse_args()
    if unknown := set(told.areas) - AREAS.keys():
        asked.error(f"no such area: {', '.join(sorted(unknown))}")
    if not re.fullmatch("[0-9]+", told.digits):
        asked.error("--digits takes digits")
    print(f"{machine()}, numbers ending in one of {told.digits}", flush=True)
    found: dict[str, str] = {}
    for name in told.areas or AREAS:
        with tempfile.TemporaryDirectory(prefix="cryptox-mutants-") as folder:
            found |= tried(AREAS[name], Path(folder) / "checkout", told)
            print(table(counted(found)), "\n", flush=True)
    return 0


def tried(area: Area, copy: Path, told: argparse.Namespace) -> dict[str, str]:
    """What became of each mutant of an area, in a copy of the checkout that is made at ``copy``."""
    ignored = shutil.ignore_patterns("__pycache__", ".git", "mutants", ".*_cache", "_build")
    shutil.copytree(ROOT, copy, ignore=ignored)
    settings = copy / "pyproject.toml"
    made = settings_of(area, properties=told.properties)
    settings.write_text(settings.read_text(encoding="utf-8") + made, encoding="utf-8")
    modules = [f"cryptox.{one.removesuffix('.py').replace('/', '.')}" for one in area.sources]
    patterns = [f"{one}.*_mutmut_*[{told.digits}]" for one in modules]
    run = ran(copy, ["-m", "mutmut", "run", "--max-children", "1", *patterns], 60 * told.minutes)
    found = statuses(ran(copy, ["-m", "mutmut", "results", "--all", "true"], 600.0).stdout)
    found = {name: status for name, status in found.items() if name[-1] in told.digits}
    if run.returncode > 0 or not any(status in KILLED for status in found.values()):
        raise SystemExit(f"mutmut ended with {run.returncode}:\n{run.stdout[-3_000:]}\n{run.stderr[-3_000:]}")
    if told.show:
        alive = [name for name, status in found.items() if status in ALIVE]
        print(shown(copy, alive), flush=True)
    return found


def shown(copy: Path, names: list[str]) -> str:
    """What mutants had changed, a few lines each."""
    lines = ran(copy, ["-c", SHOW, *names], 600.0).stdout.splitlines()
    return "\n".join(one for one in lines if re.match(r"# |[-+] ", one))


def settings_of(area: Area, *, properties: bool) -> str:
    """The area as a table of mutmut's for pyproject.toml."""
    sources = ", ".join(f'"cryptox/{one}"' for one in area.sources)
    tests = ", ".join(f'"tests/{one}"' for one in area.tests)
    return f"""
[tool.mutmut]
source_paths = ["cryptox"]
only_mutate = [{sources}]
also_copy = ["cryptox", "benchmarks", "docs", "README.md", "notebooks"]
do_not_mutate_patterns = ['^ *f?"', "recovery_suggestions=", "what, advice ="]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-m", "{"" if properties else "not hypothesis"}"]
pytest_add_cli_args_test_selection = [{tests}]
timeout_constant = 5.0
timeout_multiplier = 10.0
"""


def ran(copy: Path, words: list[str], most_s: float) -> subprocess.CompletedProcess[str]:
    """Python with these words, run in the copy; ended, with its workers, after so many seconds."""
    shared = os.environ.get("CRYPTOX_SHARED", str(ROOT.parent / "shared"))
    surroundings = {**os.environ, "CRYPTOX_SHARED": shared, "PYTHONDONTWRITEBYTECODE": "1"}
    surroundings.pop("PYTHONPATH", None)  # or the copy would not be what is tested
    command = [sys.executable, *words]
    with subprocess.Popen(
        command,
        cwd=copy,
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=most_s)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            out, err = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def statuses(text: str) -> dict[str, str]:
    """Mutant to what became of it, from mutmut's list of results."""
    return dict(re.findall(r"^\s+(\S+__mutmut_\d+): (.+?)\s*$", text, re.MULTILINE))


def counted(found: dict[str, str]) -> list[tuple[str, ...]]:
    """Rows of a table: how many mutants of each module were killed, survived, or met no test."""
    counts: dict[str, Counter[str]] = {}
    for name, status in found.items():
        module = name.removeprefix("cryptox.").rpartition(".")[0].replace(".", "/")
        counts.setdefault(module, Counter())["killed" if status in KILLED else status] += 1
    others = sorted({status for one in counts.values() for status in one} - {"killed", "survived", "no tests"})
    heads = ["killed", "survived", "no tests", *others]
    rows = [("module", "mutants", *heads)]
    counts["all"] = sum(counts.values(), Counter())
    for module, one in counts.items():
        rows.append((module, str(one.total()), *(str(one[head]) for head in heads)))
    return rows


if __name__ == "__main__":
    sys.exit(main())
