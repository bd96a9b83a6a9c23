"""One line that says how far long work is: rows, percent, rows a second, weight used.

Nothing is shown for short work, nor where nobody looks. In a notebook the line is one display that is updated in place,
so that a saved notebook holds its last state only; in a terminal it is rewritten on standard error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from logging import WARNING
from typing import Any, Final, TextIO

from cryptox import logs
from cryptox._display import Displayed
from cryptox._display import Progress as Line
from cryptox.errors import ValidationError
from cryptox.model.lines import one_line, record_line

__all__ = ["Progress", "State", "bar", "resolve"]

FIRST_AFTER_S: Final = 0.5  # work shorter than that shows nothing
EVERY_S: Final = 0.2
BAR: Final = "#3b82c4"

log = logs.logger("show")


@dataclass(frozen=True, slots=True)
class State(Displayed):
    """How far it is; what a function passed as ``progress`` is called with."""

    label: str
    rows: int
    total_rows: int | None  # None: not known
    elapsed_s: float
    weight_used: int | None = None  # of the address, in the running window
    weight_limit: int | None = None
    finished: bool = False

    @property
    def percent(self) -> float | None:
        """Rows in percent of those to come, at most 100; None when that is not known."""
        return min(100.0, 100.0 * self.rows / self.total_rows) if self.total_rows else None

    @property
    def rows_per_second(self) -> float:
        """Rows a second, since the beginning."""
        return self.rows / self.elapsed_s if self.elapsed_s > 0 else 0.0

    def __repr__(self) -> str:
        """The line, as a record's."""
        return record_line("State", str(self))

    def __str__(self) -> str:
        """The line itself."""
        parts = [f"{self.rows:,} rows" if self.total_rows is None else f"{self.rows:,} of {self.total_rows:,} rows"]
        if self.percent is not None:
            parts.append(f"{self.percent:.0f} %")
        parts.append(f"{self.rows_per_second:,.0f} rows/s")
        if self.weight_used is not None:
            limit = "" if self.weight_limit is None else f" of {self.weight_limit:,}"
            parts.append(f"weight {self.weight_used:,}{limit}")
        if self.finished:
            parts.append(f"{self.elapsed_s:.1f} s")
        return f"{self.label}: {', '.join(parts)}" if self.label else ", ".join(parts)


