"""Who may come in: every row of signing.md section 5, on REST and as a call of the WebSocket API."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from cryptox.paper.accounts import Accounts
from cryptox.paper.gate import Gate, Pass
from cryptox.paper.refusals import Refused
from cryptox.paper.trading.accounts import Key
from cryptox.venues.binance.endpoints import Security

NOW_MS = 1_767_225_600_123
NOW_US = NOW_MS * 1_000
UNKNOWN = "a" * 64
MALFORMED = (-2014, "API-key format invalid.", 401)
REJECTED = (-2015, "Invalid API-key, IP, or permissions for action.", 401)
UNSIGNED = (-1102, "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.", 400)
TIMELESS = (-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.", 400)
WRONG = (-1022, "Signature for this request is not valid.", 400)
ILLEGAL = (-1100, "Illegal characters found in parameter 'signature'; legal range is '^[A-Fa-f0-9]{64}$'.", 400)
STALE = (-1021, "Timestamp for this request is outside of the recvWindow.", 400)
EARLY = (-1021, "Timestamp for this request was 1000ms ahead of the server's time.", 400)


@pytest.fixture
def accounts() -> Accounts:
    accounts = Accounts(7)
    accounts.create(None, NOW_US)
    return accounts


@pytest.fixture
def key(accounts: Accounts) -> Key:
    return next(iter(accounts.keys_of(next(iter(accounts.accounts)))))


def gate_of(accounts: Accounts, judged: bool = True) -> Gate:
    return Gate(accounts, lambda: judged)


def signature(key: Key, payload: str) -> str:
    return hmac.new(key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def outcome(let_in: Callable[[], Pass]) -> tuple[int, str, int] | Pass:
    try:
        return let_in()
    except Refused as refused:
        return int(refused.code), refused.text, refused.status


def over_rest(gate: Gate, api_key: str | None, query: str, security: Security = Security.USER_DATA) -> Any:
    params = dict(parse_qsl(query, keep_blank_values=True))
    return outcome(lambda: gate.request(security, api_key, params, (query.encode(), b""), NOW_US))


def called(gate: Gate, params: dict[str, Any], session: Key | None = None, now_us: int = NOW_US) -> Any:
    return outcome(lambda: gate.call(Security.TRADE, params, now_us, session))


def test_a_signed_request_is_let_in(accounts: Accounts, key: Key) -> None:
    query = f"symbol=BTCUSDT&timestamp={NOW_MS}"
    passed = over_rest(gate_of(accounts), key.api_key, f"{query}&signature={signature(key, query)}")
    assert (passed.key, passed.account) == (key, accounts.accounts[key.account])
    assert (passed.timing.sent_us, passed.timing.window_us) == (NOW_US, 5_000_000)


@pytest.mark.parametrize(
    ("api_key", "wanted"),
    [
        (None, MALFORMED),
        ("", MALFORMED),
        ("abc", MALFORMED),
        ("a" * 63, MALFORMED),
        ("a" * 65, MALFORMED),
        ("a" * 63 + "-", MALFORMED),
        ("é" * 64, MALFORMED),
        (UNKNOWN, REJECTED),
    ],
)
def test_keys_that_nobody_has(accounts: Accounts, api_key: str | None, wanted: Any) -> None:
    assert over_rest(gate_of(accounts), api_key, "") == wanted


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", TIMELESS),
        ("timestamp=", TIMELESS),
        ("signature=" + "0" * 64, TIMELESS),
        (f"timestamp={NOW_MS}", UNSIGNED),
        (f"timestamp={NOW_MS}&signature=", UNSIGNED),
        (f"timestamp={NOW_MS}&signature=xyz", ILLEGAL),
        (f"timestamp={NOW_MS}&signature={'0' * 64}", WRONG),
    ],
)
def test_signatures_and_timestamps_that_are_missing_or_wrong(
    accounts: Accounts, key: Key, query: str, wanted: Any
) -> None:
    assert over_rest(gate_of(accounts), key.api_key, query) == wanted
    params = dict(parse_qsl(query, keep_blank_values=True))
    assert called(gate_of(accounts), {**params, "apiKey": key.api_key}) == wanted


def test_a_wrong_secret_and_a_changed_value_are_noticed(accounts: Accounts, key: Key) -> None:
    query = f"symbol=BTCUSDT&timestamp={NOW_MS}"
    _, other = accounts.create(None, NOW_US)
    gate = gate_of(accounts)
    assert over_rest(gate, key.api_key, f"{query}&signature={signature(other, query)}") == WRONG
    changed = query.replace("BTC", "ETH")
    assert over_rest(gate, key.api_key, f"{changed}&signature={signature(key, query)}") == WRONG
    swapped = f"timestamp={NOW_MS}&symbol=BTCUSDT"
    assert over_rest(gate, key.api_key, f"{swapped}&signature={signature(key, query)}") == WRONG


@pytest.mark.parametrize(("shift", "wanted"), [(-5_001, STALE), (1_000, EARLY)])
def test_timestamps_are_judged_only_while_market_time_is_real(
    accounts: Accounts, key: Key, shift: int, wanted: Any
) -> None:
    query = f"timestamp={NOW_MS + shift}"
    query = f"{query}&signature={signature(key, query)}"
    assert over_rest(gate_of(accounts), key.api_key, query) == wanted
    passed = over_rest(gate_of(accounts, judged=False), key.api_key, query)
    assert passed.timing is None
    assert over_rest(gate_of(accounts, judged=False), key.api_key, "signature=" + "0" * 64) == TIMELESS


def test_a_key_without_permission_reads_but_does_not_trade(accounts: Accounts, key: Key) -> None:
    key = accounts.add_key(key.account, can_trade=False)
    query = f"timestamp={NOW_MS}"
    query = f"{query}&signature={signature(key, query)}"
    assert isinstance(over_rest(gate_of(accounts), key.api_key, query), Pass)
    assert over_rest(gate_of(accounts), key.api_key, query, Security.TRADE) == REJECTED


def test_a_key_that_was_withdrawn_is_unknown(accounts: Accounts, key: Key) -> None:
    accounts.remove_key(key.api_key)
    assert over_rest(gate_of(accounts), key.api_key, "") == REJECTED
    assert called(gate_of(accounts), {"timestamp": NOW_MS}, session=key) == REJECTED


def test_calls_bring_their_key_or_have_a_session(accounts: Accounts, key: Key) -> None:
    gate = gate_of(accounts)
    params: dict[str, Any] = {"apiKey": key.api_key, "symbol": "币安人生USDT", "timestamp": NOW_MS, "recvWindow": 100.5}
    plain = "&".join(f"{name}={params[name]}" for name in sorted(params))
    for payload in (plain, urlencode(sorted(params.items()))):
        assert called(gate, {**params, "signature": signature(key, payload)}).key is key
    assert called(gate, {"timestamp": NOW_MS}) == (
        -1102,
        "Mandatory parameter 'apiKey' was not sent, was empty/null, or malformed.",
        400,
    )
    assert called(gate, {"apiKey": "short", "timestamp": NOW_MS}) == MALFORMED
    assert called(gate, {"apiKey": UNKNOWN, "timestamp": NOW_MS}) == REJECTED
    assert called(gate, {"timestamp": NOW_MS}, session=key).key is key
    assert called(gate, {}, session=key) == TIMELESS
    assert called(gate, {"timestamp": NOW_MS - 6_000}, session=key) == STALE
    _, other = accounts.create(None, NOW_US)
    mine = {"apiKey": other.api_key, "timestamp": NOW_MS}
    assert called(gate, mine, session=key) == UNSIGNED
    payload = urlencode(mine)
    assert called(gate, {**mine, "signature": signature(other, payload)}, session=key).key is other
