"""The part of a session that belongs to its user: what is known of orders and balances, and the stream that tells."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
import weakref
from contextlib import suppress
from logging import WARNING
from typing import Any

from cryptox import logs, portal
from cryptox.errors import ConfigurationError
from cryptox.model.orders import Order
from cryptox.sessions.core import Core
from cryptox.sessions.keys import keyless
from cryptox.transport.life import Address, Allowance
from cryptox.transport.private import require_private

from .blotter import Blotter, Refused
from .userstream import UserStream

__all__ = ["UserCalls", "user_address"]

log = logs.logger("sessions.userstream")


class UserCalls(Core):
    """Blotter and user stream of a session; the stream is there from its first use on."""

    _stream: UserStream | None = None

    @functools.cached_property
    def _blotter(self) -> Blotter:
        """What is known of the user's orders, executions and balances."""
        return Blotter(_log_refused, functools.partial(_tell, weakref.ref(self)))

    def _met(self, order: Order) -> None:
        """Something new is known of an order."""

    def _user_stream(self) -> UserStream:
        """The stream of the user's own events, on the running loop; begun where there is none.

        Raises
        ------
        ConfigurationError
            The session has ended or has no key; the address is not known; or the stream runs on another loop.
        """
        if self._closed is not None:
            raise self._ended()
        if self.signer is None:
            raise keyless(self.venue.name, self.user)
        stream, loop = self._stream, asyncio.get_running_loop()
        if stream is None or _is_gone(stream):
            url = self._part("user_url", "streams of own orders and balances").user_url()
            require_private(url)
            # The session is held by whoever uses the stream, never by the stream.
            owner: Any = self
            stream = self._stream = UserStream(owner, self._blotter, user_address(self, url))
        elif stream.loop is not loop:
            raise ConfigurationError(
                "The user's stream is used on the loop it was started on.",
                recovery_suggestions=["Use a session on one loop, or make another one for this: cx.aio.connect(...)."],
            )
        return stream

    def _note_order(self, order: Order) -> None:
        """Take what an answer tells of an order: feeds of orders hear what is new in it."""
        stream = self._stream
        if stream is None or _is_gone(stream):
            self._blotter.apply_order(order)
        elif stream.loop is asyncio.get_running_loop():
            stream.note(order)
        else:
            stream.loop.call_soon_threadsafe(stream.note, order)

    async def close(self, reason: str = "This session is closed.") -> None:
        """End the session."""
        self._closed = self._closed or reason
        stream, self._stream = self._stream, None
        if stream is not None and stream.loop is asyncio.get_running_loop():
            await stream.close()
        elif stream is not None:
            _stop_there(stream)
        await super().close(reason)

    def retire(self, reason: str) -> None:
        """End the session at once, from any thread."""
        stream, self._stream = self._stream, None
        if stream is not None:
            _stop_there(stream)
        super().retire(reason)


def _is_gone(stream: UserStream) -> bool:
    """Whether it tells nothing more: it has ended, or its loop has, or both are the parent's in a forked child."""
    loop = stream.loop
    return stream.line.is_over or loop.is_closed() or portal.is_lost(loop) or stream.line.process != os.getpid()


def _stop_there(stream: UserStream) -> None:
    with suppress(RuntimeError):  # its loop is closed
        stream.loop.call_soon_threadsafe(stream.stop)


def _tell(session: weakref.ref[UserCalls], order: Order) -> None:
    """The blotter outlives its session with the stream, and must not keep it."""
    if (here := session()) is not None:
        here._met(order)


def _log_refused(refused: Refused) -> None:
    order = refused.order
    logs.event(log, "order.impossible", level=WARNING, symbol=order.symbol, order_id=order.order_id,
               why=refused.why)  # fmt: skip


class _Addresses:
    """What connections to one address share, while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: weakref.WeakValueDictionary[str, Address] = weakref.WeakValueDictionary()

    def get(self, url: str, connects: tuple[int, float]) -> Address:
        """The one of a URL."""
        with self._lock:
            address = self._known.get(url)
            if address is None:
                address = self._known[url] = Address(Allowance(*connects))
            return address


_addresses = _Addresses()


def user_address(session: Any, url: str) -> Address:
    """What all connections of users to that address share."""
    return _addresses.get(url, session.venue.stream_limits.connects)
