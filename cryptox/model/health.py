"""How everything is doing, as records: one a component, and one over all. What they say is judged in ``judging``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from cryptox._display import Displayed

from .events import moment
from .health_parts import (
    BREAKER_STATES,
    STATUSES,
    BreakerState,
    Connection,
    ExchangeAddress,
    HealthStatus,
    UserConnection,
    api_figures,
)
from .lines import count, record_line, sentences
from .time import iso

__all__ = [
    "BREAKER_STATES",
    "STATUSES",
    "Application",
    "BreakerState",
    "Component",
    "Connection",
    "ExchangeAddress",
    "ExchangeApi",
    "Health",
    "HealthStatus",
    "TradingSystem",
    "UserConnection",
    "UserConnections",
    "WebsocketConnections",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component(Displayed):
    """One part of what runs.

    Attributes
    ----------
    status
        ``healthy``, ``degraded``, ``unhealthy`` or ``unknown``.
    in_use
        Whether there is anything of it; what is not in use is healthy, and says nothing about the whole.
    reasons
        What was found, in sentences; of a healthy component what is worth knowing.
    advice
        What to do about it.
    """

    name: ClassVar[str] = ""

    status: HealthStatus
    in_use: bool = True
    reasons: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """One line: how it is, the figures that matter, and why."""
        state: str = self.status if self.in_use else f"{self.status}, not in use"
        told = sentences(self.reasons)
        return record_line(type(self).__name__, state, *(self.figures() if self.in_use else ()), told)

    def figures(self) -> tuple[str, ...]:
        """The figures that matter, as texts."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Application(Component):
    """This process.

    Attributes
    ----------
    uptime_ms
        Milliseconds since cryptox was loaded.
    memory_mb
        Resident memory in MB (2**20 bytes); None where the system does not say.
    threads
        Threads of Python, the user's included.
    tasks
        Tasks on the loop that was asked: in a notebook that of cryptox's own thread.
    loop_lag_ms
        By how many milliseconds that loop was late to do what was due.
    """

    name: ClassVar[str] = "application"

    uptime_ms: int = 0
    memory_mb: float | None = None
    threads: int = 0
    tasks: int = 0
    loop_lag_ms: float | None = None

    def figures(self) -> tuple[str, ...]:
        """Uptime, memory, threads, tasks."""
        memory = () if self.memory_mb is None else (f"{self.memory_mb:.0f} MB",)
        up = f"up {self.uptime_ms / 1000:.0f} s"
        return (up, *memory, count(self.threads, "thread"), count(self.tasks, "task"))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ExchangeApi(Component):
    """The exchanges' REST APIs, asked just now; figures are those of ``ExchangeAddress``.

    Attributes
    ----------
    latency_ms
        The longest of all addresses.
    last_success_ms
        The newest of all.
    error_rate
        Over all requests of the last five minutes.
    weight_used, weight_limit
        Of the address with the least room.
    addresses
        Each of them.
    """

    name: ClassVar[str] = "exchange_api"

    latency_ms: float | None = None
    last_success_ms: int | None = None
    error_rate: float | None = None
    weight_used: int | None = None
    weight_limit: int | None = None
    addresses: tuple[ExchangeAddress, ...] = ()

    @property
    def last_success(self) -> datetime | None:
        """When a request was answered well last, UTC."""
        return None if self.last_success_ms is None else moment(self.last_success_ms)

    def figures(self) -> tuple[str, ...]:
        """Latency, last success, errors, weight."""
        return api_figures(self)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WebsocketConnections(Component):
    """The connections of live feeds; users' own are in ``UserConnections``.

    Attributes
    ----------
    connected
        Whether all carry their streams.
    circuit_breaker_state
        The worst of them: ``closed``, ``half_open`` or ``open``.
    total_reconnects
        Of those that there are now.
    connections
        Each of them.
    """

    name: ClassVar[str] = "websocket_connections"

    connected: bool = False
    circuit_breaker_state: BreakerState = "closed"
    total_reconnects: int = 0
    connections: tuple[Connection, ...] = ()

    def figures(self) -> tuple[str, ...]:
        """How many are up, reconnects, the longest lag."""
        up = sum(one.is_up for one in self.connections)
        lags = [one.lag_s for one in self.connections if one.lag_s is not None]
        lag = (f"lag {max(lags):.3f} s",) if lags else ()
        return (
            f"{up} of {count(len(self.connections), 'connection')}",
            *lag,
            count(self.total_reconnects, "reconnect"),
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TradingSystem(Component):
    """Orders of all users.

    Attributes
    ----------
    total_users
        Sessions that have a key and may place orders.
    active_connections
        Users whose own stream is subscribed.
    unresolved
        Orders, cancels and the like whose outcome is not known yet.
    last_order_latency_ms
        Milliseconds from sending the newest order, or cancel, to its definite answer; None before the first.
    last_order_ms
        When that was, in ms since the epoch.
    """

    name: ClassVar[str] = "trading_system"

    total_users: int = 0
    active_connections: int = 0
    unresolved: int = 0
    last_order_latency_ms: float | None = None
    last_order_ms: int | None = None

    def figures(self) -> tuple[str, ...]:
        """Users, unknown outcomes, the newest order's latency."""
        latency = self.last_order_latency_ms
        last = () if latency is None else (f"last order {latency:.0f} ms",)
        return (count(self.total_users, "user"), f"{self.unresolved} unresolved", *last)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UserConnections(Component):
    """The users' own connections.

    Attributes
    ----------
    users
        Each of them; those that were not begun yet say nothing about the status.
    """

    name: ClassVar[str] = "user_connections"

    users: tuple[UserConnection, ...] = ()

    def figures(self) -> tuple[str, ...]:
        """How many are logged on."""
        begun = [one for one in self.users if one.is_begun]
        return (f"{sum(one.logged_on for one in begun)} of {len(begun)} logged on",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health(Displayed):
    """How everything is doing.

    Attributes
    ----------
    status
        The worst of the components in use: ``healthy``, ``unknown``, ``degraded``, ``unhealthy``.
    timestamp_ms
        When, in ms since the epoch.
    components
        By name, in the order application, exchange_api, websocket_connections, trading_system, user_connections.
    """

    status: HealthStatus
    timestamp_ms: int
    components: Mapping[str, Component]

    @property
    def timestamp(self) -> datetime:
        """When, UTC."""
        return moment(self.timestamp_ms)

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do, of all components, each once."""
        return tuple(dict.fromkeys(one for part in self.components.values() for one in part.advice))

    def __getitem__(self, component: str) -> Component:
        """One component by its name; raises KeyError."""
        return self.components[component]

    def __repr__(self) -> str:
        """One line: how it is, then whatever is not healthy and why."""
        ill = [part for part in self.components.values() if part.status != "healthy"]
        told = (f"{part.name} {part.status}: {sentences(part.reasons)}" for part in ill)
        return record_line("Health", f"{self.status} at {iso(self.timestamp_ms)}", *told)
