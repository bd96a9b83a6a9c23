"""Run the notebooks many times in a row, or run one and save what it gave.

``python benchmarks/notebooks.py --times 20``        every notebook, twenty times, by nbval
``python benchmarks/notebooks.py 02_live --times 5``  one of them
``python benchmarks/notebooks.py 04_backtest --save`` runs it once and writes its outputs into the file

nbval runs a notebook in a fresh kernel and compares every output with the saved one, character by character; cells
tagged ``nbval-ignore-output`` only have to run. Saved are no widget states and no figures, but pictures of them, which
GitHub, nbconvert and a page without a kernel show as well.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CELL_S = 60  # what a cell may take


def environment(home: Path) -> dict[str, str]:
    """The surroundings of a kernel: this tree, the paper venue, and nothing of the user's own settings."""
    places = {name: str(home / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BINANCE_", "CRYPTOX_"))}
    path = os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])])
    ours = {"PYTHONPATH": path, "NO_COLOR": "1", "CRYPTOX_VENUE": "paper"}
    return {**kept, **places, **ours}


def nbval(path: Path, home: Path, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
    """Run a notebook strictly, in a kernel that is this interpreter."""
    options = ["--nbval", "--nbval-current-env", f"--nbval-cell-timeout={CELL_S}", "-q", "--color=no"]
    places = ["--rootdir", str(path.parent), "-c", os.devnull, "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", str(path), *places, *options],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def again(paths: list[Path], times: int) -> int:
    """Run each so many times, one after another, and print what failed; how many runs did."""
    from measure import show

    failures = 0
    rows = [("notebook", "as saved", "cells", "median", "longest")]
    for path in paths:
        seconds, failed = [], 0
        for run in range(1, times + 1):
            began = time.perf_counter()
            with tempfile.TemporaryDirectory(prefix="notebook-") as home:
                done = nbval(path, Path(home))
            seconds.append(time.perf_counter() - began)
            if done.returncode:
                failed += 1
                print(f"\n--- {path.name}, run {run}\n{done.stdout}{done.stderr}", flush=True)
        cells = re.findall(r"(\d+) passed", done.stdout)
        took = (f"{statistics.median(seconds):.1f} s", f"{max(seconds):.1f} s")
        rows.append((path.name, f"{times - failed} of {times} runs", cells[0] if cells else "0", *took))
        print(*rows[-1], sep=", ", flush=True)
        failures += failed
    show(rows)
    return failures


def main() -> int:
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="beginnings of their names; all by default")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    chosen = [path for path in NOTEBOOKS if not asked.names or path.name.startswith(tuple(asked.names))]
    if not chosen:
        parser.error(f"no notebook begins with {' or '.join(asked.names)}")
    if asked.save:
        from notebook_saving import save

        for path in chosen:
            with tempfile.TemporaryDirectory(prefix="notebook-") as home:
                print(save(path, environment(Path(home))))
        return 0
    return 1 if again(chosen, asked.times) else 0


if __name__ == "__main__":
    sys.exit(main())
