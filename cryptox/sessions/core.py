"""What every call of a session goes through: ask the venue for a request, send it, read its answer, build a frame."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from logging import DEBUG, INFO, WARNING
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from cryptox import logs
from cryptox.errors import BadSymbol, ConfigurationError, CryptoxError, ExchangeError, NotSent
from cryptox.model.names import check_flag, near_names
from cryptox.sessions.address import Address, address_of
from cryptox.sessions.keys import KeyHolder
from cryptox.sessions.users import book
from cryptox.table.frames import Frame, build, check_backend
from cryptox.transport.messages import Answer, Outgoing
from cryptox.venues.port import Request, Venue

if TYPE_CHECKING:
    from cryptox.sessions.line import Line
    from cryptox.settings import Settings
    from cryptox.table.batch import Batch
    from cryptox.table.leading import Leading
    from cryptox.transport.crypto import Signer

__all__ = ["Core", "Form", "Frame"]

T = TypeVar("T")

_numbers = itertools.count(1)  # of sessions, in this process

log = logs.logger("sessions")

ALL = "*"  # in the place of a symbol: the rules of all, where no call has named one yet
NO_SUCH_PATH = 404
ASSUMED_S = 1.0  # how far this machine's clock may be off the clock of a server that does not tell its time
WEIGHT = "REQUEST_WEIGHT"
BETTER_S = 1.0  # for a reading that only makes the clock less vague: a slower one would not
BULK_TRIES = 3  # a page of a bulk call may take so many times the timeout: one silent connection is no end of it
CONNECT_AGAIN = "Connect again: cx.connect(...), or cx.use(...) for the functions of the module."
TRUSTED = 0.01  # so much of a limit is used before it is asked for what it really is
NEVER_REACHED = "cx.doctor() looks what is wrong; cx.use('paper') needs no network."
BULK_PATIENCE_S = 180.0  # how long a page of a bulk call waits for weight, or for the end of a forced stop


@dataclass(frozen=True, slots=True)
class Form:
    """How the caller wants its frame."""

    backend: str
    exact: bool


class Core:
    """A session without its calls. ``_about`` is what the log calls it: its number in this process, and the user."""

    _noun = "session"  # in calls that errors suggest
    _told_closed = False

    def __init__(
        self,
        venue: Venue,
        settings: Settings,
        *,
        user: str | None = None,
        frame: str = "pandas",
        exact: bool = False,
        keys: KeyHolder | None = None,
        trading: bool = False,
    ) -> None:
        self.venue = venue
        self.settings = settings
        self.user = user
        self.trading = trading
        self._keys = KeyHolder() if keys is None else keys
        self._frame_default = frame
        self._exact_default = exact
        self._address: Address = address_of(venue.hosts.rest, venue.capabilities.default_limits)
        self._lines: dict[asyncio.AbstractEventLoop, Line] = {}
        self._closed: str | None = None
        self._about: dict[str, str] = {"session": f"s{next(_numbers)}", **({} if user is None else {"user": user})}
        server = urlsplit(venue.hosts.rest).netloc.rpartition("@")[2]
        logs.event(log, "session.opened", level=INFO, venue=venue.name, server=server, trading=trading,
                   **self._about)  # fmt: skip

    @property
    def form(self) -> tuple[str, bool]:
        """Kind of frame, and whether numbers are exact, where a call does not say otherwise."""
        return self._frame_default, self._exact_default

    @property
    def signer(self) -> Signer | None:
        """The key of this session; None without one, and once the session has ended."""
        return self._keys.signer()

    def weight_used(self) -> tuple[int, int] | None:
        """Request weight of this address in the current window, others' included, and its limit; None without one."""
        states = self._address.limiter.states(self._moment())
        return next(((state.used, state.limit.amount) for state in states if state.limit.kind == WEIGHT), None)

    async def close(self, reason: str = "This session is closed.") -> None:
        """End the session: its connections are closed, and calls raise ``ConfigurationError`` from now on."""
        self._closed = self._closed or reason
        self._tell_closed()
        self._keys.clear()
        if self.user is not None:
            book.forget(self.venue.name, self.user, self)
        lines, self._lines = self._lines, {}
        for line in lines.values():
            await line.aclose()

    def retire(self, reason: str) -> None:
        """End the session at once, from any thread; its use then raises ``ConfigurationError`` with the reason."""
        self._closed = self._closed or reason
        self._tell_closed()
        self._keys.clear()
        lines, self._lines = self._lines, {}
        for line in lines.values():
            if line.loop.is_running():
                asyncio.run_coroutine_threadsafe(line.aclose(), line.loop)

    def _known_as(self) -> str | None:
        """The call that finds it by its user's name, where that is its."""
        return None if self.user is None else book.called(self.venue.name, self.user, self)

    def _tell_closed(self) -> None:
        """Once, however often and in whatever way it is closed."""
        if not self._told_closed:
            self._told_closed = True
            logs.event(log, "session.closed", level=INFO, venue=self.venue.name, reason=self._closed, **self._about)

    def _moment(self) -> Any:
        return self._address.clock.moment(time.monotonic(), time.time())

    def _form(self, frame: str | None, exact: bool | None) -> Form:
        """How to build the frame, checked before anything is sent."""
        form = Form(
            self._frame_default if frame is None else frame,
            self._exact_default if exact is None else check_flag(exact, name="exact"),
        )
        check_backend(form.backend, exact=form.exact)
        return form

    def _frame(self, batch: Batch, form: Form, *, leading: Leading | None = None, **attrs: Any) -> Frame:
        about = {"venue": self.venue.name, **{k: v for k, v in attrs.items() if v is not None}, "source": "rest"}
        return build(batch, form.backend, about, leading=leading)

    async def _ask(self, request: Request[T], *, bulk: bool = False) -> T:
        """The answer to one question, read.

        Raises
        ------
        CryptoxError
            The exchange's refusal in our words, or what the transport could not overcome.
        """
        return (await self._answered(request, bulk=bulk))[0]

    async def _answered(self, request: Request[T], *, bulk: bool) -> tuple[T, Answer]:
        """As ``_ask``, with the answer as it came."""
        found: list[T] = []
        unread: list[ExchangeError] = []

        def legible(answer: Answer) -> bool:
            """Read a success while it can still be asked for again."""
            try:
                found.append(request.read(answer))
            except ExchangeError as error:
                unread.append(error)
            return bool(found)

        answer = await self._send(request, bulk=bulk, legible=legible)
        if found:
            return found[0], answer
        refused = self.venue.refusal(request, answer)
        if refused is not None:
            raise await self._explained(refused, request)
        if not unread:  # a refusal that is an answer to what was asked
            return request.read(answer), answer
        raise self._place(unread[-1], {**request.context, "endpoint": request.path})

    async def _send(self, request: Request[Any], *, bulk: bool, legible: Callable[[Answer], bool]) -> Answer:
        line = await self._line_here()
        outgoing = self._outgoing(request)
        try:
            answer = await line.send(
                outgoing,
                weight=request.weight,
                deadline_s=self.settings.timeout * (BULK_TRIES if bulk else 1),
                patience_s=BULK_PATIENCE_S if bulk else self.settings.timeout,
                urgent=not bulk,
                legible=legible,
            )
        except CryptoxError as error:
            if self._closed is not None:
                raise self._ended() from error
            self._place(error, {**request.context, "endpoint": request.path})
            if isinstance(error, NotSent) and self._address.tally.silent:
                error.recovery_suggestions.append(NEVER_REACHED)
            raise
        self._address.clock.steady = self.venue.is_steady(answer)
        self._watch_limits(request, answer)
        return answer

    def _outgoing(self, request: Request[Any]) -> Outgoing:
        """The request as it goes out."""
        return self.venue.outgoing(request, self.settings.encoding)

    def _watch_limits(self, request: Request[Any], answer: Answer) -> None:
        """Limits are read where a window is new to us, or where some use is made of one that we only assume."""
        address, usages = self._address, self.venue.usage(answer)
        assumed = {limit.window_ms: limit.amount for limit in address.limiter.limits}
        if any(usage.window_ms not in assumed for usage in usages):
            address.rules_known = False
        if address.rules_known or not 200 <= answer.status < 300:
            return
        if any(usage.used > TRUSTED * assumed.get(usage.window_ms, 0) for usage in usages):
            named = request.context.get("symbols") or [request.context.get("symbol")]
            address.rules_wanted = True
            address.rules_of = named[0] or address.rules_of

    async def _as_of(self, *, rules_of: str | None = None, bulk: bool = False) -> int:
        """A moment in exchange time that has surely come, by which this call judges what is finished.

        With ``rules_of``, a symbol, the limits of the address are learned too where they are not known yet.
        """
        line = await self._line_here()
        address = self._address
        if address.rules_wanted:
            rules_of = rules_of or address.rules_of or ALL
        async with line.reading:
            clock = self._address.clock
            jobs = []
            if clock.stale(time.monotonic(), time.time()) or not clock.steady:
                jobs.append(self._learn_time(bulk=bulk))
            elif address.wants_better_time():
                jobs.append(self._better_time())
            if rules_of is not None and address.lacks_rules():
                jobs.append(self._learn_rules(rules_of))
            if jobs:
                await asyncio.gather(*jobs)
        return int(clock.earliest_ms(time.monotonic()))

    async def _learn_time(self, *, bulk: bool) -> int:
        """Exchange time; a server that has no such path is taken to agree with this machine, give or take a second."""
        try:
            return await self._read_clock(bulk=bulk)
        except ExchangeError as error:
            if error.context.get("status") != NO_SUCH_PATH:
                raise
            now, wall_s = time.monotonic(), time.time()
            self._address.clock.observe((wall_s - ASSUMED_S) * 1000, now - 2 * ASSUMED_S, now, wall_s)
            logs.event(log, "clock.assumed", level=WARNING, url=self._address.url, uncertainty_s=ASSUMED_S)
            return int(wall_s * 1000)

    async def _better_time(self) -> int:
        """One more reading of a clock that is good enough for the call itself: it may fail, and not take long."""
        with suppress(CryptoxError, TimeoutError):
            async with asyncio.timeout(BETTER_S):
                return await self._read_clock()
        return 0

    async def _read_clock(self, *, bulk: bool = False) -> int:
        server_ms, answer = await self._answered(self.venue.server_time(), bulk=bulk)
        wall_s = time.time()
        self._address.clock.observe(server_ms, answer.sent_at, answer.received_at, wall_s)
        ahead_ms = round(server_ms - wall_s * 1000)
        logs.event(log, "clock.read", level=DEBUG, venue=self.venue.name, ahead_ms=ahead_ms,
                   ms=round((answer.received_at - answer.sent_at) * 1000, 3), **self._about)  # fmt: skip
        return server_ms

    async def _learn_rules(self, symbol: str) -> int:
        """Limits of the address. Best effort: without them the venue's usual ones hold."""
        try:
            self._address.learn(await self._ask(self.venue.rules(None if symbol == ALL else [symbol])))
        except CryptoxError:
            self._address.put_off_rules()  # the call itself may meet the same difficulty, and say so
            return 0
        return 1

    async def _explained(self, error: CryptoxError, request: Request[Any]) -> CryptoxError:
        """The error with where it happened, and for unknown symbols with near names."""
        placed = self._place(error, request.context)
        if not isinstance(placed, BadSymbol) or placed.suggested is not None:
            return placed
        asked = request.context.get("symbols") or [request.context.get("symbol")]
        names = await self._names()
        if names is None:
            return placed
        known = set(names)
        unknown = [name for name in asked if name and name not in known]
        if not unknown:
            return placed
        near = {name: near_names(name, names) for name in unknown}
        told = "; ".join(f"{name} (near: {', '.join(found)})" if found else name for name, found in near.items())
        first = near[unknown[0]]
        return BadSymbol(
            f"{self.venue.name} does not know {told}.",
            technical_details=placed.technical_details,
            recovery_suggestions=[f"Did you mean {first[0]}?"] if first else ["See symbols() for all names."],
            context={**placed.context, "symbol": unknown[0]},
            code=placed.code,
            suggested={"symbol": first[0]} if first else None,
        )

    async def _names(self) -> list[str] | None:
        """All symbols, from memory or by one cheap request; None where that fails: it only helps to suggest."""
        if self._address.names is None:
            try:
                prices = await self._ask(self.venue.prices(None, exact=False))
            except CryptoxError:
                return None
            self._address.learn_names([str(name) for name in prices["symbol"]])
        return self._address.names

    def _place(self, error: CryptoxError, context: Mapping[str, Any]) -> CryptoxError:
        where = {"venue": self.venue.name, "user": self.user, **context}
        error.context = {**{k: v for k, v in where.items() if v is not None}, **error.context}
        return error

    def _part(self, method: str, what: str) -> Any:
        """The venue, for a part of the port that an adapter may leave out: ``what``, which has that method.

        Raises
        ------
        ConfigurationError
            This one has left it out.
        """
        if not hasattr(self.venue, method):
            raise ConfigurationError(
                f"{self.venue.name} has no {what} in cryptox; nothing was sent.",
                recovery_suggestions=[f"Take another venue for that: the adapter of {self.venue.name} leaves it out."],
            )
        return self.venue

    def _ended(self) -> ConfigurationError:
        return ConfigurationError(str(self._closed), recovery_suggestions=[CONNECT_AGAIN])

    async def _line_here(self) -> Line:
        """The connections of this session on the running loop."""
        if self._closed is not None:
            raise self._ended()
        loop = asyncio.get_running_loop()
        line = self._lines.get(loop)
        if line is None:
            from cryptox.sessions.line import Line

            line = self._lines[loop] = Line(self.venue, self.settings, self._address, loop, self._about)
            for ended in [other for other in self._lines if other.is_closed()]:
                await self._lines.pop(ended).aclose()
        return line
