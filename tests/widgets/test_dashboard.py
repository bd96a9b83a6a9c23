"""A dashboard as one widget: one picture of four, one pump, one frame."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

import cryptox as cx
from cryptox.widgets import plotlyjs, shown
from cryptox.widgets.dashboard import DashboardSource, snapshot
from cryptox.widgets.kinds import ANEW
from cryptox.widgets.view import view_class

sys.path.insert(0, str(Path(__file__).parent))
from wire import Channel, opened

PARTS = ["klines", "book", "trades", "ticker"]


@pytest.fixture
def dashboard() -> Iterator[Any]:
    with cx.PaperExchange(clock=("2024-06-01 12:00", 30)) as exchange, cx.connect(exchange) as session:
        made = session.dashboard("BTCUSDT")
        until(lambda: all(feed.latest is not None for feed in made.feeds.values()))
        yield made


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Channel]]:
    monkeypatch.setattr(plotlyjs, "_kept", plotlyjs._Kept())
    yield opened(monkeypatch)
    ipywidgets.Widget.close_all()


def until(true: Callable[[], object], within_s: float = 20) -> Any:
    end = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)
    return found


def source_of(dashboard: Any) -> DashboardSource:
    loop = dashboard.feeds["klines"]._feed._hub.loop
    made: DashboardSource = dashboard._there(lambda: DashboardSource(dashboard._dashboard, loop))
    return made


def test_its_picture_has_those_of_its_feeds(dashboard: Any) -> None:
    source = source_of(dashboard)
    picture, about, state = (dashboard._there(one) for one in (source.picture, source.about, source.state))
    json.dumps([picture, about, state], allow_nan=False)
    assert list(picture) == PARTS
    assert len(picture["klines"]["of"]["BTCUSDT"]["rows"]) == 300
    assert [len(picture["book"]["books"][0][side]) for side in ("bids", "asks")] == [10, 10]
    assert len(picture["trades"]["rows"]) == 30
    assert picture["ticker"]["symbols"] == ["BTCUSDT"]
    assert (about["title"], about["venue"], about["symbols"]) == ("BTCUSDT 1m", "paper", ["BTCUSDT"])
    assert state["connected"]
    assert state["received"] >= sum(state["parts"].values()) > 0
    assert list(state["parts"]) == PARTS


def test_its_changes_are_those_of_the_feeds_that_have_news(dashboard: Any) -> None:
    source = source_of(dashboard)

    def look() -> Any:
        before = source.picture()
        same = source.picture()
        assert all(before[name] is same[name] for name in PARTS), "nothing came meanwhile: the loop was ours"
        assert source.change(before, same) is None
        return before, source.count()

    before, count = dashboard._there(look)
    until(lambda: dashboard._there(source.count) != count)
    after, change = dashboard._there(lambda: (now := source.picture(), source.change(before, now)))
    assert change
    assert change.keys() <= {name for name in PARTS if before[name] is not after[name]}
    other = {**after, "book": {"books": [], "more": 0}}
    assert source.change(before, other) is ANEW, "one that is shown anew makes all anew"


def test_stopping_it_ends_its_feeds(dashboard: Any) -> None:
    source = source_of(dashboard)
    dashboard._there(source.stop)
    assert not source.is_running
    assert not any(feed.is_running for feed in dashboard.feeds.values())


def test_a_notebook_gets_one_widget_a_static_picture_and_a_line(
    dashboard: Any, channels: list[Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[dict[str, Any]] = []
    monkeypatch.setattr(shown, "_publish", published.append)
    bundle = shown.bundle(dashboard)
    assert bundle is not None
    assert bundle["text/plain"].startswith("<Dashboard paper:BTCUSDT:1m connected, ")
    (picture,) = published
    assert "<svg" in picture["text/html"]
    assert "<script" not in picture["text/html"]
    (channel,) = [one for one in channels if one.comm_id == bundle[shown.VIEW]["model_id"]]
    assert channel.state["kind"] == "dashboard"
    assert list(channel.state["initial"]["picture"]) == PARTS
    until(lambda: channel.custom)
    change = channel.custom[0]
    assert change["change"].keys() <= set(PARTS)
    dashboard.stop()
    until(lambda: channel.state["state"]["stopped"])
    again = shown.bundle(dashboard)
    assert again is not None, "what has ended shows what it showed last"


def test_a_dashboard_that_is_lost_is_its_card(dashboard: Any) -> None:
    dashboard._generation -= 1
    assert shown.bundle(dashboard) is None
    assert repr(dashboard) == "<Dashboard BTCUSDT lost>"
    dashboard._generation += 1


def test_its_static_picture_has_all_four(dashboard: Any) -> None:
    html = snapshot(dashboard)
    for kind in ("ticker", "klines 1m", "depth", "agg trades"):
        assert f"BTCUSDT {kind}" in html, kind


def test_its_script_has_all_parts_once() -> None:
    script = str(view_class("dashboard")._esm)
    for name in ("paint_klines", "paint_book", "paint_trades", "paint_ticker", "paint_dashboard", "make", "amount"):
        assert script.count(f"function {name}(") == 1, name
    assert script.endswith("export default { render: (page) => framed(page, paint_dashboard) };\n")
