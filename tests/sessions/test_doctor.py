"""The doctor before an exchange that is well, and before each kind of trouble: faults, dead ports, bad keys."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox.model.doctor import Finding, Report
from cryptox.sessions import doctor as asking
from cryptox.sessions.live.hub import streams_address
from cryptox.venues.binance.codes import Code

SECRET = "sentinel0123456789"
FAST_S = 1.0  # a check that is meant to time out


@pytest.fixture(scope="module")
def shared_exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange() as exchange:
        yield exchange


@pytest.fixture
def exchange(shared_exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> Iterator[cx.PaperExchange]:
    for name in asking.VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    yield shared_exchange
    shared_exchange.faults.clear()


@pytest.fixture
def dead() -> Iterator[int]:
    """A port that nobody listens at, and nobody else gets meanwhile."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def examined(session: Any, check_s: float | None = None) -> Report:
    return Report(tuple(cx.run(asking.examine(session._session, check_s=check_s))))


def connected(exchange: cx.PaperExchange, keys: Any = None, **settings: Any) -> Any:
    """A session at the address, as one of a real venue."""
    urls = {"rest_url": exchange.rest_url, "stream_url": exchange.stream_url, "ws_api_url": exchange.ws_api_url}
    named = {} if keys is None else {"api_key": keys.api_key, "secret_key": keys.secret_key}
    return cx.connect("binance", **{**urls, **named, **settings})


def told(finding: Finding) -> tuple[str, str]:
    return finding.verdict.value, f"{finding.found} {' '.join(finding.advice)}"


def test_all_is_well(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange) as session:
        report = examined(session)
    assert {one.what: one.verdict.value for one in report} == dict.fromkeys(
        ["session", "REST", "SBE", "streams", "WebSocket API", "region", "clock", "key", "limits", "proxy", "journal"],
        "ok",
    )
    assert report["session"].found == "paper, trades, no real money"
    assert report["key"].found == "accepted; may read, trade"
    assert "weight" in report["limits"].found
    assert exchange.rest_url in report["REST"].found


def test_dead_addresses_are_told_one_by_one(exchange: cx.PaperExchange, dead: int) -> None:
    with connected(exchange, stream_url=f"ws://127.0.0.1:{dead}") as session:
        report = examined(session)
    assert [one.what for one in report.problems] == ["streams"]
    assert f"ws://127.0.0.1:{dead}" in report["streams"].found
    assert report["streams"].advice[0].startswith("Nothing listens there: start the exchange on this machine")
    with connected(exchange, ws_api_url=f"ws://127.0.0.1:{dead}") as session:
        assert [one.what for one in examined(session).problems] == ["WebSocket API"]


def test_where_rest_is_dead_what_hangs_on_it_is_not_known(exchange: cx.PaperExchange, dead: int) -> None:
    keys = exchange.create_account()
    with connected(exchange, keys, rest_url=f"http://127.0.0.1:{dead}", trading=True) as session:
        report = examined(session, check_s=2.0)
    assert [one.what for one in report.problems] in (["REST"], [])  # a busy machine may take its tries to the limit
    unknown = {one.what for one in report if one.verdict == "unknown"}
    assert {"SBE", "clock", "key", "limits"} <= unknown
    assert report["streams"].verdict == report["region"].verdict == "ok"


def test_an_address_that_was_not_given_is_a_warning(exchange: cx.PaperExchange) -> None:
    with connected(exchange, stream_url=None) as session:
        verdict, text = told(examined(session)["streams"])
    assert verdict == "warning"
    assert "Give stream_url" in text


