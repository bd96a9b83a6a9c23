"""The worked example of an adapter: how it is found, what it translates, and what it leaves out."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from coinbox import server as exchange
from coinbox.venue import Coinbox
from subjects import SUBJECTS, Subject

import cryptox as cx
from cryptox.errors import ConfigurationError
from cryptox.transport.messages import Answer
from cryptox.venues import registry

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def subject() -> Iterator[Subject]:
    with SUBJECTS["coinbox"]() as one:
        yield one


@pytest.fixture(scope="module")
def session(subject: Subject) -> Iterator[cx.Session]:
    with subject.connect(api_key="k" * 20, secret_key="s" * 20, trading=True) as one:
        yield one


def answer(body: bytes, status: int = 200, **headers: str) -> Answer:
    return Answer(status, headers, body, 0.0, 0.0)


def test_a_package_of_its_own_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "coins-1.0.dist-info").mkdir()
    (tmp_path / "coins-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: coins\nVersion: 1.0\n")
    points = "[cryptox.venues]\nnasdaq-of-coins = coinbox.venue:open_venue\n"
    (tmp_path / "coins-1.0.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    assert registry.names()[-1] == "nasdaq-of-coins"
    with cx.connect("nasdaq-of-coins") as session:
        assert isinstance(session.venue, Coinbox)
        assert session.venue.hosts.rest == "https://api.coinbox.example"


def test_an_adapter_that_lacks_something_of_the_port_is_told_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._ROWS, "coinbox", "coinbox.venue:open_venue")
    monkeypatch.delattr(Coinbox, "rules")
    monkeypatch.delattr(Coinbox, "depth")
    with pytest.raises(ConfigurationError, match=r"^The adapter of 'coinbox' lacks rules, depth\.") as caught:
        cx.connect("coinbox")
    assert "Add them to Coinbox" in caught.value.recovery_suggestions[0]


def test_it_has_none_of_ours_and_the_exchange_nothing_of_the_adapter() -> None:
    text = Path(str(exchange.__file__)).read_text(encoding="utf-8")
    assert "cryptox" not in text
    assert "coinbox." not in text


def test_a_range_is_told_with_its_end_in_it_in_seconds() -> None:
    venue = Coinbox("coinbox", "http://127.0.0.1:1")
    asked = venue.klines("BTCUSDT", "5m", start_ms=60_000, end_ms=120_000, limit=7, exact=False)
    assert dict(asked.params) == {
        "pair": "BTC_USDT", "width": "300", "count": "7", "from": "60.000", "oldest": "yes", "until": "119.999"
    }  # fmt: skip
    newest = venue.klines("ETHEUR", "1d", start_ms=None, end_ms=None, limit=7, exact=False)
    assert dict(newest.params) == {"pair": "ETH_EUR", "width": "86400", "count": "7"}
    assert venue.outgoing(newest, "auto").url == "http://127.0.0.1:1/v1/candles?pair=ETH_EUR&width=86400&count=7"


def test_what_is_left_of_a_limit_is_what_was_used() -> None:
    (usage,) = Coinbox("coinbox", "http://127.0.0.1:1").usage(answer(b"", **{"x-left": "1190"}))
    assert (usage.used, usage.window_ms) == (10, 60_000)
    assert Coinbox("coinbox", "http://127.0.0.1:1").usage(answer(b"")) == ()


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b'[["1", "2"]]', b'[[1,"1","1","1","1","1","1",1,"1","1","1"]]', b"\xff[]"],
)
def test_rows_that_are_not_candles_are_an_error_and_never_a_hole(body: bytes) -> None:
    asked = Coinbox("coinbox", "http://127.0.0.1:1").klines(
        "BTCUSDT", "5m", start_ms=None, end_ms=None, limit=7, exact=False
    )
    with pytest.raises(cx.errors.ExchangeError):
        asked.read(answer(body))


def test_what_the_front_says_is_not_the_exchanges_word() -> None:
    venue = Coinbox("coinbox", "http://127.0.0.1:1")
    asked = venue.trades("BTCUSDT", limit=1, exact=False)
    told = [
        venue.refusal(asked, answer(b"<html>", 502)),
        venue.refusal(asked, answer(b"<html>", 404)),
        venue.refusal(asked, answer(b'{"problem": "no_such_pair"}', 404)),
        venue.refusal(asked, answer(b'{"problem": "something new"}', 400)),
        venue.refusal(asked, answer(b"[]", 200)),
    ]
    kinds = [cx.errors.NetworkError, cx.errors.ExchangeError, cx.errors.BadSymbol, cx.errors.ExchangeError, type(None)]
    assert [type(one) for one in told] == kinds
    assert [venue.verdict(answer(b"", status)).kind for status in (200, 404, 429, 502)] == [
        "ok", "refused", "stop", "busy"
    ]  # fmt: skip


LEFT_OUT: dict[str, Callable[[cx.Session], Any]] = {
    "streams": lambda session: session.live.trades("BTCUSDT"),
    "the book": lambda session: session.live.book("BTCUSDT"),
    "own orders, live": lambda session: session.live.orders(),
    "an order": lambda session: session.buy("BTCUSDT", "1", "1"),
    "a preview": lambda session: session.preview_order("BTCUSDT", "buy", quantity="1", price="1"),
    "a cancel": lambda session: session.cancel_all("BTCUSDT"),
    "balances": lambda session: session.balances(),
}


@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_an_adapter_leaves_out_is_said(session: cx.Session, what: str) -> None:
    with pytest.raises(
        cx.errors.ConfigurationError, match=r"(?m)^coinbox has no [\w ]+ in cryptox; nothing was sent\.$"
    ):
        LEFT_OUT[what](session)


def test_async_feeds_say_it_too(subject: Subject) -> None:
    async def main() -> None:
        async with cx.aio.connect("coinbox", rest_url="http://127.0.0.1:1") as session:
            with pytest.raises(cx.errors.ConfigurationError, match="coinbox has no streams"):
                async with session.live.trades("BTCUSDT"):
                    pass

    asyncio.run(main())


def test_a_window_that_it_has_not_is_refused(session: cx.Session) -> None:
    with pytest.raises(cx.errors.ValidationError, match="24h only"):
        session.ticker("BTCUSDT", "1h")


def test_the_doctor_and_health_look_at_it_like_at_any_other(session: cx.Session) -> None:
    report = cx.doctor(session)
    assert report.problems == ()
    assert "no orders and accounts" in report["key"].found
    assert session.health().status == "healthy"


def test_the_page_shows_what_is_there() -> None:
    """Every function and mark that the page takes out of the example exists; the site would only warn."""
    page = (ROOT / "docs" / "ADAPTERS.md").read_text(encoding="utf-8")
    shown = [block.splitlines() for block in page.split("```{literalinclude} ../")[1:]]
    assert len(shown) >= 7
    for path, *options in shown:
        source = (ROOT / path).read_text(encoding="utf-8")
        for option in options[: options.index("```")]:
            _, name, value = option.split(":", 2)
            if name == "pyobject":
                assert f"def {value.strip().rpartition('.')[2]}(" in source
            elif name != "language":
                assert value.strip() in source
