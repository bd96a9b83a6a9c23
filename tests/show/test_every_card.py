"""Every thing that displays itself has a card and a line of text, whatever the exchange, or a file, puts into it.

The list is made by looking: a new class that displays itself fails here until it has both.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

import cryptox
import cryptox as cx
from cryptox._display import Displayed, Moving
from cryptox.errors import CryptoxError, FilterFailure
from cryptox.model.account import Preview
from cryptox.model.book import Book
from cryptox.model.doctor import Report
from cryptox.model.events import Event
from cryptox.model.health import Component
from cryptox.model.orders import Draft, Replaced
from cryptox.sessions.live.dashboard import AsyncDashboard
from cryptox.sessions.live.feed import AsyncFeed
from cryptox.sessions.live.record import AsyncRecording
from cryptox.sessions.live.replay import AsyncReplay
from cryptox.sessions.session import AsyncSession
from cryptox.sync.dashboard import Dashboard
from cryptox.sync.face import Session
from cryptox.sync.feed import Feed
from cryptox.sync.live import Live
from cryptox.sync.monitor import Monitor
from cryptox.sync.record import Recording, Replay

HOSTILE = "<img src=x onerror=alert(1)>&\"'\x1b[2J\n</td></table>"
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#x27;\\x1b[2J"
SECRET = "sentinel0123456789abcdef"
KEYS = {"api_key": SECRET, "secret_key": SECRET}
USER = "ann<img src=x>"
LIVE = (
    AsyncDashboard,
    AsyncFeed,
    AsyncRecording,
    AsyncReplay,
    AsyncSession,
    Dashboard,
    Feed,
    Live,
    Monitor,
    Recording,
    Replay,
    Session,
    cx.PaperExchange,
)
VOID = {"br", "img", "hr", "input", "meta", "link"}


def every_class() -> list[type]:
    """All classes of the package that display themselves; those that are nothing but a base left out."""
    for module in pkgutil.walk_packages(cryptox.__path__, "cryptox."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: dict[str, type] = {}
    waiting: list[type] = [Displayed]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            # A dataclass with slots is made twice; the module has the one that counts.
            if kind.__module__.split(".")[0] == "cryptox":
                home = importlib.import_module(kind.__module__)
                if getattr(home, kind.__name__, None) is kind:
                    found[f"{kind.__module__}.{kind.__qualname__}"] = kind
    return [found[name] for name in sorted(found) if found[name] not in (Event, Book, Component, Moving)]


def filled(kind: type) -> Any:
    """A record with hostile text wherever its types allow text."""
    if issubclass(kind, CryptoxError):
        return error(kind)
    hints = typing.get_type_hints(kind)
    names = list(kind.__struct_fields__) if issubclass(kind, Struct) else [one.name for one in dataclasses.fields(kind)]
    return kind(**{name: value(hints[name]) for name in names})


def value(hint: Any) -> Any:
    """Something of that type, hostile where that is possible."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    plain: dict[Any, Any] = {
        str: HOSTILE,
        Decimal: Decimal("1.500"),
        int: 1_717_243_200_000,
        float: 1.5,
        bool: True,
        Any: HOSTILE,
    }
    if hint in plain:
        return plain[hint]
    if origin in (types.UnionType, typing.Union):
        return value(next(one for one in inside if one is not type(None)))
    if origin is typing.Literal:
        return inside[0]
    if origin is tuple:
        return tuple(value(one) for one in inside if one is not Ellipsis)
    if origin is not None and issubclass(origin, Mapping):
        return {value(inside[0]): value(inside[1])}
    if origin is not None and issubclass(origin, Sequence):
        return [value(inside[0])]
    if origin is type:
        return FilterFailure
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    return filled(hint)


def error(kind: type[CryptoxError]) -> CryptoxError:
    """An error with hostile text in every place."""
    return kind(
        HOSTILE,
        technical_details=f"{HOSTILE} apiKey={SECRET}",
        recovery_suggestions=[HOSTILE],
        context={HOSTILE: HOSTILE, "operation": "klines"},
        suggested={"symbol": HOSTILE, "limit": 5, "more": [HOSTILE]},
    )


CLASSES = every_class()
RECORDS = [kind for kind in CLASSES if kind not in LIVE]


