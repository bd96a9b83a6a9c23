"""A kept connection in invented time: whatever the world does, never two, never too many, never none for good."""

from __future__ import annotations

import math
import random
from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptox.transport.breaker import Breaker
from cryptox.transport.life import Address, Allowance, Close, Connect, Habits, Life, Wait


def address(amount: int = 300, seconds: float = 300.0, threshold: int = 8) -> Address:
    return Address(Allowance(amount, seconds), Breaker(threshold=threshold))


def begun(life: Life, now: float = 0.0) -> int:
    step = life.step(now)
    assert isinstance(step, Connect)
    return step.number


def carrying(life: Life, now: float = 0.0) -> int:
    number = begun(life, now)
    life.connected(number, now, 0.0)
    life.carries(number, now)
    return number


def test_it_connects_and_then_waits_for_the_end_of_its_life() -> None:
    life = Life(address(), Habits(connection_life=1_000))
    assert life.state == "waiting"
    assert life.step(5.0) == Connect(1)
    assert (life.state, life.step(5.0)) == ("connecting", Wait(math.inf))
    life.connected(1, 6.0, 0.5)
    assert (life.state, life.step(6.0)) == ("open", Wait(36.0))  # it must carry by then
    life.carries(1, 7.0)
    assert (life.state, life.step(7.0)) == ("carrying", Wait(906.0))
    assert (life.reconnects, life.failures) == (0, 0)


def test_the_old_one_goes_only_when_the_new_one_carries() -> None:
    life = Life(address(), Habits(connection_life=1_000))
    carrying(life)
    assert life.step(849.9) == Wait(850.0)
    assert life.step(850.0) == Connect(2)
    assert (life.state, life.live) == ("handing_over", 2)
    life.connected(2, 851.0, 0.0)
    assert isinstance(life.step(851.0), Wait)
    life.carries(2, 852.0)
    assert life.step(852.0) == Close(1, "handed_over")
    assert life.step(852.0) == Wait(math.inf)
    life.ended(1, 853.0, 0.0)
    assert (life.state, life.live, life.failures, life.reconnects) == ("carrying", 1, 0, 1)
    assert life.step(853.0) == Wait(851.0 + 850.0)  # no reconnect for the one we closed


def test_a_shutdown_told_of_starts_the_hand_over_at_once() -> None:
    life = Life(address())
    carrying(life)
    life.retire(1, 100.0, 0.0)
    assert life.step(100.0) == Connect(2)
    life.retire(1, 100.5, 0.0)  # told twice
    assert life.step(100.5) == Wait(math.inf)
    life.failed(2, 101.0, 0.0)
    assert life.state == "carrying"  # the old one still does
    assert life.step(101.0) == Wait(101.125)
    assert life.step(101.125) == Connect(3)


def test_shutdowns_in_a_row_do_not_become_a_storm() -> None:
    life, now, starts = Life(address()), 0.0, []
    number = carrying(life)
    for _ in range(12):
        life.retire(number, now, 0.999)
        while isinstance(step := life.step(now), Wait):
            now = step.until
        assert isinstance(step, Connect)
        starts.append(now)
        life.connected(step.number, now, 0.0)
        life.carries(step.number, now)
        assert life.step(now) == Close(number, "handed_over")
        life.ended(number, now, 0.0)
        number = step.number
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    assert all(later >= earlier - 1e-6 for earlier, later in pairwise(pauses))
    assert pauses[-1] > 29


def test_the_one_in_use_dies_during_a_hand_over() -> None:
    life = Life(address())
    carrying(life)
    life.retire(1, 100.0, 0.0)
    assert life.step(100.0) == Connect(2)
    life.ended(1, 100.1, 0.0)
    assert life.step(100.1) == Wait(math.inf)  # the one under way is enough
    assert life.state == "connecting"
    life.connected(2, 100.2, 0.0)
    life.carries(2, 100.3)
    assert (life.state, life.live) == ("carrying", 1)


