"""The desk: one job at a time, what happens is written down before it is told, and an end without noise."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from cryptox.paper.accounts import Accounts
from cryptox.paper.clock import MarketClock
from cryptox.paper.desk import Desk, NotSaved
from cryptox.paper.refusals import Refused

NOON_US = 1_717_243_200_000_000
UNBEGUN = (-1001, 503)
UNKNOWN = (-1000, 500)


class Shaky:
    """A store that fails when it is told to, and remembers when it was asked to save what."""

    def __init__(self) -> None:
        self.fails = False
        self.saved: list[tuple[int, set[int]]] = []

    def save(self, desk: Desk, now_us: int) -> None:
        if self.fails:
            raise NotSaved("the disk is full")
        self.saved.append((now_us, desk.records.take_changes().accounts))


class Scene:
    """A desk over a still market, with one account."""

    def __init__(self, market: Any) -> None:
        self.clock = MarketClock("2024-06-01 12:00", wall=lambda: 0.0, monotonic=lambda: 0.0)
        accounts = Accounts(1)
        self.account, _ = accounts.create({}, NOON_US)
        self.desk = Desk(market, self.clock, accounts.accounts)
        self.store = Shaky()
        self.desk.store = self.store
        self.told: list[int] = []
        self.desk.listeners.append(lambda reports: self.told.append(len(reports)))

    def deposit(self, now_us: int) -> int:
        self.desk.engine.transfer(self.account, "USDT", 5, now_us)
        return now_us

    @property
    def held(self) -> int:
        return self.account.balance("USDT").free


@pytest.fixture
def scene(flat: Any) -> Scene:
    return Scene(flat)


def over(scene: Scene, talk: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        scene.desk.open()
        try:
            await asyncio.wait_for(talk(scene.desk), 60)
        finally:
            scene.desk.close()

    asyncio.run(main())


async def refusal(work: Coroutine[Any, Any, Any]) -> tuple[int, int]:
    with pytest.raises(Refused) as caught:
        await work
    return int(caught.value.code), caught.value.status


def test_jobs_are_done_one_after_another_in_a_thread_of_their_own(scene: Scene) -> None:
    async def talk(desk: Desk) -> None:
        at_work: list[int] = []

        def job(now_us: int) -> tuple[int, int, str]:
            at_work.append(1)
            count = len(at_work)
            at_work.pop()
            return now_us, count, threading.current_thread().name

        done = await asyncio.gather(*(desk.run(job) for _ in range(50)))
        assert set(done) == {(NOON_US, 1, "cryptox-paper-desk")}
        with pytest.raises(ZeroDivisionError):
            await desk.run(lambda now_us: now_us // 0)
        assert await desk.run(lambda _now_us: 7) == 7

    over(scene, talk)


def test_answers_go_before_events(scene: Scene) -> None:
    async def talk(desk: Desk) -> None:
        order: list[str] = []
        desk.listeners.append(lambda _reports: order.append("told"))
        assert await desk.run(scene.deposit) == NOON_US
        order.append("answered")
        await asyncio.sleep(0.01)
        assert order == ["answered", "told"]
        assert scene.told == [2]

    over(scene, talk)


def test_what_cannot_be_written_down_stops_all_work_until_it_can_be(scene: Scene) -> None:
    async def talk(desk: Desk) -> None:
        scene.store.fails = True
        assert await refusal(desk.run(scene.deposit)) == UNKNOWN
        assert scene.held == 5
        scene.clock.advance("1h")
        for _ in range(2):
            assert await refusal(desk.run(scene.deposit)) == UNBEGUN
        with pytest.raises(Refused):
            await asyncio.to_thread(desk.call, scene.deposit)
        assert (scene.held, scene.told, desk.engine.now_us) == (5, [], NOON_US)
        scene.store.fails = False
        assert await desk.run(scene.deposit) == NOON_US + 3_600_000_000
        await asyncio.sleep(0.01)
        # what could not be kept is kept as of its own time, and told with what came after
        uids = {scene.account.uid}
        assert scene.store.saved == [(NOON_US, uids), (NOON_US + 3_600_000_000, uids)]
        assert (scene.held, scene.told) == (10, [4])

    over(scene, talk)


def test_a_desk_that_is_closed_takes_nothing(scene: Scene) -> None:
    async def talk(desk: Desk) -> None:
        begun, goes_on = threading.Event(), threading.Event()

        def slow(_now_us: int) -> str:
            begun.set()
            goes_on.wait(5)
            return "carried through"

        first = asyncio.ensure_future(desk.run(slow))
        second = asyncio.ensure_future(desk.run(scene.deposit))
        await asyncio.to_thread(begun.wait, 5)
        desk.close()
        goes_on.set()
        assert await first == "carried through"
        assert await refusal(second) == UNBEGUN
        assert await refusal(desk.run(scene.deposit)) == UNBEGUN
        assert scene.held == 0
        desk.open()  # it may be opened again
        assert await desk.run(scene.deposit) == NOON_US

    over(scene, talk)


class Loop:
    """A loop that ends just when it is to be told something."""

    def __init__(self) -> None:
        self.asked = 0
        self.ended = threading.Event()

    def call_soon_threadsafe(self, *_what: Any) -> None:
        self.asked += 1
        self.ended.set()
        raise RuntimeError("Event loop is closed")


def test_a_call_from_a_thread_survives_the_end_of_the_loop(scene: Scene) -> None:
    loop = Loop()
    scene.desk._loop = loop  # type: ignore[assignment]  # the part of one that is used
    assert scene.desk.call(scene.deposit) == NOON_US
    assert (scene.held, loop.asked, scene.store.saved) == (5, 1, [(NOON_US, {scene.account.uid})])
    with pytest.raises(ZeroDivisionError):
        scene.desk.call(lambda now_us: now_us // 0)


def test_the_worker_ends_quietly_with_its_loop(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    others = set(threading.enumerate())  # exchanges that other tests share

    async def talk(desk: Desk) -> None:
        assert desk._jobs is not None
        loop = Loop()
        (first,) = {one for one in threading.enumerate() if one.name == "cryptox-paper-desk"} - others
        jobs, desk._jobs = desk._jobs, type(desk._jobs)()
        jobs.put(None)  # the worker of this loop ends, another takes its place
        await asyncio.to_thread(first.join, 5)
        worker = threading.Thread(target=desk._serve, args=(desk._jobs, loop))
        worker.start()
        desk._jobs.put((scene.deposit, asyncio.get_running_loop().create_future()))
        await asyncio.to_thread(worker.join, 5)
        assert not worker.is_alive()
        assert (loop.asked, scene.held) == (1, 5)

    over(scene, talk)
    assert raised == []


TRADING = """
import hashlib, hmac, http.client, sys, threading, time
from cryptox.paper.exchange import PaperExchange

