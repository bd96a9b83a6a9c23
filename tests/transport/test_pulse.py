"""Silence, sleep and a changed address, in invented time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.transport.pulse import Pulse


class World:
    """A pulse and its two clocks, looked at every tick."""

    def __init__(self, silence_s: float = 10.0, pong_s: float = 5.0) -> None:
        self.now, self.wall = 1_000.0, 1.7e9
        self.pulse = Pulse(silence_s=silence_s, pong_s=pong_s, now=self.now, wall_s=self.wall)
        self.route: str | None = None

    def pass_(self, seconds: float, *, wall: float | None = None) -> None:
        self.now += seconds
        self.wall += seconds if wall is None else wall

    def look(self) -> str:
        return self.pulse.look(self.now, self.wall, self.route)

    def run(self, seconds: float, *, every_s: float | None = None, pongs: bool = False) -> list[tuple[float, str]]:
        """What was said, with seconds since the start; bytes come every ``every_s``."""
        began, said, last = self.now, [], self.now
        while self.now - began < seconds:
            self.pass_(self.pulse.tick_s)
            if every_s is not None and self.now - last >= every_s:
                self.pulse.last_heard = last = self.now
            verdict = self.look()
            if verdict != "fine":
                said.append((self.now - began, verdict))
            if verdict == "ping" and pongs:
                self.pulse.pong(self.now)
            if verdict == "dead":
                break
        return said


def test_silence_is_asked_about_and_then_given_up() -> None:
    assert World().run(60) == [(10.0, "ping"), (15.0, "dead")]


def test_bytes_keep_it_alive_without_any_ping() -> None:
    assert World().run(120, every_s=9.0) == []


def test_a_quiet_stream_that_answers_lives_on() -> None:
    assert World().run(35, pongs=True) == [(10.0, "ping"), (20.0, "ping"), (30.0, "ping")]


def test_any_byte_answers_a_ping() -> None:
    world = World()
    assert world.run(12) == [(10.0, "ping")]
    world.pulse.last_heard = world.now
    assert world.run(60) == [(10.0, "ping"), (15.0, "dead")]


@pytest.mark.parametrize("counts_sleep", [False, True], ids=["monotonic-stands", "monotonic-counts"])
def test_after_a_sleep_it_asks_at_once_and_believes_the_pong_only(counts_sleep: bool) -> None:
    world = World()
    world.run(3, every_s=1.0)
    world.pass_(3_600 if counts_sleep else 1.0, wall=3_600)
    world.pulse.last_heard = world.now  # bytes that lay in this machine
    assert world.look() == "ping"
    world.pass_(1.0)
    world.pulse.last_heard = world.now  # and some more of them
    assert world.look() == "fine"
    assert world.pulse.probing
    assert world.run(60) == [(5.0, "dead")]


def test_after_a_sleep_a_pong_settles_it() -> None:
    world = World()
    world.pass_(1.0, wall=100.0)
    assert world.look() == "ping"
    world.pulse.pong(world.now)
    assert not world.pulse.probing
    assert world.run(60, every_s=1.0) == []


def test_after_a_sleep_a_line_that_talks_but_knows_no_pong_lives_on() -> None:
    world = World()
    world.pass_(1.0, wall=100.0)
    assert world.look() == "ping"
    assert world.run(60, every_s=3.0) == []


def test_a_clock_that_is_set_costs_one_ping() -> None:
    world = World()
    world.pass_(1.0, wall=-3_600.0)
    assert world.look() == "ping"
    world.pulse.pong(world.now)
    assert world.run(60, every_s=1.0) == []


def test_a_drifting_clock_is_no_sleep() -> None:
    world = World()
    for _ in range(600):
        world.pass_(1.0, wall=1.1)
        world.pulse.last_heard = world.now
        assert world.look() == "fine"


def test_a_changed_address_is_asked_about_once() -> None:
    world = World()
    world.route = "192.0.2.7"
    assert world.run(5, every_s=1.0, pongs=True) == []
    world.route = "198.51.100.7"
    assert world.run(30, every_s=1.0, pongs=True) == [(1.0, "ping")]
    world.route = ""  # no network at all
    assert world.run(30) == [(1.0, "ping"), (6.0, "dead")]


def test_a_loop_that_stood_still_has_time_to_read_first() -> None:
    world = World()
    assert world.run(11)[-1] == (10.0, "ping")
    world.pass_(300.0)  # our own loop was blocked, not the line
    assert world.look() == "fine"
    world.pulse.pong(world.now)
    assert world.run(5) == []


def test_a_loop_that_always_stands_still_gives_up_in_the_end() -> None:
    world = World()
    verdicts = []
    for _ in range(10):
        world.pass_(30.0)
        verdicts.append(world.look())
    assert verdicts[0] == "ping"
    assert "dead" in verdicts


@settings(deadline=None)
@given(
    st.floats(0.5, 60),
    st.floats(0.5, 30),
    st.lists(st.tuples(st.floats(0.0, 20.0), st.booleans()), max_size=40),
)
def test_a_dead_line_is_noticed_within_its_budget_whatever_came_before(silence_s, pong_s, before) -> None:
    world = World(silence_s, pong_s)
    for seconds, heard in before:
        world.pass_(seconds)
        if heard:
            world.pulse.last_heard = world.now
        if world.look() == "dead":
            return
    world.pulse.last_heard = heard_at = world.now
    while world.look() != "dead":
        world.pass_(world.pulse.tick_s)
        assert world.now - heard_at <= silence_s + pong_s + 3 * world.pulse.tick_s + 1e-6


@pytest.mark.parametrize(("silence_s", "pong_s"), [(0, 1), (1, 0), (-1, 1)])
def test_times_must_be_above_zero(silence_s: float, pong_s: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pulse(silence_s=silence_s, pong_s=pong_s, now=0.0, wall_s=0.0)
