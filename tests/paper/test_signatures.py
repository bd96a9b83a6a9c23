"""Signatures: every vector of the fact sheet verifies, and nothing else does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import string
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from cryptox.errors import ValidationError
from cryptox.paper.refusals import Refused
from cryptox.paper.signatures import call_payloads, check_signature, load_public_key, rest_payload, text_of
from cryptox.paper.trading.accounts import Key, KeyKind

# Published documentation keys (signing.md, section 6).
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
HMAC = Key(API_KEY, KeyKind.HMAC, SECRET, 1)
OFFICIAL, OWN = 23, 17  # how many there are


def pem_of(der: bytes) -> str:
    return load_der_public_key(der).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_for(vector: dict[str, Any], keys: dict[str, str]) -> Key:
    """The key that a vector was signed with."""
    if vector["algorithm"].startswith("HMAC"):
        return Key(API_KEY, KeyKind.HMAC, vector.get("secretKey", keys["hmacSecret"]), 1)
    is_rsa = vector["algorithm"].startswith("RSA")
    der = vector.get("publicKeyDerHex") or keys["rsaPublicKeyDerHex" if is_rsa else "ed25519PublicKeyDerHex"]
    pem = pem_of(bytes.fromhex(der))
    kind, verifier = load_public_key(pem)
    assert kind is (KeyKind.RSA if is_rsa else KeyKind.ED25519)
    return Key(API_KEY, kind, pem, 1, verifier=verifier)


def sign(payload: str) -> str:
    return hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()


def refused(key: Key, payload: bytes, signature: str | None) -> tuple[int, str, int]:
    with pytest.raises(Refused) as caught:
        check_signature(key, [payload], signature)
    return int(caught.value.code), caught.value.text, caught.value.status


@pytest.fixture
def signing(shared: Path) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads((shared / "binance" / "vectors.json").read_text("utf-8"))["signing"]
    return vectors


def test_every_vector_verifies(signing: dict[str, Any]) -> None:
    official, own = signing["official_verified"], signing["own"]["vectors"]
    assert (len(official), len(own)) == (OFFICIAL, OWN)
    for vector in (*official, *own):
        key, payload, signature = key_for(vector, signing["own"]["keys"]), vector["payload"], vector["signature"]
        check_signature(key, [payload.encode()], signature)
        assert refused(key, payload.encode() + b"x", signature)[0] == -1022, vector["id"]
        if "params" in vector and vector["transport"] == "WS-API":
            assert call_payloads(vector["params"])[0] == payload.encode(), vector["id"]
            check_signature(key, call_payloads({**vector["params"], "signature": signature}), signature)
        if vector.get("transport") == "REST" and "as-really-signed" not in vector["id"]:
            sent = f"{payload}&signature={quote(signature, safe='')}".encode()
            assert rest_payload(sent, b"") == (payload.encode(), signature), vector["id"]
        if "signature_percent_encoded" in vector:
            assert unquote_plus(vector["signature_percent_encoded"]) == signature


def test_the_mixed_vector_verifies_wherever_its_signature_stands(signing: dict[str, Any]) -> None:
    vector = next(one for one in signing["official_verified"] if one["id"] == "rest-hmac-mixed-query-and-body")
    query, body = vector["queryString"].encode(), vector["body"].encode()
    signature = vector["signature"]
    pair = f"signature={signature}".encode()
    for sent in (
        (query, body + b"&" + pair),
        (query + b"&" + pair, body),
        (query, pair + b"&" + body),
        (pair + b"&" + query, body),
    ):
        payload, found = rest_payload(*sent)
        assert (payload, found) == (query + body, signature)
        check_signature(HMAC, [payload], found)
    assert refused(HMAC, query + b"&" + body, signature)[0] == -1022


def test_a_signature_in_the_query_wins_over_one_in_the_body() -> None:
    assert rest_payload(b"a=1&signature=aa", b"b=2&signature=bb") == (b"a=1b=2", "aa")
    assert rest_payload(b"a=1", b"b=2&signature=bb") == (b"a=1b=2", "bb")
    assert rest_payload(b"a=1", b"") == (b"a=1", None)
    assert rest_payload(b"signature=", b"") == (b"", "")
    assert rest_payload(b"", b"") == (b"", None)


def test_what_is_signed_is_what_was_received_and_nothing_read_out_of_it() -> None:
    raw = b"symbol=%ef%bc%91&x=a%20b+c%2Fd&empty=&lone&signaturex=1&xsignature=2"
    assert rest_payload(raw + b"&signature=ab", b"")[0] == raw
    assert rest_payload("symbol=１".encode(), b"")[0] == "symbol=１".encode()


def test_hex_is_read_without_case_and_base64_with() -> None:
    signature = hmac.new(SECRET.encode(), b"a=1", hashlib.sha256).hexdigest()
    check_signature(HMAC, [b"a=1"], signature)
    check_signature(HMAC, [b"a=1"], signature.upper())
    private = ed25519.Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    key = Key(API_KEY, KeyKind.ED25519, pem, 1, verifier=load_public_key(pem)[1])
    good = base64.b64encode(private.sign(b"a=1")).decode()
    check_signature(key, [b"other", b"a=1"], good)
    assert refused(key, b"a=1", good.swapcase())[0] == -1022


def test_refusals_have_their_texts() -> None:
    mandatory = "Mandatory parameter 'signature' was not sent, was empty/null, or malformed."
    assert refused(HMAC, b"a", None) == (-1102, mandatory, 400)
    assert refused(HMAC, b"a", "") == (-1102, mandatory, 400)
    illegal = "Illegal characters found in parameter 'signature'; legal range is '^[A-Fa-f0-9]{64}$'."
    for text in ("zz", "0" * 63, "0" * 65, "g" * 64, "0" * 64 + "\n", "é" * 64):
        assert refused(HMAC, b"a", text) == (-1100, illegal, 400)
    assert refused(HMAC, b"a", "0" * 64) == (-1022, "Signature for this request is not valid.", 400)
    private = rsa.generate_private_key(65_537, 2048)
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    key = Key(API_KEY, KeyKind.RSA, pem, 1, verifier=load_public_key(pem)[1])
    assert refused(key, b"a", "not base64!")[0] == -1100
    assert refused(key, b"a", "a b")[0] == -1100  # a plus that was not percent-encoded
    for text in ("AAAA", "AAA", "0" * 64, base64.b64encode(b"x" * 256).decode()):
        assert refused(key, b"a", text)[0] == -1022


def test_calls_may_be_signed_raw_or_percent_encoded() -> None:
    params = {"symbol": "币安 人生/x", "b": True, "a": 1, "none": None, "signature": "s", "list": ["A", "B"]}
    plain, plus, percent = call_payloads(params)
    assert plain.decode() == 'a=1&b=true&list=["A","B"]&symbol=币安 人生/x'
    texts = {"a": 1, "b": "true", "list": '["A","B"]', "symbol": "币安 人生/x"}
    assert plus.decode() == urlencode(texts)
    assert percent.decode() == urlencode(texts, quote_via=quote)
    assert call_payloads({"b": "2", "a": "1"}) == (b"a=1&b=2",)
    assert [text_of(one) for one in (False, 7, "x", "0.10", {"a": [1]})] == ["false", "7", "x", "0.10", '{"a":[1]}']


@given(st.dictionaries(st.text(string.ascii_letters + "ß币", min_size=1), st.text(), min_size=1))
def test_whatever_a_client_encodes_and_signs_verifies(params: dict[str, str]) -> None:
    params.pop("signature", None)
    query = urlencode(params)
    signature = sign(query)
    sent = f"{query}&signature={signature}" if query else f"signature={signature}"
    payload, found = rest_payload(sent.encode(), b"")
    check_signature(HMAC, [payload], found)
    check_signature(HMAC, call_payloads(params), sign(urlencode(sorted(params.items()))))


def test_only_keys_that_the_exchange_takes_are_loaded() -> None:
    with pytest.raises(ValidationError, match="no public key"):
        load_public_key("nonsense")
    for private in (rsa.generate_private_key(65_537, 1024), ec.generate_private_key(ec.SECP256R1())):
        pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        with pytest.raises(ValidationError, match="Ed25519"):
            load_public_key(pem)
