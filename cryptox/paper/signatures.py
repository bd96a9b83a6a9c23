"""Signatures of requests as the exchange checks them: HMAC, RSA and Ed25519, over exactly what was received.

Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security and its twin of the
WebSocket API (July 2026).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode

import msgspec

from cryptox.errors import ValidationError
from cryptox.venues.binance.codes import Code

from .refusals import Refused
from .trading.accounts import Key, KeyKind

__all__ = ["SIGNATURE", "call_payloads", "check_signature", "load_public_key", "rest_payload", "text_of"]

SIGNATURE = "signature"
HEX_RANGE = "^[A-Fa-f0-9]{64}$"
BASE64_RANGE = "^[A-Za-z0-9+/]{1,}={0,2}$"  # own

_HEX = re.compile("[A-Fa-f0-9]{64}")
_BASE64 = re.compile("[A-Za-z0-9+/]+={0,2}")
_PAIR = SIGNATURE.encode() + b"="
LEAST_RSA_BITS, MOST_RSA_BITS = 2048, 4096


def rest_payload(query: bytes, body: bytes) -> tuple[bytes, str | None]:
    """What a REST request must have signed, and its signature (None where it has none).

    Query and body follow each other without any separator, as they were received, less the pair of the signature. A
    signature in the query wins over one in the body.
    """
    signed, found = b"", []
    for part in (query, body):
        pairs = part.split(b"&")
        found += [pair[len(_PAIR) :] for pair in pairs if pair.startswith(_PAIR)]
        signed += b"&".join(pair for pair in pairs if not pair.startswith(_PAIR))
    return signed, unquote_plus(found[0].decode("latin-1")) if found else None


def text_of(value: Any) -> str:
    """A parameter of JSON as the text that a query would have."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | dict):
        return msgspec.json.encode(value).decode()
    return str(value)


def call_payloads(params: Mapping[str, Any]) -> tuple[bytes, ...]:
    """What a call of the WebSocket API may have signed: sorted parameters as they are, or percent-encoded.

    The documentation wants them as they are; clients sign what they know from REST.
    """
    pairs = sorted((name, text_of(value)) for name, value in params.items() if name != SIGNATURE and value is not None)
    plain = "&".join(f"{name}={text}" for name, text in pairs)
    forms = (plain, urlencode(pairs), urlencode(pairs, quote_via=quote))
    return tuple(dict.fromkeys(form.encode() for form in forms))


def check_signature(key: Key, payloads: Iterable[bytes], signature: str | None) -> None:
    """Whether one of the payloads was signed with this key.

    Raises
    ------
    Refused : -1102 without a signature, -1100 for characters that none has, -1022 for a wrong one.
    """
    if not signature:
        raise Refused(Code.MANDATORY_PARAM_EMPTY_OR_MALFORMED, SIGNATURE)
    form, legal = (_HEX, HEX_RANGE) if key.kind is KeyKind.HMAC else (_BASE64, BASE64_RANGE)
    if not form.fullmatch(signature):
        raise Refused(Code.ILLEGAL_CHARS, SIGNATURE, legal)
    if not any(_is_signed(key, payload, signature) for payload in payloads):
        raise Refused(Code.INVALID_SIGNATURE)


def _is_signed(key: Key, payload: bytes, signature: str) -> bool:
    if key.kind is KeyKind.HMAC:
        wanted = hmac.new(key.secret.encode("ascii"), payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted, signature.lower())
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    try:
        raw = base64.b64decode(signature, validate=True)
        if key.kind is KeyKind.RSA:
            key.verifier.verify(raw, payload, PKCS1v15(), hashes.SHA256())
        else:
            key.verifier.verify(raw, payload)
    except (InvalidSignature, binascii.Error):
        return False
    return True


def load_public_key(pem: str) -> tuple[KeyKind, Any]:
    """The kind of a public key in PEM text, and what verifies with it.

    Raises
    ------
    ValidationError : no public key, or none that the exchange takes.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        loaded = load_pem_public_key(pem.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValidationError(
            "This is no public key in PEM text.",
            recovery_suggestions=["Give the text that begins with '-----BEGIN PUBLIC KEY-----', not the private key."],
        ) from error
    if isinstance(loaded, Ed25519PublicKey):
        return KeyKind.ED25519, loaded
    if isinstance(loaded, RSAPublicKey) and LEAST_RSA_BITS <= loaded.key_size <= MOST_RSA_BITS:
        return KeyKind.RSA, loaded
    raise ValidationError(
        "The exchange takes Ed25519 keys, and RSA keys of 2048 to 4096 bits.",
        recovery_suggestions=["Make an Ed25519 key: openssl genpkey -algorithm ed25519."],
    )
