"""Spans and counters for OpenTelemetry: where the user has set a provider, and nothing at all otherwise.

Nothing is imported here: what asks finds in ``sys.modules`` whether anybody has, and whether a provider was set.
Spans and counters tell of hosts, paths, symbols and outcomes, never of queries, headers, bodies or keys. What the
user's provider or its processors fail of is theirs: no request and no order fails of it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from cryptox._secrets import scrub

__all__ = ["ABOUT", "Counter", "Told", "act", "counter", "gauge", "observe", "request"]

NAME: Final = "cryptox"
Reading = tuple[float, Mapping[str, Any]]

ABOUT: Final[dict[str, tuple[str, str]]] = {  # counters: unit, description
    "cryptox.requests": ("{request}", "Requests sent, each try counted"),
    "cryptox.request.weight": ("{weight}", "Request weight spent by this process"),
    "cryptox.stream.messages": ("{message}", "Messages that came on WebSocket connections"),
    "cryptox.stream.gaps": ("{gap}", "Gaps that could not be repaired"),
    "cryptox.stream.reconnects": ("{connection}", "Connections opened after the first one"),
}


class Told(Protocol):
    """A span, as far as callers care; where there is no telemetry it does nothing."""

    def tell(self, **facts: Any) -> None:
        """Add attributes; dots are written as two underscores."""

    def fail(self, kind: str) -> None:
        """It came to a bad end of that kind."""


class _Silent:
    """What there is where nobody listens."""

    def __enter__(self) -> Told:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def tell(self, **facts: Any) -> None:
        """Tell nobody."""

    def fail(self, kind: str) -> None:
        """Tell nobody."""


_SILENT: Final = _Silent()


class _Span:
    """A span of OpenTelemetry."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def tell(self, **facts: Any) -> None:
        """Add attributes."""
        for name, value in facts.items():
            if value is not None:
                told = scrub(value) if isinstance(value, str) else value
                with suppress(Exception):
                    self._span.set_attribute(name.replace("__", "."), told)

    def fail(self, kind: str) -> None:
        """Set its status to error."""
        with suppress(Exception):
            status = sys.modules["opentelemetry.trace"]
            self._span.set_attribute("error.type", kind)
            self._span.set_status(status.Status(status.StatusCode.ERROR, kind))


class _State:
    """What was asked of the providers, and what was counted; totals grow whether anybody listens or not."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tracer: tuple[Any, Any] = (None, None)  # provider, tracer
        self.meters: Any = None  # the provider that has our instruments
        self.counters: dict[str, dict[tuple[tuple[str, str], ...], Counter]] = {name: {} for name in ABOUT}
        self.gauges: dict[str, tuple[str, str, Callable[[], Iterable[Reading]]]] = {}


_state: Final = _State()


def request(method: str, url: str, *, attempt: int, weight: int) -> AbstractContextManager[Told]:
    """The span of one try of a request; ``http.*``, ``server.*`` and ``url.path`` are the semantic conventions'."""
    tracer = _tracer()
    if tracer is None:
        return _SILENT
    parts = urlsplit(url)
    facts = {
        "http.request.method": method,
        "server.address": parts.hostname or "",
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
        "url.scheme": parts.scheme,
        "url.path": parts.path,
        "cryptox.weight": weight,
    }
    if attempt > 1:
        facts["http.request.resend_count"] = attempt - 1
    return _Open(tracer, f"{method} {parts.path}", "CLIENT", facts)


def act(operation: str, symbol: str, **facts: Any) -> AbstractContextManager[Told]:
    """The span of an order, a cancel and the like, from the call to what is told of it."""
    tracer = _tracer()
    if tracer is None:
        return _SILENT
    known = {"operation": operation, "symbol": symbol, **{k: v for k, v in facts.items() if v is not None}}
    return _Open(tracer, f"cryptox.{operation}", "INTERNAL", {f"cryptox.{name}": v for name, v in known.items()})


class Counter:
    """A total since the process began; from any thread."""

    __slots__ = ("_lock", "labels", "total")

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self.labels = labels
        self.total = 0

    def add(self, amount: int = 1) -> None:
        """Count."""
        with self._lock:
            self.total += amount


def counter(name: str, **labels: str) -> Counter:
    """The counter of that name, one of ``ABOUT``, with these labels."""
    with _state.lock:
        return _state.counters[name].setdefault(tuple(labels.items()), Counter(labels))


def gauge(name: str, unit: str, description: str, read: Callable[[], Iterable[Reading]]) -> None:
    """Have ``read()`` asked for values with their attributes whenever metrics are collected, on whatever thread."""
    _state.gauges[name] = (unit, description, read)


def observe() -> None:
    """Give the provider of metrics our instruments, once, if the user has set one; cheap where not."""
    api = sys.modules.get("opentelemetry.metrics")
    provider = None if api is None else _provider(api, "get_meter_provider")
    if provider is None or provider is _state.meters or _is_empty(provider):
        return
    with _state.lock:
        if provider is _state.meters:
            return
        _state.meters = provider
    with suppress(Exception):
        _give(api, provider.get_meter(NAME, _version()))


def _give(api: Any, meter: Any) -> None:
    for name, (unit, description) in ABOUT.items():
        meter.create_observable_counter(name, [_totals_of(api, name)], unit, description)
    for name, (unit, description, read) in _state.gauges.items():
        meter.create_observable_gauge(name, [_readings_of(api, read)], unit, description)


def _totals_of(api: Any, name: str) -> Callable[[Any], list[Any]]:
    def read(_: Any) -> list[Any]:
        with _state.lock:
            return [api.Observation(one.total, dict(one.labels)) for one in _state.counters[name].values()]

    return read


def _readings_of(api: Any, read: Callable[[], Iterable[Reading]]) -> Callable[[Any], list[Any]]:
    return lambda _: [api.Observation(value, dict(labels)) for value, labels in read()]


def _tracer() -> Any:
    """Ours of the provider that the user has set, or None."""
    api = sys.modules.get("opentelemetry.trace")
    provider = None if api is None else _provider(api, "get_tracer_provider")
    if provider is None:
        return None
    known, tracer = _state.tracer
    if provider is not known:
        tracer = None
        if not _is_empty(provider):
            with suppress(Exception):
                tracer = provider.get_tracer(NAME, _version())
        _state.tracer = provider, tracer
    return tracer


def _provider(api: Any, ask: str) -> Any:
    """The provider; None where another thread is importing the API just now, or the environment names one in vain."""
    with suppress(Exception):
        return getattr(api, ask)()
    return None


def _is_empty(provider: Any) -> bool:
    """Whether nobody has set one: what the API itself has in that place tells nobody anything."""
    return type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics"))


class _Open:
    """A span, for a ``with``."""

    def __init__(self, tracer: Any, name: str, kind: str, facts: Mapping[str, Any]) -> None:
        self._tracer = tracer
        self._about = name, kind, facts
        self._made: Any = None
        self._told: Told = _SILENT

    def __enter__(self) -> Told:
        name, kind, facts = self._about
        with suppress(Exception):
            made = self._tracer.start_as_current_span(
                name,
                kind=sys.modules["opentelemetry.trace"].SpanKind[kind],
                attributes=facts,
                record_exception=False,
                set_status_on_exception=False,
            )
            self._told = _Span(made.__enter__())
            self._made = made
        return self._told

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            # Neither its text nor its frames: both are told elsewhere, without what is secret.
            self._told.fail(kind.__name__)
        if self._made is not None:
            with suppress(Exception):
                self._made.__exit__(None, None, None)


def _version() -> str:
    return str(getattr(sys.modules.get(NAME), "__version__", ""))
