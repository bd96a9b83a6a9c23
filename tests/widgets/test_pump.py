"""The pump: with a loop whose time the test turns, a source set by hand, and views that write down what came."""

from __future__ import annotations

import gc
import heapq
import itertools
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cryptox.widgets.kinds import ANEW, Change, Kind, Picture
from cryptox.widgets.pump import Pump

KIND = Kind("klines", "klines", (), rate=4, rows=300, checkpoint_s=10.0)
FIELDS = {"connected": True, "stale": False, "synced": True, "gaps": 0, "dropped": 0, "received": 0, "trouble": None}


class Handle:
    def __init__(self, work: Callable[[], None]) -> None:
        self.work: Callable[[], None] | None = work

    def cancel(self) -> None:
        self.work = None


class Loop:
    """A loop's clock and timers."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, int, Handle]] = []
        self.numbers = itertools.count()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, work: Callable[[], None]) -> Handle:
        handle = Handle(work)
        heapq.heappush(self.timers, (self.now + delay, next(self.numbers), handle))
        return handle

    @property
    def due(self) -> list[float]:
        """Seconds from now to what is to be done."""
        return sorted(round(at - self.now, 6) for at, _, handle in self.timers if handle.work is not None)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.timers and self.timers[0][0] <= end:
            self.now, _, handle = heapq.heappop(self.timers)
            if handle.work is not None:
                handle.work()
        self.now = end


class Source:
    """A number, which is the picture; a change is the difference."""

    kind = KIND

    def __init__(self, loop: Loop) -> None:
        self.loop: Any = loop
        self.value = 0
        self.is_running = True
        self.fields = dict(FIELDS)
        self.painted = 0
        self.fails: Exception | None = None
        self.took = 0.0

    def about(self) -> dict[str, Any]:
        return {"title": "a number"}

    def state(self) -> dict[str, Any]:
        return dict(self.fields)

    def count(self) -> object:
        return self.value

    def picture(self) -> Picture:
        self.painted += 1
        self.loop.now += self.took
        if self.fails is not None:
            raise self.fails
        return {"value": self.value}

    def change(self, before: Picture, after: Picture) -> Change | None:
        if abs(after["value"] - before["value"]) > 100:
            return ANEW
        return {"more": after["value"] - before["value"]} if after != before else None

    def stop(self) -> None:
        self.is_running = False
        self.fields["connected"] = False


class Screen:
    """A view, and the page behind it."""

    def __init__(self, pump: Pump) -> None:
        self.is_open = True
        self.number, picture = pump.whole
        self.value = picture.get("value")
        self.wholes: list[int] = []
        self.changes: list[int] = []
        self.states: list[Mapping[str, Any]] = []
        self.fails = False
        self.missed = 0
        pump.expect_view()
        pump.add(self, self.number)

    def frame(self, about: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        self.states.append(dict(state))

    def whole(self, whole: tuple[int, Picture]) -> None:
        self._check()
        self.number, self.value = whole[0], whole[1]["value"]
        self.wholes.append(whole[0])

    def change(self, number: int, change: Change) -> None:
        self._check()
        self.missed += number != self.number + 1
        self.number, self.value = number, self.value + change["more"]
        self.changes.append(number)

    def _check(self) -> None:
        if self.fails:
            raise RuntimeError("the channel broke")


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def source(loop: Loop) -> Source:
    return Source(loop)


@pytest.fixture
def pump(source: Source) -> Pump:
    return Pump(source)


def test_the_pace_is_the_same_whatever_the_feeds(loop: Loop, source: Source, pump: Pump) -> None:
    screen = Screen(pump)
    for _ in range(400):
        source.value += 1
        loop.run(0.01)
    loop.run(0.25)
    assert 15 <= len(screen.changes) <= 17
    assert screen.value == source.value == 400
    assert (screen.wholes, screen.missed) == ([], 0)


def test_nothing_new_nothing_sent(loop: Loop, source: Source, pump: Pump) -> None:
    screen = Screen(pump)
    loop.run(5)
    assert (screen.changes, screen.wholes, source.painted) == ([], [], 1)
    assert len(screen.states) == pytest.approx(6, abs=1)


def test_what_matters_is_told_at_once_and_counts_once_a_second(loop: Loop, source: Source, pump: Pump) -> None:
    screen = Screen(pump)
    loop.run(1.05)
    told = len(screen.states)
    source.fields["received"] = 5
    loop.run(0.3)
    assert len(screen.states) == told
    source.fields["connected"] = False
    loop.run(0.26)
    assert len(screen.states) == told + 1
    assert screen.states[-1] == {**FIELDS, "received": 5, "connected": False, "stopped": False, "error": None,
                                 "paused": False}  # fmt: skip


def test_a_change_that_cannot_be_told_is_a_whole_picture(loop: Loop, source: Source, pump: Pump) -> None:
    screen = Screen(pump)
    source.value = 500
    loop.run(0.3)
    source.value = 501
    loop.run(0.3)
    assert (screen.wholes, screen.changes, screen.value, screen.missed) == ([2], [3], 501, 0)


def test_the_whole_is_sent_now_and_then_besides(loop: Loop, source: Source, pump: Pump) -> None:
    screen = Screen(pump)
    for _ in range(100):
        source.value += 1
        loop.run(0.25)
    assert len(screen.wholes) == 2
    assert (screen.value, screen.missed) == (100, 0)


def test_a_page_that_is_gone_is_sent_nothing_and_gets_the_whole_when_it_is_back(
    loop: Loop, source: Source, pump: Pump
) -> None:
    screen = Screen(pump)
    pump.hear(screen, "shown", "a", screen.number)
    pump.hear(screen, "shown", "b", screen.number)
    pump.hear(screen, "gone", "a")
    source.value = 1
    loop.run(1)
    assert screen.value == 1  # b shows it still
    pump.hear(screen, "gone", "b")
    painted = source.painted
    for _ in range(20):
        source.value += 1
        loop.run(0.25)
    assert (source.painted, screen.value, loop.due) == (painted, 1, [pytest.approx(1, abs=1)])
    pump.hear(screen, "shown", "c", screen.number)
    assert screen.value == 21


def test_a_page_that_missed_something_gets_the_whole(loop: Loop, source: Source, pump: Pump) -> None:
    screen = Screen(pump)
    for _ in range(2):
        source.value += 1
        loop.run(0.3)
    assert screen.number == 3
    pump.hear(screen, "shown", "a", 1)
    assert screen.wholes == [3]
    pump.hear(screen, "shown", "a", 3)
    assert screen.wholes == [3]


def test_pause_holds_one_view_and_not_the_other_nor_the_feed(loop: Loop, source: Source, pump: Pump) -> None:
    held, other = Screen(pump), Screen(pump)
    pump.hear(held, "pause", "a")
    source.value = 7
    loop.run(1)
    assert (held.value, other.value, source.is_running) == (0, 7, True)
    assert (held.states[-1]["paused"], other.states[-1]["paused"]) == (True, False)
    pump.hear(held, "resume", "a")
    assert (held.value, held.states[-1]["paused"]) == (7, False)


def test_stop_ends_the_feed_and_the_view_keeps_its_last_picture(loop: Loop, source: Source, pump: Pump) -> None:
    screen = Screen(pump)
    source.value = 3
    pump.hear(screen, "stop", "a")
    assert (source.is_running, screen.value, screen.states[-1]["stopped"]) == (False, 3, True)
    assert (loop.due, pump.is_over) == ([], True)
    again = Screen(pump)
    assert (again.value, again.states[-1]["stopped"]) == (3, True)
    pump.hear(again, "shown", "b", 0)
    assert again.wholes == [pump.whole[0]]
    pump.hear(again, "stop", "b")


def test_the_end_of_the_feed_is_told(loop: Loop, source: Source, pump: Pump) -> None:
    screen = Screen(pump)
    loop.run(0.1)
    source.value = 9
    source.stop()
    loop.run(0.3)
    assert (screen.value, screen.states[-1]["stopped"], loop.due) == (9, True, [])


def test_what_a_painter_raises_stands_on_the_widget(loop: Loop, source: Source, pump: Pump) -> None:
    screen = Screen(pump)
    source.fails, source.value = ValueError("no such\nthing apiKey=sentinel0123456789abcdef"), 1
    loop.run(0.3)
    assert screen.states[-1]["error"].startswith("ValueError: no such\\nthing")
    assert "sentinel" not in screen.states[-1]["error"]
    painted = source.painted
    loop.run(3)
    assert source.painted - painted == 3  # once a second
    source.fails = None
    loop.run(1.1)
    assert (screen.states[-1]["error"], screen.value) == (None, 1)


def test_what_the_status_raises_stands_there_too(loop: Loop, source: Source, pump: Pump) -> None:
    screen = Screen(pump)

    def broken() -> dict[str, Any]:
        raise KeyError("gone")

    source.state = broken  # type: ignore[method-assign]  # a defect of ours
    loop.run(2)
    assert screen.states[-1]["error"] == "KeyError: 'gone'"
    assert screen.states[-1]["connected"] is True


def test_a_painter_that_fails_at_first_is_shown_when_it_can(loop: Loop, source: Source) -> None:
    source.fails = ValueError("not yet")
    pump = Pump(source)
    screen = Screen(pump)
    assert screen.states[-1]["error"] == "ValueError: not yet"
    source.fails = None
    loop.run(1.1)
    assert (screen.value, screen.states[-1]["error"]) == (0, None)


def test_a_look_that_takes_a_little_does_not_slow_the_pace(loop: Loop, source: Source, pump: Pump) -> None:
    source.took = 0.04
    Screen(pump)
    painted, end = source.painted, loop.now + 4
    while loop.now < end:
        source.value += 1
        loop.run(0.01)
    assert 15 <= source.painted - painted <= 17


def test_a_slow_painter_leaves_the_loop_alone_most_of_the_time(loop: Loop, source: Source, pump: Pump) -> None:
    source.took = 0.5
    Screen(pump)
    painted = source.painted
    for _ in range(100):
        source.value += 1
        loop.run(0.1)
    assert source.painted - painted <= 5


def test_a_view_that_cannot_be_written_to_harms_no_other(loop: Loop, source: Source, pump: Pump) -> None:
    broken, good = Screen(pump), Screen(pump)
    broken.fails = True
    source.value = 1
    loop.run(0.3)
    assert good.value == 1
    broken.is_open = False
    source.value = 2
    loop.run(0.3)
    assert good.value == 2


def test_without_views_the_source_is_let_go(loop: Loop) -> None:
    source = Source(loop)
    there = weakref.ref(source)
    pump = Pump(source)
    del source
    first, second = Screen(pump), Screen(pump)
    pump.remove(first)
    assert not pump.is_over
    pump.expect_view()
    pump.remove(second)
    assert not pump.is_over  # a view is being made
    loop.run(0.3)
    assert loop.due == []
    third = Screen(pump)
    pump.expect_less()
    assert len(loop.due) == 1
    pump.remove(third)
    gc.collect()
    assert (pump.is_over, loop.due, there()) == (True, [], None)
    pump.hear(third, "shown", "a", 0)
    assert third.wholes == []


def test_a_view_that_was_closed_is_forgotten(loop: Loop, source: Source, pump: Pump) -> None:
    screen = Screen(pump)
    screen.is_open = False
    loop.run(1)
    assert (pump.is_over, loop.due) == (True, [])
