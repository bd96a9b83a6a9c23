"""Orders in doubt, broken by hand: a short campaign of faults on virtual time, or the quick tests, must notice.

    nice python benchmarks/order_mutants.py
    nice python benchmarks/order_mutants.py settling journal

What follows an act to its end waits for seconds, so the tests that mutmut would run take minutes for each mutant.
Here each change of ``orders/mutants.py`` is made in a copy of the checkout, and the campaign of
``tests/sessions/test_orders_campaign.py`` and the tests below run until one fails.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from measure import machine, table
from orders.mutants import MUTANTS

ROOT = Path(__file__).resolve().parent.parent
CAMPAIGN = "test_orders_campaign.py::test_on_virtual_time_every_call_is_done_once_and_says_what_is_so[3]"
STEPS = ("test_acting_steps.py",)
FIRST = {name: (f"test_{name}.py",) for name in ("journal", "acts", "lookups")}
FIRST |= dict.fromkeys(("acting", "settling", "orders"), STEPS)
LATER = ("test_repeats.py", "test_acting.py", "test_settling.py", "test_lookups.py")
LONGEST_S = 150.0  # where time is virtual, what never ends is busy


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("modules", nargs="*", help="all without any")
    asked.add_argument(
        "--campaign", action="store_true", help="not the tests beside the modules, which wait for seconds"
    )
    asked.add_argument("--digits", default="0123456789", help="last digits of the mutants that are tried")
    told = asked.parse_args()
    print(machine(), flush=True)
    found: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory(prefix="cryptox-mutants-") as folder:
        copy = Path(folder) / "checkout"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__", ".git", ".*_cache", "_build"))
        for number, (module, old, new) in enumerate(MUTANTS):
            if str(number)[-1] in told.digits and (not told.modules or module in told.modules):
                tests = [*FIRST.get(module, ()), CAMPAIGN, *(() if told.campaign else LATER)]
                became = tried(copy, module, old, new, tests)
                print(number, module, became, *([repr(old), "->", repr(new)] * (became == "survived")), flush=True)
                found.setdefault(module, Counter())[became.partition(" ")[0]] += 1
    rows = [(module, str(one.total()), str(one["killed"]), str(one["survived"])) for module, one in found.items()]
    print(table([("module", "mutants", "killed", "survived"), *rows]))
    return 0


def tried(copy: Path, module: str, old: str, new: str, tests: list[str]) -> str:
    """``survived``, ``killed`` and by what, or ``outdated``: the code has changed since."""
    path = copy / "cryptox" / "sessions" / f"{module}.py"
    whole = path.read_text(encoding="utf-8")
    if whole.count(old) != 1:
        return f"outdated: it is there {whole.count(old)} times: {old!r}"
    path.write_text(whole.replace(old, new), encoding="utf-8")
    try:
        return killed_by(copy, tests) or "survived"
    finally:
        path.write_text(whole, encoding="utf-8")


def killed_by(copy: Path, tests: list[str]) -> str | None:
    """The first test that fails."""
    shared = os.environ.get("CRYPTOX_SHARED", str(ROOT.parent / "shared"))
    surroundings = {**os.environ, "CRYPTOX_SHARED": shared, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "."}
    named = [f"tests/sessions/{one}" for one in tests]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no", *named]
    try:
        ran = subprocess.run(
            command, cwd=copy, env=surroundings, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return "killed by time"
    if ran.returncode == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) \S*?(\w+\.py(?:::\S+)?)", ran.stdout, re.MULTILINE)
    return f"killed by {failed[1] if failed else ran.stdout[-300:] + ran.stderr[-300:]}"


if __name__ == "__main__":
    sys.exit(main())
