"""The blocking face in a real Jupyter kernel, whose own loop runs while a cell does; and in IPython's terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

REPOSITORY = Path(__file__).resolve().parents[2]
SENTINEL = "s3nt1nel" + "k3y"

SETUP = """
import asyncio, logging, sys, threading, time
from cryptox import portal
from cryptox._display import open_progress
from cryptox.errors import BadSymbol
from cryptox.sync import door
from cryptox.sync.face import Session

async def core(symbol):
    secret = "s3nt1nel" + "k3y"
    try:
        {}[secret]
    except KeyError as error:
        raise BadSymbol(f"nothing trades as {symbol}", suggested={"symbol": "BTCUSDT"}) from None

class Core:
    '''Stands in for the async session behind the real face.'''
    venue = user = None
    async def klines(self, symbol, interval, limit, **rest):
        await core(symbol)
    async def server_time(self):
        return await asyncio.sleep(0.01, "slept")
    async def klines_bulk(self, symbol, interval, rows, progress, **rest):
        seconds = float(symbol)
        line = open_progress(progress, rows, "BTCUSDT 1h")
        for done in range(1, 9):
            await asyncio.sleep(seconds / 8)
            line.update(rows * done // 8, 2 * done, 6000)
        line.finish()
    async def close(self):
        pass
s = Session(Core())
"""

CELLS = {
    "setup": SETUP,
    "running": "print(asyncio.get_running_loop().is_running())",
    "blocking": "print(s.server_time(), 'nest_asyncio' in sys.modules)",
    "run": "print(door.run(asyncio.sleep(0.01, 'ran')), 'nest_asyncio' in sys.modules)",
    "awaited": "print(await asyncio.sleep(0.01, 'awaited'), s.server_time())",
    "error": "# first line\ns.klines('BTCUSD', '4h')",
    "verbose": "%xmode Verbose\ns.klines('BTCUSD')",
    "users-error": """
        %xmode Verbose
        try:
            s.klines('BTCUSD')
        except BadSymbol as error:
            raise RuntimeError("the user's own") from error
        """,
    "last": "print(door.last_error())",
    "progress": "s.klines_bulk('1.2', '1h', 5000)",
    "short": "s.klines_bulk('0.1', '1h', 5000)",
    "interrupt": """
        import os, signal
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
        s.klines_bulk('30', '1h', 5000)
        """,
    "after-interrupt": "print(s.server_time())",
    "ticks": """
        ticks = []
        async def tick():
            while True:
                ticks.append(time.monotonic())
                await asyncio.sleep(0.01)
        portal.spawn(tick)
        time.sleep(0.3)
        print(len(ticks) > 15)
        """,
    "task": """
        task = asyncio.ensure_future(asyncio.sleep(0.01, 'of the kernel'))
        print(door.run(task), 'nest_asyncio' in sys.modules)
        """,
    "after-task": "print(await asyncio.sleep(0.01, 'still'), s.server_time(), portal.generation())",
    "threads": "print(len([t for t in threading.enumerate() if t.name == 'cryptox']))",
}


@pytest.fixture(scope="module")
def cells() -> dict[str, list[Any]]:
    """Outputs of the cells, by name; one kernel for all."""
    from nbformat.v4 import new_code_cell, new_notebook

    book = new_notebook(cells=[new_code_cell(textwrap.dedent(source).strip()) for source in CELLS.values()])
    client = nbclient.NotebookClient(book, timeout=20, kernel_name="python3", allow_errors=True)
    client.execute(env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, cwd=str(REPOSITORY))
    return {name: cell.outputs for name, cell in zip(CELLS, book.cells, strict=True)}


def printed(outputs: list[Any]) -> str:
    assert {output.output_type for output in outputs} == {"stream"}, outputs
    return "".join(output.text for output in outputs)  # one print may come in two parts


def test_cells_run_while_the_kernels_loop_does(cells: dict[str, list[Any]]) -> None:
    assert cells["setup"] == []
    assert printed(cells["running"]) == "True\n"
    assert printed(cells["blocking"]) == "slept False\n"
    assert printed(cells["run"]) == "ran False\n"
    assert printed(cells["awaited"]) == "awaited slept\n"
    assert printed(cells["ticks"]) == "True\n"


def test_an_error_is_a_short_card_with_the_cells_line(cells: dict[str, list[Any]]) -> None:
    (error,) = cells["error"]
    assert (error.ename, error.evalue) == ("BadSymbol", "nothing trades as BTCUSD")
    assert "\n".join(error.traceback).splitlines() == [
        "BadSymbol: nothing trades as BTCUSD",
        "",
        "Cell In[6], line 2",
        "----> 2 s.klines('BTCUSD', '4h')",
        "",
        "Try",
        '  s.klines("BTCUSDT", "4h")',
        "",
        "Full chain: print(cx.last_error())",
    ]


def test_verbose_mode_prints_no_secret(cells: dict[str, list[Any]]) -> None:
    error = cells["verbose"][-1]
    assert error.ename == "BadSymbol"
    assert len(error.traceback) < 15
    chained = cells["users-error"][-1]
    assert chained.ename == "RuntimeError"
    assert "BadSymbol" in "\n".join(chained.traceback)
    assert SENTINEL not in repr(cells)


def test_the_full_chain_is_one_call_away(cells: dict[str, list[Any]]) -> None:
    text = printed(cells["last"])
    assert text.startswith("BadSymbol: nothing trades as BTCUSD\n")
    assert "in core" in text


def test_progress_is_one_line_in_the_cell_that_called(cells: dict[str, list[Any]]) -> None:
    (line,) = cells["progress"]
    assert line.output_type == "display_data"
    text = line.data["text/plain"]
    assert text.startswith("BTCUSDT 1h: 5,000 of 5,000 rows, 100 %, ")
    assert "weight 16 of 6,000" in text
    assert cells["short"] == []


def test_interrupt_leaves_the_session_usable(cells: dict[str, list[Any]]) -> None:
    assert cells["interrupt"][-1].ename == "KeyboardInterrupt"
    assert printed(cells["after-interrupt"]) == "slept\n"


def test_only_a_task_of_the_kernels_own_loop_patches_it(cells: dict[str, list[Any]]) -> None:
    said = "".join(output.text for output in cells["task"] if output.name == "stdout")
    assert said == "of the kernel True\n"
    assert printed(cells["after-task"]) == "still slept 0\n"
    assert printed(cells["threads"]) == "1\n"


def test_ipython_in_a_terminal_shows_the_same_card_in_every_mode(tmp_path: Path) -> None:
    pytest.importorskip("IPython")
    calls = "".join(
        f"%xmode {mode}\ntry:\n    s.klines('BTCUSD')\nexcept BadSymbol:\n    get_ipython().showtraceback()\n"
        for mode in ("Context", "Verbose", "Plain")
    )
    file = tmp_path / "session.ipy"
    file.write_text(f"{SETUP}\ns.server_time()\n{calls}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=nocolor", str(file)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "IPYTHONDIR": str(tmp_path / "ipython")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = done.stdout + done.stderr
    assert said.count("BadSymbol: nothing trades as BTCUSD\n") == 3, said
    assert said.count("----> ") == 3
    assert said.count('s.klines("BTCUSDT", "1h")') == 3
    assert SENTINEL not in said
    assert "portal.py" not in said
