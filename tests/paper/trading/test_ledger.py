"""Balances never fall below zero, and each call's touched assets are told once."""

from __future__ import annotations

import pytest

from cryptox.paper.trading.accounts import Account, Balance
from cryptox.paper.trading.ledger import Ledger
from cryptox.paper.trading.records import Records
from cryptox.paper.trading.reports import PositionReport


def test_moves():
    records, account = Records(), Account(5, {"USDT": Balance(100)})
    ledger = Ledger({5: account}, records)
    assert not ledger.lock(5, "USDT", 101)
    assert ledger.take_positions(1) == []
    assert ledger.lock(5, "USDT", 60)
    ledger.pay(5, "USDT", 20)
    ledger.release(5, "USDT", 10)
    assert not ledger.charge(5, "USDT", 51)
    assert ledger.charge(5, "USDT", 50)
    ledger.credit(5, "BTC", 7)
    ledger.credit(5, "BTC", 8, lock=True)
    for move in (ledger.pay, ledger.release):
        with pytest.raises(AssertionError):
            move(5, "USDT", 31)
    assert ledger.free(5, "ETH") == 0
    assert "ETH" not in account.balances
    assert ledger.take_positions(9) == [PositionReport(5, 9, (("USDT", 0, 30), ("BTC", 7, 8)))]
    assert ledger.take_positions(10) == []
    assert (account.updated_us, records.changed.accounts) == (9, {5})


def test_what_is_locked_from_outside_is_not_what_orders_hold():
    account = Account(5, {"USDT": Balance(100)})
    ledger = Ledger({5: account}, Records())
    assert ledger.lock(5, "USDT", 30)
    assert ledger.hold_outside(5, "USDT", 70)
    assert not ledger.hold_outside(5, "USDT", 1)
    assert not ledger.hold_outside(5, "USDT", -71)
    assert account.balances == {"USDT": Balance(0, 100)}
    assert ledger.hold_outside(5, "USDT", -25)
    assert account.external == {"USDT": 45}
    assert ledger.hold_outside(5, "USDT", -45)
    assert (account.balances, account.external) == ({"USDT": Balance(70, 30)}, {})
    assert not ledger.hold_outside(5, "ETH", -1)
    assert "ETH" not in account.balances
