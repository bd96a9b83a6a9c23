"""The paper exchange as a venue: Binance's, on this machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cryptox.errors import ConfigurationError
from cryptox.settings import Settings
from cryptox.venues.binance.venue import BinanceVenue
from cryptox.venues.port import Hosts

if TYPE_CHECKING:
    from cryptox.paper.exchange import PaperExchange

__all__ = ["NAME", "PaperVenue", "open_venue", "venue_of"]

NAME = "paper"


class _Embedded:
    """The one exchange behind the venue name ``paper``: started on first use, ended with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._exchange: PaperExchange | None = None

    def get(self) -> PaperExchange:
        with self._lock:
            if self._exchange is None or not self._exchange.is_running:
                from cryptox.paper.exchange import PaperExchange
                from cryptox.paper.forks import watch

                exchange = PaperExchange()
                exchange.start()
                self._exchange = exchange
                watch(self, _Embedded._forked)
            return self._exchange

    def _forked(self) -> None:
        """In a forked child: the exchange is the parent's, and nobody holds the lock."""
        self._lock, self._exchange = threading.Lock(), None


_embedded = _Embedded()


class PaperVenue(BinanceVenue):
    """A running paper exchange as a venue: Binance's, and accounts for whoever has none."""

    def __init__(self, exchange: PaperExchange) -> None:
        where = Hosts(rest=exchange.rest_url, stream=exchange.stream_url, ws_api=exchange.ws_api_url)
        super().__init__(NAME, where, real_money=False)
        self._exchange = exchange

    def own_keys(self, user: str | None) -> tuple[str, str]:
        """API key and secret of a funded account: a user's own, which outlives his session; else a new one."""
        return self._exchange.keys_of(user) if user is not None else self._exchange.create_account()


def open_venue(name: str, settings: Settings, environment: Mapping[str, str]) -> PaperVenue:  # noqa: ARG001  # the form
    """The embedded exchange, started if it does not run yet; other addresses are not its own."""
    moved = [field for field in ("rest_url", "stream_url", "ws_api_url") if getattr(settings, field) is not None]
    if moved:
        raise ConfigurationError(
            f"The venue {name!r} has an address of its own, so {moved[0]} cannot be given with it.",
            recovery_suggestions=[
                'For an exchange of yours connect("binance", rest_url=...), or pass a PaperExchange.'
            ],
        )
    return venue_of(_embedded.get())


def venue_of(exchange: PaperExchange) -> PaperVenue:
    """A running paper exchange as a venue."""
    return PaperVenue(exchange)
