"""What components of health are made of, as records: addresses, connections, users."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from cryptox._display import Displayed

from .events import moment
from .lines import count, record_line
from .time import iso

__all__ = [
    "BREAKER_STATES",
    "STATUSES",
    "BreakerState",
    "Connection",
    "ExchangeAddress",
    "HealthStatus",
    "UserConnection",
    "api_figures",
]

HealthStatus = Literal["healthy", "unknown", "degraded", "unhealthy"]
STATUSES: tuple[HealthStatus, ...] = ("healthy", "unknown", "degraded", "unhealthy")  # from best to worst
BreakerState = Literal["closed", "half_open", "open"]
BREAKER_STATES: tuple[BreakerState, ...] = ("closed", "half_open", "open")  # from best to worst


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeAddress(Displayed):
    """An address of an exchange's REST API, and how a request to it went just now.

    Attributes
    ----------
    venue, address
        Which.
    latency_ms
        Milliseconds from sending the request to its answer; None where there was none.
    last_success_ms
        When any request of this process was answered well last, in ms since the epoch; None for never.
    requests, error_rate
        Requests of the last five minutes, retries included, and which part of them failed; None without any.
    weight_used, weight_limit
        Request weight in the current window, others' included.
    breaker
        ``closed``, ``open`` (nothing is sent for a while) or ``half_open`` (one request tries).
    """

    venue: str
    address: str
    status: HealthStatus
    latency_ms: float | None = None
    last_success_ms: int | None = None
    requests: int = 0
    error_rate: float | None = None
    weight_used: int | None = None
    weight_limit: int | None = None
    breaker: BreakerState = "closed"

    @property
    def last_success(self) -> datetime | None:
        """When a request was answered well last, UTC."""
        return None if self.last_success_ms is None else moment(self.last_success_ms)

    def __repr__(self) -> str:
        """One line: where, how, the figures."""
        return record_line(
            "ExchangeAddress", f"{self.venue} at {self.address}", self.status, _rest(self.breaker), *api_figures(self)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(Displayed):
    """One kept WebSocket connection.

    Attributes
    ----------
    venue, address
        Where to.
    state
        ``waiting`` to connect again, ``connecting``, ``open``, ``carrying`` all streams, or ``handing_over`` to the
        next one; ``standing`` where its loop does not run, ``inherited`` in a forked child, whose parent's it is.
    breaker
        Of the address: ``closed``, ``open`` or ``half_open``.
    streams
        How many run over it.
    reconnects
        Connections after the first one, hand-overs included.
    last_message_age_s
        Seconds since anything was heard, answers to pings included; None before the first connection.
    lag_s
        Seconds from the exchange's sending to receipt of the newest event, the longest of its streams; None where the
        exchange does not say when it sent, or its clock is not known.
    behind
        Streams that miss something which is being repaired.
    trouble
        What is in the way just now, in a line.
    """

    venue: str
    address: str
    status: HealthStatus = "healthy"
    state: str = "carrying"
    breaker: BreakerState = "closed"
    streams: int = 0
    reconnects: int = 0
    last_message_age_s: float | None = None
    lag_s: float | None = None
    behind: int = 0
    trouble: str | None = None

    @property
    def is_up(self) -> bool:
        """Whether it is open and carries its streams."""
        return self.state in ("carrying", "handing_over")

    def __repr__(self) -> str:
        """One line: where to, how, the figures."""
        return record_line(
            "Connection",
            f"{self.venue} at {self.address}",
            f"{self.status}, {self.state.replace('_', ' ')}",
            _rest(self.breaker),
            count(self.streams, "stream"),
            count(self.reconnects, "reconnect"),
            None if self.last_message_age_s is None else f"heard {self.last_message_age_s:.1f} s ago",
            None if self.lag_s is None else f"lag {self.lag_s:.3f} s",
            self.trouble,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserConnection(Displayed):
    """One user's own connection: orders and balances as they change.

    Attributes
    ----------
    user, venue
        Whose; None for a session without a name.
    logged_on
        Whether it is subscribed.
    state
        As of a ``Connection``; ``not begun`` before its first use, ``ended`` once it tells nothing more.
    breaker
        Of the address: ``closed``, ``open`` or ``half_open``.
    reconnects
        Connections after the first one, hand-overs included.
    last_event_age_s, last_message_age_s
        Seconds since the newest event, and since anything was heard; None before the first.
    clock_skew_ms
        By how many milliseconds the exchange's clock is ahead of this machine's; None where that is not known.
    trouble
        What is in the way just now, in a line.
    """

    user: str | None
    venue: str
    status: HealthStatus = "healthy"
    logged_on: bool = False
    state: str = "not begun"
    breaker: BreakerState = "closed"
    reconnects: int = 0
    last_event_age_s: float | None = None
    last_message_age_s: float | None = None
    clock_skew_ms: float | None = None
    trouble: str | None = None

    @property
    def is_begun(self) -> bool:
        """Whether there is a connection, or was to be one."""
        return self.state != "not begun"

    @property
    def label(self) -> str:
        """Who, where: ``ann on paper``."""
        return f"{self.user or 'a user without a name'} on {self.venue}"

    def __repr__(self) -> str:
        """One line: who, how, the figures."""
        age, skew = self.last_event_age_s, self.clock_skew_ms
        return record_line(
            "UserConnection",
            self.label,
            f"{self.status}, {'logged on' if self.logged_on else self.state.replace('_', ' ')}",
            _rest(self.breaker),
            count(self.reconnects, "reconnect"),
            None if age is None else f"last event {age:.1f} s ago",
            None if skew is None else f"clock skew {round(skew)} ms",
            self.trouble,
        )


def _rest(breaker: BreakerState) -> str | None:
    """Said where it is not closed."""
    return None if breaker == "closed" else f"breaker {breaker.replace('_', ' ')}"


class _Api(Protocol):
    """What has the figures of a REST API."""

    @property
    def latency_ms(self) -> float | None:
        """Of the newest request."""

    @property
    def last_success_ms(self) -> int | None:
        """When one was answered well last."""

    @property
    def error_rate(self) -> float | None:
        """Which part failed."""

    @property
    def weight_used(self) -> int | None:
        """In the window."""

    @property
    def weight_limit(self) -> int | None:
        """Of the window."""


def api_figures(record: _Api) -> tuple[str, ...]:
    """Latency, last success, errors and weight, as texts."""
    success, rate = record.last_success_ms, record.error_rate
    told = (
        None if record.latency_ms is None else f"latency {record.latency_ms:.0f} ms",
        "no success yet" if success is None else f"last success {iso(success)}",
        None if rate is None else f"{100 * rate:.3g} % errors",
        None if record.weight_used is None else f"weight {record.weight_used} of {record.weight_limit}",
    )
    return tuple(text for text in told if text is not None)
