"""Sessions: whose key is logged on, and which subscriptions live."""

from __future__ import annotations

from typing import Any

import pytest

from cryptox.paper.refusals import Refused
from cryptox.paper.trading.accounts import Key, KeyKind
from cryptox.paper.wsapi import session as module
from cryptox.paper.wsapi.session import Session
from cryptox.venues.binance.codes import Code


def key(account: int = 1, kind: KeyKind = KeyKind.ED25519, name: str = "k") -> Key:
    return Key(name, kind, "secret", account)


@pytest.fixture
def session() -> Session:
    return Session(1_000_500)


def refused(call: Any, *arguments: Any, **options: Any) -> Code:
    with pytest.raises(Refused) as caught:
        call(*arguments, **options)
    return caught.value.code


def test_status_tells_key_and_moments_in_the_unit_asked_for(session: Session) -> None:
    fresh = session.status(3_000_000, microseconds=False, rate_limits=True)
    assert (fresh.api_key, fresh.authorized_since, fresh.connected_since, fresh.server_time) == (None, None, 1000, 3000)
    assert (fresh.return_rate_limits, fresh.user_data_stream) == (True, False)
    session.logon(key(), 2_000_999)
    session.subscribe(1, by_logon=True)
    told = session.status(3_000_000, microseconds=True, rate_limits=False)
    assert (told.api_key, told.authorized_since, told.connected_since) == ("k", 2_000_999, 1_000_500)
    assert (told.return_rate_limits, told.user_data_stream) == (False, True)


@pytest.mark.parametrize("kind", [KeyKind.HMAC, KeyKind.RSA])
def test_only_ed25519_keys_log_on(session: Session, kind: KeyKind) -> None:
    assert refused(session.logon, key(kind=kind), 5) is Code.REJECTED_MBX_KEY
    assert session.key is None


def test_ids_count_up_and_are_not_used_again(session: Session) -> None:
    assert [session.subscribe(account, by_logon=False) for account in (5, 6)] == [0, 1]
    assert session.unsubscribe(0) == [0]
    assert session.subscribe(5, by_logon=False) == 2
    assert session.subscriptions == [1, 2]
    assert session.of_account(5) == 2
    assert session.of_account(9) is None


def test_an_account_is_listened_to_once(session: Session) -> None:
    session.subscribe(5, by_logon=False)
    assert refused(session.subscribe, 5, by_logon=True) is Code.SUBSCRIPTION_ACTIVE


def test_unsubscribing_one_all_and_none(session: Session) -> None:
    assert refused(session.unsubscribe, 0) is Code.SUBSCRIPTION_INACTIVE
    for account in (5, 6, 7):
        session.subscribe(account, by_logon=False)
    assert session.unsubscribe(1) == [1]
    assert session.unsubscribe() == [0, 2]
    assert session.unsubscribe() == []


def test_logout_ends_the_logon_subscription_only(session: Session) -> None:
    session.subscribe(7, by_logon=False)
    session.logon(key(), 5)
    assert session.subscribe(1, by_logon=True) == 1
    assert session.logout() == [1]
    assert session.key is None
    assert session.authorized_us is None
    assert session.subscriptions == [0]
    assert session.logout() == []


def test_another_key_takes_the_place_of_the_first(session: Session) -> None:
    session.logon(key(), 5)
    session.subscribe(1, by_logon=True)
    assert session.logon(key(name="same account"), 6) == []
    assert session.subscriptions == [0]
    assert session.logon(key(account=2, name="other"), 7) == [0]
    assert session.key is not None
    assert session.key.api_key == "other"
    assert session.authorized_us == 7


def test_an_account_can_be_ended(session: Session) -> None:
    session.logon(key(), 5)
    session.subscribe(1, by_logon=True)
    assert session.end_account(8) == []
    assert session.end_account(1) == [0]
    assert session.logout() == []  # it is gone already


def test_the_number_of_subscriptions_is_bounded(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (module.MOST_ACTIVE, module.MOST_IDS) == (1_000, 65_535)
    for account in range(1_000):
        session.subscribe(account, by_logon=False)
    assert refused(session.subscribe, 5_000, by_logon=False) is Code.MAXIMUM_SUBSCRIPTION_IDS
    session.unsubscribe()
    monkeypatch.setattr(module, "MOST_IDS", 1_002)
    assert [session.subscribe(account, by_logon=False) for account in (1, 2)] == [1_000, 1_001]
    session.unsubscribe()
    assert refused(session.subscribe, 1, by_logon=False) is Code.MAXIMUM_SUBSCRIPTION_IDS
