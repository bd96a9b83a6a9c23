"""Every notebook runs, by nbval, and gives exactly the outputs it was saved with."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbval")

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def nbval(path: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """As the program that runs them again and again does it."""
    done: subprocess.CompletedProcess[str] = program().nbval(path, home, timeout_s=110)
    return done


def program() -> Any:
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "benchmarks" / "notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_notebooks() -> None:
    names = [path.name for path in NOTEBOOKS]
    stories = ["01_history", "02_live", "03_trading", "04_backtest", "05_paper_exchange"]
    assert names == [f"{story}.ipynb" for story in stories]


@pytest.mark.skipif(pd.__version__ < "3", reason="pandas 3, by which they were saved, writes milliseconds otherwise")
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
    pictures = [one for one in _saved(book) if "image/png" in one]
    assert len(text) < 100_000 + 110_000 * len(pictures)
    assert "widgets" not in book.metadata
    # What only a running kernel can show is not saved; what a page would fetch from elsewhere neither.
    assert not [kind for one in _saved(book) for kind in one if kind not in ("text/plain", "text/html", "image/png")]
    assert (
        re.findall(
            r"<(?:script|iframe)|(?:src|href)=.?.?https?:", "".join(one.get("text/html", "") for one in _saved(book))
        )
        == []
    )
    assert re.findall(r"127\.0\.0\.1|localhost|/home/|/tmp/", text) == []
    for cell in book.cells:
        assert len(cell.source.splitlines()) <= 12, cell.source
        if cell.cell_type == "code":
            assert cell.execution_count is not None, cell.source
            expected = "raises-exception" in cell.metadata.get("tags", [])
            assert [output.output_type for output in cell.outputs].count("error") == expected, cell.source


def _saved(book: Any) -> list[dict[str, str]]:
    """The saved outputs, by kind."""
    return [output.data for cell in book.cells for output in cell.get("outputs", []) if "data" in output]


def test_both_backtests_agree_in_the_saved_notebook() -> None:
    book = nbformat.read(ROOT / "notebooks" / "04_backtest.ipynb", as_version=4)
    (said,) = [
        one.text for cell in book.cells for one in cell.get("outputs", []) if "further apart" in one.get("text", "")
    ]
    found = re.fullmatch(r"(\d+) bars, both \+37.02% over all years; nowhere further apart than (\de-\d+)\n", said)
    assert found is not None
    assert float(found[2]) < 1e-5


def test_a_changed_output_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))  # where programs find each other
    path = tmp_path / "changed.ipynb"
    shutil.copy(NOTEBOOKS[0], path)
    book = nbformat.read(path, as_version=4)
    book.cells = book.cells[:3]
    (output,) = book.cells[2].outputs
    output.data["text/plain"] = output.data["text/plain"].replace("12:00:00", "12:00:01")
    nbformat.write(book, path)
    assert program().again([path], 1) == 1
    said = capsys.readouterr().out
    assert re.search(r"^1 failed, 1 passed", said, re.MULTILINE), said
    assert re.search(r"^changed.ipynb +0 of 1 runs +1 +\d", said, re.MULTILINE), said
