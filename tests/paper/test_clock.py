"""Market time: real, frozen, racing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import ConfigurationError, ValidationError
from cryptox.paper.clock import END_US, MarketClock, duration_us

JUNE_MS = 1_717_200_000_000  # 2024-06-01


class Ticking:
    """A wall clock and a monotonic one, moved by hand."""

    def __init__(self) -> None:
        self.wall_s, self.steady_s = 1_800_000_000.25, 50.0

    def clock(self, setting: Any) -> MarketClock:
        return MarketClock(setting, wall=lambda: self.wall_s, monotonic=lambda: self.steady_s)

    def run(self, seconds: float) -> None:
        self.wall_s += seconds
        self.steady_s += seconds


def test_a_clock_begins_no_earlier_than_what_has_happened() -> None:
    time = Ticking()
    still, running, real = time.clock("2024-06-01"), time.clock(("2024-06-01", 60)), time.clock(None)
    late_us = (JUNE_MS + 1_000) * 1_000 + 7
    for clock in (still, running, real):
        clock.resume(late_us)
        clock.resume(late_us - 9_000)
    assert [still.now_us(), running.now_us()] == [late_us, late_us]
    time.run(2.0)
    assert [still.now_us(), running.now_us()] == [late_us, late_us + 120_000_000]
    real.resume(4_000_000_000_000_000)
    assert real.now_us() == 1_800_000_002_250_000


@pytest.mark.parametrize("setting", [None, "now", " NOW "])
def test_real_time_is_the_wall_clock(setting: Any) -> None:
    time = Ticking()
    clock = time.clock(setting)
    assert (clock.now_us(), clock.now_ms()) == (1_800_000_000_250_000, 1_800_000_000_250)
    time.wall_s -= 3_600  # somebody set the clock back
    assert clock.now_ms() == 1_799_996_400_250
    assert clock.header is None
    with pytest.raises(ConfigurationError, match="real time"):
        clock.advance("1h")


@pytest.mark.parametrize("setting", ["2024-06-01", JUNE_MS, JUNE_MS * 1_000, datetime(2024, 6, 1), ("2024-06-01", 0)])
def test_frozen_stays_and_moves_only_by_hand(setting: Any) -> None:
    time = Ticking()
    clock = time.clock(setting)
    time.run(5_000)
    assert clock.now_ms() == JUNE_MS
    assert clock.header == "0"
    clock.advance("1h")
    clock.advance(timedelta(minutes=1))
    clock.advance(250)
    assert clock.now_ms() == JUNE_MS + 3_600_000 + 60_000 + 250
    clock.advance("0.5ms")
    assert clock.now_us() == (JUNE_MS + 3_660_250) * 1_000 + 500


def test_racing_runs_from_the_moment_on_whatever_the_wall_clock_does() -> None:
    time = Ticking()
    clock = time.clock(("2024-06-01", 60))
    time.steady_s += 2
    time.wall_s -= 86_400
    assert clock.now_ms() == JUNE_MS + 120_000
    assert clock.header == "60"
    clock.advance("1d")
    time.steady_s += 1
    assert clock.now_ms() == JUNE_MS + 180_000 + 86_400_000


def test_another_moment_at_real_speed_is_not_real_time() -> None:
    clock = Ticking().clock(("2024-06-01", 1))
    assert (clock.is_real, clock.header) == (False, "1")
    assert Ticking().clock(("2024-06-01", 0.5)).header == "0.5"


@pytest.mark.parametrize(
    "setting",
    [
        True,
        3.5,
        "soonish",
        ("2024-06-01",),
        ("2024-06-01", "fast"),
        ("2024-06-01", -1),
        ("2024-06-01", float("nan")),
        ("2024-06-01", True),
        1_717_200_000,
        object(),
    ],
)
def test_what_is_no_clock_is_refused(setting: Any) -> None:
    with pytest.raises(ValidationError):
        Ticking().clock(setting)


@pytest.mark.parametrize("by", ["1 hour", "-1h", -5, True, 1.5, None, timedelta(seconds=-1), "", "h"])
def test_what_is_no_length_of_time_is_refused(by: Any) -> None:
    clock = Ticking().clock("2024-06-01")
    with pytest.raises(ValidationError, match=r"length of time"):
        clock.advance(by)
    assert clock.now_ms() == JUNE_MS


@pytest.mark.parametrize("setting", ["2024-06-01", ("2024-06-01", 60), None])
@pytest.mark.parametrize("seconds", [1e10, 1e300, -1e10, 7_258_118_400 - 1_717_200_000])
def test_a_step_out_of_range_is_refused_and_nothing_moves(setting: Any, seconds: float) -> None:
    clock = Ticking().clock(setting)
    before = clock.now_us()
    with pytest.raises(ValidationError, match="1970 to 2199"):
        clock.step(int(seconds * 1e6))
    assert clock.now_us() == before
    assert clock.jumps(0, END_US) == []


@pytest.mark.parametrize("by", ["3000000d", "9" * 400 + "d", 10**400, timedelta.max])
def test_it_cannot_be_advanced_beyond_its_end(by: Any) -> None:
    clock = Ticking().clock("2024-06-01")
    with pytest.raises(ValidationError, match=r"1970 to 2199|length of time"):
        clock.advance(by)
    clock.advance("64000d")
    assert repr(clock) == "MarketClock(2199-08-23T00:00:00Z, frozen)"


@pytest.mark.parametrize("setting", ["2300-01-01", ("9999-12-31", 1)])
def test_it_cannot_begin_out_of_range(setting: Any) -> None:
    with pytest.raises(ValidationError, match="1970 to 2199"):
        Ticking().clock(setting)


@pytest.mark.parametrize("speed", [1e9, 1e308])
def test_a_running_clock_stands_still_at_its_end(speed: float) -> None:
    time = Ticking()
    clock = time.clock(("2024-06-01", speed))
    time.run(86_400)
    assert clock.now_us() == END_US
    assert repr(clock).startswith("MarketClock(2200-01-01T00:00:00Z, ")


def test_long_steps_are_remembered() -> None:
    clock = Ticking().clock("2024-06-01")
    start = clock.now_us()
    for by in ("10m", "601s", "5m", "2h"):
        clock.advance(by)
    end = clock.now_us()
    first, second = (start + 600_000_000, start + 1_201_000_000), (start + 1_501_000_000, end)
    assert clock.jumps(start, end) == clock.jumps(0, END_US) == [first, second]
    assert clock.jumps(first[0] + 5, second[0] + 7) == [(first[0] + 5, first[1]), (second[0], second[0] + 7)]
    assert clock.jumps(first[1], second[0]) == []
    for _ in range(999):
        clock.advance("601s")
    jumps = clock.jumps(0, END_US)
    assert len(jumps) == 1_000
    assert jumps[0] == (first[0], second[1])  # the two oldest, and what lies between them


@given(st.integers(0, 10**6), st.sampled_from([("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)]))
def test_all_forms_of_a_length_agree(count: int, unit: tuple[str, int]) -> None:
    name, ms = unit
    assert duration_us(f"{count}{name}") == duration_us(count * ms) == duration_us(timedelta(milliseconds=count * ms))