def test_a_place_that_is_not_served(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("status", code=451, path="time")
    with cx.connect(exchange) as session:
        report = examined(session)
    assert {one.what for one in report.problems} == {"REST", "region"}
    assert report["SBE"].verdict == "unknown"
    assert "paper venue" in report["region"].advice[0]


def test_a_server_without_a_clock_answers_in_the_time_it_took(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("latency", seconds=0.05, path="time")
    exchange.faults.add("status", code=404, path="time", body="<html>no such page</html>")
    with cx.connect(exchange) as session:
        report = examined(session)
    assert report["REST"].verdict == "ok"
    assert int(report["REST"].found.split()[-2].replace(",", "")) >= 50, report["REST"]
    assert report["clock"].verdict == "unknown"


def test_a_firewall(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("status", code=403, path="time", body="<html>blocked</html>")
    with cx.connect(exchange) as session:
        assert "firewall" in examined(session)["region"].found


def test_a_stream_server_that_does_not_serve_this_place(exchange: cx.PaperExchange) -> None:
    with refusing(451) as port, connected(exchange, stream_url=f"ws://127.0.0.1:{port}") as session:
        report = examined(session)
    assert {one.what for one in report.problems} == {"streams", "region"}


def test_a_stream_server_that_wants_to_be_left_alone_is_left_alone_by_feeds(exchange: cx.PaperExchange) -> None:
    with refusing(418) as port, connected(exchange, stream_url=f"ws://127.0.0.1:{port}") as session:
        address = streams_address(session._session, session._session.venue.streams_url())
        report = examined(session)
        assert address.admit(time.monotonic()) > 10
        again = examined(session)
    assert report["streams"].verdict == again["streams"].verdict == "unknown"
    assert "is left alone for another" in again["streams"].found


class refusing:  # noqa: N801 - reads as a verb
    """A server that refuses every request with a status."""

    def __init__(self, status: int) -> None:
        self.status = status

    def __enter__(self) -> int:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return int(self._listener.getsockname()[1])

    def _serve(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            with wire:
                wire.recv(65536)
                wire.sendall(f"HTTP/1.1 {self.status} No\r\nContent-Length: 0\r\n\r\n".encode())

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.mark.parametrize(
    ("seconds", "verdict", "way"),
    [(-30, "warning", "ahead of"), (30, "warning", "behind"), (-7_200, "problem", "ahead")],
)
def test_a_clock_that_is_off(exchange: cx.PaperExchange, seconds: int, verdict: str, way: str) -> None:
    exchange.faults.add("skew", seconds=seconds)
    with connected(exchange) as session:
        found = told(examined(session)["clock"])
    assert found[0] == verdict
    assert way in found[1]


def test_a_market_that_stands_has_no_clock_to_compare() -> None:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.connect(exchange) as session:
        report = examined(session)
    assert told(report["clock"])[0] == "unknown"
    assert report.problems == ()


def test_a_key_that_may_only_read(exchange: cx.PaperExchange) -> None:
    reader = exchange.add_key(exchange.create_account().api_key, can_trade=False)
    with connected(exchange, reader, trading=True) as session:
        report = examined(session)
    assert told(report["key"])[0] == "problem"
    assert report["key"].found == "accepted; may read"
    with connected(exchange, reader, trading=False) as session:
        assert told(examined(session)["key"])[0] == "warning"  # it is bound to no address


def test_a_key_that_was_revoked(exchange: cx.PaperExchange) -> None:
    keys = exchange.create_account()
    with cx.connect(exchange, api_key=keys.api_key, secret_key=keys.secret_key) as session:
        assert told(examined(session)["key"])[0] == "ok"
        exchange._state.accounts.remove_key(keys.api_key)
        report = examined(session)
    assert [one.what for one in report.problems] == ["key"]
    assert keys.api_key not in repr(report)


def test_an_exchange_that_does_not_tell_what_a_key_may_do(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("status", code=404, path="apiRestrictions", body="<html>no such page</html>")
    with cx.connect(exchange) as session:
        report = examined(session)
    assert report["key"].verdict == "unknown"
    assert report["key"].found.startswith("accepted")


def test_limits_that_are_nearly_used_up(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange) as session:
        session.server_time()
        exchange.faults.add("weight", amount=5_000)
        report = examined(session)
    assert told(report["limits"])[0] == "warning"


def test_a_stop_of_the_exchange_is_told_and_kept() -> None:
    with cx.PaperExchange() as exchange, cx.connect(exchange) as session:
        session.server_time()
        exchange.faults.add("limit", code=429, retry_after=60, path="klines", times=1)
        with pytest.raises(cx.errors.RateLimited):
            session.klines("BTCUSDT", "1h", 2)
        asked = exchange.faults.add("latency", seconds=0)
        report = examined(session)
        assert asked.hits == 0  # not even a handshake: those of the WebSocket API have a weight, too
    assert told(report["limits"])[0] == "problem"
    assert "wants no request" in report["limits"].found
    for what in ("REST", "SBE", "streams", "WebSocket API", "region", "clock", "key"):
        assert report[what].verdict == "unknown", report[what]


def test_a_ban() -> None:
    with cx.PaperExchange() as exchange, cx.connect(exchange) as session:
        session.server_time()
        exchange.faults.add("limit", code=418, retry_after=120, path="klines", times=1)
        with pytest.raises(cx.errors.Banned):
            session.klines("BTCUSDT", "1h", 2)
        assert "banned for another" in examined(session)["limits"].found


def test_a_ban_that_the_doctor_meets_itself_is_told() -> None:
    with cx.PaperExchange() as exchange, cx.connect(exchange) as session:
        session.server_time()
        exchange.faults.add("limit", code=418, retry_after=120, path="time")
        report = examined(session)
    assert "banned for another" in report["limits"].found
    assert report["limits"].verdict == "problem"
    assert "is left alone for another" in report["REST"].found


def test_a_question_in_binary_is_asked_once(exchange: cx.PaperExchange) -> None:
    binary = exchange.faults.add(
        "status", code=502, path="time", when=lambda seen: seen.headers.get("accept") == "application/sbe"
    )
    with cx.connect(exchange, encoding="json") as session:
        report = examined(session)
    assert (report["REST"].verdict, report["SBE"].verdict) == ("ok", "unknown")
    assert binary.hits == 1


def test_an_exchange_that_is_silent_ends_each_check_in_its_time(exchange: cx.PaperExchange) -> None:
    exchange.faults.add("drop")
    with cx.connect(exchange) as session:
        report = examined(session, check_s=FAST_S)
    verdicts = {one.what: one.verdict.value for one in report}
    assert {verdicts[one] for one in ("REST", "SBE", "clock", "key")} == {"unknown"}
    assert verdicts["journal"] == verdicts["session"] == "ok"
    assert "within 1 s" in report["REST"].advice[0]


def test_binary_that_is_not_offered(exchange: cx.PaperExchange) -> None:
    refusal = {"code": 406, "error_code": int(Code.SBE_DISABLED), "path": "time"}
    exchange.faults.add("status", **refusal, when=lambda seen: seen.headers.get("accept") == "application/sbe")
    with cx.connect(exchange) as session:
        assert told(examined(session)["SBE"])[0] == "warning"
    with connected(exchange, encoding="sbe") as session:
        assert told(examined(session)["SBE"])[0] == "problem"


def test_a_proxy_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann:{SECRET}@127.0.0.1:1")
    with cx.connect("binance") as session:
        finding = cx.run(asking._proxy(session._session))[0]
    assert told(finding) == ("ok", "http://127.0.0.1:1 (HTTPS_PROXY) ")
    with cx.connect("binance", proxy=f"http://ann:{SECRET}@127.0.0.1:2") as session:
        finding = cx.run(asking._proxy(session._session))[0]
    assert finding.found == "http://127.0.0.1:2 (from the setting proxy)"


@pytest.mark.parametrize(
    ("variables", "verdict", "words"),
    [
        ({}, "ok", "none is used"),
        ({"HTTP_PROXY": "http://p:1"}, "warning", "Set HTTPS_PROXY"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "stream.binance.com"}, "warning", "stream.binance.com directly"),
        ({"ALL_PROXY": f"socks5://ann:{SECRET}@p:1"}, "problem", "must be an HTTP proxy"),
    ],
)
def test_the_proxies_of_the_environment(
    variables: dict[str, str], verdict: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in asking.VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    with cx.connect("binance") as session:
        found = told(cx.run(asking._proxy(session._session))[0])
    assert found[0] == verdict
    assert words in found[1]
    assert SECRET not in found[1]


@pytest.mark.parametrize("trading", [True, False])
def test_a_journal_that_cannot_be_written(
    exchange: cx.PaperExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trading: bool
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CRYPTOX_STATE", str(tmp_path / "file" / "state"))
    with cx.connect(exchange, trading=trading) as session:
        finding = examined(session)["journal"]
    assert finding.verdict == ("problem" if trading else "warning")
    assert "Not a directory" in finding.found
    assert "CRYPTOX_STATE" in finding.advice[0]


def test_looking_at_the_journal_makes_nothing(exchange: cx.PaperExchange, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("CRYPTOX_STATE", str(tmp_path / "new" / "state"))
    with cx.connect(exchange) as session:
        assert examined(session)["journal"].verdict == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_has_ended(exchange: cx.PaperExchange) -> None:
    session = cx.connect(exchange)
    session.close()
    assert [(one.what, one.verdict.value) for one in examined(session)] == [("session", "problem")]


def test_a_defect_of_one_check_leaves_the_others(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> list[Finding]:
        raise ZeroDivisionError

    monkeypatch.setattr(asking, "_limits", broken)
    with cx.connect(exchange) as session:
        report = examined(session)
    assert report["limits"].found == "the check itself failed: ZeroDivisionError"
    assert report["REST"].verdict == "ok"


def test_nothing_goes_on_afterwards(exchange: cx.PaperExchange) -> None:
    async def go() -> list[str]:
        async with cx.aio.connect(exchange) as session:
            await asking.examine(session)
        return [task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}]

    assert asyncio.run(go()) == []
