from __future__ import annotations

import asyncio

from cryptox.paper.clock import MarketClock
from cryptox.paper.streams.pump import GAP_S, LEAST_S, Pump

NOON = "2024-06-01 12:00"


class Times:
    """Real time that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def delay(speed: float, into_tick_ms: float, needed: bool = True) -> float | None:
    async def main() -> float | None:
        times = Times()
        clock = MarketClock((NOON, speed), wall=times, monotonic=times)
        times.now += into_tick_ms / 1_000 / speed if speed else 0
        return Pump(clock, lambda: asyncio.sleep(0), lambda: needed)._delay()

    return asyncio.run(main())


def test_it_wakes_at_the_next_tick_of_market_time() -> None:
    assert 0.040 <= (delay(1, 60) or 0) <= 0.042
    assert 0.020 <= (delay(2, 60) or 0) <= 0.022
    assert 0.400 <= (delay(0.1, 60) or 0) <= 0.402


def test_at_great_speed_several_ticks_pass_at_once() -> None:
    assert delay(60, 0) == delay(60, 99) == delay(1_000_000, 0) == LEAST_S - GAP_S


def test_it_sleeps_when_time_stands_still_or_nobody_listens() -> None:
    assert delay(0, 0) is None
    assert delay(1, 0, needed=False) is None


def test_pokes_are_taken_together_and_each_waiter_sees_a_pass_that_began_later() -> None:
    async def main() -> None:
        clock = MarketClock(NOON, wall=Times(), monotonic=Times())
        begun, gate = [], asyncio.Event()

        async def step() -> None:
            begun.append(len(begun))
            await gate.wait()

        pump = Pump(clock, step, lambda: True)
        task = asyncio.create_task(pump.run())
        first = asyncio.create_task(pump.passed())
        await asyncio.sleep(0.01)
        second, third = asyncio.create_task(pump.passed()), asyncio.create_task(pump.passed())
        await asyncio.sleep(0.01)
        assert begun == [0]
        gate.set()
        await first
        await asyncio.gather(second, third)
        assert begun == [0, 1]
        for _ in range(50):
            pump.poke()
        await asyncio.sleep(4 * GAP_S)
        assert begun == [0, 1, 2]
        last = asyncio.create_task(pump.passed())
        await asyncio.sleep(0)
        task.cancel()
        await last  # nobody waits for a pump that has stopped

    asyncio.run(main())


def test_a_tick_can_be_shorter() -> None:
    times = Times()
    clock = MarketClock((NOON, 1), wall=times, monotonic=times)
    tick_us = [100_000]
    pump = Pump(clock, lambda: asyncio.sleep(0), lambda: True, lambda: tick_us[0])
    times.now += 0.005
    assert 0.095 <= (pump._delay() or 0) <= 0.097
    tick_us[0] = 20_000
    assert 0.015 <= (pump._delay() or 0) <= 0.017
