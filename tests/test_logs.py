"""Logs: events with fields, context, timing, and nothing secret."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from cryptox import logs
from cryptox.errors import ConfigurationError, ExchangeError

LOG = logs.logger("cryptox.test")


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Logs as JSON lines; everything is as before afterwards."""
    root = logging.getLogger("cryptox")
    before = (list(root.handlers), root.level, root.propagate)
    stream = io.StringIO()
    logs.configure("DEBUG", "json", stream=stream)
    yield stream
    logs.clear_context()
    root.handlers, root.propagate = before[0], before[2]
    root.setLevel(before[1])


def records(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_a_name_with_fields(lines: io.StringIO) -> None:
    logs.event(LOG, "order.sent", symbol="BTCUSDT", quantity=2)
    (record,) = records(lines)
    assert str(record.pop("time")).endswith("+00:00")
    assert record == {
        "category": "trading",
        "symbol": "BTCUSDT",
        "quantity": 2,
        "level": "info",
        "logger": "cryptox.test",
        "event": "order.sent",
    }


@pytest.mark.parametrize(
    ("name", "category"),
    [("request.sent", "api"), ("socket.opened", "websocket"), ("order.sent", "trading"), ("portal.started", "system")],
)
def test_events_are_grouped(lines: io.StringIO, name: str, category: str) -> None:
    logs.event(LOG, name)
    assert records(lines)[0]["category"] == category


def test_numbers_that_json_has_no_word_for_are_texts(lines: io.StringIO) -> None:
    odd = float("nan")
    logs.event(LOG, "signal.made", price=odd, about={"far": float("inf"), "near": [1.5, odd]})
    record = json.loads(lines.getvalue(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert (record["price"], record["about"]) == ("nan", {"far": "inf", "near": [1.5, "nan"]})


def test_what_an_exchange_says_breaks_no_line(lines: io.StringIO) -> None:
    console = io.StringIO()
    logs.configure("INFO", stream=console)
    logs.event(LOG, "socket.closed", text="bye\n12:00:00.000 INFO order.done \x1b[2J")
    (line,) = console.getvalue().splitlines()
    assert line.endswith(r"text=bye\n12:00:00.000 INFO order.done \x1b[2J")


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": "SENTINEL"},
        {"secret_key": "SENTINEL"},
        {"private_key": "SENTINEL"},
        {"password": "SENTINEL"},
        {"signature": "SENTINEL"},
        {"headers": {"X-MBX-APIKEY": "SENTINEL"}},
        {"many": [{"apiKey": "SENTINEL"}]},
        {"url": "https://h/p?symbol=X&signature=SENTINEL"},
        {"thing": ValueError("apikey=SENTINEL")},
    ],
)
def test_secrets_reach_no_record(lines: io.StringIO, fields: dict[str, object]) -> None:
    logs.event(LOG, "request.sent", **fields)
    with logs.with_timing("request.timed", **fields):
        pass
    logs.error_with_exception("request.failed", ValueError("signature=SENTINEL"), **fields)
    LOG.warning("by hand: signature=%s", "SENTINEL")
    logs.configure("DEBUG", "console", stream=lines)
    logs.event(LOG, "request.sent", **fields)
    text = lines.getvalue()
    assert text.count("\n") == 5
    assert "SENTINEL" not in text
    assert "***" in text


def test_what_is_no_secret_stays() -> None:
    fields = {"symbol": "KEYUSDT", "monkey": 1, "tokens": None, "weight": 2.5, "ok": True}
    assert logs.redact(fields) == {"symbol": "KEYUSDT", "monkey": 1, "tokens": None, "weight": 2.5, "ok": True}


def test_context_is_carried_and_given_back(lines: io.StringIO) -> None:
    logs.set_context(user="ann")
    with logs.context(symbol="BTCUSDT"):
        assert logs.get_context() == {"user": "ann", "symbol": "BTCUSDT"}
        logs.event(LOG, "order.sent", symbol="ETHUSDT")
    assert logs.get_context() == {"user": "ann"}
    logs.clear_context()
    assert logs.get_context() == {}
    assert (records(lines)[0]["user"], records(lines)[0]["symbol"]) == ("ann", "ETHUSDT")


def test_context_belongs_to_its_thread_and_task() -> None:
    async def one(name: str) -> dict[str, object]:
        logs.set_context(user=name)
        await asyncio.sleep(0)
        return logs.get_context()

    async def both() -> list[dict[str, object]]:
        return await asyncio.gather(asyncio.create_task(one("a")), asyncio.create_task(one("b")))

    assert asyncio.run(both()) == [{"user": "a"}, {"user": "b"}]
    seen: list[dict[str, object]] = []
    with logs.context(user="main"):
        thread = threading.Thread(target=lambda: seen.append(logs.get_context()))
        thread.start()
        thread.join()
    assert seen == [{}]


def test_timing_of_a_block_and_of_a_failure(lines: io.StringIO) -> None:
    with logs.with_timing("page.fetched", symbol="BTCUSDT"):
        pass
    with pytest.raises(ZeroDivisionError), logs.with_timing("page.fetched"):
        raise ZeroDivisionError
    good, bad = records(lines)
    assert (good["status"], good["level"], good["symbol"]) == ("ok", "info", "BTCUSDT")
    assert isinstance(good["duration_ms"], float)
    assert 0 <= good["duration_ms"] < 60_000
    assert (bad["status"], bad["level"], bad["error_type"]) == ("error", "error", "ZeroDivisionError")


def test_timing_of_functions_and_coroutines(lines: io.StringIO) -> None:
    @logs.with_timing("sum.made")
    def add(a: int, b: int = 1) -> int:
        return add(a - 1, b) + 1 if a else b

    @logs.with_timing("sum.awaited", log=LOG, level=logging.DEBUG)
    async def later(a: int) -> int:
        await asyncio.sleep(0)
        return a

    assert add(2) == 3
    assert add.__name__ == "add"
    assert asyncio.run(later(5)) == 5
    told = records(lines)
    assert [r["event"] for r in told] == ["sum.made", "sum.made", "sum.made", "sum.awaited"]
    assert (told[3]["level"], told[3]["logger"]) == ("debug", "cryptox.test")


def test_an_error_brings_its_chain_and_no_frames(lines: io.StringIO) -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ExchangeError("outer", code=-1) from error
    except ExchangeError as error:
        logs.error_with_exception("answer.unreadable", error, log=LOG, symbol="X")
    (record,) = records(lines)
    assert record["chain"] == ["ExchangeError: outer (code -1)", "KeyError: 'inner'"]
    assert (record["error_type"], record["symbol"], record["level"]) == ("ExchangeError", "X", "error")
    assert "Traceback" not in lines.getvalue()


def test_no_handler_gets_the_error_itself(lines: io.StringIO, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("cryptox").addHandler(caplog.handler)
    error = ValueError("signature=SENTINEL")
    logs.error_with_exception("order.failed", error)
    (record,) = caplog.records
    assert error not in vars(record).values()
    assert "SENTINEL" not in repr(vars(record))


def test_configuring_twice_writes_once(lines: io.StringIO) -> None:
    logs.configure("INFO", "json", stream=lines)
    logs.event(LOG, "thing.happened")
    logs.event(LOG, "thing.whispered", level=logging.DEBUG)
    assert [r["event"] for r in records(lines)] == ["thing.happened"]


def test_the_level_comes_from_the_environment_when_configured(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYPTOX_LOG_LEVEL", "error")
    logs.configure(stream=lines)
    assert logging.getLogger("cryptox").level == logging.ERROR
    monkeypatch.setenv("CRYPTOX_LOG_LEVEL", "loud")
    with pytest.raises(ConfigurationError, match="no log level 'loud'"):
        logs.configure(stream=lines)
    with pytest.raises(ConfigurationError, match="console or json"):
        logs.configure("INFO", "xml")  # type: ignore[arg-type]  # the mistake is the test


def test_nothing_is_configured_at_import() -> None:
    code = (
        "import logging, os; os.environ['CRYPTOX_LOG_LEVEL'] = 'DEBUG'; from cryptox import logs; "
        "root = logging.getLogger('cryptox'); logs.event(root, 'thing.happened', level=50); "
        "print([type(h).__name__ for h in root.handlers], root.level, logging.getLogger().handlers)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['NullHandler'] 0 []"
    assert done.stderr == ""
