"""A paper account survives a restart, and a kill at any moment."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import httpx
import pandas as pd
import pytest

from cryptox.errors import ConfigurationError, ValidationError
from cryptox.paper.exchange import PaperExchange, PaperKeys

NOON = "2024-06-01 12:00"
ROOT = Path(__file__).resolve().parents[2]


class Trader:
    """A bare signed client."""

    made: ClassVar[list[Trader]] = []

    def __init__(self, url: str, keys: PaperKeys) -> None:
        self.keys = keys
        self.made.append(self)
        self.client = httpx.Client(base_url=url, headers={"X-MBX-APIKEY": keys.api_key}, trust_env=False)

    def ask(self, method: str, path: str, **params: object) -> httpx.Response:
        query = urlencode({**params, "timestamp": int(time.time() * 1000)})
        signature = hmac.new(self.keys.secret_key.encode(), query.encode(), hashlib.sha256).hexdigest()
        return self.client.request(method, f"/api/v3/{path}?{query}&signature={signature}")

    def state(self) -> dict[str, object]:
        """All that the account can be asked about itself, times of asking left out."""
        pages = {
            "account": self.ask("GET", "account").json(),
            "open": self.ask("GET", "openOrders", symbol="BTCUSDT").json(),
            "all": self.ask("GET", "allOrders", symbol="BTCUSDT").json(),
            "trades": self.ask("GET", "myTrades", symbol="BTCUSDT").json(),
            "lists": self.ask("GET", "allOrderList").json(),
            "prevented": self.ask("GET", "myPreventedMatches", symbol="BTCUSDT", orderId=1).json(),
            "tape": self.client.get("/api/v3/trades", params={"symbol": "BTCUSDT", "limit": 20}).json(),
        }
        assert all("code" not in page for page in pages.values()), pages
        return pages

    def price(self) -> Decimal:
        return Decimal(self.client.get("/api/v3/ticker/price", params={"symbol": "BTCUSDT"}).json()["price"])


def lived(trader: Trader) -> None:
    """A market order, a resting one, a cancelled one, an amended one, a list, and a trade with itself prevented."""
    price = trader.price()

    def limit(side: str, factor: str, quantity: str) -> dict[str, object]:
        near = (price * Decimal(factor)).quantize(Decimal("0.01"))
        answer = trader.ask(
            "POST", "order", symbol="BTCUSDT", side=side, type="LIMIT", timeInForce="GTC", quantity=quantity, price=near
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    answer = trader.ask("POST", "order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.02")
    assert answer.json()["status"] == "FILLED"
    limit("BUY", "0.99", "0.03")
    gone = limit("BUY", "0.98", "0.01")
    assert trader.ask("DELETE", "order", symbol="BTCUSDT", orderId=gone["orderId"]).status_code == 200
    large = limit("BUY", "0.97", "0.02")
    amended = trader.ask(
        "PUT", "order/amend/keepPriority", symbol="BTCUSDT", orderId=large["orderId"], newQty="0.01000"
    )
    assert amended.status_code == 200, amended.text
    listed = trader.ask(
        "POST",
        "orderList/oco",
        symbol="BTCUSDT",
        side="SELL",
        quantity="0.01",
        aboveType="LIMIT_MAKER",
        abovePrice=(price * Decimal("1.05")).quantize(Decimal("0.01")),
        belowType="STOP_LOSS",
        belowStopPrice=(price * Decimal("0.90")).quantize(Decimal("0.01")),
    )
    assert listed.status_code == 200, listed.text


@pytest.fixture(autouse=True)
def _closed_clients() -> Iterator[None]:
    yield
    while Trader.made:
        Trader.made.pop().client.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "paper.sqlite"


def test_everything_is_there_after_a_restart(path: Path) -> None:
    with PaperExchange(clock=NOON, path=path) as exchange:
        keys = exchange.create_account({"USDT": 50_000, "BTC": 1})
        trader = Trader(exchange.rest_url, keys)
        lived(trader)
        exchange.lock(keys.api_key, "USDT", 100)
        before = trader.state()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 or os.name == "nt"
    with PaperExchange(clock=NOON, path=path) as exchange:
        trader = Trader(exchange.rest_url, keys)
        assert trader.state() == before
        placed = trader.ask("POST", "order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.001").json()
        assert placed["orderId"] == max(order["orderId"] for order in before["all"]) + 1
        with pytest.raises(ValidationError, match="Less than 101 USDT"):
            exchange.lock(keys.api_key, "USDT", -101)
        exchange.lock(keys.api_key, "USDT", -100)
        assert placed["fills"][0]["tradeId"] == before["tape"][-1]["id"] + 1


def test_an_order_that_rested_is_filled_by_what_the_market_did_meanwhile(path: Path) -> None:
    with PaperExchange(clock=NOON, path=path) as exchange:
        keys = exchange.create_account({"USDT": 50_000})
        trader = Trader(exchange.rest_url, keys)
        near = trader.price() - 5
        placed = trader.ask(
            "POST", "order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=near
        ).json()
        assert placed["status"] == "NEW"
        low = min(
            Decimal(row[3])
            for row in trader.client.get(
                "/api/v3/klines", params={"symbol": "BTCUSDT", "interval": "1m", "limit": 5}
            ).json()
        )
    with PaperExchange(clock="2024-06-02 12:00", path=path) as exchange:
        trader = Trader(exchange.rest_url, keys)
        rows = trader.client.get("/api/v3/klines", params={"symbol": "BTCUSDT", "interval": "1m", "limit": 1000}).json()
        assert min(Decimal(row[3]) for row in rows) < near < low + 100  # the market did come down to it
        order = trader.ask("GET", "order", symbol="BTCUSDT", orderId=placed["orderId"]).json()
        assert order["status"] == "FILLED"
        assert order["updateTime"] > placed["transactTime"]
        assert trader.ask("GET", "myTrades", symbol="BTCUSDT").json()[0]["isMaker"] is True


def test_what_comes_too_late_for_the_file_is_told(path: Path) -> None:
    exchange = PaperExchange(clock=NOON, path=path).start()
    keys, state = exchange.create_account({"USDT": 5}), exchange._state
    key = state.accounts.by_api_key(keys.api_key)
    assert key is not None
    exchange.stop()
    with pytest.raises(ConfigurationError, match="the exchange was stopped meanwhile"):
        state.deposit(key.account, "USDT", 7)  # of a thread that was about to when it stopped
    exchange.deposit(keys.api_key, "USDT", 1)
    assert [one.balances["USDT"].free for one in exchange._state.accounts.accounts.values()] == [600_000_000]
    exchange.stop()


def test_two_exchanges_cannot_share_a_file(path: Path) -> None:
    with (
        PaperExchange(clock=NOON, path=path),
        pytest.raises(ConfigurationError, match=r"paper\.sqlite.*locked"),
        PaperExchange(clock=NOON, path=path),
    ):
        pass


def test_another_market_is_refused(path: Path) -> None:
    with PaperExchange(clock=NOON, path=path) as exchange:
        keys = exchange.create_account()
    with pytest.raises(ConfigurationError, match="another market"):
        PaperExchange(8, clock=NOON, path=path).start()
    with PaperExchange(clock=NOON, path=path) as exchange:  # a refusal has not spoilt the file
        assert Trader(exchange.rest_url, keys).state()["open"] == []


def hours(count: int = 48, *, last: float = 101.5) -> pd.DataFrame:
    """A history of plain numbers."""
    times = pd.date_range("2024-01-01", periods=count, freq="h", tz="UTC")
    frame = pd.DataFrame(
        {"open_time": times, "open": 100.5, "high": 102.5, "low": 99.5, "close": 101.5, "volume": 40.0}
    )
    frame.loc[count - 1, "close"] = last
    return frame


def test_another_history_is_refused(path: Path, tmp_path: Path) -> None:
    hours().to_csv(tmp_path / "BTC_USDT-1h.csv", index=False)
    with PaperExchange(history={"BTCUSDT": hours()}, path=path) as exchange:
        keys = exchange.create_account()
    others: list[tuple[dict[str, Any], str]] = [
        ({"history": {"BTCUSDT": hours(last=101.6)}}, "another history"),
        ({"history": {"BTCUSDT": hours(49)}}, "another history"),
        ({"history": {"BTCUSDT": hours().iloc[1:]}}, "another history"),
        ({"history": {"BTCUSDT": hours().assign(trades=100)}}, "another history"),
        ({"history": {"BTCUSDT": hours()}, "seed": 8}, "another market.*seed 7, and here 8"),
        ({"history": {"ETHUSDT": hours()}}, r"another market.*symbols \['BTCUSDT'\], and here \['ETHUSDT'\]"),
        ({"symbols": ["BTCUSDT"]}, "another market.*replayed True, and here False"),
    ]
    for arguments, words in others:
        with pytest.raises(ConfigurationError, match=f"paper.sqlite' belongs to {words}"):
            PaperExchange(**arguments, path=path).start()
    for same in ({"BTCUSDT": hours()}, tmp_path / "BTC_USDT-1h.csv"):  # the refusals have not spoilt the file
        with PaperExchange(history=same, path=path) as exchange:
            assert exchange.first_account() == keys


def test_a_file_of_an_earlier_version_takes_the_history_it_meets(path: Path) -> None:
    with PaperExchange(history={"BTCUSDT": hours()}, path=path) as exchange:
        keys = exchange.create_account()
    with closing(sqlite3.connect(path)) as file:
        ((text,),) = file.execute("SELECT value FROM meta WHERE name = 'market'").fetchall()
        known = json.loads(text)
        assert len(known.pop("history")) == 64
        file.execute("UPDATE meta SET value = ? WHERE name = 'market'", (json.dumps(known),))
        file.commit()
    with pytest.raises(ConfigurationError, match="another market"):  # the rest must fit
        PaperExchange(8, history={"BTCUSDT": hours()}, path=path).start()
    with PaperExchange(history={"BTCUSDT": hours(49)}, path=path) as exchange:
        assert exchange.first_account() == keys
    with pytest.raises(ConfigurationError, match="another history"):
        PaperExchange(history={"BTCUSDT": hours()}, path=path).start()


def test_the_same_script_runs_twice_and_goes_on_where_it_was(path: Path) -> None:
    ends = []
    for _ in range(2):
        with PaperExchange(clock=NOON, path=path) as exchange:
            trader = Trader(exchange.rest_url, exchange.first_account())
            begins = exchange.clock.now_ms()
            exchange.clock.advance("1h")
            rest = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
            placed = trader.ask("POST", "order", **rest, price=trader.price() - 900).json()
            ends.append((begins, placed["transactTime"], placed["orderId"]))
    noon_ms, hour_ms = 1_717_243_200_000, 3_600_000
    assert ends == [(noon_ms, noon_ms + hour_ms, 1), (noon_ms + hour_ms, noon_ms + 2 * hour_ms, 2)]


def test_a_running_clock_goes_on_from_the_file_and_a_real_one_is_left_alone(path: Path) -> None:
    with PaperExchange(clock="2050-01-01", path=path) as exchange:
        keys = exchange.create_account()
    late_ms = 2_524_608_000_000
    with PaperExchange(clock=(NOON, 60), path=path) as exchange:
        assert late_ms <= exchange.clock.now_ms() < late_ms + 3_600_000
        assert exchange.clock.speed == 60
    with PaperExchange(path=path) as exchange:
        assert abs(exchange.clock.now_ms() / 1e3 - time.time()) < 60
        trader = Trader(exchange.rest_url, keys)  # its timestamps are those of real time
        order = trader.ask("POST", "order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001").json()
        assert order["transactTime"] >= late_ms  # what has happened stays before what comes


class Failing:
    """A connection whose commands of one kind fail while they are told to."""

    def __init__(self, inner: Any, command: str) -> None:
        self._inner, self._command, self.fails = inner, command, True

    def execute(self, command: str, *values: Any) -> Any:
        if self.fails and command.startswith(self._command):
            raise sqlite3.OperationalError("disk I/O error")
        return self._inner.execute(command, *values)

    def executemany(self, command: str, rows: Any) -> Any:
        if self.fails and rows and command.startswith(self._command):
            raise sqlite3.OperationalError("database or disk is full")
        return self._inner.executemany(command, rows)

    def close(self) -> None:
        self._inner.close()


def broken(exchange: PaperExchange, command: str) -> Failing:
    store = exchange._state._store
    assert store is not None
    store._connection = failing = Failing(store._connection, command)
    return failing


def copied(path: Path, to: Path) -> Path:
    """What a kill would leave now."""
    for tail in ("", "-wal"):
        if Path(f"{path}{tail}").exists():
            shutil.copy(f"{path}{tail}", f"{to}{tail}")
    return to


@pytest.mark.parametrize("command", ["BEGIN", "REPLACE INTO orders", "INSERT INTO fills", "COMMIT"])
def test_a_write_that_fails_loses_nothing_and_stops_the_exchange(path: Path, tmp_path: Path, command: str) -> None:
    with PaperExchange(clock=NOON, path=path) as exchange:
        keys = exchange.create_account({"USDT": 50_000, "BTC": 1})
        trader = Trader(exchange.rest_url, keys)
        buy = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}
        assert trader.ask("POST", "order", **buy, quantity="0.01").status_code == 200
        before = trader.state()
        failing = broken(exchange, command)
        lost = trader.ask("POST", "order", **buy, quantity="0.02")
        assert (lost.status_code, lost.json()["code"]) == (500, -1000)
        for path_, method in (("account", "GET"), ("order", "POST")):
            refused = trader.ask(method, path_, **(buy | {"quantity": "0.04"} if method == "POST" else {}))
            assert (refused.status_code, refused.json()["code"]) == (503, -1001)
        assert trader.client.get("/api/v3/ping").status_code == 200
        with pytest.raises(ConfigurationError, match=r"paper\.sqlite.*disk"):
            exchange.create_account()
        killed = copied(path, tmp_path / "killed.sqlite")
        failing.fails = False
        after = trader.state()
        assert [order["origQty"] for order in after["all"]] == ["0.01000000", "0.02000000"]
        assert len(exchange._state.accounts.accounts) == 1
    with PaperExchange(clock=NOON, path=path) as exchange:
        assert Trader(exchange.rest_url, keys).state() == after
    with PaperExchange(clock=NOON, path=killed) as exchange:
        assert Trader(exchange.rest_url, keys).state() == before


def test_an_account_and_its_key_are_written_together(path: Path, tmp_path: Path) -> None:
    with PaperExchange(clock=NOON, path=path) as exchange:
        failing = broken(exchange, "REPLACE INTO accounts")
        with pytest.raises(ConfigurationError, match="disk is full"):
            exchange.create_account()
        killed = copied(path, tmp_path / "killed.sqlite")
        failing.fails = False
        first = exchange.create_account()
    with PaperExchange(clock=NOON, path=killed) as exchange:
        state = exchange._state
        assert (state.accounts.accounts, repr(state.accounts)) == ({}, "Accounts(0 accounts, 0 keys)")
    with PaperExchange(clock=NOON, path=path) as exchange:
        assert Trader(exchange.rest_url, first).ask("GET", "account").json()["uid"] == 100_000_002


def test_a_key_without_an_account_opens_nobodys(path: Path) -> None:
    with PaperExchange(clock=NOON, path=path) as exchange:
        orphan = exchange.create_account()
    with closing(sqlite3.connect(path)) as file:
        file.execute("DELETE FROM accounts")  # as a kill could leave it in earlier versions
        file.commit()
    for _ in range(2):
        with PaperExchange(clock=NOON, path=path) as exchange:
            exchange.create_account()
            refused = Trader(exchange.rest_url, orphan).ask("GET", "account")
            assert (refused.status_code, refused.json()["code"]) == (401, -2015)


def test_client_ids_mean_the_same_orders_after_a_restart(path: Path) -> None:
    with PaperExchange(clock=NOON, path=path) as exchange:
        keys = exchange.create_account({"USDT": 50_000})
        trader = Trader(exchange.rest_url, keys)
        rest = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.02"}
        rest["price"] = trader.price() - 900
        first = trader.ask("POST", "order", **rest).json()["orderId"]
        trader.ask("POST", "order", **rest, newClientOrderId="X")
        trader.ask("DELETE", "order", symbol="BTCUSDT", origClientOrderId="X")
        renamed = {"symbol": "BTCUSDT", "orderId": first, "newQty": "0.01", "newClientOrderId": "X"}
        assert trader.ask("PUT", "order/amend/keepPriority", **renamed).status_code == 200
    with PaperExchange(clock=NOON, path=path) as exchange:
        asked = Trader(exchange.rest_url, keys).ask("GET", "order", symbol="BTCUSDT", origClientOrderId="X")
        assert asked.json()["orderId"] == first


def test_what_was_taken_of_the_book_stays_taken(path: Path) -> None:
    def seen(trader: Trader) -> Any:
        return trader.client.get("/api/v3/depth", params={"symbol": "BTCUSDT", "limit": 50}).json()

    with PaperExchange(clock=NOON, path=path) as exchange:
        keys = exchange.create_account({"USDT": 900_000, "BTC": 9})
        trader = Trader(exchange.rest_url, keys)
        whole = seen(trader)
        best, quantity = whole["asks"][0]
        take = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        assert trader.ask("POST", "order", **take, quantity=quantity, price=best).json()["status"] == "FILLED"
        assert trader.ask("POST", "order", **take, quantity="0.01", price=best).json()["status"] == "NEW"
        before = seen(trader)
        assert before["lastUpdateId"] > whole["lastUpdateId"]
        assert before["asks"][0][0] > best
        assert before["bids"][0] == [best, "0.01000000"]
    for _ in range(2):
        with PaperExchange(clock=NOON, path=path) as exchange:
            trader = Trader(exchange.rest_url, keys)
            assert seen(trader) == before
            assert [order["executedQty"] for order in trader.state()["open"]] == ["0.00000000"]
    with PaperExchange(clock="2024-06-01 14:00", path=path) as exchange, PaperExchange(clock=NOON) as other:
        other.clock.advance("2h")
        trader, fresh = Trader(exchange.rest_url, keys), Trader(other.rest_url, other.create_account())
        exchange.clock.advance("1h")
        other.clock.advance("1h")
        trader.ask("DELETE", "openOrders", symbol="BTCUSDT")
        assert seen(trader)["asks"] == seen(fresh)["asks"]  # the market has moved on
        assert exchange._state.desk.records.taken_of("BTCUSDT").asks == {}


def test_a_file_of_something_else_is_refused_and_left_alone(path: Path) -> None:
    path.write_bytes(b"my thesis" * 100)
    with pytest.raises(ConfigurationError, match="cannot keep the state") as caught:
        PaperExchange(clock=NOON, path=path).start()
    assert caught.tb is not None  # which would keep an open file open
    if Path("/proc/self/fd").is_dir():
        assert str(path) not in [os.path.realpath(one) for one in Path("/proc/self/fd").iterdir()]
    assert path.read_bytes() == b"my thesis" * 100


def test_nothing_is_written_without_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with PaperExchange(clock=NOON) as exchange:
        lived(Trader(exchange.rest_url, exchange.create_account({"USDT": 50_000, "BTC": 1})))
    assert list(tmp_path.iterdir()) == []


PROGRAM = """
import json, sys, time
from cryptox.paper.exchange import PaperExchange
exchange = PaperExchange(clock=("2024-06-01 12:00", 60), path=sys.argv[1]).start()
print(json.dumps([exchange.rest_url, *exchange.create_account({"USDT": 1_000_000, "BTC": 20})]), flush=True)
time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_it_comes_back_consistent(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with program:
        assert program.stdout is not None
        url, *both = json.loads(program.stdout.readline())
        keys = PaperKeys(*both)
        trader = Trader(url, keys)
        price, known = trader.price(), {}
        ends = time.monotonic() + chance.uniform(0.3, 1.2)
        while time.monotonic() < ends:
            near = (price * Decimal(chance.uniform(0.995, 1.005))).quantize(Decimal("0.01"))
            answer = trader.ask(
                "POST",
                "order",
                symbol="BTCUSDT",
                side=chance.choice(["BUY", "SELL"]),
                type="LIMIT",
                timeInForce="GTC",
                quantity="0.01",
                price=near,
            )
            known.update({answer.json()["orderId"]: answer.json()} if answer.status_code == 200 else {})
            if known and chance.random() < 0.3:
                trader.ask("DELETE", "order", symbol="BTCUSDT", orderId=chance.choice(list(known)))
        program.kill()
    with PaperExchange(clock="2024-06-01 13:00", path=path, limits={"REQUEST_WEIGHT": (100_000, "1m")}) as exchange:
        check_consistent(Trader(exchange.rest_url, keys), known)


def check_consistent(trader: Trader, known: dict[int, dict[str, object]]) -> None:
    state = trader.state()
    orders = {order["orderId"]: order for order in state["all"]}
    assert len(known) > 5
    assert set(known) <= set(orders)
    balances = {row["asset"]: (Decimal(row["free"]), Decimal(row["locked"])) for row in state["account"]["balances"]}
    held = {"USDT": Decimal(0), "BTC": Decimal(0)}
    total = {"USDT": Decimal(1_000_000), "BTC": Decimal(20)}
    for order in state["open"]:
        rest = Decimal(order["origQty"]) - Decimal(order["executedQty"])
        if order["side"] == "BUY":
            held["USDT"] += rest * Decimal(order["price"])
        else:
            held["BTC"] += rest
    filled: dict[int, Decimal] = {}
    for trade in state["trades"]:
        sign = 1 if trade["isBuyer"] else -1
        total["BTC"] += sign * Decimal(trade["qty"])
        total["USDT"] -= sign * Decimal(trade["quoteQty"])
        total[trade["commissionAsset"]] -= Decimal(trade["commission"])
        filled[trade["orderId"]] = filled.get(trade["orderId"], Decimal(0)) + Decimal(trade["qty"])
    assert {asset: balances[asset][1] for asset in held} == held
    assert {asset: sum(balances[asset]) for asset in total} == total
    assert filled == {n: Decimal(o["executedQty"]) for n, o in orders.items() if Decimal(o["executedQty"])}
