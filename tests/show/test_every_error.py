"""Each kind of error, by making its mistake: what its card says, and that the call it tells to try can be made.

The list is held against the tree of errors: a class that no mistake here ends in fails until one does.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox import errors
from cryptox.errors import CryptoxError
from cryptox.show.errors import corrected_call, html, text_lines
from cryptox.sync import door

HOSTILE = "<img src=x onerror=alert(1)>"
SECRET = "sentinel" * 8
NOBODY = "http://127.0.0.1:9"  # the port of discard, which nobody serves

# As the table of the contract has them: category, severity, may it simply be made again?
FACTS = {
    "NetworkError": ("network", "warning", True),
    "NotSent": ("network", "warning", True),
    "OutcomeUnknown": ("network", "critical", False),
    "RateLimited": ("rate_limiting", "warning", True),
    "Banned": ("rate_limiting", "critical", False),
    "AuthenticationError": ("authentication", "error", False),
    "ClockSkew": ("authentication", "warning", True),
    "ValidationError": ("validation", "error", False),
    "BadSymbol": ("validation", "error", False),
    "BadInterval": ("validation", "error", False),
    "FilterFailure": ("validation", "error", False),
    "OrderRejected": ("validation", "error", False),
    "InsufficientFunds": ("insufficient_funds", "error", False),
    "MarketClosed": ("market_status", "warning", False),
    "OrderNotFound": ("validation", "error", False),
    "TradingNotEnabled": ("validation", "error", False),
    "ConfigurationError": ("validation", "error", False),
    "ExchangeError": ("system", "error", False),
}
UNRAISED = {"DataGap"}  # the contract has it; a hole in history is data (attrs, Gap) so far


@dataclass
class World:
    """An exchange, a session on it, and what was opened besides."""

    exchange: cx.PaperExchange
    session: cx.Session
    folder: Path
    opened: ExitStack = field(default_factory=ExitStack)

    def another(self, **settings: Any) -> tuple[cx.PaperExchange, cx.Session]:
        """An exchange and a session that nobody else is disturbed by."""
        exchange = self.opened.enter_context(
            cx.PaperExchange(clock="2024-06-01 12:00", symbols=["BTCUSDT"], **settings)
        )
        return exchange, self.opened.enter_context(cx.connect(exchange))

    def connect(self, venue: Any = None, **settings: Any) -> cx.Session:
        """A session that ends with the test."""
        return self.opened.enter_context(cx.connect(venue or self.exchange, **settings))

    def fault(self, kind: str, **how: Any) -> cx.Session:
        """The session, once the exchange has that fault."""
        self.exchange.faults.add(kind, **how)
        return self.session


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:  # BTCUSDT at 18899.03
        yield exchange


@pytest.fixture
def world(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    for name in ("BINANCE_API_KEY", "BINANCE_SECRET_KEY", "BINANCE_PRIVATE_KEY", "CRYPTOX_VENUE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))  # what is not resolved stays in a journal
    monkeypatch.setattr(door._default, "_session", None)
    session = cx.use(exchange, timeout=2, order_timeout=0.3, resolve_timeout=0.6)
    with ExitStack() as opened:
        yield World(exchange, session, tmp_path, opened)
    session.close()
    exchange.faults.clear()


def limited(world: World, **how: Any) -> Any:
    exchange, session = world.another()
    exchange.faults.add("limit", **how)
    return session.klines("BTCUSDT")


def too_many_orders(world: World) -> Any:
    _, session = world.another(limits={"ORDERS": (1, "1d")})
    return [session.buy("BTCUSDT", "0.001", price="15000") for _ in range(2)]


def never_answered(world: World) -> Any:
    for method, path in (("POST", "order"), ("GET", "order")):
        world.exchange.faults.add("drop", path=path, method=method)
    return world.session.buy("BTCUSDT", "0.001", price="15000")


def of_yesterday(world: World) -> Any:
    later = world.opened.enter_context(cx.PaperExchange(clock="2024-11-01", symbols=["LUNCUSDT"]))
    return world.connect(later).buy("LUNCUSDT", "100000", price="0.0001")


def twice(world: World) -> Any:
    place = {"quantity": "0.001", "price": "15000", "client_order_id": "mine"}
    return [world.session.place_order("BTCUSDT", "buy", **place) for _ in range(2)]


def closed(world: World) -> Any:
    session = world.connect()
    session.close()
    return session.klines("BTCUSDT")


def hostile_file(folder: Path) -> Path:
    path = folder / "candles.csv"
    path.write_text(f"open_time,open,high,low,close,volume\n{HOSTILE},1,1,1,1,1\n", encoding="utf-8")
    return path


@dataclass(frozen=True)
class Mistake:
    """What is done wrong, what it ends in, a word of the advice, and the call that the card tells to try."""

    kind: type[CryptoxError]
    make: Callable[[World], Any]
    advice: str
    call: str | None = None


E = errors
MISTAKES = {
    "the exchange fails": Mistake(
        E.NetworkError, lambda w: w.fault("status", code=502, path="klines").klines("BTCUSDT"), "not here"
    ),
    "the line breaks": Mistake(
        E.NetworkError, lambda w: w.fault("reset", at="start", path="klines").klines("BTCUSDT"), "connection"
    ),
    "no answer in time": Mistake(
        E.NetworkError, lambda w: w.fault("drop", path="klines").klines("BTCUSDT"), "timeout=30"
    ),
    "nobody there": Mistake(
        E.NotSent, lambda w: w.connect("binance", rest_url=NOBODY, timeout=1).klines("BTCUSDT"), "address"
    ),
    "no word of an order": Mistake(E.OutcomeUnknown, never_answered, "Do not repeat", "session.unresolved()"),
    "too much asked": Mistake(E.RateLimited, lambda w: limited(w, code=429, retry_after=400), "Wait 7 min."),
    "too many orders": Mistake(E.RateLimited, too_many_orders, "Wait "),
    "asked on": Mistake(E.Banned, lambda w: limited(w, code=418, retry_after=600), "Wait 10 min."),
    "keys of another": Mistake(
        E.AuthenticationError, lambda w: w.connect(api_key=SECRET, secret_key=SECRET).balances(), "belong together"
    ),
    "a clock that is wrong": Mistake(
        E.ClockSkew, lambda w: w.fault("status", error_code=-1021, path="account").balances(), "time is read again"
    ),
    "too many rows": Mistake(
        E.ValidationError,
        lambda w: w.session.klines("BTCUSDT", "1h", 1200),
        "klines_bulk",
        'cx.klines_bulk("BTCUSDT", "1h", limit=1200)',
    ),
    "the end before the start": Mistake(
        E.ValidationError,
        lambda w: w.session.klines("BTCUSDT", "1d", start="2024-03-01", end="2024-02-01"),
        "Exchange start and end",
        'cx.klines("BTCUSDT", "1d", start="2024-02-01", end="2024-03-01")',
    ),
    "seconds for milliseconds": Mistake(
        E.ValidationError,
        lambda w: w.session.klines("BTCUSDT", "1d", 3, start=1700000000),
        "start=1700000000000",
        'cx.klines("BTCUSDT", "1d", limit=3, start=1700000000000)',
    ),
    "no time": Mistake(E.ValidationError, lambda w: w.session.klines("BTCUSDT", start="yesterdy"), "3 days ago"),
    "a side that is none": Mistake(
        E.ValidationError,
        lambda w: w.session.place_order("BTCUSDT", "long", quantity="0.001", price="15000"),
        "buy, sell",
        'session.place_order("BTCUSDT", side="buy", type="LIMIT", quantity="0.001", price="15000")',
    ),
    # No call to copy here: one without the price that was forgotten would trade at any.
    "a price forgotten": Mistake(
        E.ValidationError, lambda w: w.session.place_order("BTCUSDT", "buy", quantity="0.001"), "Give price"
    ),
    "a frame of something else": Mistake(
        E.ValidationError, lambda w: w.session.prices().cx.resample("1d"), "comes from cx.klines"
    ),
    "a symbol with a slip": Mistake(
        E.BadSymbol,
        lambda w: w.session.klines("BTCUSD", "4h", 10),
        "Did you mean BTCUSDT?",
        'cx.klines("BTCUSDT", "4h", limit=10)',
    ),
    "one symbol of many": Mistake(
        E.BadSymbol,
        lambda w: w.session.klines_bulk(["BTCUSDT", "ETHUSD"], "1d", 5, progress=False),
        "Did you mean ETHUSDT?",
        'cx.klines_bulk(["BTCUSDT", "ETHUSDT"], "1d", limit=5, progress=False)',
    ),
    "a symbol of a feed": Mistake(
        E.BadSymbol,
        lambda w: w.session.live.book_ticker("BTCUSD"),
        "Did you mean BTCUSDT?",
        'cx.live.book_ticker("BTCUSDT")',
    ),
    "a symbol like nothing": Mistake(E.BadSymbol, lambda w: w.session.klines("XYZQQQ"), "See symbols()"),
    "minutes for hours": Mistake(
        E.BadInterval, lambda w: w.session.klines("BTCUSDT", "60m", 10), "'1h'", 'cx.klines("BTCUSDT", "1h", limit=10)'
    ),
    "no interval": Mistake(E.BadInterval, lambda w: w.session.klines("BTCUSDT", "7m"), "15m 30m 1h"),
    "too many decimals": Mistake(
        E.FilterFailure,
        lambda w: w.session.buy("BTCUSDT", "0.0010004", price="15000.123"),
        "price='15000.12'",
        'session.place_order("BTCUSDT", side="buy", type="LIMIT", quantity="0.001", price="15000.12", '
        'time_in_force="GTC")',
    ),
    "a client order id in use": Mistake(E.OrderRejected, twice, "leave it out"),
    "a maker that would take": Mistake(
        E.OrderRejected,
        lambda w: w.session.place_order("BTCUSDT", "buy", "LIMIT_MAKER", quantity="0.001", price="19500"),
        "LIMIT_MAKER only rests",
    ),
    "more than there is": Mistake(
        E.InsufficientFunds,
        lambda w: w.session.sell("BTCUSDT", "50"),
        "Lower the quantity",
        'session.preview_order("BTCUSDT", side="sell", type="MARKET", quantity="50")',
    ),
    "a market that has ended": Mistake(E.MarketClosed, of_yesterday, "symbol(name).status"),
    "an order that is not": Mistake(
        E.OrderNotFound, lambda w: w.session.order("BTCUSDT", 99_999_999), "orders(symbol)"
    ),
    "an order that is gone": Mistake(E.OrderNotFound, lambda w: w.session.cancel_order("BTCUSDT", "x"), "filled"),
    "only reading": Mistake(
        E.TradingNotEnabled, lambda w: w.connect(trading=False).buy("BTCUSDT", "0.001"), "trading=True"
    ),
    "a setting with a slip": Mistake(
        E.ConfigurationError,
        lambda w: cx.connect("paper", timout=3, recv_window=4000),
        "timeout",
        'cx.connect(venue="paper", recv_window=4000, timeout=3)',
    ),
    # Whom to talk to cannot be written down here, and a call without it would talk to somebody else.
    "a setting with a slip, and an exchange": Mistake(
        E.ConfigurationError, lambda w: cx.connect(w.exchange, timout=3), "timeout", "timeout=3"
    ),
    "a setting with a slip, and keys": Mistake(
        E.ConfigurationError, lambda w: cx.connect(api_key=SECRET, timout=3), "timeout", "timeout=3"
    ),
    "a venue with a slip": Mistake(
        E.ConfigurationError, lambda w: cx.connect("binanse"), "binance-us", 'cx.connect(venue="binance")'
    ),
    "no key": Mistake(E.ConfigurationError, lambda w: w.connect("binance").balances(), "api_key and secret_key (HMAC)"),
    "half a key": Mistake(E.ConfigurationError, lambda w: cx.connect("binance", api_key=SECRET), "secret_key"),
    "a session that was closed": Mistake(E.ConfigurationError, closed, "cx.connect"),
    "a frame that is none": Mistake(
        E.ConfigurationError,
        lambda w: w.session.klines("BTCUSDT", "1h", 5, frame="panda"),  # type: ignore[arg-type]
        '"pandas"',
        'cx.klines("BTCUSDT", "1h", limit=5, frame="pandas")',
    ),
    "a page of a hotel": Mistake(
        E.ExchangeError, lambda w: w.fault("body", how="html", path="klines").klines("BTCUSDT"), "sign-in"
    ),
    "half an answer": Mistake(
        E.ExchangeError, lambda w: w.fault("truncate", how="body", path="klines").klines("BTCUSDT"), "only reads"
    ),
    "a place that is not served": Mistake(
        E.ExchangeError, lambda w: w.fault("status", code=451, path="klines").klines("BTCUSDT"), "'paper'"
    ),
}


class Page(HTMLParser):
    """Tags and text of a card; nothing in it may do anything."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"div", "b", "br", "ul", "li", "pre"}
        assert {name for name, _ in attrs} <= {"style"}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def made(mistake: Mistake, world: World) -> CryptoxError:
    with pytest.raises(CryptoxError) as caught:
        mistake.make(world)
    world.exchange.faults.clear()
    return caught.value


