"""Telemetry: spans and counters reach the user's providers, nothing secret does; without one nothing happens."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cryptox as cx
from cryptox import _telemetry, logs
from cryptox.errors import AuthenticationError, CryptoxError, NetworkError, OutcomeUnknown
from cryptox.venues.binance import endpoints as ep

trace = pytest.importorskip("opentelemetry.trace")
metrics = pytest.importorskip("opentelemetry.metrics")
pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402 - after the check that it is there
from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: E402 - the same
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider  # noqa: E402 - the same
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402 - the same
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402 - the same

ORDER = ep.NEW_ORDER.path


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Every span that has ended, as its user's exporter gets it."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    yield exporter
    provider.shutdown()


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    """All metrics, whenever they are looked at."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: provider)
    yield reader
    provider.shutdown()


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange() as exchange:
        yield exchange


def points(reader: InMemoryMetricReader, name: str, **labels: Any) -> list[float]:
    """The values of a metric whose attributes have these labels."""
    data = reader.get_metrics_data()
    found = [
        point
        for resource in (data.resource_metrics if data is not None else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]
    return [one.value for one in found if labels.items() <= dict(one.attributes).items()]


def facts(spans: InMemorySpanExporter, name: str) -> list[dict[str, Any]]:
    return [dict(one.attributes or {}) for one in spans.get_finished_spans() if one.name == name]


def until(what: Callable[[], Any], within_s: float = 30.0) -> None:
    ends = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_request_is_a_span_by_the_semantic_conventions(
    exchange: cx.PaperExchange, spans: InMemorySpanExporter
) -> None:
    with cx.connect(exchange) as session:
        session.klines("BTCUSDT", "1h", 3)
    name = f"GET {ep.KLINES.path}"
    (about,) = facts(spans, name)
    port = int(exchange.rest_url.rpartition(":")[2])
    assert about == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.scheme": "http",
        "url.path": ep.KLINES.path,
        "cryptox.weight": 2,
        "http.response.status_code": 200,
    }
    (span,) = [one for one in spans.get_finished_spans() if one.name == name]
    assert span.kind is trace.SpanKind.CLIENT
    assert span.status.status_code is trace.StatusCode.UNSET
    assert span.instrumentation_scope.name == "cryptox"
    assert span.instrumentation_scope.version == cx.__version__


def test_each_try_is_a_span_with_its_number_and_its_error(
    exchange: cx.PaperExchange, spans: InMemorySpanExporter
) -> None:
    exchange.faults.add("status", code=503, body="html", path=ep.KLINES.path, times=1)
    exchange.faults.add("reset", at="start", path=ep.KLINES.path, times=1, after=1)
    with cx.connect(exchange) as session:
        session.klines("BTCUSDT", "1h", 3)
    tries = [one for one in spans.get_finished_spans() if one.name == f"GET {ep.KLINES.path}"]
    assert [dict(one.attributes or {}).get("http.request.resend_count") for one in tries] == [None, 1, 2]
    assert [dict(one.attributes or {}).get("error.type") for one in tries] == ["503", "NetworkError", None]
    assert [one.status.status_code.name for one in tries] == ["ERROR", "ERROR", "UNSET"]
    assert all(not one.events for one in tries)  # no text of an error, no frames


def test_an_order_is_a_span_around_its_requests(exchange: cx.PaperExchange, spans: InMemorySpanExporter) -> None:
    with cx.connect(exchange, user="ann") as session:
        price = round(session.prices("BTCUSDT").price.iloc[0] * 0.9)
        order = session.buy("BTCUSDT", "0.001", price)
    (about,) = facts(spans, "cryptox.place_order")
    assert about == {
        "cryptox.operation": "place_order",
        "cryptox.symbol": "BTCUSDT",
        "cryptox.client_order_id": order.client_order_id,
        "cryptox.venue": "paper",
        "cryptox.side": "buy",
        "cryptox.type": "LIMIT",
        "cryptox.outcome": "done",
        "cryptox.order_id": order.order_id,
    }
    ended = {one.name: one for one in spans.get_finished_spans()}
    sent = ended[f"POST {ORDER}"]
    assert sent.parent is not None
    assert sent.parent.span_id == ended["cryptox.place_order"].context.span_id


