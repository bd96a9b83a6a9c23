"""One call, from "may I?" to the answer: stops, limits, breaker, sending, booking, trying again."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from logging import DEBUG, INFO, WARNING
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from cryptox import _telemetry, logs
from cryptox.errors import CryptoxError, NetworkError, NotSent

from .breaker import Breaker
from .gate import Gate
from .limiter import Ticket
from .messages import Answer, Outgoing, Usage
from .retry import Retry
from .stops import Stops
from .tally import Tally

__all__ = ["Caller", "Reader", "Sender", "Verdict"]

log = logs.logger("transport")

SHUT_OUT = (403, 451)  # by a firewall, or of a place: the exchange itself has not answered
BAD = 400  # from this status on an answer is an error, by the conventions of telemetry


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means for sending.

    Attributes
    ----------
    kind
        ``ok``; ``refused``, a definite no; ``busy``, the exchange's front failed (5xx and the like); ``stop``, send
        nothing for ``wait_s`` seconds.
    wait_s
        For ``stop``: seconds from the answer on.
    banned
        For ``stop``: the address is banned.
    """

    kind: Literal["ok", "refused", "busy", "stop"]
    wait_s: float = 0.0
    banned: bool = False


class Reader(Protocol):
    """What the transport must know of an exchange's answers."""

    def usage(self, answer: Answer) -> tuple[Usage, ...]:
        """Used limits, from the headers."""

    def verdict(self, answer: Answer) -> Verdict:
        """What it means for sending."""


class Sender(Protocol):
    """Something that sends once: ``Http``, or a tape of recorded answers."""

    async def send(self, outgoing: Outgoing, *, deadline_s: float) -> Answer:
        """Send once and read the whole answer."""


