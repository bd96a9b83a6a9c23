"""What the network and the exchange's front can do to an answer: a typed error, or the whole result all the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

import cryptox as cx
from cryptox.errors import Banned, CryptoxError, ExchangeError, NetworkError, RateLimited, ValidationError
from cryptox.settings import Settings

HOUR = 3_600_000
NOON = 1_780_315_200_000
ROWS = 2500
FIRST_ID = 10_000

# What the fault is, what becomes of a call that meets it once, and what of one that meets it every time.
WHOLE = None
FAULTS: list[tuple[str, dict[str, Any], type[CryptoxError] | None, type[CryptoxError]]] = [
    ("status", {"code": 502}, WHOLE, NetworkError),
    ("status", {"code": 503}, WHOLE, NetworkError),
    ("status", {"code": 504}, WHOLE, NetworkError),
    ("status", {"code": 502, "body": "json"}, WHOLE, NetworkError),
    ("status", {"code": 503, "body": "html"}, WHOLE, NetworkError),
    ("status", {"code": 500, "body": "empty"}, WHOLE, NetworkError),
    ("reset", {"at": "start"}, WHOLE, NetworkError),
    ("reset", {"at": "body"}, WHOLE, NetworkError),
    ("truncate", {"how": "length"}, WHOLE, NetworkError),
    ("truncate", {"how": "body"}, WHOLE, ExchangeError),
    ("body", {"how": "html"}, WHOLE, ExchangeError),
    ("body", {"how": "empty"}, WHOLE, ExchangeError),
    ("body", {"how": "gzip"}, WHOLE, NetworkError),
    ("body", {"how": "huge"}, ExchangeError, ExchangeError),
    ("body", {"how": "bomb"}, ExchangeError, ExchangeError),
    ("status", {"code": 301}, ExchangeError, ExchangeError),
    ("status", {"code": 302, "body": "html"}, ExchangeError, ExchangeError),
    ("status", {"code": 403}, NetworkError, NetworkError),
    ("status", {"code": 404, "body": "html"}, ExchangeError, ExchangeError),
    ("status", {"code": 451}, ExchangeError, ExchangeError),
    ("status", {"code": 400, "body": "[1, 2]"}, ValidationError, ValidationError),
    ("status", {"code": 400, "body": "\x00\xff"}, ValidationError, ValidationError),
]
NAMES = ["-".join([kind, *map(repr, settings.values())]) for kind, settings, _, _ in FAULTS]


@pytest.fixture
def fresh() -> Iterator[cx.PaperExchange]:
    """An exchange of its own, where a fault lasts so long that the circuit breaker of the address opens."""
    with cx.PaperExchange(clock="2026-06-01 12:00:30", symbols=["BTCUSDT"]) as exchange:
        yield exchange


def klines(session: Any) -> pd.DataFrame:
    return session.klines("BTCUSDT", "1h", 300)


def klines_bulk(session: Any) -> pd.DataFrame:
    return session.klines_bulk("BTCUSDT", "1h", ROWS)


def trades_bulk(session: Any) -> pd.DataFrame:
    return session.trades_bulk("BTCUSDT", ROWS, from_id=FIRST_ID)


CALLS: list[tuple[Callable[[Any], pd.DataFrame], str, int]] = [
    (klines, "klines", 300),
    (klines_bulk, "klines", ROWS),
    (trades_bulk, "aggTrades", ROWS),
]


def keys(frame: pd.DataFrame) -> list[int]:
    return frame["id"].tolist() if "id" in frame else frame.index.asi8.tolist()


def all_keys(path: str, rows: int) -> list[int]:
    if path == "aggTrades":
        return list(range(FIRST_ID, FIRST_ID + rows))
    return list(range(NOON - rows * HOUR, NOON, HOUR))


@pytest.mark.parametrize(("kind", "how", "once", "always"), FAULTS, ids=NAMES)
@pytest.mark.parametrize("encoding", ["json", "sbe"])
def test_one_fault_is_overcome_or_a_typed_error(
    kind: str, how: dict[str, Any], once: Any, always: Any, encoding: str, exchange: cx.PaperExchange
) -> None:
    large = how.get("how") in ("huge", "bomb")  # half a second each
    for call, path, rows in CALLS[1:2] if large else CALLS:
        with cx.connect(exchange, encoding=encoding) as session:
            fault = exchange.faults.add(kind, path=path, times=1, **how)
            if once is WHOLE:
                assert keys(call(session)) == all_keys(path, rows)
            else:
                with pytest.raises(once) as caught:
                    call(session)
                assert type(caught.value).__module__ == "cryptox.errors"
                assert caught.value.context["venue"] == "paper"
                assert caught.value.recovery_suggestions or how.get("code", 400) == 400
                # The same call goes on from there.
                assert keys(call(session)) == all_keys(path, rows)
            assert fault.hits == 1


@pytest.mark.parametrize(("kind", "how", "once", "always"), FAULTS, ids=NAMES)
def test_a_lasting_fault_is_a_typed_error(
    kind: str, how: dict[str, Any], once: Any, always: Any, fresh: cx.PaperExchange
) -> None:
    call, path, _ = CALLS[1]
    exchange = fresh
    patience_s = 1 if always is NetworkError else 10  # what is tried again until it ends; the others end sooner
    with cx.connect(exchange, timeout=patience_s) as session:
        fault = exchange.faults.add(kind, path=path, **how)
        with pytest.raises(always) as caught:
            call(session)
        assert fault.hits < 150  # of 16 workers at most four tries each, and again for bodies that cannot be read
        assert caught.value.__class__.__module__ == "cryptox.errors"
        assert len(caught.value.partial) == 0
        (missing,) = caught.value.missing
        assert missing[0] == "BTCUSDT"
        assert pd.Timestamp(missing[1]) == pd.Timestamp(NOON - ROWS * HOUR, unit="ms", tz="UTC")
        assert pd.Timestamp(missing[2]) == pd.Timestamp(NOON, unit="ms", tz="UTC")


@pytest.mark.parametrize(("call", "path", "rows"), CALLS[1:])
def test_one_silent_connection_does_not_end_a_bulk_call(
    call: Any, path: str, rows: int, exchange: cx.PaperExchange
) -> None:
    with cx.connect(exchange, timeout=0.4) as session:
        call(session)
        fault = exchange.faults.add("drop", path=path, times=1)
        assert keys(call(session)) == all_keys(path, rows)
        assert fault.hits == 1


def test_silence_is_a_network_error_within_the_time_limit(fresh: cx.PaperExchange) -> None:
    exchange = fresh
    with cx.connect(exchange, timeout=0.3) as session:
        klines(session)
        exchange.faults.add("drop", path="klines")
        began = time.monotonic()
        with pytest.raises(NetworkError):
            klines(session)
        assert time.monotonic() - began < Settings().timeout  # of one request, where it is not told otherwise
        with pytest.raises(NetworkError) as caught:
            klines_bulk(session)
        assert len(caught.value.partial) == 0


CAMPAIGN = [
    ("status", {"code": 502}, 0.015), ("status", {"code": 503}, 0.015), ("reset", {"at": "start"}, 0.01),
    ("reset", {"at": "body"}, 0.01), ("truncate", {"how": "length"}, 0.01), ("truncate", {"how": "body"}, 0.01),
    ("body", {"how": "html"}, 0.01), ("body", {"how": "empty"}, 0.01), ("body", {"how": "gzip"}, 0.01),
    ("drop", {}, 0.005),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["json", "sbe"])
def test_bulk_calls_survive_a_bad_day(encoding: str, exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange, encoding=encoding, timeout=1) as session:
        faults = [
            exchange.faults.add(kind, probability=chance, seed=seed, **how)
            for seed, (kind, how, chance) in enumerate(CAMPAIGN)
        ]
        frame = session.klines_bulk("BTCUSDT", "1m", 60_000, end="2024-06-01")
        end = int(pd.Timestamp("2024-06-01", tz="UTC").value // 10**6)
        assert keys(frame) == list(range(end - 60_000 * 60_000, end, 60_000))
        tape = session.trades_bulk("BTCUSDT", 40_000, from_id=FIRST_ID)
        assert keys(tape) == list(range(FIRST_ID, FIRST_ID + 40_000))
        assert sum(fault.hits for fault in faults) >= 5
    exchange.faults.clear()
    with cx.connect(exchange) as session:
        pd.testing.assert_frame_equal(frame, session.klines_bulk("BTCUSDT", "1m", 60_000, end="2024-06-01"))


def stretches(missing: list[list[str]]) -> list[tuple[int, int]]:
    found = [(pd.Timestamp(start), pd.Timestamp(end)) for _, start, end in missing]
    return [(start.value // 10**6, end.value // 10**6) for start, end in found]


@pytest.mark.parametrize("on_error", ["raise", "partial"])
def test_partial_and_missing_together_are_what_was_wanted(on_error: str, exchange: cx.PaperExchange) -> None:
    wanted = all_keys("klines", 12_000)
    bad = {wanted[2000], wanted[7000], wanted[11_000]}

    def hit(seen: Any) -> bool:
        return int(seen.params.get("startTime", 0)) in bad

    exchange.faults.add("status", code=403, path="klines", when=hit)
    with cx.connect(exchange, max_in_flight=4) as session:
        if on_error == "raise":
            with pytest.raises(NetworkError) as caught:
                session.klines_bulk("BTCUSDT", "1h", 12_000)
            partial, missing = caught.value.partial, caught.value.missing
        else:
            partial = session.klines_bulk("BTCUSDT", "1h", 12_000, on_error="partial")
            missing = partial.attrs["missing"]
            assert [start for start, _ in stretches(missing)] == sorted(bad)
        ranges = stretches(missing)
        lacking = [key for key in wanted if any(start <= key < end for start, end in ranges)]
        assert set(keys(partial)).isdisjoint(lacking)
        assert sorted(keys(partial) + lacking) == wanted
        pd.testing.assert_frame_equal(session.last_partial(), partial)
        exchange.faults.clear()
        exchange.requests.clear()
        assert keys(session.klines_bulk("BTCUSDT", "1h", 12_000)) == wanted
        assert len(exchange.requests.of("klines")) == len(lacking) // 1000
        assert session.last_partial() is None


def test_partial_trades_say_truly_what_is_missing(exchange: cx.PaperExchange, plain: Any) -> None:
    bad = str(FIRST_ID + 2000)
    exchange.faults.add("status", code=403, path="aggTrades", when=lambda seen: seen.params.get("fromId") == bad)
    with cx.connect(exchange) as session:
        frame = session.trades_bulk("BTCUSDT", 5000, from_id=FIRST_ID, on_error="partial")
    assert keys(frame) == [*range(FIRST_ID, FIRST_ID + 2000), *range(FIRST_ID + 3000, FIRST_ID + 5000)]
    (missing,) = stretches(frame.attrs["missing"])
    exchange.faults.clear()
    for row in plain.agg_trades("BTCUSDT", FIRST_ID + 2000, FIRST_ID + 2999):
        assert missing[0] <= row["T"] < missing[1]


def test_one_bad_symbol_among_several_is_named(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange) as session:
        frame = session.klines_bulk(["BTCUSDT", "BTCUSTD", "ETHUSDT"], "1h", 5, on_error="partial")
        assert [row[0] for row in frame.attrs["missing"]] == ["BTCUSTD"]
        assert frame.index.get_level_values("symbol").unique().tolist() == ["BTCUSDT", "ETHUSDT"]
        with pytest.raises(cx.errors.BadSymbol, match="BTCUSDT"):
            session.klines_bulk(["BTCUSDT", "BTCUSTD", "ETHUSDT"], "1h", 5)


@pytest.mark.parametrize(("code", "kind"), [(429, RateLimited), (418, Banned)])
def test_after_a_stop_nothing_is_sent_until_the_time_given(code: int, kind: type[CryptoxError]) -> None:
    with cx.PaperExchange(clock="2024-06-01 12:00:30") as exchange:
        sessions = [cx.connect(exchange, timeout=0.3) for _ in range(3)]
        for session in sessions:
            klines(session)
        exchange.faults.add("limit", code=code, retry_after=2, path="klines", times=1)
        with pytest.raises(kind) as caught:
            klines(sessions[0])
        stopped = time.monotonic()
        assert caught.value.retry_after == pytest.approx(2, abs=0.5)
        sent = exchange.requests.total
        refused = []

        def ask(session: Any) -> None:
            for call, *_ in CALLS[:1]:
                try:
                    call(session)
                except RateLimited as error:
                    refused.append(error)

        threads = [threading.Thread(target=ask, args=(session,)) for session in sessions * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 9
        assert {type(error) for error in refused} == {kind}
        assert exchange.requests.total == sent
        frame = klines_bulk(cx.connect(exchange))  # waits for the end of the stop, if it is no ban, and then goes
        assert time.monotonic() - stopped >= 1.9
        assert len(frame) == ROWS
        assert [one.status for one in exchange.requests].count(code) == 1
        for session in sessions:
            session.close()


def test_pages_kept_from_another_range_are_not_counted(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange, max_in_flight=1) as session:
        exchange.faults.add("status", code=403, path="klines", when=lambda seen: "endTime" in seen.params, after=2)
        with pytest.raises(NetworkError) as caught:
            session.klines_bulk("LUNCUSDT", "1h", start="2021-01-01", end="2021-06-01")
        assert len(caught.value.partial) == 2000
        exchange.faults.clear()
        frame = session.klines_bulk("LUNCUSDT", "1h", 100)  # its newest candles are long ago: found by looking back
        assert len(frame) == 100
        assert frame.index[-1] == pd.Timestamp("2024-10-31 02:00", tz="UTC")


def test_a_failure_after_the_last_page_loses_no_row(exchange: cx.PaperExchange) -> None:
    how = {"path": "klines", "when": lambda seen: seen.params.get("startTime") == "0"}
    with cx.connect(exchange) as session:
        fault = exchange.faults.add("status", code=403, **how)  # where the history begins, asked for to label gaps
        frame = session.klines_bulk("AURAUSDT", "1h", start="2026-05-01")
        assert fault.hits == 1
        assert frame.attrs["gaps"] == frame.attrs["missing"] == []
        exchange.faults.clear()
        pd.testing.assert_frame_equal(frame, session.klines_bulk("AURAUSDT", "1h", start="2026-05-01"))