def test_no_third_one_while_the_first_still_closes() -> None:
    life = Life(address())
    carrying(life)
    life.retire(1, 100.0, 0.0)
    life.connected(begun(life, 100.0), 100.0, 0.0)
    life.carries(2, 100.0)
    assert life.step(100.0) == Close(1, "handed_over")
    life.retire(2, 170.0, 0.0)
    assert life.step(171.0) == Wait(math.inf)
    life.ended(1, 172.0, 0.0)
    assert life.step(172.0) == Connect(3)


def test_one_that_never_carries_is_closed_and_tried_again() -> None:
    life = Life(address(), Habits(carry_s=30.0))
    life.connected(begun(life), 1.0, 0.0)
    assert life.step(31.0) == Close(1, "not_carrying")
    assert life.step(40.0) == Wait(math.inf)  # not before it is gone
    life.ended(1, 40.0, 0.0)
    assert life.step(40.0) == Connect(2)
    assert life.failures == 1


def test_a_successor_that_never_carries_leaves_the_old_one_alone() -> None:
    life = Life(address())
    carrying(life)
    life.retire(1, 100.0, 0.0)
    life.connected(begun(life, 100.0), 100.0, 0.0)
    assert life.step(130.0) == Close(2, "not_carrying")
    life.ended(2, 130.0, 0.0)
    assert life.state == "carrying"
    assert life.step(130.25) == Connect(3)


@settings(deadline=None)
@given(st.floats(0, 1, exclude_max=True))
def test_pauses_grow_with_jitter_up_to_the_cap(jitter: float) -> None:
    life, now, pauses = Life(address(amount=1_000, threshold=10_000)), 0.0, []
    for _ in range(200):
        life.failed(begun(life, now), now, jitter)
        wait = life.step(now)
        assert isinstance(wait, Wait)
        pauses.append(wait.until - now)
        now = wait.until
    assert pauses[0] == pytest.approx(0.25 * (1 + jitter) / 2)
    assert pauses[1] == pytest.approx(0.5 * (1 + jitter) / 2)
    assert all(15.0 - 1e-6 <= pause <= 30.0 for pause in pauses[7:])
    assert life.failures == 200


def test_what_never_left_this_machine_is_tried_more_often() -> None:
    life, now = Life(address(threshold=10_000)), 0.0
    for _ in range(50):
        life.failed(begun(life, now), now, 0.999, sent=False)
        wait = life.step(now)
        assert isinstance(wait, Wait)
        assert wait.until - now <= 5.0
        now = wait.until


@pytest.mark.parametrize(("carried_s", "failures"), [(59.9, 6), (60.0, 1)])
def test_only_a_steady_minute_forgets_failures(carried_s: float, failures: int) -> None:
    life, now = Life(address()), 0.0
    for _ in range(5):
        life.failed(begun(life, now), now, 0.0)
        now = life.step(now).until  # type: ignore[union-attr]
    carrying(life, now)
    life.ended(6, now + carried_s, 0.0)
    assert life.failures == failures


def test_failed_hand_overs_back_off_although_the_old_one_is_steady() -> None:
    life, now, pauses = Life(address(threshold=1_000)), 1_000.0, []
    carrying(life)
    life.retire(1, now, 0.0)
    for _ in range(10):
        number = begun(life, now)
        life.failed(number, now, 0.0)
        pauses.append(life.step(now).until - now)  # type: ignore[union-attr]
        now += pauses[-1]
    assert pauses[0] == pytest.approx(0.125)
    assert pauses[-1] == pytest.approx(15.0)


def test_a_refusal_with_a_time_holds_everybody_at_that_address() -> None:
    shared = address()
    one, other = Life(shared), Life(shared)
    one.failed(begun(one), 10.0, 0.0, retry_after=120.0)
    assert one.step(20.0) == Wait(130.0)
    assert other.step(20.0) == Wait(130.0)
    assert isinstance(other.step(130.0), Connect)


def test_the_breaker_opens_and_lets_one_try() -> None:
    shared = address(threshold=3)
    lives = [Life(shared) for _ in range(6)]
    for life in lives[:3]:
        life.failed(begun(life), 0.0, 0.0)
    assert shared.breaker.state(0.5) == "open"
    assert lives[3].step(0.5) == Wait(1.0)
    assert shared.breaker.state(1.0) == "half_open"
    probe = begun(lives[3], 1.0)
    assert [life.step(1.0) for life in lives[4:]] == [Wait(1.1)] * 2
    lives[3].connected(probe, 1.1, 0.0)
    assert shared.breaker.state(1.1) == "closed"
    assert isinstance(lives[4].step(1.1), Connect)


