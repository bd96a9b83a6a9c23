"""Waiting for weight: order, priority, patience, cancelling."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from cryptox.errors import Banned, RateLimited
from cryptox.transport.clock import ExchangeClock
from cryptox.transport.gate import Gate
from cryptox.transport.limiter import Limiter
from cryptox.transport.messages import Limit, Usage
from cryptox.transport.spare import Spare

HOUR = 3_600_000


def make(
    amount: int = 100,
    window_ms: int = 24 * HOUR,
    limiter: Limiter | None = None,
    spare: Spare | None = None,
    share: float = 1.0,
) -> Gate:
    """A gate in the middle of a long window, with one answer seen."""
    clock = ExchangeClock()
    now = time.monotonic()
    clock.observe(window_ms * 20_000 + window_ms // 2, now, now, wall_s=time.time())
    return Gate(limiter or Limiter([Limit("REQUEST_WEIGHT", amount, window_ms)]), clock, spare=spare, share=share)


async def opened(amount: int = 100) -> Gate:
    gate = make(amount)
    ticket = await gate.enter(1, patience_s=0)
    gate.answered(ticket, (Usage("REQUEST_WEIGHT", 24 * HOUR, 1),))
    return gate


def test_what_fits_goes_at_once_and_what_does_not_is_refused_at_once() -> None:
    async def main() -> None:
        gate = await opened()
        await gate.enter(90, patience_s=0)
        began = time.monotonic()
        with pytest.raises(RateLimited) as caught:
            await gate.enter(20, patience_s=60)
        assert time.monotonic() - began < 30  # of sixty
        assert caught.value.retry_after == pytest.approx(12 * 3600, rel=0.01)
        assert gate.waiting == 0

    asyncio.run(main())


def test_a_download_of_a_small_share_goes_on_beside_urgent_ones() -> None:
    async def main() -> None:
        spare = Spare(wanted=True)
        await make(spare=spare).enter(1, patience_s=0, urgent=True)
        gate = make(1000, spare=spare, share=0.1)
        first = await gate.enter(1, patience_s=0)
        gate.answered(first, (Usage("REQUEST_WEIGHT", 24 * HOUR, 1),))
        await gate.enter(10, patience_s=0)

    asyncio.run(main())


def test_some_of_the_limit_is_spared_for_urgent_ones() -> None:
    async def main() -> None:
        spare = Spare(wanted=True)
        await make(spare=spare).enter(1, patience_s=0, urgent=True)  # from now on a tenth, of whatever gate
        gate = make(spare=spare)
        first = await gate.enter(1, patience_s=0)
        gate.answered(first, (Usage("REQUEST_WEIGHT", 24 * HOUR, 1),))
        await gate.enter(80, patience_s=0)
        with pytest.raises(RateLimited):
            await gate.enter(12, patience_s=0)
        for _ in range(10):  # the others wait, and hold nobody up
            waiting = asyncio.ensure_future(gate.enter(12, patience_s=100_000))
            await asyncio.sleep(0)
            await gate.enter(1, patience_s=0.5, urgent=True)
        waiting.cancel()

    asyncio.run(main())


def test_those_who_wait_go_in_order_but_urgent_ones_first() -> None:
    async def main() -> None:
        gate = await opened()
        held = await gate.enter(93, patience_s=0)
        order: list[str] = []

        async def go(name: str, urgent: bool) -> None:
            await gate.enter(4, patience_s=100_000, urgent=urgent)
            order.append(name)

        tasks = [asyncio.ensure_future(go(f"bulk{n}", False)) for n in range(3)]
        await asyncio.sleep(0.01)
        tasks.append(asyncio.ensure_future(go("single", True)))
        await asyncio.sleep(0.01)
        assert order == []
        gate.unsent(held)
        await asyncio.gather(*tasks)
        assert order == ["single", "bulk0", "bulk1", "bulk2"]

    asyncio.run(main())


def test_urgent_ones_do_not_starve_the_others() -> None:
    async def main() -> None:
        gate = await opened()
        held = await gate.enter(93, patience_s=0)
        order: list[bool] = []

        async def go(urgent: bool) -> None:
            await gate.enter(4, patience_s=100_000, urgent=urgent)
            order.append(urgent)

        tasks = [asyncio.ensure_future(go(n > 0)) for n in range(20)]
        await asyncio.sleep(0.01)
        assert order == []
        gate.unsent(held)
        await asyncio.gather(*tasks)
        assert order.index(False) == 8

    asyncio.run(main())


def test_a_light_one_passes_dearer_ones_that_find_no_room() -> None:
    async def main() -> None:
        gate = await opened()
        held = await gate.enter(80, patience_s=0)
        order: list[int] = []

        async def go(weight: int) -> None:
            await gate.enter(weight, patience_s=100_000, urgent=True)
            order.append(weight)

        dear = [asyncio.ensure_future(go(weight)) for weight in (30, 31)]
        await asyncio.sleep(0.01)
        await gate.enter(1, patience_s=0.5, urgent=True)
        assert order == []
        gate.unsent(held)
        await asyncio.gather(*dear)
        assert order == [30, 31]  # those that are as dear keep their turn

    asyncio.run(main())


def test_a_cancelled_wait_leaves_nothing_behind() -> None:
    async def main() -> None:
        gate = make()
        held = [await gate.enter(1, patience_s=0) for _ in range(2)]
        first = asyncio.ensure_future(gate.enter(1, patience_s=5))
        second = asyncio.ensure_future(gate.enter(1, patience_s=5))
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.sleep(0.01)
        assert gate.waiting == 1
        gate.answered(held[0], (Usage("REQUEST_WEIGHT", 24 * HOUR, 1),))
        await asyncio.wait_for(second, 30)
        assert gate.waiting == 0
        assert gate.limiter.states(gate.moment())[0].in_flight == 2

    asyncio.run(main())


def test_patience_ends_also_far_back_in_the_queue() -> None:
    async def main() -> None:
        gate = make()
        for _ in range(2):
            await gate.enter(1, patience_s=0)
        long = asyncio.ensure_future(gate.enter(1, patience_s=60))
        await asyncio.sleep(0.01)
        began = time.monotonic()
        with pytest.raises(RateLimited):
            await gate.enter(1, patience_s=0.15)
        assert 0.1 < time.monotonic() - began < 30  # of sixty
        long.cancel()

    asyncio.run(main())


def test_a_stop_refuses_those_in_the_queue_too() -> None:
    async def main() -> None:
        gate = make()
        for _ in range(2):
            await gate.enter(1, patience_s=0)
        waiting = [asyncio.ensure_future(gate.enter(1, patience_s=5)) for _ in range(3)]
        await asyncio.sleep(0.01)
        gate.limiter.forbid(time.monotonic() + 60, banned=True)
        for task in waiting:
            with pytest.raises(Banned) as caught:
                await asyncio.wait_for(task, 30)
            assert 55 < caught.value.retry_after <= 60

    asyncio.run(main())


def test_a_short_stop_is_waited_out() -> None:
    async def main() -> None:
        gate = await opened()
        end = time.monotonic() + 0.2
        gate.limiter.forbid(end)
        await gate.enter(1, patience_s=5)
        assert time.monotonic() >= end

    asyncio.run(main())


def test_patience_that_runs_out_at_the_head_says_when_the_window_ends() -> None:
    async def main() -> None:
        clock, start = ExchangeClock(), HOUR * 400_000
        now = 100.0
        clock.observe(start + HOUR // 2, now, now, wall_s=0.0)
        gate = Gate(
            Limiter([Limit("REQUEST_WEIGHT", 100, HOUR)]), clock, monotonic=lambda: now, wall=lambda: now - 100.0
        )
        held = [await gate.enter(1, patience_s=0) for _ in range(2)]
        head = asyncio.ensure_future(gate.enter(1, patience_s=5))
        behind = asyncio.ensure_future(gate.enter(1, patience_s=5))
        await asyncio.sleep(0.01)
        now += 5.25  # past the patience of both, as after a pause of the loop
        for task in (head, behind):
            with pytest.raises(RateLimited) as caught:
                await asyncio.wait_for(task, 30)
            assert caught.value.retry_after == pytest.approx(1800 - 5.25, abs=0.1)
        gate.answered(held[0], (Usage("REQUEST_WEIGHT", HOUR, 100),))
        with pytest.raises(RateLimited, match=r"in 1794\.\d s") as caught:
            await gate.enter(1, patience_s=-1.0)
        assert caught.value.retry_after == pytest.approx(1800 - 5.25, abs=0.1)

    asyncio.run(main())


@pytest.mark.parametrize("patience_s", [0.0, -0.5, 1e-6])
def test_a_refusal_never_says_zero_seconds(patience_s: float) -> None:
    async def main() -> None:
        gate = await opened()
        await gate.enter(96, patience_s=0)
        with pytest.raises(RateLimited) as caught:
            await gate.enter(2, patience_s=patience_s)  # the reserve, or what is in flight, stands in the way
        assert caught.value.retry_after == pytest.approx(12 * 3600, rel=0.01)

    asyncio.run(main())


def test_an_answer_on_another_loop_lets_a_waiter_in() -> None:
    limiter = Limiter([Limit("REQUEST_WEIGHT", 100, 24 * HOUR)])
    held, free = threading.Event(), threading.Event()

    def other() -> None:
        async def hold() -> None:
            gate = make(limiter=limiter)
            tickets = [await gate.enter(1, patience_s=0) for _ in range(2)]
            held.set()
            await asyncio.to_thread(free.wait, 5)
            gate.answered(tickets[0], (Usage("REQUEST_WEIGHT", 24 * HOUR, 1),))

        asyncio.run(hold())

    async def main() -> None:
        gate = make(limiter=limiter)
        assert held.wait(5)
        task = asyncio.ensure_future(gate.enter(1, patience_s=5))
        await asyncio.sleep(0.02)
        assert not task.done()
        free.set()
        await asyncio.wait_for(task, 30)

    thread = threading.Thread(target=other)
    thread.start()
    try:
        asyncio.run(main())
    finally:
        free.set()
        thread.join()