class Reader(HTMLParser):
    """Whether a page is whole, and its tags are only ours."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.tags: set[str] = set()
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, text in attrs:
            assert not name.startswith("on"), name
            assert name not in ("src", "href"), name
            assert "onerror" not in (text or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def checked(thing: Any) -> str:
    """The card of a thing, when it and the text are fit to be shown; as text."""
    bundle = thing._repr_mimebundle_()
    page = bundle["text/html"]
    read = Reader(page)
    assert not read.tags & {"img", "script", "style", "iframe", "svg"}
    assert "Decimal(" not in read.text
    assert "object at 0x" not in read.text + bundle["text/plain"]
    assert "\x1b" not in page
    assert SECRET not in page + bundle["text/plain"]
    if not isinstance(thing, BaseException):  # their repr is Python's own
        assert bundle["text/plain"] == repr(thing)
        lines = bundle["text/plain"].split("\n") if isinstance(thing, Report) else [bundle["text/plain"]]
        assert all(line.isprintable() for line in lines)
        assert "Decimal(" not in bundle["text/plain"]
    return read.text


def test_something_is_looked_at() -> None:
    names = {kind.__name__ for kind in CLASSES}
    assert {"Order", "Preview", "Gap", "BookUpdate", "BadSymbol", "Status", "State", "Feed", "PaperExchange"} <= names
    assert len(CLASSES) > 50
    assert set(LIVE) <= set(CLASSES)


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_a_record_is_shown_as_text_and_card(kind: type) -> None:
    thing = filled(kind)
    page = thing._repr_html_()
    assert page is not None, f"{kind.__name__} has no card"
    text = checked(thing)
    assert ESCAPED in page
    assert "<img src=x" in text


@pytest.mark.parametrize(
    "thing",
    [
        Replaced(None, None, error(FilterFailure)),
        Replaced(None, None, None, error(FilterFailure)),
        dataclasses.replace(filled(Preview), nearest=None, breaches=(), accepted=False),
        filled(Draft).changed(symbol="BTCUSDT", side="buy"),
    ],
    ids=["cancel", "new-order", "preview", "draft"],
)
def test_nor_what_is_shown_in_other_states(thing: Any) -> None:
    assert "<img src=x" in checked(thing)
    assert ESCAPED in thing._repr_html_()


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with (
        cx.PaperExchange(clock="2024-06-01 12:00", balances={"USDT": 1000}) as exchange,
        cx.connect(
            "binance",
            rest_url=exchange.rest_url,
            stream_url=exchange.stream_url,
            ws_api_url=exchange.ws_api_url,
            user=USER,
            trading=True,
            **KEYS,
        ) as session,
    ):
        session.paper = exchange  # type: ignore[attr-defined]
        yield session


def _feed(session: Session, tmp_path: Path) -> Feed:
    feed = session.live.trades("BTCUSDT")
    feed.stop()
    feed._feed._symbols = (HOSTILE,)
    return feed


def _dashboard(session: Session, tmp_path: Path) -> Dashboard:
    dashboard = session.dashboard("BTCUSDT")
    dashboard.stop()
    for feed in dashboard._dashboard.feeds.values():
        feed._symbols = (HOSTILE,)
    return dashboard


def _recording(session: Session, tmp_path: Path) -> Recording:
    feed = session.live.trades("BTCUSDT")
    recording = session.record(tmp_path / "tape.txt", feed)
    recording.stop()
    recording._recording.path = Path(HOSTILE.partition("</")[0])
    return recording


def _replay(session: Session, tmp_path: Path) -> Replay:
    path = tmp_path / "tape.txt"
    path.write_text("")
    replay = session.replay(path)
    replay._replay.path = Path(HOSTILE.partition("</")[0])
    return replay


def _session(session: Session, tmp_path: Path) -> Session:
    return session


def _monitor(session: Session, tmp_path: Path) -> Monitor:
    with cx.monitor() as monitor:
        return monitor


MAKERS: dict[type, Callable[[Session, Path], Any]] = {
    AsyncDashboard: lambda session, path: _dashboard(session, path)._dashboard,
    Monitor: _monitor,
    AsyncFeed: lambda session, path: _feed(session, path)._feed,
    AsyncRecording: lambda session, path: _recording(session, path)._recording,
    AsyncReplay: lambda session, path: _replay(session, path)._replay,
    AsyncSession: lambda session, path: _session(session, path)._session,
    Dashboard: _dashboard,
    Feed: _feed,
    Live: lambda session, path: session.live,
    Recording: _recording,
    Replay: _replay,
    Session: _session,
    cx.PaperExchange: lambda session, path: session.paper,  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("kind", LIVE, ids=lambda kind: kind.__name__)
def test_a_living_thing_is_shown_as_text_and_card(kind: type, session: Session, tmp_path: Path) -> None:
    thing = MAKERS[kind](session, tmp_path)
    assert type(thing) is kind
    text = checked(thing)
    if kind in (AsyncSession, Session):
        assert "trades" in text
        assert USER in text
    if kind not in (AsyncSession, Live, Monitor, Session, cx.PaperExchange):
        assert "<img src=x" in text
        assert "&lt;img" in thing._repr_html_()