@pytest.mark.parametrize(
    ("fault", "error", "outcome"),
    [
        ({"kind": "status", "error_code": -2015}, AuthenticationError, "not_done"),
        ({"kind": "drop"}, OutcomeUnknown, "unknown"),
    ],
)
def test_the_outcome_of_an_order_is_told(
    exchange: cx.PaperExchange,
    spans: InMemorySpanExporter,
    fault: dict[str, Any],
    error: type[CryptoxError],
    outcome: str,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CRYPTOX_STATE", str(tmp_path))
    with cx.connect(exchange, order_timeout=0.5, resolve_timeout=0.5) as session:
        price = round(session.prices("BTCUSDT").price.iloc[0] * 0.9)
        session.balances()
        about = dict(fault)
        exchange.faults.add(about.pop("kind"), path=ORDER, **about)
        with pytest.raises(error):
            session.buy("BTCUSDT", "0.001", price)
    (told,) = facts(spans, "cryptox.place_order")
    assert told["cryptox.outcome"] == outcome
    assert told["error.type"] == error.__name__


def test_spans_are_children_of_the_callers(exchange: cx.PaperExchange, spans: InMemorySpanExporter) -> None:
    with (
        cx.connect(exchange) as session,
        trace.get_tracer_provider().get_tracer("mine").start_as_current_span("my cell") as mine,
    ):
        session.klines("BTCUSDT", "1h", 3)
    (sent,) = [one for one in spans.get_finished_spans() if one.name == f"GET {ep.KLINES.path}"]
    assert sent.parent is not None
    assert sent.parent.span_id == mine.get_span_context().span_id


def test_counters_grow_with_what_is_sent(exchange: cx.PaperExchange, reader: InMemoryMetricReader) -> None:
    server = exchange.rest_url.rpartition("/")[2]
    with cx.connect(exchange) as session:
        session.klines("BTCUSDT", "1h", 3)
        (before,) = points(reader, "cryptox.request.weight", server=server)
        (tries,) = points(reader, "cryptox.requests", server=server)
        session.klines("BTCUSDT", "1h", 3)
        assert points(reader, "cryptox.request.weight", server=server) == [before + 2]
        assert points(reader, "cryptox.requests", server=server) == [tries + 1]
        used = points(reader, "cryptox.limit.used", server=server, limit="REQUEST_WEIGHT")
        assert used == [session.weight_used()[0]]


def test_counters_of_streams(exchange: cx.PaperExchange, reader: InMemoryMetricReader) -> None:
    def total(name: str) -> float:
        return sum(points(reader, name, venue="paper"))

    with cx.connect(exchange) as session, session.live.book_ticker("BTCUSDT") as feed:
        before = total("cryptox.stream.messages"), total("cryptox.stream.reconnects")
        until(lambda: feed.status.received > 3 and total("cryptox.stream.messages") > before[0])
        assert exchange.faults.cut() > 0
        until(lambda: feed.status.reconnects > 0)
        assert total("cryptox.stream.reconnects") == before[1] + feed.status.reconnects


def test_gaps_are_counted(reader: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(symbol: str, *, from_id: int, limit: int, exact: bool) -> Any:
        return ask(symbol, from_id=2**40, limit=limit, exact=exact)

    monkeypatch.setattr("cryptox.sessions.live.topic.BASE_S", 0.01)
    with (
        cx.PaperExchange(clock=("2024-06-01 12:00", 60), limits={"REQUEST_WEIGHT": (10**6, "1m")}) as exchange,
        cx.connect(exchange, encoding="json") as session,
        session.live.trades("BTCUSDT") as feed,
    ):
        venue = session._session.venue
        ask = venue.trades_from
        until(lambda: feed.status.received)
        venue.trades_from = none
        before = sum(points(reader, "cryptox.stream.gaps", venue="paper"))
        exchange.faults.add("frame", how="drop", stream="*@trade", times=1)
        until(lambda: feed.status.gaps)
        assert sum(points(reader, "cryptox.stream.gaps", venue="paper")) - before == feed.status.gaps


def test_nothing_secret_is_in_any_attribute(
    exchange: cx.PaperExchange, spans: InMemorySpanExporter, reader: InMemoryMetricReader
) -> None:
    given = exchange.create_account()
    with cx.connect(exchange, api_key=given.api_key, secret_key=given.secret_key, trading=True) as session:
        session.buy("BTCUSDT", "0.001", round(session.prices("BTCUSDT").price.iloc[0] * 0.9))
        session.account()
        exchange.faults.add("status", error_code=-1022, path=ep.ACCOUNT.path, times=1)
        with pytest.raises(AuthenticationError):
            session.account()
        exchange.faults.add("reset", at="start", path=ep.ACCOUNT.path)
        with pytest.raises(NetworkError):
            session.account()
    told = "\n".join(one.to_json() for one in spans.get_finished_spans())
    data = reader.get_metrics_data()
    assert data is not None
    told += data.to_json()
    assert told.count(ep.ACCOUNT.path) >= 3
    signatures = {one.params["signature"] for one in exchange.requests if "signature" in one.params}
    assert len(signatures) >= 3
    for secret in (given.api_key, given.secret_key, *signatures, "signature=", "timestamp="):
        assert secret not in told


def test_an_attribute_that_looks_like_a_secret_is_hidden(spans: InMemorySpanExporter) -> None:
    with _telemetry.act("place_order", "BTCUSDT") as span:
        span.tell(cryptox__note="signature=SENTINEL", cryptox__nothing=None)
    assert facts(spans, "cryptox.place_order") == [
        {"cryptox.operation": "place_order", "cryptox.symbol": "BTCUSDT", "cryptox.note": "signature=***"}
    ]


def test_a_provider_that_nobody_has_set_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(trace.ProxyTracerProvider()).__module__ == "opentelemetry.trace"
    for empty in (trace.ProxyTracerProvider(), trace.NoOpTracerProvider()):
        monkeypatch.setattr(trace, "get_tracer_provider", lambda empty=empty: empty)
        assert _telemetry.request("GET", "http://h/p", attempt=1, weight=1) is _telemetry._SILENT
        assert _telemetry.act("place_order", "X") is _telemetry._SILENT
    before = _telemetry._state.meters
    monkeypatch.setattr(metrics, "get_meter_provider", metrics.NoOpMeterProvider)
    _telemetry.observe()
    assert _telemetry._state.meters is before


def test_an_api_that_is_being_imported_gets_nothing_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("opentelemetry.trace", "opentelemetry.metrics"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    assert _telemetry.request("GET", "http://h/p", attempt=1, weight=1) is _telemetry._SILENT
    _telemetry.observe()


class Broken(SpanProcessor):
    """One of the user's that raises."""

    def __init__(self, at: str) -> None:
        self.at = at

    def on_start(self, span: object, parent_context: object = None) -> None:
        if self.at == "start":
            raise ValueError("my processor")

    def on_end(self, span: object) -> None:
        if self.at == "end":
            raise ValueError("my processor")


@pytest.mark.parametrize("at", ["start", "end", "provider"])
def test_what_the_users_own_processors_fail_of_fails_no_order(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def provider() -> TracerProvider:
        if at == "provider":
            raise ValueError("no such provider")
        return made

    made = TracerProvider()
    made.add_span_processor(Broken(at))
    monkeypatch.setattr(trace, "get_tracer_provider", provider)
    monkeypatch.setattr(metrics, "get_meter_provider", provider)
    with cx.connect(exchange) as session:
        order = session.buy("BTCUSDT", "0.001", "20000")
        assert session.open_orders().index.tolist() == [order.order_id]
        with pytest.raises(CryptoxError):
            session.klines("NOSUCHUSDT")


def test_nothing_is_imported_for_it(exchange: cx.PaperExchange) -> None:
    code = (
        "import sys, cryptox as cx\n"
        f"with cx.connect('binance', rest_url={exchange.rest_url!r}) as session: session.klines('BTCUSDT', '1h', 3)\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.strip() == "[]"


def test_logs_and_spans_agree_on_the_tries(
    exchange: cx.PaperExchange, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="cryptox")
    exchange.faults.add("status", code=503, path=ep.KLINES.path, times=1)
    with cx.connect(exchange) as session, logs.context(job="mine"):
        session.klines("BTCUSDT", "1h", 3)
    told = [one.fields for one in caplog.records if getattr(one, "event", "").startswith("request.")]
    mine = [one for one in told if one["path"] == ep.KLINES.path and "status" in one]
    assert [(one["status"], one["attempt"], one["job"]) for one in mine] == [(503, 1, "mine"), (200, 2, "mine")]
    assert len(facts(spans, f"GET {ep.KLINES.path}")) == len(mine)
