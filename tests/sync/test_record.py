"""Recordings and replays without await: what a script sees."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

import cryptox as cx
from cryptox import portal
from cryptox.errors import ConfigurationError, ValidationError
from cryptox.sync.record import Replay

TRADES = 9_757


@pytest.fixture
def session() -> Iterator[cx.Session]:
    with cx.PaperExchange(clock=("2024-06-01 12:00", 120)) as exchange, cx.connect(exchange) as session:
        yield session


def until(true: Callable[[], object], within_s: float = 10) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


def test_what_is_recorded_is_played_again(session: cx.Session, tmp_path: Path) -> None:
    feed = session.live.trades("BTCUSDT")
    with session.record(tmp_path / "tape.gz", feed, session.live.book("BTCUSDT")) as recording:
        assert recording.is_running
        seen = list(islice(feed, 20))
        assert repr(recording).startswith("<Recording tape.gz recording, ")
    assert not recording.is_running
    assert recording.path == tmp_path / "tape.gz"
    assert (recording.counts.snapshots, recording.counts.dropped) == (1, 0)
    with session.replay(recording.path, speed=None) as replay:
        again = replay.live.trades("BTCUSDT")
        found = list(again)  # a loop plays, and ends with the recording
        assert [event for event in found if event.id >= seen[0].id][:20] == seen
        assert replay.wait().is_over
        assert repr(replay).startswith("<Replay tape.gz over, ")
        assert again.frame()["id"].tolist() == [event.id for event in found]
        assert not again.is_running
        with pytest.raises(ConfigurationError, match="over"):
            replay.start()


def test_real_minutes_lose_nothing_in_a_loop_and_in_callbacks(shared: Path) -> None:
    """Recorded by hftbacktest's author on 2024-08-08; see shared/data/README.md."""
    with cx.connect("binance") as session:
        replay = session.replay(shared / "data/hftbacktest/btcusdt_20240808.gz", speed=0)
        heard: list[int] = []
        first, second = replay.live.trades("BTCUSDT"), replay.live.trades("BTCUSDT")
        second.on(lambda event: heard.append(event.id))
        ids = [event.id for event in first]
        assert ids == list(range(ids[0], ids[0] + TRADES))
        assert replay.counts.played == TRADES
        end = time.monotonic() + 30
        while len(heard) < TRADES and time.monotonic() < end:
            time.sleep(0.005)
        assert heard == ids
        assert (first.topic, replay.speed, replay.is_running) == ("binance:trades:BTCUSDT", None, False)


def test_only_feeds_are_recorded_and_stop_ends_a_replay(session: cx.Session, shared: Path, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="not str"):
        session.record(tmp_path / "tape", "BTCUSDT")  # type: ignore[arg-type]
    replay = session.replay(shared / "data/hftbacktest/btcusdt_20240808.gz")
    feed = replay.live.trades("BTCUSDT")
    assert next(iter(feed)).id == 3_735_683_259
    assert replay.is_running
    assert replay.start() is replay
    replay.stop()
    replay.stop()
    assert (feed.is_running, replay.is_running, replay.counts.is_over) == (False, False, True)


def test_a_replay_holds_its_session_and_ends_when_nobody_holds_it(shared: Path) -> None:
    path = shared / "data/hftbacktest/btcusdt_20240808.gz"
    heard: list[int] = []
    made = cx.connect("binance")
    core = made._session
    feed = made.replay(path).live.trades("BTCUSDT").on(lambda event: heard.append(event.id))
    del made
    gc.collect()
    replay = feed._feed.owner
    assert isinstance(replay, Replay)
    replay.start()
    until(lambda: heard)
    inner = replay._replay
    del replay, feed
    gc.collect()
    count = len(heard)
    until(lambda: len(heard) > count)  # callbacks go on, and with them all that they need
    assert core._closed is None

    portal.run(core.unsubscribe("BTCUSDT"))
    next(iter(inner._live._feeds)).let_go(end=True)
    gc.collect()
    until(lambda: not inner.is_running and core._closed is not None)


def test_a_replay_that_nobody_holds_ends(session: cx.Session, shared: Path) -> None:
    replay = session.replay(shared / "data/hftbacktest/btcusdt_20240808.gz").start()
    inner = replay._replay
    assert inner.is_running
    del replay
    gc.collect()
    until(lambda: not inner.is_running)


QUOTE = (
    '{"stream":"btcusdt@bookTicker","data":{"u":%d,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000",'
    '"a":"61837.64000000","A":"1.54698000"}}'
)


@pytest.fixture
def replay(session: cx.Session, tmp_path: Path) -> Iterator[Replay]:
    """Of two quotes, the second of them an hour after the first."""
    at_ns = 1_723_161_254_087_891_268
    lines = [f"{at_ns} {QUOTE % 1}\n", f"{at_ns + 3_600 * 10**9} {QUOTE % 2}\n"]
    (tmp_path / "tape").write_text("".join(lines))
    with session.replay(tmp_path / "tape") as replay:
        yield replay


def test_what_is_not_started_says_so_and_what_to_do(replay: Replay) -> None:
    feed = replay.live.book_ticker("BTCUSDT")
    todo = "not started: replay.start() plays it"
    assert repr(feed) == f"<Feed paper:book_ticker:BTCUSDT {todo}, 0 events, 0 gaps>"
    assert feed._facts()["state"] == todo
    assert todo in str(feed._repr_html_())
    assert (feed.status.connected, feed.status.stale, feed.status.last_error) == (False, True, todo)
    replay.start()
    assert repr(feed).startswith("<Feed paper:book_ticker:BTCUSDT connected, ")
    assert (feed.status.connected, feed.status.last_error) == (True, None)
    assert feed._facts()["state"].startswith("connected")
    feed.stop()
    assert "stopped" in repr(feed)


def test_a_replay_counts_while_it_plays(replay: Replay) -> None:
    feed = replay.live.book_ticker("BTCUSDT")
    replay.start()
    until(lambda: feed.latest, within_s=30)
    assert replay.counts[:3] == (1, 1, 0)
    assert not replay.counts.is_over
    assert replay._facts()["messages"] == 1
    assert repr(replay).startswith("<Replay tape playing, 1 messages")
