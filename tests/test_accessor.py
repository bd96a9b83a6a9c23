"""``df.cx`` is there from the first frame on, and registering it imports nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import polars as pl

import cryptox as cx
from cryptox import _accessor
from cryptox.show.accessor import Accessor

ROOT = Path(__file__).resolve().parents[1]


def said(script: str) -> list[str]:
    """What a fresh process prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


BUILD = (
    "from cryptox.model.columns import KLINES\n"
    "from cryptox.table.batch import Batch\n"
    "from cryptox.table.frames import build\n"
    "import sys\n"
)


def test_the_first_frame_of_ours_registers_its_package_only() -> None:
    for package, other in (("pandas", "polars"), ("polars", "pandas")):
        script = f"{BUILD}frame = build(Batch.empty(KLINES), {package!r}, {{}})\nprint(len(frame.cx.gaps()))\n"
        assert said(f"{script}print({other!r} in sys.modules)") == ["0", "False"]


def test_packages_that_are_there_have_it_on_import() -> None:
    script = "import polars, cryptox, sys\nprint(polars.DataFrame().cx is not None, 'pandas' in sys.modules)\n"
    heavy = "print([name for name in ('numpy', 'plotly', 'cryptox.show') if name in sys.modules])"
    assert said(f"import polars, cryptox, sys\nprint(hasattr(polars.DataFrame, 'cx'))\n{heavy}") == ["True", "[]"]
    assert said(script) == ["True", "False"]


def test_register_takes_what_is_there_by_then() -> None:
    script = (
        "import cryptox as cx\nprint(cx.register())\nimport pandas\nprint(hasattr(pandas.DataFrame, 'cx'))\n"
        "print(cx.register(), pandas.DataFrame({'open_time': []}).cx is not None)\n"
    )
    assert said(script) == ["()", "False", "('pandas',)", "True"]


def test_registering_again_says_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cx.register() == ("pandas", "polars")
        assert cx.register() == ("pandas", "polars")
    for frame in (pd.DataFrame(), pl.DataFrame()):
        assert type(frame.cx) is Accessor


def test_a_package_in_the_middle_of_its_import_waits() -> None:
    script = (
        "import sys, types\nsys.modules['pandas'] = types.ModuleType('pandas')\n"
        "import cryptox as cx\nprint(cx.register())\n"
    )
    assert said(script) == ["()"]
    assert _accessor._register("no such package") is False
