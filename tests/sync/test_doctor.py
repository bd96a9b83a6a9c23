"""``cx.doctor()``: which session it looks at, that it never raises, and that it leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import cryptox as cx
from cryptox.model.doctor import Report
from cryptox.sessions.users import book
from cryptox.settings import REST_VARIABLE, STREAM_VARIABLE, WS_API_VARIABLE
from cryptox.sync import connect as connecting
from cryptox.sync import door, surroundings

SECRET = "sentinel0123456789"


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        yield exchange


@pytest.fixture(autouse=True)
def no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door._default, "_session", None)


def test_without_an_argument_it_is_the_default_session(exchange: cx.PaperExchange) -> None:
    with cx.use(exchange) as session:
        report = cx.doctor()
        assert door.current_session() is session
    assert exchange.rest_url in report["REST"].found
    assert next(iter(report)).what == "cryptox"
    assert report.problems == ()
    assert "cx.use(" in cx.doctor()["session"].advice[0]  # it is closed now, and only that mends it


def test_where_there_is_no_default_session_none_is_left(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REST_VARIABLE, exchange.rest_url)
    monkeypatch.setenv(STREAM_VARIABLE, exchange.stream_url)
    monkeypatch.setenv(WS_API_VARIABLE, exchange.ws_api_url)
    before = book.everyone()
    report = cx.doctor()
    assert exchange.rest_url in report["REST"].found
    assert {report[what].verdict for what in ("REST", "streams", "WebSocket API")} == {"ok"}
    assert door.current_session() is None
    assert book.everyone() == before


def test_a_session_of_mine_stays_open(exchange: cx.PaperExchange) -> None:
    with cx.connect(exchange, user="ann") as session:
        assert "user 'ann'" in cx.doctor(session)["session"].found
        assert len(session.klines("BTCUSDT", "1d", 2)) == 2


def test_an_asynchronous_session_is_examined_as_well(exchange: cx.PaperExchange) -> None:
    session = cx.aio.connect(exchange, user="bob")
    assert "user 'bob'" in cx.doctor(session)["session"].found
    cx.run(session.close())
    assert cx.doctor(session)["session"].found == "This session is closed."


def test_of_a_venue_a_session_is_made_and_closed(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    connect = connecting.connect
    monkeypatch.setattr(connecting, "connect", lambda venue: made.append(connect(venue)) or made[-1])
    assert cx.doctor(exchange)["session"].verdict == "ok"
    with pytest.raises(cx.errors.ConfigurationError, match="own session has ended"):
        made[0].prices()
    assert door.current_session() is None


@pytest.mark.parametrize("given", ["binanze", 17, object, {"api_key": SECRET}])
def test_what_cannot_be_connected_is_a_finding(given: Any) -> None:
    report = cx.doctor(given)
    assert [one.what for one in report.problems] == ["session"]
    assert "Python" in {one.what for one in report}
    assert SECRET not in repr(report) + str(report._repr_html_())


def test_keys_of_the_environment_that_cannot_be_used_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRYPTOX_VENUE", raising=False)
    monkeypatch.setenv("BINANCE_API_KEY", SECRET)
    monkeypatch.setenv("BINANCE_PRIVATE_KEY", f"/nowhere/{SECRET}.pem")
    report = cx.doctor()
    assert [one.what for one in report.problems] == ["session"]


def test_on_the_loop_thread_it_says_so(exchange: cx.PaperExchange) -> None:
    async def inside() -> Report:
        return cx.doctor(exchange)

    report = cx.run(inside())
    assert "own loop thread" in report["session"].found


def test_an_extra_is_missed_only_by_a_session_that_needs_it(
    exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surroundings, "installed", lambda package: None if package == "pyarrow" else "99")
    monkeypatch.setattr(surroundings, "is_found", lambda module: module != "pyarrow")
    for form, verdict in (({}, "ok"), ({"frame": "arrow"}, "problem"), ({"exact": True}, "problem"),
                          ({"frame": "polars", "exact": True}, "ok")):  # fmt: skip
        with cx.connect(exchange) as session:
            session._session._frame_default = form.get("frame", "pandas")
            session._session._exact_default = form.get("exact", False)
            assert cx.doctor(session)["arrow"].verdict == verdict, form


def test_the_card_has_every_line(exchange: cx.PaperExchange) -> None:
    report = cx.doctor(exchange)
    card = report._repr_html_()
    assert card is not None
    assert all(one.what in card for one in report)
    assert repr(report).splitlines()[-1] == report.summary