exchange = PaperExchange(clock="2024-06-01 12:00", symbols=["BTCUSDT"], limits={"ORDERS": (10**6, "10s")}).start()
keys, port = exchange.create_account(), exchange.port
counts = {}
main = threading.main_thread()

def trade(goes_on):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while goes_on():
        query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.001&price=12000&timestamp="
        query += str(time.time_ns() // 10**6)
        signature = hmac.new(keys.secret_key.encode(), query.encode(), hashlib.sha256).hexdigest()
        try:
            path = f"/api/v3/order?{query}&signature={signature}"
            connection.request("POST", path, headers={"X-MBX-APIKEY": keys.api_key})
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            status = 0
        counts[status] = counts.get(status, 0) + 1
        if status == 0:
            return
"""
AFTER_MAIN = """
def after_main():
    main.join()
    left = iter(range(200))
    trade(lambda: next(left, None) is not None)
    print(counts, flush=True)

threading.Thread(target=after_main).start()
"""
STOPPING = """
threads = [threading.Thread(target=trade, args=(lambda: True,)) for _ in range(6)]
for thread in threads:
    thread.start()
while counts.get(200, 0) < 100:
    time.sleep(0.001)
exchange.stop()
for thread in threads:
    thread.join()
print(sorted(counts), flush=True)
"""


def program(text: str) -> tuple[str, str, int]:
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip(), done.stderr, done.returncode


def test_threads_trade_on_after_the_main_thread_has_ended() -> None:
    assert program(TRADING + AFTER_MAIN) == ("{200: 200}", "", 0)


def test_an_end_in_the_midst_of_trading_is_quiet() -> None:
    out, errors, code = program(TRADING + STOPPING)
    assert (errors, code) == ("", 0)
    assert set(eval(out)) <= {0, 200, 503}