@pytest.mark.parametrize("name", MISTAKES)
def test_the_card_of_a_mistake(name: str, world: World) -> None:
    mistake = MISTAKES[name]
    error = made(mistake, world)
    assert type(error) is mistake.kind
    assert (error.category, error.severity, error.retryable) == FACTS[type(error).__name__]
    lines = text_lines(error)
    assert lines[0] == f"{type(error).__name__}: {error}"
    begin = lines.index("What to do")
    todo = [line.removeprefix("  - ") for line in lines[begin + 1 :] if line.startswith("  - ")]
    assert todo
    assert any(mistake.advice in line for line in todo), todo
    assert len(todo) == len(set(todo))
    assert corrected_call(error) == mistake.call
    assert ("Try" in lines) is (mistake.call is not None)
    # The same in HTML, in the traceback of a notebook, and after a journey to another process.
    read = Page(html(error))
    for line in (type(error).__name__, str(error), *todo, *([] if mistake.call is None else [mistake.call])):
        assert line in read.texts
    (shown,) = error._render_traceback_()
    assert [line for line in lines if line not in shown] == []
    again = pickle.loads(pickle.dumps(error))
    again.partial = error.partial
    assert text_lines(again) == lines


@pytest.mark.parametrize("name", MISTAKES)
def test_a_card_tells_no_secret_and_nothing_that_helps_nobody(name: str, world: World) -> None:
    error = made(MISTAKES[name], world)
    card = "\n".join([*text_lines(error), html(error)])
    said = "\n".join([card, *error._render_traceback_(), cx.last_error()])
    assert SECRET not in said
    assert "signature=" not in said
    for word in ("***", " at 0x", "Decimal(", "None", "CancelledError"):
        assert word not in card, word


