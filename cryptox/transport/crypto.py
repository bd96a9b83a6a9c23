"""Keys that sign. The secret is in a closure and nowhere else: no attribute, repr, pickle or copy shows it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Literal, NoReturn

from cryptox.errors import ConfigurationError
from cryptox.settings import PASSWORD_VARIABLE

__all__ = ["Kind", "Signer", "hmac_signer", "pem_signer"]

Kind = Literal["hmac", "ed25519", "rsa"]


class Signer:
    """A key of an account: gives its name to requests and signs them.

    Attributes
    ----------
    kind
        ``"hmac"``, ``"ed25519"`` or ``"rsa"``.
    fingerprint
        Names the key without telling it: twelve hexadecimal digits.
    """

    __slots__ = ("_act", "fingerprint", "kind")

    def __init__(self, api_key: str, kind: Kind, sign: Callable[[bytes], str]) -> None:
        self.kind = kind
        self.fingerprint = hashlib.sha256(b"cryptox " + api_key.encode()).hexdigest()[:12]

        def act(payload: bytes | None) -> str:
            """The signature of a payload; the key's name for None."""
            return api_key if payload is None else sign(payload)

        self._act = act

    def sign(self, payload: bytes) -> str:
        """The signature: hexadecimal of an HMAC key, base64 of the others."""
        return self._act(payload)

    def name(self) -> str:
        """The API key, to be sent. Hand it to nothing that keeps it."""
        return self._act(None)

    def __repr__(self) -> str:
        """Its kind, nothing more."""
        return f"<{self.kind} key>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError("a key cannot be pickled or copied")


def hmac_signer(api_key: str, secret_key: str) -> Signer:
    """A key with a shared secret (HMAC-SHA256)."""
    secret = secret_key.encode()
    return Signer(api_key, "hmac", lambda payload: hmac.digest(secret, payload, "sha256").hex())


def pem_signer(api_key: str, pem: bytes, password: str | None = None) -> Signer:
    """A key with a private half in PEM: Ed25519, or RSA (PKCS#1 v1.5 with SHA-256).

    Raises
    ------
    ConfigurationError
        Not such a key, or the password is missing or wrong. Nothing of the file is in the message.
    """
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

    try:
        key = serialization.load_pem_private_key(pem, None if password is None else password.encode())
    except (ValueError, TypeError) as error:
        encrypted = b"ENCRYPTED" in pem
        what, advice = "The private key cannot be read.", "Give a PEM file of an Ed25519 or RSA private key (PKCS#8)."
        password_advice = f"Give private_key_password, or set {PASSWORD_VARIABLE} for a key of the environment."
        if encrypted and password is None:
            what, advice = "The private key is encrypted and no password was given.", password_advice
        elif encrypted:
            what, advice = "The private key cannot be decrypted with that password.", password_advice
        elif password is not None and isinstance(error, TypeError):
            what, advice = "A password was given, but the private key is not encrypted.", "Leave the password out."
        raise ConfigurationError(what, recovery_suggestions=[advice]) from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        own = key
        return Signer(api_key, "ed25519", lambda payload: base64.b64encode(own.sign(payload)).decode())
    if isinstance(key, rsa.RSAPrivateKey):
        pair = key
        return Signer(
            api_key,
            "rsa",
            lambda payload: base64.b64encode(pair.sign(payload, padding.PKCS1v15(), hashes.SHA256())).decode(),
        )
    raise ConfigurationError(
        "The private key is neither Ed25519 nor RSA.",
        recovery_suggestions=["Make an Ed25519 key: openssl genpkey -algorithm ed25519 -out key.pem"],
    )
