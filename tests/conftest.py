"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryptox.sessions import address

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recorded data and protocol facts beside the checkout; skips where it is not there."""
    path = Path(os.environ.get("CRYPTOX_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        pytest.skip("no recorded data: the folder shared/ is not beside the checkout")
    return path


@pytest.fixture(autouse=True)
def new_addresses() -> Iterator[None]:
    """Ports are used again: a session that a test left behind must not lend what it knew to a later exchange."""
    yield
    address._book._local.clear()