@pytest.mark.parametrize("name", [name for name, mistake in MISTAKES.items() if mistake.call])
def test_the_call_that_a_card_tells_to_try_can_be_made(name: str, world: World) -> None:
    line = corrected_call(made(MISTAKES[name], world))
    assert line is not None
    if "(" not in line:  # only what changes, where the rest cannot be written down
        cx.connect(world.exchange, **eval(f"dict({line})")).close()
        return
    found = eval(line, {"cx": cx, "session": world.session})
    if isinstance(found, cx.Session):
        found.close()
    else:
        assert found is not None


def test_what_is_missing_for_an_order_is_told_by_the_call_to_try(world: World) -> None:
    error = made(MISTAKES["more than there is"], world)
    preview = eval(str(corrected_call(error)), {"session": world.session})
    assert not preview.accepted
    assert [breach.message for breach in preview.breaches] == ["It needs 50 BTC; 1 are free."]


def test_every_class_has_its_mistake() -> None:
    classes = {name for name in errors.__all__ if name != "CryptoxError"}
    assert {mistake.kind.__name__ for mistake in MISTAKES.values()} == classes - UNRAISED
    assert set(FACTS) == classes - UNRAISED
    home = Path(cx.__file__).parent
    raised = [path for path in home.rglob("*.py") if "DataGap(" in path.read_text("utf-8")]
    assert [path.name for path in raised] == ["errors.py"]  # else it has a mistake by now


@pytest.mark.parametrize(
    "make",
    [
        lambda w: w.session.klines(HOSTILE),
        lambda w: w.fault("status", code=400, error_code=-9999, message=HOSTILE, path="klines").klines("BTCUSDT"),
        lambda w: w.fault("status", code=400, body=HOSTILE, path="klines").klines("BTCUSDT"),
        lambda w: w.fault("status", code=502, body=HOSTILE, path="klines").klines("BTCUSDT"),
        lambda w: cx.connect(HOSTILE),
        lambda w: cx.connect(**{HOSTILE: 1}),
        lambda w: w.session.order("BTCUSDT", HOSTILE),
        lambda w: cx.PaperExchange(history={"BTCUSDT": hostile_file(w.folder)}),
    ],
    ids=["symbol", "message", "body", "page", "venue", "setting", "order", "file"],
)
def test_what_comes_from_outside_is_text(make: Callable[[World], Any], world: World) -> None:
    error = made(Mistake(CryptoxError, make, ""), world)
    page = html(error)
    assert "<img" not in page
    assert "&lt;img src=x" in page
    Page(page)
    assert HOSTILE in "\n".join(text_lines(error))
