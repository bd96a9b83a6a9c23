"""The progress line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cryptox._display import open_progress
from cryptox.errors import ValidationError
from cryptox.show import progress
from cryptox.show.progress import Lines, Progress, Screen, State

REPOSITORY = Path(__file__).resolve().parents[2]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Board(Screen):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[str, bool]] = []

    def show(self, text: str, percent: float | None = None, *, last: bool) -> None:
        self.shown.append((text, last))


def test_line_says_rows_percent_speed_and_weight() -> None:
    clock, board = Clock(), Board()
    line = Progress(5000, "BTCUSDT 1h", screen=board, clock=clock)
    clock.now += 1
    line.update(1250, 24, 6000)
    clock.now += 1
    line.update(5000, 30, 6000)
    line.finish()
    assert board.shown == [
        ("BTCUSDT 1h: 1,250 of 5,000 rows, 25 %, 1,250 rows/s, weight 24 of 6,000", False),
        ("BTCUSDT 1h: 5,000 of 5,000 rows, 100 %, 2,500 rows/s, weight 30 of 6,000", False),
        ("BTCUSDT 1h: 5,000 of 5,000 rows, 100 %, 2,500 rows/s, weight 30 of 6,000, 2.0 s", True),
    ]


def test_unknown_total() -> None:
    assert str(State("", 10, None, 2.0)) == "10 rows, 5 rows/s"
    assert State("", 0, 0, 0.0).percent is None
    assert State("", 3, 2, 0.0).percent == 100.0


def test_short_work_shows_nothing_and_long_work_five_times_a_second() -> None:
    clock, board = Clock(), Board()
    line = Progress(100, screen=board, clock=clock)
    for step in range(1, 50):
        clock.now = 100 + step / 100
        line.update(step)
    assert board.shown == []
    for step in range(50, 151):
        clock.now = 100 + step / 100
        line.update(step)
    assert 4 <= len(board.shown) <= 6
    short = Progress(1, screen=Board(), clock=clock)
    short.update(1)
    short.finish("done")
    assert short._screen.shown == []  # type: ignore[union-attr]


def test_finish_takes_a_message_and_counts_once() -> None:
    clock, board = Clock(), Board()
    line = Progress(10, screen=board, clock=clock)
    clock.now += 1
    line.update(5)
    line.finish("interrupted at 5 rows")
    line.finish()
    clock.now += 1
    line.update(6)
    assert board.shown[1:] == [("interrupted at 5 rows", True)]


def test_a_terminal_line_is_rewritten_without_remains() -> None:
    stream = io.StringIO()
    screen = Screen(stream)
    screen.show("a long line", last=False)
    screen.show("short", last=True)
    assert stream.getvalue() == "\ra long line\rshort      \n"


def test_a_screen_that_fails_ends_nothing() -> None:
    clock, stream = Clock(), io.StringIO()
    stream.close()
    line = Progress(10, screen=Screen(stream), clock=clock)
    clock.now += 1
    line.update(5)
    line.finish()
    assert line._screen is None


def test_a_function_gets_every_state() -> None:
    seen: list[State] = []
    line = open_progress(seen.append, 10, "x")
    line.update(4, 2, 100)
    line.update(10, 4, 100)
    line.finish()
    line.finish()
    assert [(state.rows, state.percent, state.weight_used, state.finished) for state in seen] == [
        (4, 40.0, 2, False),
        (10, 100.0, 4, False),
        (10, 100.0, 4, True),
    ]


def test_a_function_that_raises_is_not_called_again(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def tell(state: State) -> None:
        calls.append(state.rows)
        raise ZeroDivisionError

    line = progress.resolve(tell, 10, "x")
    line.update(1)
    line.update(2)
    line.finish()
    assert calls == [1]
    assert "progress.failed" in caplog.text


def test_what_progress_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "find_screen", lambda: None)
    assert isinstance(progress.resolve(None), progress.Silent)
    assert isinstance(progress.resolve(False), progress.Silent)
    forced = progress.resolve(True)
    assert isinstance(forced, Progress)
    assert isinstance(forced._screen, Lines)
    monkeypatch.setattr(progress, "find_screen", Board)
    assert isinstance(progress.resolve(None), Progress)
    with pytest.raises(ValidationError, match="not int"):
        progress.resolve(3)


PROGRAM = """
    import time
    from cryptox._display import open_progress
    line = open_progress(None, 10, "work")
    time.sleep(0.55)
    line.update(5)
    line.finish()
"""


def test_silent_when_nobody_looks() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_a_real_terminal_shows_the_line() -> None:
    import pty

    master, slave = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=slave,
    )
    assert program.wait(10) == 0
    os.close(slave)
    said = os.read(master, 4096).decode()
    os.close(master)
    assert program.stdout is not None
    program.stdout.close()
    assert said.startswith("\rwork: 5 of 10 rows, 50 %, ")
    assert said.endswith(" s\r\n")
