"""A session's way to its venue on one event loop: connections, and the gate in front of them."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, Any

from cryptox import logs
from cryptox.transport.breaker import OwnBreaker
from cryptox.transport.caller import Caller
from cryptox.transport.gate import Gate
from cryptox.transport.http import Http
from cryptox.transport.messages import Answer, Outgoing

if TYPE_CHECKING:
    from cryptox.sessions.address import Address
    from cryptox.settings import Settings
    from cryptox.venues.port import Venue

__all__ = ["Line"]

SINGLE_IN_FLIGHT = 8
_numbers = itertools.count(1)  # of requests, in this process


class Line:
    """Bound to the loop it was made on; limiter, clock, breaker and stops are the address's.

    What the log tells of a request bears the fields of ``about`` and the request's own number.
    """

    def __init__(
        self,
        venue: Venue,
        settings: Settings,
        address: Address,
        loop: asyncio.AbstractEventLoop,
        about: Mapping[str, Any],
    ) -> None:
        self.loop = loop
        self._about = about
        self._process = os.getpid()
        self._held: AsyncGenerator[None] | None = None
        self.reading = asyncio.Lock()  # one reading of the clock at a time
        # Requests wait here, not for a connection: that would count against their time limit. Single calls have
        # places of their own, so that a long download does not hold them up.
        self._bulk = asyncio.Semaphore(settings.max_in_flight)
        self._single = asyncio.Semaphore(SINGLE_IN_FLIGHT)
        connections = settings.max_in_flight + SINGLE_IN_FLIGHT
        self._http = Http(timeout_s=settings.timeout, max_connections=connections, proxy=settings.proxy)
        gate = Gate(address.limiter, address.clock, share=settings.weight_share, spare=address.spare)
        stops, tally = address.stops, address.tally
        self._caller = Caller(self._http, gate, address.breaker, stops, venue, tally=tally)
        # What fails for one account, as a slow one does, must not hold up those of other users.
        self._signing = Caller(self._http, gate, OwnBreaker(address.breaker), stops, venue, tally=tally)

    async def send(
        self,
        outgoing: Outgoing,
        *,
        weight: int,
        deadline_s: float,
        patience_s: float,
        urgent: bool,
        legible: Callable[[Answer], bool],
        repeatable: bool = True,
        counts: bool = True,
    ) -> Answer:
        """The answer to a request. Reading may be repeated, as it changes nothing at the exchange; nothing else may.

        Of a mere look failures do not count for the breaker.
        """
        if self._held is None:
            self._held = _held(self._http)
            await anext(self._held)
        caller = self._caller if outgoing.sign is None else self._signing
        with logs.context(**self._about, request_id=f"r{next(_numbers)}"):
            async with self._single if urgent else self._bulk:
                return await caller.send(
                    outgoing,
                    weight=weight,
                    repeatable=repeatable,
                    deadline_s=deadline_s,
                    patience_s=patience_s,
                    urgent=urgent,
                    persistent=not urgent,
                    legible=legible,
                    counts=counts,
                )

    def hurry(self, within_s: float) -> None:
        """However often the exchange has failed, try again within so many seconds: an order is in doubt."""
        self._signing.hurry(within_s)

    async def aclose(self) -> None:
        """Close the connections, on their own loop if it still runs; a forked child leaves its parent's alone."""
        if os.getpid() != self._process:
            return
        if asyncio.get_running_loop() is self.loop or self.loop.is_closed():
            await (self._http if self._held is None else self._held).aclose()
        elif self.loop.is_running():
            asyncio.run_coroutine_threadsafe(self.aclose(), self.loop)


async def _held(http: Http) -> AsyncGenerator[None]:
    """Closes the connections when the loop ends: ``asyncio.run`` closes the generators that are still open."""
    try:
        yield
    finally:
        await http.aclose()