class Caller:
    """Sends requests to one address, on one event loop, without ever going on against its stop.

    Parameters
    ----------
    http, gate
        Of this event loop.
    breaker, stops
        Of the address; may be shared with other loops.
    reader
        Reads the exchange's answers.
    retry
        How often to try what is safe to repeat.
    tally
        Counts how requests go; of the address, too.
    monotonic, draw, sleep
        The clock in seconds, random numbers in [0, 1), and how to wait.
    """

    def __init__(
        self,
        http: Sender,
        gate: Gate,
        breaker: Breaker,
        stops: Stops,
        reader: Reader,
        retry: Retry | None = None,
        *,
        tally: Tally | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._gate = gate
        self._breaker = breaker
        self._stops = stops
        self._reader = reader
        self._retry = retry or Retry()
        self._tally = Tally() if tally is None else tally
        self._monotonic = monotonic
        self._draw = draw
        self._sleep = sleep
        self._counters: tuple[_telemetry.Counter, _telemetry.Counter] | None = None  # once something was sent

    def hurry(self, within_s: float) -> None:
        """After failures in a row, try again within so many seconds."""
        self._breaker.hurry(self._monotonic(), within_s)

    async def send(
        self,
        outgoing: Outgoing,
        *,
        weight: int,
        repeatable: bool,
        deadline_s: float,
        patience_s: float,
        urgent: bool = False,
        persistent: bool = False,
        legible: Callable[[Answer], bool] = lambda _: True,
        counts: bool = True,
    ) -> Answer:
        """The answer, whatever its status; the last one where every try failed with one.

        Parameters
        ----------
        outgoing
            The request.
        weight
            What it costs at the exchange.
        repeatable
            Whether it may be sent again after a failure: reading may, an order never.
        deadline_s
            Seconds for sending, answers and pauses between tries together; waiting for weight is not included.
        patience_s
            Seconds to wait for weight, or for a stop of the exchange to end, before each try.
        urgent
            Pass requests that are not, where weight is short.
        persistent
            Try until ``deadline_s`` is over, however often that is: for a page among many, which an outage of
            seconds must not end. Not where nothing was ever reached: that is no outage, and one wants to know.
        legible
            Whether a success can be read. Gateways cut and replace bodies: one that cannot is asked for again, but
            never for long, as it may be ours that cannot read.
        counts
            Whether a failure counts for the breaker. A mere look must not close the way to others; its success opens
            it to them.

        Raises
        ------
        RateLimited
            Weight, or the end of a stop, is further away than ``patience_s``; its kind Banned during a ban. Nothing
            was sent.
        NotSent
            Nothing left: no connection, or the breaker is open.
        NetworkError
            It broke after the request began (``context["sent"]``).
        ExchangeError
            The body is too large.
        """
        left_s = deadline_s
        failure: NetworkError | Answer | None = None
        tries: Counter[str] = Counter()  # that failed, by what their verdict was
        attempt = 1
        while True:
            ticket = await self._admitted(weight, patience_s, urgent)
            began = self._monotonic()
            cooling_s = self._breaker.admit(began)
            if cooling_s > 0:
                self._gate.unsent(ticket)
                if not repeatable or cooling_s >= left_s:
                    return _given_up(_resting(cooling_s) if failure is None else failure, tries.total())
                await self._sleep(cooling_s)
                left_s -= self._monotonic() - began
                continue
            if self._breaker.failures and self._breaker.state(began) == "half_open":
                logs.event(log, "breaker.trying", level=INFO, **_named(outgoing))
            try:
                failure = answer = await self._once(outgoing, ticket, left_s, began, attempt, counts)
                verdict = self._judge(answer, began, outgoing, counts)
                ended = verdict.kind == "refused" or (verdict.kind == "ok" and legible(answer))
                self._tally.note(self._monotonic(), ok=ended and answer.status not in SHUT_OUT)
                if ended:
                    if log.isEnabledFor(DEBUG):
                        self._tell("request.done", DEBUG, outgoing, weight, attempt, began, status=answer.status)
                    return answer
            except NetworkError as error:
                failure, verdict = error, Verdict("busy" if error.retryable else "refused")
                self._tally.note(self._monotonic(), ok=False, reached=not isinstance(error, NotSent))
            tries[verdict.kind] += 1
            attempt += 1
            self._tell("request.failed", WARNING, outgoing, weight, attempt - 1, began, **_why(failure))
            left_s -= self._monotonic() - began
            again = persistent and not (isinstance(failure, NotSent) and self._tally.silent)
            pause_s = self._pause(verdict, tries[verdict.kind], left_s, patience_s, again) if repeatable else None
            if pause_s is None:
                return _given_up(failure, tries.total())
            if log.isEnabledFor(DEBUG):
                logs.event(log, "request.again", level=DEBUG, attempt=attempt, pause_s=pause_s, **_named(outgoing))
            await self._sleep(pause_s)
            left_s -= pause_s

    async def _admitted(self, weight: int, patience_s: float, urgent: bool) -> Ticket:
        """A ticket, with no stop of any process in force at the moment it is given."""
        self._heed()
        while True:
            ticket = await self._gate.enter(weight, patience_s=patience_s, urgent=urgent)
            if not self._heed():
                return ticket
            self._gate.unsent(ticket)

    def _heed(self) -> bool:
        """Take over the stop that another process wrote; whether there is one."""
        stop = self._stops.current()
        if stop is None:
            return False
        left_s, limiter = self._stops.left_s(stop), self._gate.limiter
        if limiter.forbidden_until <= self._monotonic():
            logs.event(log, "limit.stopped", level=WARNING, wait_s=round(left_s, 3), banned=stop.banned, by="another")
        limiter.forbid(self._monotonic() + left_s, banned=stop.banned)
        return True

    async def _once(
        self, outgoing: Outgoing, ticket: Ticket, deadline_s: float, admitted_at: float, attempt: int, counts: bool
    ) -> Answer:
        """Send once; the ticket is given back however that ends."""
        try:
            with _telemetry.request(outgoing.method, outgoing.url, attempt=attempt, weight=ticket.weight) as span:
                answer = await self._http.send(outgoing, deadline_s=deadline_s)
                span.tell(http__response__status_code=answer.status)
                if answer.status >= BAD:
                    span.fail(str(answer.status))
        except NotSent as error:
            self._gate.unsent(ticket)
            if error.retryable:
                self._failed(admitted_at, outgoing, counts, sent=False)
            else:
                self._breaker.abandon(admitted_at)
            raise
        except NetworkError:
            self._count(outgoing, ticket)
            self._gate.lost(ticket)
            self._failed(admitted_at, outgoing, counts)
            raise
        except BaseException as error:
            if log.isEnabledFor(DEBUG):
                why = {"error": type(error).__name__}
                self._tell("request.left", DEBUG, outgoing, ticket.weight, attempt, admitted_at, **why)
            sent = not isinstance(error, CryptoxError) or error.context.get("sent", False)
            self._gate.lost(ticket) if sent else self._gate.unsent(ticket)
            self._breaker.abandon(admitted_at)
            raise
        self._count(outgoing, ticket)
        usages = self._reader.usage(answer)
        self._gate.answered(ticket, usages, sent_at=answer.sent_at, received_at=answer.received_at)
        return answer

    def _count(self, outgoing: Outgoing, ticket: Ticket) -> None:
        """For telemetry: it has been sent."""
        if self._counters is None:
            host = urlsplit(outgoing.url).netloc.rpartition("@")[2]
            names = "cryptox.requests", "cryptox.request.weight"
            self._counters = (_telemetry.counter(names[0], server=host), _telemetry.counter(names[1], server=host))
        requests, weight = self._counters
        requests.add()
        weight.add(ticket.weight)
        _telemetry.observe()

    def _failed(self, admitted_at: float, outgoing: Outgoing, counts: bool, *, sent: bool = True) -> None:
        now = self._monotonic()
        if not counts:
            self._breaker.abandon(admitted_at)
        elif self._breaker.failure(now, admitted_at=admitted_at, sent=sent):
            rest_s, failures = round(self._breaker.rest_s(now), 3), self._breaker.failures
            logs.event(log, "breaker.opened", level=WARNING, rest_s=rest_s, failures=failures, **_named(outgoing))

    def _judge(self, answer: Answer, admitted_at: float, outgoing: Outgoing, counts: bool) -> Verdict:
        verdict = self._reader.verdict(answer)
        if verdict.kind == "busy":
            self._failed(admitted_at, outgoing, counts)
        elif self._breaker.success():
            logs.event(log, "breaker.closed", level=INFO, **_named(outgoing))
        if verdict.kind != "stop":
            if self._gate.limiter.assumed:
                self._gate.accepted(self._reader.usage(answer))
        else:
            logs.event(log, "limit.stopped", level=WARNING, wait_s=verdict.wait_s, banned=verdict.banned, by="answer",
                       **_named(outgoing))  # fmt: skip
            self._gate.limiter.forbid(self._monotonic() + verdict.wait_s, banned=verdict.banned)
            self._stops.forbid(verdict.wait_s, banned=verdict.banned)
        return verdict

    def _tell(
        self, event: str, level: int, outgoing: Outgoing, weight: int, attempt: int, began: float, **more: Any
    ) -> None:
        ms = round((self._monotonic() - began) * 1000, 3)
        logs.event(log, event, level=level, **_named(outgoing), **more, ms=ms, weight=weight, attempt=attempt)

    def _pause(
        self, verdict: Verdict, failures: int, left_s: float, patience_s: float, persistent: bool
    ) -> float | None:
        """Seconds before the next try, or None to give up."""
        if verdict.kind in ("busy", "ok"):  # ok, but not legible
            more = persistent and verdict.kind == "busy"
            return self._retry.pause_s(failures, self._draw(), left_s, persistent=more)
        if verdict.kind == "stop" and not verdict.banned and verdict.wait_s <= patience_s:
            # The gate waits for the end of the stop, together with everyone else.
            return 0.0 if failures < self._retry.attempts and left_s > 0 else None
        return None


def _named(outgoing: Outgoing) -> dict[str, str]:
    """A request in the log: never its query."""
    parts = urlsplit(outgoing.url)
    return {"method": outgoing.method, "host": parts.hostname or "", "path": parts.path}


def _why(failure: NetworkError | Answer | None) -> dict[str, Any]:
    if isinstance(failure, Answer):
        return {"status": failure.status}
    return {"error": type(failure).__name__, "sent": getattr(failure, "context", {}).get("sent", False)}


def _given_up(failure: NetworkError | Answer, attempts: int) -> Answer:
    """The last answer, or the last error raised."""
    if isinstance(failure, Answer):
        return failure
    failure.context["attempts"] = attempts
    raise failure


def _resting(wait_s: float) -> NotSent:
    return NotSent(
        f"The exchange failed many times in a row, so nothing is sent for another {wait_s:.1f} s.",
        retry_after=wait_s,
        context={"sent": False},
        recovery_suggestions=["Wait a moment, then run the call again; if it goes on, look at the exchange's status."],
    )
