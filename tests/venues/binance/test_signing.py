"""Signatures: every vector of the fact sheet that our way of writing can produce, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from hypothesis import given
from hypothesis import strategies as st

from cryptox.sessions.session import open_session
from cryptox.transport.crypto import Signer, hmac_signer, pem_signer
from cryptox.transport.messages import Outgoing
from cryptox.venues.binance.signing import authorised, encoded, signed_params, ws_signature
from cryptox.venues.binance.venue import BinanceVenue
from cryptox.venues.port import Hosts

# Published documentation keys (signing.md, section 6).
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
URL = "https://api.example.com/api/v3/order"


@pytest.fixture(scope="module")
def vectors(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "binance" / "vectors.json").read_text("utf-8"))["signing"]
    return found


def signer_of(vector: dict[str, Any], keys: dict[str, str]) -> Signer:
    if vector["algorithm"].startswith("HMAC"):
        return hmac_signer(API_KEY, vector.get("secretKey", keys["hmacSecret"]))
    name = "rsaPrivateKeyDerHex" if vector["algorithm"].startswith("RSA") else "ed25519PrivateKeyDerHex"
    key = load_der_private_key(bytes.fromhex(keys[name]), None)
    return pem_signer(API_KEY, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def with_key(vectors: dict[str, Any], transport: str) -> list[dict[str, Any]]:
    """Vectors of a transport whose private key is published."""
    every = [*vectors["official_verified"], *vectors["own"]["vectors"]]
    return [one for one in every if one.get("transport") == transport and "publicKeyDerHex" not in one]


def sent(method: str, query: str, body: str, signer: Signer, timestamp_ms: int, window_ms: int) -> Outgoing:
    url = f"{URL}?{query}" if query else URL
    unsigned = Outgoing(method, url, {"accept": "x"}, body.encode(), sign=lambda one: one)
    return authorised(unsigned, signer, timestamp_ms=timestamp_ms, recv_window_ms=window_ms)


def test_every_rest_vector(vectors: dict[str, Any]) -> None:
    tried = 0
    for vector in with_key(vectors, "REST"):
        signer, payload = signer_of(vector, vectors["own"]["keys"]), vector["payload"]
        assert signer.sign(payload.encode()) == vector["signature"]
        query, body = vector.get("queryString", ""), vector.get("body", payload)
        before, found, times = body.rpartition("&recvWindow=")
        window, _, timestamp = times.partition("&timestamp=")
        if not found or "." in window:
            continue  # no window, or in parts of a millisecond: not our way of writing
        tried += 1
        signature = encoded({"signature": vector["signature"]})
        posted = sent("POST", query, before, signer, int(timestamp), int(window))
        assert posted.body.decode() == f"{body}&{signature}", vector["id"]
        assert posted.url == (f"{URL}?{query}" if query else URL)
        assert posted.headers == {"accept": "x", "x-mbx-apikey": API_KEY}
        assert posted.sign is None
        if not query:
            got = sent("GET", before, "", signer, int(timestamp), int(window))
            assert got.url == f"{URL}?{payload}&{signature}", vector["id"]
            assert got.body == b""
            assert got.headers == {"accept": "x", "x-mbx-apikey": API_KEY}
            assert got.sign is None
        if "signature_percent_encoded" in vector:
            assert signature == f"signature={vector['signature_percent_encoded']}"
    assert tried == 9


def test_texts_of_the_vectors_are_our_encoding(vectors: dict[str, Any]) -> None:
    found = {one["id"]: one for one in with_key(vectors, "REST")}
    reserved = found["own-rest-hmac-reserved-chars"]
    assert encoded(reserved["params"]) == reserved["payload"]
    symbol = found["rest-hmac-unicode"]
    order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.1"}
    text = encoded({"symbol": symbol["symbol_unencoded"], **order, "recvWindow": 5000, "timestamp": 1499827319559})
    assert text == symbol["payload"]


def test_every_vector_of_the_websocket_api(vectors: dict[str, Any]) -> None:
    every = with_key(vectors, "WS-API")
    assert len(every) == 26
    for vector in every:
        signer, params = signer_of(vector, vectors["own"]["keys"]), vector["params"]
        bare = {name: value for name, value in params.items() if name != "signature"}
        assert ws_signature(bare, signer) == vector["signature"], vector["id"]
        own = {name: value for name, value in bare.items() if name not in ("apiKey", "timestamp", "recvWindow")}
        made = signed_params(own, signer, timestamp_ms=bare["timestamp"], recv_window_ms=bare.get("recvWindow"))
        assert made == {**bare, "signature": vector["signature"]}, vector["id"]


def test_booleans_are_signed_as_json_writes_them() -> None:
    signer = hmac_signer(API_KEY, SECRET)
    assert ws_signature({"b": True, "a": False}, signer) == signer.sign(b"a=false&b=true")


def test_a_request_without_parameters() -> None:
    signer = hmac_signer(API_KEY, SECRET)
    got = sent("GET", "", "", signer, 7, 5)
    assert got.url == f"{URL}?recvWindow=5&timestamp=7&signature={signer.sign(b'recvWindow=5&timestamp=7')}"
    assert sent("DELETE", "", "", signer, 7, 5).body.startswith(b"recvWindow=5&timestamp=7&signature=")


def test_nothing_secret_is_seen_before_it_is_sent() -> None:
    venue = BinanceVenue("x", Hosts(rest=URL, stream="ws://127.0.0.1:1", ws_api="ws://127.0.0.1:1"), real_money=False)
    session = open_session(venue, api_key=API_KEY, secret_key=SECRET, trading=True)
    outgoing = session._outgoing(venue.account())
    assert outgoing.sign is not None
    for secret in (API_KEY, SECRET, "signature"):
        assert secret not in repr(outgoing)
        assert secret not in f"{outgoing.url} {outgoing.headers} {outgoing.body!r}"


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.booleans())))
def test_parameters_are_encoded_as_the_standard_library_does(params: dict[str, Any]) -> None:
    expected = urlencode(params, quote_via=quote, safe="")
    assert encoded(params) == encoded(tuple(params.items())) == expected


@given(st.dictionaries(st.text("abcXYZ09", min_size=1), st.text(max_size=12), max_size=5))
def test_what_is_signed_is_what_is_sent(params: dict[str, str]) -> None:
    signer = hmac_signer(API_KEY, SECRET)
    for method in ("GET", "POST"):
        text = encoded(params)
        made = sent(method, text if method == "GET" else "", "" if method == "GET" else text, signer, 1, 2)
        payload, _, signature = (made.url.partition("?")[2] if method == "GET" else made.body.decode()).rpartition("&")
        assert signature == f"signature={signer.sign(payload.encode())}"
        given = [*params.items(), ("recvWindow", "2"), ("timestamp", "1")]
        assert parse_qsl(payload, keep_blank_values=True) == given
        assert set(payload) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~%&=")
        assert unquote_plus(payload).count("=") >= 2