def test_a_try_that_is_stopped_frees_the_breaker() -> None:
    shared = address(threshold=1)
    one, other = Life(shared), Life(shared)
    one.failed(begun(one), 0.0, 0.0)
    probe = begun(one, 5.0)
    assert isinstance(other.step(5.0), Wait)
    one.stop()
    assert one.step(5.0) == Close(probe, "stopped")
    assert one.state == "stopping"
    one.failed(probe, 5.1, 0.0)
    assert one.state == "over"
    assert isinstance(other.step(5.1), Connect)


def test_after_stop_nothing_is_opened() -> None:
    life = Life(address())
    carrying(life)
    life.retire(1, 100.0, 0.0)
    begun(life, 100.0)
    life.stop()
    assert {life.step(100.0), life.step(100.0)} == {Close(1, "stopped"), Close(2, "stopped")}
    life.connected(2, 100.1, 0.0)
    life.carries(2, 100.1)
    life.ended(1, 100.2, 0.0)
    life.ended(2, 100.2, 0.0)
    assert (life.state, life.step(1e9)) == ("over", Wait(math.inf))


def test_news_of_the_unknown_and_told_twice_change_nothing() -> None:
    life = Life(address())
    carrying(life)
    for number in (0, 7):
        life.connected(number, 1.0, 0.0)
        life.carries(number, 1.0)
        life.retire(number, 1.0, 0.0)
        life.ended(number, 1.0, 0.0)
        life.failed(number, 1.0, 0.0)
    life.connected(1, 50.0, 0.0)
    life.carries(1, 50.0)
    assert (life.state, life.live, life.failures, life.reconnects) == ("carrying", 1, 0, 0)
    assert life.step(2.0) == Wait(0.85 * 86_400)


@settings(deadline=None)
@given(st.integers(1, 8), st.floats(0.5, 50), st.lists(st.floats(0, 30), max_size=200))
def test_no_window_anywhere_holds_more_than_allowed(amount: int, seconds: float, gaps: list[float]) -> None:
    allowance, now, taken = Allowance(amount, seconds), 0.0, []
    for gap in gaps:
        now += gap
        wait_s = allowance.take(now)
        if wait_s == 0.0:
            taken.append(now)
        else:
            assert allowance.wait_s(now + wait_s * (1 + 1e-9) + 1e-9) == 0.0  # it does not wait for nothing
    for at in range(len(taken) - amount):
        assert taken[at + amount] - taken[at] >= seconds - 1e-9


def test_what_cannot_wait_is_counted_as_well() -> None:
    control = Allowance(2, 1.0)
    assert control.take(0.0) == 0.0
    control.note(0.5)
    assert control.take(0.6) == pytest.approx(0.4)
    assert control.take(1.0) == 0.0


@pytest.mark.parametrize("bad", [{"base_s": 0}, {"cap_s": 1.0}, {"connection_life": -1}, {"offline_cap_s": 0.1}])
def test_habits_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"above 0|must hold"):
        Habits(**bad)


