"""Every decoder of cryptox in one table: what is given to it, what it may raise, and what must hold where it accepts.

``read`` calls all entry points with the bytes and returns nothing. An error that is not among ``raises`` comes out of
it, and so does an ``AssertionError`` where two readings of one message differ, or where what the encoder makes of an
accepted message is refused.
"""

from __future__ import annotations

import fuzz_answers  # noqa: F401  fills the table, as the next does
import fuzz_others  # noqa: F401
from fuzz_table import DECODERS, Decoder

__all__ = ["DECODERS", "Decoder"]