class Progress:
    """The line of one piece of work.

    Parameters
    ----------
    total_rows
        Rows to come, None when that is not known.
    label
        What is being done.
    screen
        Where it is drawn; by default the notebook or terminal there is, and nothing elsewhere.
    clock
        Seconds that only grow.
    """

    def __init__(
        self,
        total_rows: int | None,
        label: str = "",
        *,
        screen: Screen | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total_rows = total_rows
        self._label = label
        self._screen = screen if screen is not None else find_screen()
        self._clock = clock
        self._began = clock()
        self._drawn: float | None = None
        self._state = self._at(0, None, None)

    def update(self, rows: int, weight_used: int | None = None, weight_limit: int | None = None) -> None:
        """So many rows are there; drawn at most five times a second, and not in the first half second."""
        now = self._clock()
        self._state = self._at(rows, weight_used, weight_limit)
        due = self._began + FIRST_AFTER_S if self._drawn is None else self._drawn + EVERY_S
        if now >= due:
            self._drawn = now
            self._draw(str(self._state), self._state.percent, last=False)

    def finish(self, message: str | None = None) -> None:
        """The last state stays, or ``message`` in its place; nothing where nothing was shown. Twice is once."""
        if self._drawn is None:
            return
        self._drawn = None
        self._began = float("inf")
        last = self._state
        text = message or str(State(**{**_fields(last), "finished": True}))
        self._draw(text, last.percent, last=True)

    def _at(self, rows: int, used: int | None, limit: int | None) -> State:
        return State(self._label, rows, self._total_rows, self._clock() - self._began, used, limit)

    def _draw(self, text: str, percent: float | None, *, last: bool) -> None:
        if self._screen is None:
            return
        try:
            self._screen.show(one_line(text), percent, last=last)
        except Exception as error:  # noqa: BLE001  # a screen that fails must not end the work it reports on
            self._screen = None
            logs.event(log, "progress.failed", level=WARNING, error=type(error).__name__)


class Told:
    """Progress for a function of the user's, called with every :class:`State`; one that raises is not called again."""

    def __init__(self, tell: Callable[[State], object], total_rows: int | None, label: str) -> None:
        self._tell: Callable[[State], object] | None = tell
        self._began = time.monotonic()
        self._state = State(label, 0, total_rows, 0.0)

    def update(self, rows: int, weight_used: int | None = None, weight_limit: int | None = None) -> None:
        """Pass it on."""
        state = self._state
        elapsed_s = time.monotonic() - self._began
        self._pass(State(state.label, rows, state.total_rows, elapsed_s, weight_used, weight_limit))

    def finish(self, message: str | None = None) -> None:  # noqa: ARG002  # a function gets facts, no words
        """Pass the last state on, marked as finished."""
        self._pass(State(**{**_fields(self._state), "finished": True}))
        self._tell = None

    def _pass(self, state: State) -> None:
        self._state = state
        if self._tell is None:
            return
        try:
            self._tell(state)
        except Exception as error:  # noqa: BLE001  # nor may a user's function
            self._tell = None
            logs.event(log, "progress.failed", level=WARNING, error=f"{type(error).__name__}: {error}")


class Silent:
    """Progress that nobody sees."""

    def update(self, rows: int, weight_used: int | None = None, weight_limit: int | None = None) -> None:
        """Nothing."""

    def finish(self, message: str | None = None) -> None:
        """Nothing."""


class Screen:
    """Standard error as a terminal: the line is rewritten in place."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._width = 0

    def show(self, text: str, percent: float | None = None, *, last: bool) -> None:  # noqa: ARG002  # a terminal has no bar
        """Put ``text`` in the place of the line before."""
        stream = self._stream if self._stream is not None else sys.stderr
        # Spaces instead of an escape sequence: understood by every console of Windows too.
        stream.write("\r" + text.ljust(self._width) + ("\n" if last else ""))
        stream.flush()
        self._width = len(text)


class Lines(Screen):
    """Standard error as a file: a line of its own each time."""

    def show(self, text: str, percent: float | None = None, *, last: bool) -> None:  # noqa: ARG002  # nor has a file
        """Write ``text`` as a line."""
        stream = self._stream if self._stream is not None else sys.stderr
        stream.write(text + "\n")
        stream.flush()


class Notebook(Screen):
    """One display in the cell that made the call, updated in place.

    Drawn from the loop thread: the kernel knows the cell by context variables, which travel with the call, and an
    update finds its display by id.
    """

    def __init__(self) -> None:
        super().__init__()
        self._handle: Any = None

    def show(self, text: str, percent: float | None = None, *, last: bool) -> None:  # noqa: ARG002  # the terminal's
        """Show ``text``, or put it in the place of what is shown."""
        from IPython import display

        bundle = {"text/plain": text, "text/html": bar(text, percent)}
        if self._handle is None:
            self._handle = display.display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]  # IPython has no types
        else:
            self._handle.update(bundle, raw=True)


def bar(text: str, percent: float | None) -> str:
    """A line with a bar below it, as HTML; the bar is left out where the percentage is not known."""
    line = f"<div>{escape(one_line(text))}</div>"
    if percent is not None:
        line += (
            f'<div role="progressbar" aria-valuenow="{percent:.0f}" aria-valuemin="0" aria-valuemax="100" '
            f'style="height:4px;background:rgba(128,128,128,.3)">'
            f'<div style="height:4px;width:{percent:.1f}%;background:{BAR}"></div></div>'
        )
    return f'<div style="display:inline-block;font-family:monospace;font-size:13px;text-align:left">{line}</div>'


def find_screen() -> Screen | None:
    """Where a line would be seen: the notebook's cell, the terminal, or nowhere."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and getattr(shell, "kernel", None) is not None:
        return Notebook()
    stream = sys.stderr
    return Screen() if stream is not None and stream.isatty() else None


def resolve(progress: Any, total_rows: int | None = None, label: str = "") -> Line:
    """What a user passed as ``progress``, as something to report to.

    Parameters
    ----------
    progress
        None: a line where somebody would see it. True: a line in any case, on standard error where there is neither
        notebook nor terminal. False: nothing. A function: called with every :class:`State`, on the loop thread.

    Raises
    ------
    ValidationError : anything else.
    """
    if progress is False:
        return Silent()
    if progress is None or progress is True:
        screen = find_screen()
        if screen is None and progress is None:
            return Silent()
        return Progress(total_rows, label, screen=screen or Lines())
    if callable(progress):
        return Told(progress, total_rows, label)
    raise ValidationError(
        f"progress is True, False, None or a function, not {type(progress).__name__}",
        recovery_suggestions=["Leave progress out to see a line in notebooks and terminals."],
    )


def _fields(state: State) -> dict[str, Any]:
    return {name: getattr(state, name) for name in State.__slots__}
