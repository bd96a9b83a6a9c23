"""What all bulk calls share: several symbols, progress, partial results, and going on after an interrupt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from logging import WARNING
from types import MappingProxyType
from typing import Any, Protocol

from cryptox import _display, logs
from cryptox.errors import BadSymbol, CryptoxError, ValidationError
from cryptox.model.columns import Table
from cryptox.model.names import is_list, normalise_symbol
from cryptox.model.time import iso
from cryptox.sessions.core import Core, Form, Frame
from cryptox.sessions.history import History
from cryptox.sessions.pages import Before, Range, Segment
from cryptox.table.batch import Batch
from cryptox.table.leading import Leading

__all__ = ["Bulk", "BulkCalls", "Job", "check_on_error", "check_progress", "symbol_list"]

log = logs.logger("sessions")

Key = tuple[str, str, str, bool]  # call, symbol, interval, exact

KEPT = 32  # so many unfinished histories are kept for the call that goes on with them

ON_ERROR = ("raise", "partial")


class Job(Protocol):
    """One symbol's share of a bulk call."""

    symbol: str
    history: History
    error: CryptoxError | None

    async def run(self) -> None:
        """Fetch; failures end up in ``error``."""

    def batch(self) -> Batch:
        """The rows so far."""

    async def gaps(self) -> Sequence[Range | Before]:
        """Holes that the exchange itself has, in ms."""

    def missing(self) -> Sequence[Range | Before]:
        """What was not fetched, in ms."""


class BulkCalls(Core):
    """What a session remembers of bulk calls: the last one that did not come to its end."""

    _bulk: Bulk | None = None
    _kept: Mapping[Key, Sequence[Segment]] = MappingProxyType({})

    def last_partial(self, frame: str | None = None) -> Frame | None:
        """The frame so far of the last bulk call that did not come to its end; None where there is none.

        It stays until that call is made again and comes to its end.

        Parameters
        ----------
        frame
            ``"pandas"``, ``"polars"`` or ``"arrow"``; that of the interrupted call by default.
        """
        if self._bulk is None:
            return None
        if frame is not None:
            self._bulk.form = self._form(frame, self._bulk.form.exact)
        return self._bulk.frame({})

    async def _begin(
        self,
        table: Table,
        form: Form,
        names: Sequence[str],
        reach: Callable[[int], Range | Before],
        *,
        several: bool = False,
        rules_of: str | None = None,
        **attrs: str,
    ) -> int:
        """Exchange time for a bulk call; an error here already carries ``partial`` (empty) and ``missing`` (all).

        ``reach`` says what the call wants at a time in ms: where exchange time is not known, this machine's must do.
        """
        try:
            return await self._as_of(rules_of=rules_of, bulk=True)
        except CryptoxError as error:
            all_of_it = reach(int(time.time() * 1000))
            error.missing = [row for name in names for row in _told(name, [all_of_it] if all_of_it else [])]
            leading = Leading.runs("symbol", dict.fromkeys(names, 0)) if several else None
            symbol = list(names) if several else names[0]
            told = {"symbol": symbol, **attrs, "missing": error.missing, "gaps": []}
            error.partial = self._frame(Batch.empty(table, exact=form.exact), form, leading=leading, **told)
            raise

    def _keep(self, bulk: Bulk) -> None:
        """Remember what an unfinished bulk call has fetched; of the last few symbols and intervals."""
        self._bulk = bulk
        fresh = {bulk.key_of(job): list(job.history.segments) for job in bulk.jobs}
        kept = {**{key: segments for key, segments in self._kept.items() if key not in fresh}, **fresh}
        self._kept = dict(list(kept.items())[-max(KEPT, len(fresh)) :])

    def _forget(self, bulk: Bulk) -> None:
        """A call came to its end: what an earlier one like it had left is not needed any more."""
        done = {bulk.key_of(job) for job in bulk.jobs}
        if self._bulk is not None and done >= {self._bulk.key_of(job) for job in self._bulk.jobs}:
            self._bulk = None
        self._kept = {key: segments for key, segments in self._kept.items() if key not in done}


