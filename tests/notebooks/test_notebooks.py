"""Every notebook runs, by nbval, and gives exactly the outputs it was saved with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbval")

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def nbval(path: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a notebook strictly, in a kernel that is this interpreter, away from the user's own settings."""
    places = {name: str(home / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("BINANCE_", "CRYPTOX_"))}
    options = [
        "--nbval",
        "--nbval-current-env",
        "--nbval-cell-timeout=60",
        "-p",
        "no:cacheprovider",
        "-q",
        "--color=no",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", str(path), "--rootdir", str(path.parent), "-c", os.devnull, *options],
        cwd=home,
        env={**environment, **places, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_there_are_notebooks() -> None:
    names = [path.name for path in NOTEBOOKS]
    assert names == ["01_history.ipynb", "02_live.ipynb", "03_trading.ipynb", "05_paper_exchange.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_gives_its_saved_outputs(path: Path, tmp_path: Path) -> None:
    done = nbval(path, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert re.search(rf"^{len(code)} passed", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_is_fit_to_be_shown(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    text = path.read_text(encoding="utf-8")
    assert len(text) < 100_000
    assert "widgets" not in book.metadata
    assert re.findall(r"127\.0\.0\.1|localhost|/home/|/tmp/", text) == []
    for cell in book.cells:
        assert len(cell.source.splitlines()) <= 12, cell.source
        if cell.cell_type == "code":
            assert cell.execution_count is not None, cell.source
            expected = "raises-exception" in cell.metadata.get("tags", [])
            assert [output.output_type for output in cell.outputs].count("error") == expected, cell.source


def test_a_changed_output_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "changed.ipynb"
    shutil.copy(NOTEBOOKS[0], path)
    book = nbformat.read(path, as_version=4)
    book.cells = book.cells[:3]
    (output,) = book.cells[2].outputs
    output.data["text/plain"] = output.data["text/plain"].replace("12:00:00", "12:00:01")
    nbformat.write(book, path)
    done = nbval(path, tmp_path)
    assert done.returncode == 1
    assert re.search(r"^1 failed, 1 passed", done.stdout, re.MULTILINE), done.stdout
