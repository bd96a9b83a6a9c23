from __future__ import annotations

import pytest

from cryptox.paper.refusals import Refused
from cryptox.paper.streams.opening import Opening, is_stream_path, read_opening
from cryptox.venues.binance.codes import Code


@pytest.mark.parametrize(
    ("target", "opening"),
    [
        ("/ws", Opening((), False, False)),
        ("/ws/", Opening((), False, False)),
        ("/ws/0", Opening(("0",), False, False)),
        ("/ws/btcusdt@trade", Opening(("btcusdt@trade",), False, False)),
        ("/ws/btcusdt%40trade", Opening(("btcusdt@trade",), False, False)),
        ("/ws/btcusdt@trade/ethusdt@trade", Opening(("btcusdt@trade", "ethusdt@trade"), False, False)),
        ("/ws/btcusdt@trade?timeUnit=MICROSECOND", Opening(("btcusdt@trade",), False, True)),
        ("/ws/btcusdt@trade?timeUnit=millisecond", Opening(("btcusdt@trade",), False, False)),
        ("/stream", Opening((), True, False)),
        ("/stream?streams=", Opening((), True, False)),
        ("/stream?streams=a/b/a//c", Opening(("a", "b", "c"), True, False)),
        ("/stream?streams=a%40trade%2Fb%40kline_1d@%2B08:00", Opening(("a@trade", "b@kline_1d@+08:00"), True, False)),
        ("/stream?streams=a@kline_1d@+08:00", Opening(("a@kline_1d@+08:00",), True, False)),
        ("/stream?timeUnit=microsecond&streams=a", Opening(("a",), True, True)),
        ("/stream?streams=a/b?timeUnit=MICROSECOND", Opening(("a", "b"), True, True)),  # python-binance
        ("/ws/\udcff@trade/%ff", Opening(("\ufffd@trade", "\ufffd"), False, False)),  # bytes that are no UTF-8
        (
            "/ws/%E8%BF%99%E6%98%AF%E6%B5%8B%E8%AF%95%E5%B8%81456usdt@trade",
            Opening(("这是测试币456usdt@trade",), False, False),
        ),
    ],
)
def test_addresses(target: str, opening: Opening) -> None:
    assert is_stream_path(target)
    assert read_opening(target) == opening


@pytest.mark.parametrize("unit", ["Microsecond", "NANOSECOND", "", "ms"])
def test_another_unit_is_refused(unit: str) -> None:
    with pytest.raises(Refused) as caught:
        read_opening(f"/ws?timeUnit={unit}")
    assert caught.value.code == Code.INVALID_TIME_UNIT == -1194
    assert caught.value.text == "Invalid value for time unit; expected either MICROSECOND or MILLISECOND."


def test_more_than_1024_streams_are_refused() -> None:
    names = "/".join(f"s{number}" for number in range(1_024))
    assert len(read_opening(f"/stream?streams={names}").streams) == 1_024
    with pytest.raises(Refused, match="1024"):
        read_opening(f"/stream?streams={names}/one")


@pytest.mark.parametrize("target", ["/wsx", "/ws-api/v3", "/streams", "/", "/api/ws", "/streaming?streams=a"])
def test_other_paths_are_not_ours(target: str) -> None:
    assert not is_stream_path(target)
