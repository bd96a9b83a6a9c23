"""One long history of one symbol: pages fetched in parallel, each into its place; nothing fetched is lost."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from cryptox.errors import Banned, CryptoxError, NotSent, RateLimited
from cryptox.model.columns import Table
from cryptox.model.interval import Interval
from cryptox.sessions.pages import Range, Segment, inside, join, missing_in, plan, subtract
from cryptox.table.batch import Batch

__all__ = ["MOST_ROWS_UNASKED", "History"]

MOST_ROWS_UNASKED = 5_000_000  # more must be asked for by start or limit

# Above so many holes in one page the whole page is asked for again, instead of each hole by itself.
HOLES_ASKED_SINGLY = 8
# So many pages failing one after the other: the exchange is gone, and the rest would only wait for nothing.
FAILURES_IN_A_ROW = 4

Ask = Callable[[Range, int], Awaitable[Batch]]  # (range, limit) -> rows of that range, the oldest first


@dataclass(slots=True)
class History:
    """Collects the rows of one symbol over ranges of a grid.

    ``segments`` holds what is complete at any moment, so an error or an interrupt loses only the pages under way.
    """

    table: Table
    key: str  # the column that stands on the grid
    grid: Interval
    cap: int
    ask: Ask
    exact: bool
    segments: list[Segment] = field(default_factory=list)
    failures: list[tuple[Range, CryptoxError]] = field(default_factory=list)
    rows: int = field(init=False)  # so far
    stopped: bool = False  # another part of the same call failed: no new pages
    _canvas: Batch | None = None
    _placed: int = 0  # rows on the canvas

    def __post_init__(self) -> None:
        """Count what is there from the start."""
        self.rows = sum(len(segment.batch) for segment in self.segments)

    @property
    def halted(self) -> bool:
        """Whether no further page is going to come."""
        return self.stopped or bool(self.failures)

    @property
    def cause(self) -> CryptoxError | None:
        """Why pages failed: the first error that the exchange or the network caused, not what followed from it."""
        errors = [error for _, error in self.failures]
        return next((error for error in errors if not isinstance(error, NotSent)), errors[0] if errors else None)

    def count(self, wanted: Range) -> int:
        """Number of rows so far that lie in a range; segments of an earlier call may lie elsewhere."""
        return sum(len(inside(segment.batch, self.key, wanted)) for segment in self.segments)

    async def fetch(self, wanted: Range, *, workers: int, on_page: Callable[[], None], keep_going: bool) -> None:
        """Fetch what of a range is not here yet. Failures are collected, not raised.

        With ``keep_going`` a failed page does not stop the others, unless the exchange refuses or stays silent
        altogether.
        """
        covered = [segment.range for segment in self.segments]
        todo = deque(page for hole in subtract(wanted, covered) for page in plan(self.grid, hole, self.cap))
        if not todo:
            return
        places = self._places(todo, fresh=not covered)
        stop_after = FAILURES_IN_A_ROW if keep_going else 1
        in_a_row = 0

        async def work() -> None:
            """One of the workers: page after page until there is none, or too many failed."""
            nonlocal in_a_row
            while todo and in_a_row < stop_after and not self.stopped:
                page = todo.popleft()
                try:
                    segment = await self._page(page)
                except CryptoxError as error:
                    self.failures.append((page, error))
                    in_a_row = stop_after if isinstance(error, (RateLimited, Banned)) else in_a_row + 1
                except asyncio.CancelledError:
                    todo.appendleft(page)  # for another worker, where only this one was stopped
                    raise
                else:
                    in_a_row = 0
                    self.segments.append(self._place(segment, places))
                    self.rows += len(segment.batch)
                    on_page()

        while todo and in_a_row < stop_after and not self.stopped:
            async with asyncio.TaskGroup() as group:  # which takes a worker that was stopped for one that is done
                for _ in range(min(workers, len(todo))):
                    group.create_task(work())

    def joined(self, wanted: Range) -> Batch:
        """The rows of a range, oldest first, in one block of memory."""
        if not self.segments:
            return Batch.empty(self.table, exact=self.exact)
        canvas = self._canvas
        if canvas is not None and self.rows == self._placed == len(canvas):
            return inside(canvas, self.key, wanted)
        return join(self.segments, self.key, wanted)

    def holes(self, wanted: Range) -> list[Range]:
        """Holes that the exchange confirmed, oldest first, those that touch made one."""
        merged: list[Range] = []
        for hole in sorted(hole for segment in self.segments for hole in segment.holes):
            cut = Range(max(hole.start, wanted.start), min(hole.end, wanted.end))
            if not cut:
                continue
            if merged and merged[-1].end >= cut.start:
                merged[-1] = Range(merged[-1].start, max(merged[-1].end, cut.end))
            else:
                merged.append(cut)
        return merged

    def missing(self, wanted: Range) -> list[Range]:
        """What of a range was not fetched, oldest first."""
        return subtract(wanted, [segment.range for segment in self.segments])

    def _places(self, pages: Iterable[Range], *, fresh: bool) -> dict[Range, int]:
        """Where each page's rows go on a canvas made once for all of them."""
        if not fresh:
            return {}
        places, rows = {}, 0
        for page in pages:
            places[page] = rows
            rows += self.grid.count(page.start, page.end)
        self._canvas = Batch.allocate(self.table, rows, exact=self.exact)
        return places

    def _place(self, segment: Segment, places: dict[Range, int]) -> Segment:
        """The segment with its rows on the canvas, so that the page's own memory can go."""
        place = places.get(segment.range)
        count = len(segment.batch)
        # Old candles beside outages may stand off the grid; a page with more rows than places keeps its own memory.
        if place is None or self._canvas is None or count > self.grid.count(segment.range.start, segment.range.end):
            return segment
        rows = slice(place, place + count)
        self._placed += count
        for name, column in segment.batch.columns.items():
            self._canvas.columns[name][rows] = column
        return Segment(segment.range, self._canvas.take(rows), segment.holes)

    async def _page(self, page: Range) -> Segment:
        """One page, continued where it came short and asked again where it has holes."""
        batch = await self._rows(page)
        holes = missing_in(self.grid, batch[self.key], page)
        if len(holes) > HOLES_ASKED_SINGLY:
            again = await self._rows(page)
            return Segment(page, again, tuple(missing_in(self.grid, again[self.key], page)))
        confirmed: list[Range] = []
        found = [batch]
        for hole in holes:
            more = await self._rows(hole)
            found.append(more)
            confirmed += missing_in(self.grid, more[self.key], hole)
        if any(len(more) for more in found[1:]):
            batch = Batch.concat(found)
            batch = batch.take(np.argsort(batch[self.key], kind="stable"))
        return Segment(page, batch, tuple(confirmed))

    async def _rows(self, wanted: Range) -> Batch:
        """All rows of a range: a short answer is continued until one is empty."""
        found: list[Batch] = []
        start = wanted.start
        while True:
            rest = Range(start, wanted.end)
            batch = inside(await self.ask(rest, self.grid.count(rest.start, rest.end)), self.key, rest)
            found.append(batch)
            if len(batch) == 0:
                break
            start = self.grid.shift(self.grid.floor(int(batch[self.key][-1])), 1)
            if start >= self.grid.ceil(wanted.end):
                break
        return Batch.concat(found)