@dataclass(slots=True)
class Bulk:
    """One bulk call under way."""

    session: BulkCalls
    call: str
    form: Form
    several: bool
    keep_going: bool
    finished_before: int  # rows before it never change: they may be kept for the next call
    attrs: Mapping[str, Any]
    jobs: list[Job] = field(default_factory=list)
    _progress: Any = None

    def open(self, progress: Any, *, expected: int | None) -> None:
        """Begin to show progress."""
        self._progress = _display.open_progress(progress, expected, self.call)

    def add(self, job: Job) -> None:
        """One more symbol."""
        self.jobs.append(job)

    def on_page(self) -> None:
        """A page has come in."""
        used, limit = self.session.weight_used() or (None, None)
        self._progress.update(sum(job.history.rows for job in self.jobs), used, limit)

    async def run(self) -> Frame:
        """Fetch everything and give the frame; whatever happens, what was fetched stays within reach."""
        finished = False
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [(job, group.create_task(self._run(job))) for job in self.jobs]
            for job, task in tasks:
                if (
                    task.cancelled()
                ):  # by somebody else, and the group takes it for done: what it has stays, the rest comes
                    await self._run(job)
            failed = [job for job in self.jobs if job.error is not None]
            whole = [job for job in self.jobs if job.error is None]
            found = await asyncio.gather(*(job.gaps() for job in whole))
            gaps = {job.symbol: holes for job, holes in zip(whole, found, strict=True)}
            finished = not failed
            wrong = [job for job in failed if _is_refusal(job.error)]
            if wrong or (failed and not self.keep_going):
                raise self._error((wrong or failed)[0], gaps)
            for job in failed:
                told = {"call": self.call, "symbol": job.symbol, "error": str(job.error)}
                logs.event(log, "bulk.incomplete", level=WARNING, **told)
            return self.frame(gaps, own=bool(failed))
        finally:
            if finished:
                self.session._forget(self)
            else:
                self.session._keep(self)
            self._progress.finish()

    async def _run(self, job: Job) -> None:
        await job.run()
        if job.error is not None and not self.keep_going:
            for other in self.jobs:
                other.history.stopped = True

    def frame(self, gaps: Mapping[str, Sequence[Range | Before]], *, own: bool = True) -> Frame:
        """The rows so far as a frame, in memory of its ``own`` as long as they are kept for another call."""
        batches = [job.batch().copy() if own else job.batch() for job in self.jobs]
        attrs = {
            "symbol": [job.symbol for job in self.jobs] if self.several else self.jobs[0].symbol,
            **self.attrs,
            "missing": [row for job in self.jobs for row in _told(job.symbol, job.missing())],
            "gaps": [row for job in self.jobs for row in _told(job.symbol, gaps.get(job.symbol, ()))],
        }
        if not self.several:
            return self.session._frame(batches[0], self.form, **attrs)
        lengths = {job.symbol: len(batch) for job, batch in zip(self.jobs, batches, strict=True)}
        leading = Leading.runs("symbol", lengths)
        return self.session._frame(Batch.concat(batches), self.form, leading=leading, **attrs)

    def resumed(self, symbol: str) -> list[Segment]:
        """What an interrupted call like this one has left, as far as it cannot have changed."""
        kept = self.session._kept.get(self._key(symbol), [])
        return [segment for segment in kept if segment.range.end <= self.finished_before]

    def key_of(self, job: Job) -> Key:
        """Under which the finished pages of a job are kept."""
        return self._key(job.symbol)

    def _key(self, symbol: str) -> Key:
        return (self.call, symbol, str(self.attrs.get("interval", "")), self.form.exact)

    def _error(self, job: Job, gaps: Mapping[str, Sequence[Range | Before]]) -> CryptoxError:
        error = job.error
        assert error is not None
        missing = [row for one in self.jobs for row in _told(one.symbol, one.missing())]
        error.partial = self.frame(gaps)
        error.missing = missing
        return error


def _is_refusal(error: CryptoxError | None) -> bool:
    """Whether the call itself is wrong, not just one of its symbols."""
    return isinstance(error, ValidationError) and not isinstance(error, BadSymbol)


def _told(symbol: str, ranges: Sequence[Range | Before]) -> list[list[str | None]]:
    return [[symbol, None if one.start is None else iso(one.start), iso(one.end)] for one in ranges]


def symbol_list(symbol: str | Sequence[str]) -> tuple[list[str], bool]:
    """Symbols in our spelling, and whether the caller gave a list."""
    if not is_list(symbol):
        return [normalise_symbol(symbol)], False
    names = [normalise_symbol(one) for one in symbol]
    if isinstance(symbol, (set, frozenset)):
        names.sort()  # a set has no order of its own that would be the same tomorrow
    if not names:
        raise ValidationError("The list of symbols is empty.", recovery_suggestions=['Give one, such as "BTCUSDT".'])
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise ValidationError(
            f"{', '.join(double)} stands in the list more than once.",
            recovery_suggestions=["Name each symbol once."],
            suggested={"symbol": list(dict.fromkeys(names))},
        )
    return names, True


def check_on_error(on_error: str) -> None:
    """Refuse what is neither "raise" nor "partial"."""
    if not isinstance(on_error, str) or on_error not in ON_ERROR:
        raise ValidationError(
            f'on_error must be "raise" or "partial", not {on_error!r}.',
            recovery_suggestions=['"partial" returns what was fetched; "raise" keeps it on the error as .partial.'],
        )


def check_progress(progress: Any) -> None:
    """Refuse what neither shows, hides nor hears of progress."""
    if progress is not None and not isinstance(progress, bool) and not callable(progress):
        raise ValidationError(
            f"progress is True, False, None or a function, not {type(progress).__name__}.",
            recovery_suggestions=["Leave progress out to see a line in notebooks and terminals."],
        )
