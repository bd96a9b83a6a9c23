"""The monitor as seen from a notebook or a script."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from cryptox import _cells, portal
from cryptox._display import Moving
from cryptox.errors import ConfigurationError
from cryptox.model.health import Health
from cryptox.model.lines import count, one_line
from cryptox.model.names import check_limit
from cryptox.sessions.users import book
from cryptox.sessions.watch import MOST_LOOKS, Watch, check_interval_s
from cryptox.sync import door, stuck
from cryptox.table.frames import Frame, build
from cryptox.table.healths import healths_batch

__all__ = ["Monitor"]

T = TypeVar("T")


class Monitor(Moving):
    """Health of the whole process at steady intervals, running when it is made; made by ``cx.monitor``.

    It runs on cryptox's own thread, also while a cell computes; where a coroutine blocks that, the look says so.
    In a notebook it displays itself as a live widget; elsewhere it is one line of text. It ends with ``stop()``, when
    nobody holds it and it has no callback, and when the cell that made it is run again. A context manager.
    """

    def __init__(self, interval: float = 30) -> None:
        interval_s = check_interval_s(interval)
        self._watch = stuck.call(_begun(interval_s))
        self._generation = portal.generation()
        _cells.note(self, self._watch)

    @property
    def interval(self) -> float:
        """Seconds between two looks."""
        return self._watch.interval_s

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return not self._is_lost and self._watch.is_running

    @property
    def latest(self) -> Health:
        """The newest look; the first one is there when the monitor is."""
        assert self._watch.latest is not None
        return self._watch.latest

    def frame(self, rows: int | None = None, *, frame: str | None = None) -> Frame:
        """All looks that are kept, at most 10,000, as a frame: a row for each component and look, oldest first.

        Parameters
        ----------
        rows
            Of at most so many looks, the newest; None for all.
        frame
            ``"pandas"``, ``"polars"`` or ``"arrow"``; the default session's own where there is one.

        Returns
        -------
        Frame
            Columns of the table ``health``; a figure that a component does not have is null.

        Raises
        ------
        ConfigurationError, ValidationError
            No such kind of frame; ``rows`` is no number from 1.
        """
        with door.boundary():
            wanted = MOST_LOOKS if rows is None else check_limit(rows, most=MOST_LOOKS, name="rows")
            session = door.current_session()
            backend = frame if frame is not None else "pandas" if session is None else session.form[0]
            return build(healths_batch(self._watch.history()[-wanted:]), backend, {"source": "monitor"})

    def on(self, callback: Callable[[Health], Any]) -> Self:
        """Have ``callback(health)`` called for every look from now on; returns the monitor.

        Callbacks run one after another on a thread of the monitor's own; what one raises is logged, and it goes on. A
        monitor with a callback runs until ``stop()``.

        Raises
        ------
        ValidationError
            Not something to call.
        ConfigurationError
            The monitor has ended.
        """
        with door.boundary():
            self._there(lambda: self._watch.on(callback))
            return self

    def stop(self) -> None:
        """End it; ``latest`` and ``frame()`` stay. A second time does nothing."""
        if self.is_running:
            with door.boundary():
                try:
                    self._there(self._watch.end)
                except ConfigurationError:  # its loop stands: it ends as soon as that goes on
                    self._watch.let_go(end=True)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()

    def __repr__(self) -> str:
        """One line: how it is now, and how often it has looked."""
        state = f"every {self.interval:g} s" if self.is_running else "stopped"
        return one_line(f"<Monitor {self.latest.status}, {state}, {count(self._watch.looks, 'look')}>")

    def _facts(self) -> dict[str, Any]:
        """What its card says."""
        latest = self.latest
        state = f"every {self.interval:g} s" if self.is_running else "stopped"
        parts = {
            part.name: ", ".join([part.status, *part.figures()]) if part.in_use else f"{part.status}, not in use"
            for part in latest.components.values()
        }
        return {"status": latest.status, "looks": f"{self._watch.looks}, {state}", "newest": latest.timestamp, **parts}

    @property
    def _is_lost(self) -> bool:
        """Whether its loop is not there any more, as after a fork."""
        return self._generation != portal.generation()

    def _there(self, work: Callable[[], T]) -> T:
        """What ``work`` returns on the monitor's loop."""
        if self._is_lost:
            raise ConfigurationError("This monitor belongs to another process, or to a loop that has ended.")
        if portal.inside():
            return work()
        return stuck.call(_done(work))


async def _begun(interval_s: float) -> Watch:
    watch = Watch(interval_s, book.everyone)
    try:
        await watch.first()
    except BaseException:  # interrupted: nobody gets it
        watch.end()
        raise
    return watch


async def _done(work: Callable[[], T]) -> T:
    return work()
