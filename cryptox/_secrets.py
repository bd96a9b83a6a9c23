"""What is secret, by name: the one place where logs, errors and tracebacks learn what to hide or to spell out."""

from __future__ import annotations

import functools
import re

__all__ = ["HIDDEN", "is_secret", "printable", "scrub"]

HIDDEN = "***"

_NAME = re.compile(
    r"(?i)(api[-_]?key|listen[-_]?key|secret|signature|private|passphrase|password|token|authorization|^key$)"
)
_TEXT = re.compile(
    r"(?i)\b([\w-]{0,24}?(?:(?:api|secret|private|listen)[-_]?key|signature|secret|passphrase|password|token"
    r"|authorization))"
    r"(['\"]?\s*[=:]\s*)(?:\w+ (?=\w)|['\"])?[^\s&\"'<>,;]+"
)
_PEM = re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)")


@functools.lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Whether a field, argument or header of that name holds something secret."""
    return _NAME.search(name) is not None


def scrub(text: str) -> str:
    """The text without private keys in PEM, and the value of everything like ``signature=...`` or ``api_key: ...``."""
    if "PRIVATE KEY" in text:
        text = _PEM.sub(HIDDEN, text)
    return _TEXT.sub(rf"\1\2{HIDDEN}", text)


def printable(text: str) -> str:
    """The text with what is not printable spelled out: it breaks no line and moves no cursor."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
