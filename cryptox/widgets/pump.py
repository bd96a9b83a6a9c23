"""From a feed to the screen at a steady pace, on the feed's own loop, so that it goes on while a cell computes.

One pump serves all views of a feed, and is the only one that writes to them. It holds its feed, as long as it has
views.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from logging import WARNING
from typing import Any, Protocol

from cryptox import logs
from cryptox._secrets import scrub
from cryptox.model.lines import one_line

from .kinds import ANEW, Change, Picture
from .source import Source

__all__ = ["Pump", "View", "Whole"]

log = logs.logger("widgets")

STATE_S = 1.0  # so often the counts of the frame are brought up to date; what matters is told at once
REST_S = 1.0  # between two looks while no page shows it, or after an error
CALM = 4.0  # so many times as long as a look has taken, the loop is left alone
MATTERS = ("word", "connected", "stale", "synced", "gaps", "stopped", "paused", "error", "trouble")

Whole = tuple[int, Picture]
"""A picture and its number; each change makes the next number."""


class View(Protocol):
    """A view, as far as its pump cares. Written to by its pump alone; another thread may close it meanwhile."""

    @property
    def is_open(self) -> bool:
        """Whether it has not been closed."""

    def frame(self, about: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Say what is shown, and how it is; what has not changed is not sent."""

    def whole(self, whole: Whole) -> None:
        """Send a whole picture."""

    def change(self, number: int, change: Change) -> None:
        """Send what makes the picture of that number of the one before."""


class _Look:
    """How a view is doing."""

    def __init__(self, number: int, now: float) -> None:
        self.number = number  # of the picture that its page was last brought to
        self.whole_at = now
        self.paused = False
        self.pages: set[str] | None = None  # that show it; None before any has said so
        self.told: dict[str, Any] = {}

    @property
    def is_watched(self) -> bool:
        """Whether a page wants to be brought up to date."""
        return not self.paused and (self.pages is None or bool(self.pages))


class Pump:
    """Shows one source in any number of views. Everything here is called on the source's loop.

    Attributes
    ----------
    loop
        Where it lives.
    kind
        Of its views.
    about, state
        What is shown and how it is, as of the last look.
    whole
        The newest picture and its number.
    """

    def __init__(self, source: Source) -> None:
        self.loop = source.loop
        self.about: dict[str, Any] = {}
        self.state: dict[str, Any] = {}
        self.whole: Whole = (0, {})
        self._source: Source | None = source
        self.kind = source.kind
        self._looks: dict[View, _Look] = {}
        self._expected = 0  # views that are being made
        self._timer: asyncio.TimerHandle | None = None
        self._count: object = None
        self._step: Change = ANEW  # what led to the newest picture
        self._error: str | None = None
        self._told_at = float("-inf")
        self._see(source)

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come: what it showed has ended, or nobody looks any more."""
        return self._source is None

    def expect_view(self) -> None:
        """A view is being made for it: until that is there the source is kept."""
        self._expected += 1

    def expect_less(self) -> None:
        """That view is there, or never will be."""
        self._expected -= 1
        self._let_go()

    def add(self, view: View, number: int) -> None:
        """Show it in a view too, whose page begins with the picture of that number."""
        look = self._looks[view] = _Look(number, self.loop.time())
        self.expect_less()
        if number != self.whole[0]:
            self._send_whole(view, look)
        self._look_now()

    def remove(self, view: View) -> None:
        """Show it there no more. Without views the source is let go."""
        self._looks.pop(view, None)
        self._let_go()

    def hear(self, view: View, does: str, page: str = "", number: int = -1) -> None:
        """A page says something: it shows that picture or is gone, or somebody pressed a button."""
        look = self._looks.get(view)
        if look is None:
            return
        match does:
            case "shown":
                look.pages = (look.pages or set()) | {page}
                look.number = number
            case "gone":
                look.pages = (look.pages or set()) - {page}
            case "pause" | "resume":
                look.paused = does == "pause"
            case "stop" if self._source is not None:
                self._source.stop()
        self._look_now()

    def stand_in(self) -> None:
        """Bring the pages up to date from another thread, while the loop stands and nobody else does."""
        if self._source is not None:
            self._see(self._source)
            self._show()
            self._tell_state()

    def _let_go(self) -> None:
        if not self._looks and not self._expected:
            self._rest()
            self._source = None

    def _look_now(self) -> None:
        self._rest()
        self._told_at = float("-inf")
        self._tick()

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        """Look at the source and bring the pages up to date; then the next look is due."""
        self._timer, began, source = None, self.loop.time(), self._source
        is_watched = any(look.is_watched for look in self._looks.values())
        is_over = source is None or not source.is_running  # before the look: what came before the end is seen
        if source is not None and (is_watched or is_over):
            self._see(source)
        elif source is not None:
            self._see_state(source)
        self._show()
        self._tell_state()
        if is_over:
            self._source = None
        elif self._looks:
            pause = 1 / self.kind.rate if is_watched and self._error is None else REST_S
            took = self.loop.time() - began
            self._timer = self.loop.call_later(max(pause - took, CALM * took), self._tick)

    def _see(self, source: Source) -> None:
        """Take a picture, if there is something new."""
        try:
            self.about = source.about()
            count = source.count()
            if count != self._count or self._error is not None:
                number, before = self.whole
                after = source.picture()
                step = source.change(before, after) if before else ANEW
                if step is not None:
                    self.whole, self._step = (number + 1, after), step
                self._count, self._error = count, None
        except Exception as error:  # noqa: BLE001  # whatever a painter raises stands on the widget
            self._failed(error)
        self._see_state(source)

    def _see_state(self, source: Source) -> None:
        try:
            self.state = source.state()
        except Exception as error:  # noqa: BLE001  # the same
            self._failed(error)
        self.state |= {"stopped": not source.is_running, "error": self._error}

    def _failed(self, error: Exception) -> None:
        told = one_line(scrub(f"{type(error).__name__}: {error}"))
        if told != self._error:
            logs.event(log, "view.failed", level=WARNING, view=self.kind.name, error=told)
        self._error = told

    def _show(self) -> None:
        """Bring the pages to the newest picture."""
        number, now = self.whole[0], self.loop.time()
        for view, look in list(self._looks.items()):
            if not view.is_open:
                self.remove(view)
            elif look.is_watched and look.number == number - 1 and self._step != ANEW:
                look.number = number
                self._write(view.change, number, self._step)
                if now - look.whole_at >= self.kind.checkpoint_s:
                    self._send_whole(view, look)
            elif look.is_watched and look.number != number:
                self._send_whole(view, look)

    def _send_whole(self, view: View, look: _Look) -> None:
        look.number, look.whole_at = self.whole[0], self.loop.time()
        self._write(view.whole, self.whole)

    def _tell_state(self) -> None:
        """Say how it is: at once what matters, the counts once a second."""
        now = self.loop.time()
        is_due = now - self._told_at >= STATE_S
        if is_due:
            self._told_at = now
        for view, look in list(self._looks.items()):
            state = {**self.state, "paused": look.paused}
            if is_due or any(state.get(name) != look.told.get(name) for name in MATTERS):
                look.told = state
                self._write(view.frame, self.about, state)

    def _write(self, send: Callable[..., None], *what: Any) -> None:
        """Write to a view; one that cannot be written to must not stop the others."""
        try:
            send(*what)
        except Exception as error:  # noqa: BLE001  # a channel that broke: there is nobody to show it to
            logs.event(log, "view.unreachable", level=WARNING, view=self.kind.name, error=type(error).__name__)
