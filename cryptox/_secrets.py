"""What is secret, by name: the one place where logs, errors and tracebacks learn what to hide."""

from __future__ import annotations

import re

__all__ = ["HIDDEN", "is_secret", "scrub"]

HIDDEN = "***"

_NAME = re.compile(
    r"(?i)(api[-_]?key|listen[-_]?key|secret|signature|private|passphrase|password|token|authorization|^key$)"
)
_TEXT = re.compile(
    r"(?i)\b(signature|[\w-]{0,16}(?:api|secret|private|listen)[-_]?key|secret|passphrase|password|token|authorization)"
    r"(['\"]?\s*[=:]\s*)(?:\w+ (?=\w)|['\"])?[^\s&\"'<>,;]+"
)


def is_secret(name: str) -> bool:
    """Whether a field, argument or header of that name holds something secret."""
    return _NAME.search(name) is not None


def scrub(text: str) -> str:
    """The text with the value of everything written like ``signature=...`` or ``api_key: ...`` hidden."""
    return _TEXT.sub(rf"\1\2{HIDDEN}", text)
