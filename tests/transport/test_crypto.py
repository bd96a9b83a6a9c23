"""What a key tells of itself, and what it signs."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from cryptox.errors import ConfigurationError
from cryptox.transport.crypto import hmac_signer, pem_signer

PASSWORD = "open sesame"


def pem(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: str = "") -> bytes:
    way: KeySerializationEncryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, way)


def test_an_hmac_key() -> None:
    signer = hmac_signer("key", "secret")
    assert (signer.kind, signer.name(), repr(signer)) == ("hmac", "key", "<hmac key>")
    # RFC 4231, test case 2
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_signer("key", "Jefe").sign(b"what do ya want for nothing?") == expected


def test_the_fingerprint_stays_as_journals_are_named_after_it() -> None:
    assert hmac_signer("key", "secret").fingerprint == "1c61683e1fab"
    assert hmac_signer("key", "other").fingerprint == "1c61683e1fab"
    assert hmac_signer("Key", "secret").fingerprint != "1c61683e1fab"


@pytest.mark.parametrize("password", ["", PASSWORD])
def test_an_ed25519_key(password: str) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    signer = pem_signer("key", pem(key, password), password or None)
    assert (signer.kind, signer.name()) == ("ed25519", "key")
    key.public_key().verify(base64.b64decode(signer.sign(b"text")), b"text")


def test_an_rsa_key() -> None:
    key = rsa.generate_private_key(65537, 2048)
    signer = pem_signer("key", pem(key))
    assert signer.kind == "rsa"
    signature = base64.b64decode(signer.sign(b"text"))
    key.public_key().verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    ("text", "password", "said"),
    [
        (b"nothing", None, "cannot be read"),
        (b"nothing", PASSWORD, "cannot be read"),
        (pem(ed25519.Ed25519PrivateKey.generate(), PASSWORD), None, "no password was given"),
        (pem(ed25519.Ed25519PrivateKey.generate(), PASSWORD), "wrong", "cannot be decrypted"),
        (pem(ed25519.Ed25519PrivateKey.generate()), PASSWORD, "is not encrypted"),
        (pem(ec.generate_private_key(ec.SECP256R1())), None, "neither Ed25519 nor RSA"),
    ],
)
def test_a_file_that_is_no_such_key(text: bytes, password: str | None, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        pem_signer("key", text, password)
    assert caught.value.recovery_suggestions
    assert PASSWORD not in str(caught.value)
