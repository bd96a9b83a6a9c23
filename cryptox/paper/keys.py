"""What opens an account of the paper exchange."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PaperKeys"]


class PaperKeys(NamedTuple):
    """What opens an account of the paper exchange. The ``repr`` does not show the secret."""

    api_key: str
    secret_key: str

    def __repr__(self) -> str:
        """The beginning of the key."""
        return f"PaperKeys(api_key='{self.api_key[:6]}…')"
