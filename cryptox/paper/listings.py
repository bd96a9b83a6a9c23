"""The symbols of the seeded market: what is listed when, and the character of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from .market import Listing

__all__ = ["CHARACTERS", "Character"]


@dataclass(frozen=True, slots=True)
class Character:
    """How one symbol trades. Prices and turnover in quote asset."""

    listing: Listing
    price: float  # on the listing day
    growth: float  # factor that the middle of prices gains in ten years
    volatility: float  # a year, as a fraction
    trades: float  # a minute, once established
    turnover: float  # quote asset a day


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


# Halts of the whole exchange, after its announcements; bounds cut to minutes.
_HALTS = tuple(
    (_ms(start), _ms(end))
    for start, end in (
        ("2018-02-08T00:28", "2018-02-09T09:59"),
        ("2018-06-26T02:00", "2018-06-26T12:00"),
        ("2018-11-14T02:00", "2018-11-14T09:00"),
        ("2019-05-15T03:00", "2019-05-15T13:00"),
        ("2020-02-19T11:39", "2020-02-19T17:00"),
        ("2020-12-21T14:15", "2020-12-21T18:00"),
        ("2021-04-25T04:02", "2021-04-25T08:45"),
        ("2021-08-13T02:00", "2021-08-13T06:30"),
        ("2023-03-24T12:40", "2023-03-24T14:00"),
    )
)


def _listing(
    base: str, quote: str, listed: str, price_exponent: int, quantity_exponent: int, *, ended: str | None = None
) -> Listing:
    listed_ms, ended_ms = _ms(listed), None if ended is None else _ms(ended)
    return Listing(
        symbol=base + quote,
        base=base,
        quote=quote,
        listed_ms=listed_ms,
        ended_ms=ended_ms,
        status="TRADING" if ended is None else "BREAK",
        price_exponent=price_exponent,
        quantity_exponent=quantity_exponent,
        outages=tuple(halt for halt in _HALTS if halt[0] > listed_ms and (ended_ms is None or halt[1] < ended_ms)),
    )


def _priced(character: Character) -> Character:
    """With a usual price: the lower one of those between which its middle moves."""
    price = character.price * min(1.0, character.growth)
    ticks = max(1, round(price * 10**-character.listing.price_exponent))
    return replace(character, listing=replace(character.listing, usual_ticks=ticks))


CHARACTERS: dict[str, Character] = {
    character.listing.symbol: _priced(character)
    for character in (
        Character(_listing("BTC", "USDT", "2017-08-17T04:00", -2, -5), 4300.0, 14.0, 0.55, 40.0, 1.5e8),
        Character(_listing("ETH", "USDT", "2017-08-17T04:00", -2, -4), 300.0, 9.0, 0.68, 32.0, 8.0e7),
        Character(_listing("BNB", "USDT", "2017-11-06T03:54", -2, -3), 1.6, 250.0, 0.72, 20.0, 2.5e7),
        Character(_listing("ETH", "BTC", "2017-08-17T04:00", -5, -3), 0.07, 0.7, 0.45, 10.0, 300.0),
        Character(_listing("ADA", "USDT", "2018-04-17T04:00", -4, -1), 0.25, 2.5, 0.80, 16.0, 1.2e7),
        Character(
            _listing("LUNC", "USDT", "2020-08-21T10:00", -8, 0, ended="2024-10-31T03:00"), 1.1e-4, 0.8, 0.95, 8.0, 4.0e6
        ),
        Character(_listing("1INCH", "USDT", "2020-12-25T05:00", -4, -1), 1.8, 0.2, 0.90, 6.0, 2.0e6),
        Character(_listing("PEPE", "USDT", "2023-05-05T16:00", -8, 0), 1.2e-6, 3.0, 0.95, 14.0, 9.0e6),
        Character(_listing("这是测试币456", "USDT", "2025-10-09T08:00", -5, -2), 0.034, 1.5, 1.00, 0.7, 2.5e5),
        Character(_listing("AURA", "USDT", "2026-05-12T13:00", -4, -1), 0.82, 2.0, 0.95, 9.0, 3.0e6),
    )
}
