"""The certificates we trust: the company's where it says so, else the system's."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping

from cryptox._loop import apart
from cryptox.errors import ConfigurationError, NotSent

__all__ = ["trusted", "trusted_soon"]


def trusted(environ: Mapping[str, str] | None = None) -> ssl.SSLContext:
    """A verifying TLS context: SSL_CERT_FILE and SSL_CERT_DIR where set, else the system's certificates.

    Where the system has none (some Python builds for macOS and conda), those of certifi, if installed.

    Raises
    ------
    ConfigurationError
        SSL_CERT_FILE or SSL_CERT_DIR names something that cannot be read.
    """
    environ = os.environ if environ is None else environ
    file = environ.get("SSL_CERT_FILE") or None
    folder = environ.get("SSL_CERT_DIR") or None
    try:
        context = ssl.create_default_context(cafile=file, capath=folder)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The certificates of SSL_CERT_FILE ({file}) or SSL_CERT_DIR ({folder}) cannot be read.",
            technical_details=repr(error),
            recovery_suggestions=["Point SSL_CERT_FILE at a PEM file that exists, or unset it."],
        ) from error
    if file is None and folder is None and not _has_roots(context):
        _add_certifi(context)
    return context


async def trusted_soon() -> ssl.SSLContext:
    """The same, read off the loop: that takes tens of milliseconds.

    Raises
    ------
    ConfigurationError
        As ``trusted``.
    NotSent
        The thread that read them was ended.
    """
    try:
        return await apart(trusted)
    except InterruptedError as error:
        raise NotSent(f"The certificates were not read: {error}") from error


def _has_roots(context: ssl.SSLContext) -> bool:
    # A folder of certificates is read on demand and does not count in the statistics.
    return context.cert_store_stats()["x509_ca"] > 0 or ssl.get_default_verify_paths().capath is not None


def _add_certifi(context: ssl.SSLContext) -> None:
    try:
        import certifi
    except ImportError:
        return
    context.load_verify_locations(cafile=certifi.where())
