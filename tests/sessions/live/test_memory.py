"""The recent past of a topic: few messages at a time do not wait long as objects, a flood is packed in large pieces."""

from __future__ import annotations

from typing import Any

from cryptox.model.columns import TRADES
from cryptox.sessions.live.memory import AT_ONCE, FEW, Memory
from cryptox.venues.binance.channels import Feed
from cryptox.venues.binance.live import StreamTold
from cryptox.venues.binance.readers import READERS

TRADE = (
    b'{"e":"trade","E":1767225600200,"s":"BTCUSDT","t":%d,"p":"94500.00000000","q":"0.10000000",'
    b'"T":1767225600123,"m":true,"M":true}'
)


def told(first: int, count: int) -> Any:
    rows, errors = READERS[Feed.TRADE].rows([TRADE % number for number in range(first, first + count)])
    assert errors == []
    return StreamTold(READERS[Feed.TRADE], Feed.TRADE, "BTCUSDT", rows, 7)


def waiting(pieces: list[int]) -> list[int]:
    """Messages that wait as objects after each piece; nothing may be missing."""
    memory, found, first = Memory(TRADES, 10_000), [], 0
    for count in pieces:
        memory.add(told(first, count))
        memory.tidy()
        found.append(len(memory._fresh))
        first += count
        assert len(memory) == first
    assert memory.batch(None)["id"].tolist() == list(range(first))
    return found


def test_messages_that_come_few_at_a_time_become_columns_soon() -> None:
    assert waiting([FEW - 1, 1, 1]) == [FEW - 1, 0, 1]


def test_messages_of_a_flood_become_columns_in_large_pieces() -> None:
    assert waiting([AT_ONCE - FEW, FEW, FEW, 1]) == [AT_ONCE - FEW, 0, FEW, 0]
