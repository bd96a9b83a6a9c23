"""The registry of accounts and keys."""

from __future__ import annotations

import re
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cryptox.errors import ValidationError
from cryptox.paper.accounts import Accounts, read_amounts
from cryptox.paper.signatures import check_signature
from cryptox.paper.trading.accounts import KeyKind

NOW_US = 1_767_225_600_000_000


def public_pem(private: Any) -> str:
    text: str = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return text


def test_an_account_starts_with_what_it_is_given() -> None:
    accounts = Accounts()
    account, key = accounts.create({"USDT": Decimal("10.5"), "BTC": Decimal(0)}, NOW_US)
    assert account.balances["USDT"].free == 1_050_000_000
    assert {asset: one.locked for asset, one in account.balances.items()} == {"USDT": 0, "BTC": 0}
    assert (account.created_us, account.updated_us) == (NOW_US, NOW_US)
    assert accounts.accounts[account.uid] is account
    assert (key.account, key.kind, key.can_trade) == (account.uid, KeyKind.HMAC, True)
    assert accounts.by_api_key(key.api_key) is key
    assert accounts.by_api_key("x") is None
    other, _ = accounts.create(None, NOW_US)
    assert other.uid == account.uid + 1
    held = {asset: one.free // 10**8 for asset, one in other.balances.items()}
    assert held == {"USDT": 100_000, "BTC": 1, "ETH": 10, "BNB": 10}


def test_keys_are_random_unless_a_seed_makes_them() -> None:
    texts = []
    for seed in (None, None, 7, 7, 8):
        _, key = Accounts(seed).create(None, NOW_US)
        texts.append((key.api_key, key.secret))
        assert re.fullmatch("[A-Za-z0-9]{64}", key.api_key)
        assert re.fullmatch("[A-Za-z0-9]{64}", key.secret)
        assert key.api_key != key.secret
    assert texts[2] == texts[3]
    assert len(set(texts)) == 4
    seeded = Accounts(7)
    assert len({seeded.create(None, NOW_US)[1].api_key for _ in range(20)}) == 20


def test_secrets_are_not_shown() -> None:
    accounts = Accounts()
    _, key = accounts.create(None, NOW_US)
    assert key.secret not in repr(key)
    assert key.secret not in repr(accounts)
    assert key.api_key not in repr(accounts)
    assert repr(accounts) == "Accounts(1 accounts, 1 keys)"


def test_an_account_may_have_keys_of_every_kind() -> None:
    accounts = Accounts()
    account, first = accounts.create(None, NOW_US)
    private = ed25519.Ed25519PrivateKey.generate()
    second = accounts.add_key(account.uid, public_pem(private), can_trade=False)
    third = accounts.add_key(account.uid, public_pem(rsa.generate_private_key(65_537, 2048)), KeyKind.RSA)
    assert [key.kind for key in accounts.keys_of(account.uid)] == [KeyKind.HMAC, KeyKind.ED25519, KeyKind.RSA]
    assert [first.can_trade, second.can_trade, third.can_trade] == [True, False, True]
    accounts.remove_key(third.api_key)
    accounts.remove_key(third.api_key)
    assert accounts.by_api_key(third.api_key) is None
    with pytest.raises(ValidationError, match="no account 5"):
        accounts.add_key(5)
    with pytest.raises(ValidationError, match="does not fit"):
        accounts.add_key(account.uid, public_pem(private), KeyKind.RSA)
    with pytest.raises(ValidationError, match="does not fit"):
        accounts.add_key(account.uid, kind=KeyKind.ED25519)
    assert len(accounts.keys_of(account.uid)) == 2


def test_a_key_comes_back_from_a_store_as_it_was() -> None:
    import base64

    accounts = Accounts()
    account, first = accounts.create(None, NOW_US)
    private = ed25519.Ed25519PrivateKey.generate()
    second = accounts.add_key(account.uid, public_pem(private), can_trade=False)
    again = Accounts()
    again.accounts[account.uid] = account
    for key in (first, second):
        assert again.restore(msgspec.json.decode(msgspec.json.encode(accounts.body(key)))) == key
    assert again.keys_of(account.uid) == [first, second]
    back = again.by_api_key(second.api_key)
    assert back is not None
    check_signature(back, [b"a=1"], base64.b64encode(private.sign(b"a=1")).decode())
    assert again.create(None, NOW_US)[0].uid == account.uid + 1


@pytest.mark.parametrize(
    "amount", ["-1", "0.000000001", "1e30", "NaN", "Infinity", "92233720368.54775808", "1e400000000", "1e-400000000"]
)
def test_impossible_amounts_are_refused(amount: str) -> None:
    accounts = Accounts()
    with pytest.raises(ValidationError, match="USDT"):
        accounts.create({"USDT": Decimal(amount)}, NOW_US)
    assert not accounts.accounts


def test_amounts_are_exact() -> None:
    wanted = {"A": 2**63 - 1, "B": 1, "C": 0}
    assert read_amounts({"A": Decimal("92233720368.54775807"), "B": Decimal("1E-8"), "C": Decimal(0)}) == wanted


def test_a_deposit_is_a_transfer_of_the_engine() -> None:
    accounts = Accounts()
    account, _ = accounts.create({"USDT": Decimal(5)}, NOW_US)
    done: list[tuple[Any, ...]] = []
    engine: Any = SimpleNamespace(transfer=lambda *what: done.append(what))
    accounts.deposit(engine, account.uid, "BTC", Decimal("0.5"), NOW_US)
    accounts.deposit(engine, account.uid, "USDT", Decimal(-5), NOW_US)
    assert done == [(account, "BTC", 50_000_000, NOW_US), (account, "USDT", -500_000_000, NOW_US)]
    with pytest.raises(ValidationError, match=r"less than 5\.1 USDT"):
        accounts.deposit(engine, account.uid, "USDT", Decimal("-5.1"), NOW_US)
    with pytest.raises(ValidationError, match="no account 1"):
        accounts.deposit(engine, 1, "USDT", Decimal(1), NOW_US)
    assert len(done) == 2


def test_a_lock_is_the_engines() -> None:
    accounts = Accounts()
    account, _ = accounts.create({"USDT": Decimal(5)}, NOW_US)
    done: list[tuple[Any, ...]] = []
    engine: Any = SimpleNamespace(lock=lambda *what: done.append(what))
    accounts.lock(engine, account.uid, "USDT", Decimal(5), NOW_US)
    account.external["USDT"] = 300_000_000
    accounts.lock(engine, account.uid, "USDT", Decimal(-3), NOW_US)
    assert done == [(account, "USDT", 500_000_000, NOW_US), (account, "USDT", -300_000_000, NOW_US)]
    with pytest.raises(ValidationError, match=r"less than 5\.1 USDT free"):
        accounts.lock(engine, account.uid, "USDT", Decimal("5.1"), NOW_US)
    with pytest.raises(ValidationError, match=r"Less than 3\.1 USDT .* locked from outside"):
        accounts.lock(engine, account.uid, "USDT", Decimal("-3.1"), NOW_US)
    with pytest.raises(ValidationError, match="no account 1"):
        accounts.lock(engine, 1, "USDT", Decimal(1), NOW_US)
    assert len(done) == 2


def test_a_deposit_never_brings_more_than_can_be_counted() -> None:
    accounts = Accounts()
    account, _ = accounts.create({"USDT": Decimal(92233720368)}, NOW_US)
    done: list[tuple[Any, ...]] = []
    engine: Any = SimpleNamespace(transfer=lambda *what: done.append(what))
    account.balances["USDT"].locked, account.balances["USDT"].free = account.balances["USDT"].free, 0
    accounts.deposit(engine, account.uid, "USDT", Decimal("0.54775807"), NOW_US)
    with pytest.raises(ValidationError, match="more USDT than can be counted"):
        accounts.deposit(engine, account.uid, "USDT", Decimal("0.54775808"), NOW_US)
    with pytest.raises(ValidationError, match="decimals"):
        accounts.deposit(engine, account.uid, "USDT", Decimal("1." + "0" * 40 + "1"), NOW_US)
    assert done == [(account, "USDT", 54_775_807, NOW_US)]