class World:
    """Several lives at one address, driven as their owner would, against a network that does what it likes."""

    AMOUNT, SECONDS = 12, 60.0

    def __init__(self, seed: int, lives: int) -> None:
        self.chance = random.Random(seed)
        self.now = 0.0
        self.address = address(self.AMOUNT, self.SECONDS, threshold=4)
        self.habits = Habits(connection_life=self.chance.choice([60.0, 600.0]), carry_s=20.0)
        self.lives = [Life(self.address, self.habits) for _ in range(lives)]
        self.live: list[dict[int, str]] = [{} for _ in range(lives)]  # number -> attempt | open | carries | closing
        self.opened: dict[tuple[int, int], float] = {}
        self.retired: list[set[int]] = [set() for _ in range(lives)]
        self.attempts: deque[float] = deque()
        self.works = True

    def drive(self) -> float:
        """Do what the lives want; when the next one wants something."""
        until = math.inf
        for index, life in enumerate(self.lives):
            while not isinstance(step := life.step(self.now), Wait):
                if isinstance(step, Connect):
                    self.connect(index, step.number)
                else:
                    self.close(index, step)
            assert step.until > self.now
            until = min(until, step.until)
        return until

    def connect(self, index: int, number: int) -> None:
        live = self.live[index]
        if live:  # a second one: only to relieve one that is about to go
            [(other, state)] = live.items()
            age = self.now - self.opened[index, other]
            assert state in ("open", "carries")
            assert other in self.retired[index] or age >= 0.85 * self.habits.connection_life - 1e-6
        live[number] = "attempt"
        self.attempts.append(self.now)
        while self.attempts[0] <= self.now - self.SECONDS + 1e-9:
            self.attempts.popleft()
        assert len(self.attempts) <= self.AMOUNT

    def close(self, index: int, step: Close) -> None:
        live = self.live[index]
        if step.why == "handed_over":
            assert any(state == "carries" and number > step.number for number, state in live.items())
        live[step.number] = "closing"

    def happen(self) -> None:
        """Something happens to one connection."""
        index = self.chance.randrange(len(self.lives))
        life, live, jitter = self.lives[index], self.live[index], self.chance.random()
        if not live:
            return
        number = self.chance.choice(list(live))
        state, draw = live[number], self.chance.random()
        if state == "attempt":
            if self.works and draw < 0.8:
                live[number] = "open"
                self.opened[index, number] = self.now
                life.connected(number, self.now, jitter)
            else:
                del live[number]
                wait = self.chance.choice([None, None, None, 5.0])
                life.failed(number, self.now, jitter, sent=draw < 0.9, retry_after=wait)
        elif state == "closing" or draw < 0.15:
            del live[number]
            life.ended(number, self.now, jitter)
        elif draw < 0.35:
            self.retired[index].add(number)
            life.retire(number, self.now, jitter)
        elif draw < 0.8:
            live[number] = "carries"
            life.carries(number, self.now)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_whatever_the_world_does_there_is_never_a_double_and_it_never_gives_up(seed: int, lives: int) -> None:
    world = World(seed, lives)
    for _ in range(400):
        until = world.drive()
        assert all(life.live == len(live) for life, live in zip(world.lives, world.live, strict=True))
        if world.chance.random() < 0.02:
            world.works = not world.works
        if world.chance.random() < 0.4 and until < math.inf:
            world.now = until
        else:
            world.now += world.chance.expovariate(1.0)
        world.happen()
    # The network works again: within the longest pauses every life carries once more.
    world.works, limit = True, world.now + 30 + 30 + 5 + lives * world.SECONDS
    while not all("carries" in live.values() for live in world.live):
        until = world.drive()
        for index, live in enumerate(world.live):
            for number, state in list(live.items()):
                if state == "attempt":
                    live[number] = "open"
                    world.opened[index, number] = world.now
                    world.lives[index].connected(number, world.now, 0.5)
                elif state == "open":
                    live[number] = "carries"
                    world.lives[index].carries(number, world.now)
                elif state == "closing":
                    del live[number]
                    world.lives[index].ended(number, world.now, 0.5)
        world.now = min(until, world.now + 0.5)
        assert world.now < limit
    for life in world.lives:
        life.stop()
    world.drive()
    assert all(state == "closing" for live in world.live for state in live.values())


def test_it_says_when_it_changes_the_breaker() -> None:
    place = address(threshold=2)
    life = Life(place, Habits(connection_life=1_000))
    now, told = 0.0, []
    for _ in range(2):
        step = life.step(now)
        while isinstance(step, Wait):
            now = step.until
            step = life.step(now)
        assert isinstance(step, Connect)
        told.append(life.failed(step.number, now, 0.0))
    assert told == [False, True]
    assert not life.failed(99, now, 0.0)
    step = life.step(now)
    while isinstance(step, Wait):
        now = step.until
        step = life.step(now)
    assert isinstance(step, Connect)
    assert life.connected(step.number, now, 0.0)
    assert not life.connected(step.number, now, 0.0)
