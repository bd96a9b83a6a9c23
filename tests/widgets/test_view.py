"""The widget: what goes over its channel, in messages and bytes, and what it makes of what the page says."""

from __future__ import annotations

import gc
import gzip
import json
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
from ipywidgets.widgets import widget

sys.path.insert(0, str(Path(__file__).parent))

from wire import Channel, opened

from cryptox.widgets import plotlyjs
from cryptox.widgets.kinds import KINDS
from cryptox.widgets.view import LiveView, view_class

KIND = KINDS["klines"]
STATE = {"connected": True, "stopped": False, "error": None}


class Loop:
    def __init__(self) -> None:
        self.closed = False

    def call_soon_threadsafe(self, work: Callable[..., None], *what: Any) -> None:
        work(*what)

    def is_closed(self) -> bool:
        return self.closed


class Pump:
    """Writes down what its view tells it."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.about = {"title": "BTCUSDT klines 1m", "venue": "paper"}
        self.state = dict(STATE)
        self.whole = (3, {"of": {}})
        self.added: list[int] = []
        self.removed = 0
        self.heard: list[tuple[Any, ...]] = []

    def add(self, _view: object, number: int) -> None:
        self.added.append(number)

    def remove(self, _view: object) -> None:
        self.removed += 1

    def hear(self, _view: object, *what: Any) -> None:
        self.heard.append(what)


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Channel]]:
    monkeypatch.setattr(plotlyjs, "_kept", plotlyjs._Kept())
    yield opened(monkeypatch)
    ipywidgets.Widget.close_all()


@pytest.fixture
def pump() -> Any:
    return Pump()


@pytest.fixture
def view(channels: list[Channel], pump: Any) -> LiveView:
    return view_class("klines")(KIND, pump)


def of(view: LiveView, channels: list[Channel]) -> Channel:
    (channel,) = [one for one in channels if one.comm_id == view.model_id]
    return channel


def test_it_opens_with_all_that_a_page_needs(view: LiveView, channels: list[Channel], pump: Any) -> None:
    state = of(view, channels).state
    assert state["kind"] == "klines"
    assert state["about"] == pump.about
    assert state["state"] == {**STATE, "paused": False}
    assert state["initial"] == {"number": 3, "picture": {"of": {}}}
    assert "function paint_klines(" in state["_esm"]
    assert state["_esm"].endswith("export default { render: (page) => framed(page, paint_klines) };\n")
    assert ".cryptox-live {" in state["_css"]
    assert pump.added == [3]


def test_the_charts_of_a_kernel_share_one_plotly(view: LiveView, channels: list[Channel], pump: Any) -> None:
    other = view_class("klines")(KIND, pump)
    carriers = [channel for channel in channels if "packed" in channel.state or channel.buffers]
    assert [f"IPY_MODEL_{one.comm_id}" for one in carriers] == [view.plotly]
    assert other.plotly == view.plotly
    (packed,) = carriers[0].buffers
    assert gzip.decompress(packed) == (files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    # A notebook server lets through 3 MB in its 3 seconds, and all models come at once when a page is loaded again.
    assert len(packed) < 2_000_000
    ipywidgets.Widget.close_all()
    assert view_class("klines")(KIND, Pump()).plotly != view.plotly


def test_a_change_is_one_small_message(view: LiveView, channels: list[Channel]) -> None:
    channel = of(view, channels)
    before = len(channel.said)
    change = {"of": {"BTCUSDT": {"drop": 0, "keep": 299, "rows": [[1717243200000, 67512.31, 67520.1, 67490.0,
                                                                   67515.2, 12.34567]]}}}  # fmt: skip
    view.change(4, change)
    assert channel.custom == [{"change": change, "number": 4}]
    assert len(channel.said) == before + 1
    assert len(json.dumps(channel.said[-1][1])) < 300


def test_what_has_not_changed_is_not_sent(view: LiveView, channels: list[Channel], pump: Any) -> None:
    channel = of(view, channels)
    before = len(channel.said)
    view.frame(dict(pump.about), {**STATE, "paused": False})
    assert len(channel.said) == before
    view.frame(dict(pump.about), {**STATE, "paused": False, "connected": False})
    assert channel.said[before:] == [
        ("comm_msg", {"method": "update", "buffer_paths": [],
                      "state": {"state": {**STATE, "paused": False, "connected": False}}}),
    ]  # fmt: skip


def test_a_page_that_is_loaded_again_gets_the_newest_though_nothing_was_sent(
    view: LiveView, channels: list[Channel], pump: Any
) -> None:
    channel = of(view, channels)
    before = len(channel.said)
    pump.whole = (9, {"of": {"BTCUSDT": {}}})
    assert len(channel.said) == before
    assert channel.ask_all()["initial"] == {"number": 9, "picture": {"of": {"BTCUSDT": {}}}}


def test_a_whole_picture_is_one_message(view: LiveView, channels: list[Channel], pump: Any) -> None:
    channel = of(view, channels)
    before = len(channel.said)
    pump.whole = (5, {"of": {"ETHUSDT": {}}})
    view.whole(pump.whole)
    assert [data["state"] for _, data in channel.said[before:]] == [
        {"initial": {"number": 5, "picture": {"of": {"ETHUSDT": {}}}}}
    ]


def test_the_pump_hears_what_the_page_says(
    view: LiveView, channels: list[Channel], pump: Any, caplog: pytest.LogCaptureFixture
) -> None:
    channel = of(view, channels)
    channel.hear({"do": "shown", "page": "a", "number": 3})
    channel.hear({"do": "pause", "page": "a"})
    for nonsense in ({"do": "explode", "page": "a"}, {}, {"do": ["stop"]}, "stop", None, {"do": "stop", "number": "x"}):
        channel.hear(nonsense)
    assert pump.heard == [("shown", "a", 3), ("pause", "a", -1), ("stop", "None", -1)]
    assert caplog.records == []


def test_closing_ends_it_once(view: LiveView, channels: list[Channel], pump: Any) -> None:
    channel = of(view, channels)
    assert (view.is_open, view.is_running) == (True, True)
    view.let_go()
    view.close()
    assert (view.is_open, view.is_running, pump.removed) == (False, False, 1)
    assert [kind for kind, _ in channel.said].count("comm_close") == 1
    said = len(channel.said)
    view.change(4, {"of": {}})
    view.frame({}, {})
    view.whole((4, {}))
    assert len(channel.said) == said


def test_after_its_loop_has_ended_it_can_still_be_closed(view: LiveView, channels: list[Channel], pump: Any) -> None:
    pump.loop.closed = True
    of(view, channels).hear({"do": "stop"})
    view.close()
    assert (view.is_open, pump.heard, pump.removed) == (False, [], 0)


def test_closing_waits_for_a_message_that_is_being_written(
    view: LiveView, channels: list[Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, writing, go_on = of(view, channels), threading.Event(), threading.Event()
    publish = channel.publish_msg

    def slowly(kind: str, *what: Any, **keys: Any) -> None:
        if kind == "comm_msg":
            writing.set()
            assert go_on.wait(30)
        publish(kind, *what, **keys)

    monkeypatch.setattr(channel, "publish_msg", slowly)
    writer = threading.Thread(target=view.change, args=(4, {"of": {}}))
    closer = threading.Thread(target=view.close)
    writer.start()
    assert writing.wait(30)
    closer.start()
    go_on.set()
    writer.join(30)
    closer.join(30)
    assert [kind for kind, _ in channel.said[-2:]] == ["comm_msg", "comm_close"]


def test_a_view_that_is_closed_leaves_nothing(channels: list[Channel], pump: Any) -> None:
    view_class("klines")(KIND, pump).close()
    before = set(widget._instances)
    view = view_class("klines")(KIND, pump)
    assert len(widget._instances) > len(before)
    view.close()
    there = weakref.ref(view)
    del view
    channels.clear()  # which a kernel forgets when they are closed
    gc.collect()
    assert (set(widget._instances), there(), pump.removed) == (before, None, 2)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_its_script(name: str) -> None:
    kind = KINDS[name]
    script = view_class(name)._esm
    assert f"function paint_{name}(" in script
    if kind.painter:
        assert callable(kind.paints_with().picture)
        assert callable(kind.paints_with().change)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http:", "https:"):
        assert word not in script, word
