"""Signed calls: with a key, and with a time that the exchange accepts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from cryptox.errors import ClockSkew
from cryptox.sessions.core import Core
from cryptox.sessions.keys import keyless
from cryptox.transport.crypto import Signer
from cryptox.transport.messages import Outgoing
from cryptox.venues.port import Request
from cryptox.venues.trading import TradingVenue

__all__ = ["Signed"]

T = TypeVar("T")

SKEWED_TWICE = 2  # tries of a read whose time was not accepted; the clock is read anew between them


class Signed(Core):
    """A session that may have a key."""

    async def _ask_signed(self, request: Request[T]) -> T:
        """The answer to a signed question.

        Raises
        ------
        ConfigurationError
            The session has no key.
        CryptoxError
            As of any question. A time that was not accepted is read anew, once, before that reaches anybody.
        """
        self._key()
        for attempt in range(SKEWED_TWICE):
            await self._as_of()
            try:
                return await self._ask(request)
            except ClockSkew:
                if attempt == SKEWED_TWICE - 1:
                    raise
                await self._read_clock()
        raise AssertionError("unreachable")

    @property
    def _trading_venue(self) -> TradingVenue:
        return cast(TradingVenue, self._part("authorised", "orders and accounts"))

    def _key(self) -> Signer:
        if self._closed is not None:
            raise self._ended()
        if self.signer is None:
            raise keyless(self.venue.name, self.user)
        return self.signer

    def _outgoing(self, request: Request[Any]) -> Outgoing:
        outgoing = super()._outgoing(request)
        if not request.signed:
            return outgoing
        window = self.settings.order_recv_window if request.acts else self.settings.recv_window
        return self._signed(outgoing, window, self._timestamp_ms)

    def _signed(self, outgoing: Outgoing, window_ms: int, timestamp_ms: Callable[[], int]) -> Outgoing:
        """The request, to be given key, time and signature when it is sent: it may wait for weight until then."""
        venue, signer = self._trading_venue, self._key()
        self._address.spare.wanted = True

        def sign(unsigned: Outgoing) -> Outgoing:
            return venue.authorised(unsigned, signer, timestamp_ms=timestamp_ms(), recv_window_ms=window_ms)

        return dataclasses.replace(outgoing, sign=sign)

    def _timestamp_ms(self) -> int:
        """Exchange time that has surely come: a time of the future is refused."""
        return int(self._address.clock.earliest_ms(time.monotonic()))
