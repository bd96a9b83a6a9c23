"""The WebSocket API vectors of the protocol sheet, the documentation's and our own, through what checks calls.

``ws-rsa-ascii-ack`` has a payload only; its parameters are read from that.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from cryptox.paper.accounts import Accounts
from cryptox.paper.gate import Gate
from cryptox.paper.refusals import Refused
from cryptox.paper.signatures import load_public_key
from cryptox.paper.trading.accounts import Key, KeyKind
from cryptox.paper.wsapi.requests import read_call
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.endpoints import Security

NOW_US = 1_767_225_600_000_000


@pytest.fixture
def vectors(shared: Path) -> list[tuple[Any, Key]]:
    """Each vector with the key that checks it."""
    found = json.loads((shared / "binance" / "vectors.json").read_text(encoding="utf-8"))["signing"]
    own = found["own"]["keys"]
    public = {"R": own["rsaPublicKeyDerHex"], "E": own["ed25519PublicKeyDerHex"]}
    checked = []
    for vector in found["official_verified"] + found["own"]["vectors"]:
        if vector.get("transport") != "WS-API":
            continue
        params = vector.get("params") or dict(pair.split("=") for pair in vector["payload"].split("&"))
        letter = vector["algorithm"][0]
        if letter == "H":
            kind, secret, verifier = KeyKind.HMAC, vector.get("secretKey", own["hmacSecret"]), None
        else:
            der = base64.b64encode(bytes.fromhex(vector.get("publicKeyDerHex", public[letter]))).decode()
            secret = f"-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n"
            kind, verifier = load_public_key(secret)
        checked.append(({**vector, "params": params}, Key(params["apiKey"], kind, secret, 0, True, verifier)))
    return checked


def gate_of(key: Key) -> Gate:
    """A gate that knows this key alone."""
    accounts = Accounts(seed=1)
    account, _ = accounts.create(None, 0)
    accounts.restore({**Accounts.body(key), "account": account.uid})
    return Gate(accounts, lambda: False)


def frame(vector: Any, **changes: Any) -> str:
    params = {**vector["params"], "signature": vector["signature"], **changes}
    return json.dumps({"id": vector["id"], "method": vector.get("method", "order.place"), "params": params})


def test_every_vector_is_accepted(vectors: list[tuple[Any, Key]]) -> None:
    kinds = []
    for vector, key in vectors:
        call = read_call(frame(vector))
        passed = gate_of(key).call(Security.TRADE, call.params, NOW_US)
        assert passed.key.api_key == vector["params"]["apiKey"], vector["id"]
        kinds.append(key.kind)
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {KeyKind.HMAC: 20, KeyKind.RSA: 4, KeyKind.ED25519: 3}


def test_a_changed_one_is_not(vectors: list[tuple[Any, Key]]) -> None:
    for vector, key in vectors:
        for changes in ({"timestamp": 1_645_423_376_533}, {"recvWindow": 4_999}, {"more": True}):
            with pytest.raises(Refused) as caught:
                gate_of(key).call(Security.TRADE, read_call(frame(vector, **changes)).params, NOW_US)
            assert caught.value.code is Code.INVALID_SIGNATURE, vector["id"]
