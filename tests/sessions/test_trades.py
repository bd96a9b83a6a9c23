"""Aggregate trades: what one request gives is never a part passed off as the whole."""

from __future__ import annotations

import pytest

import cryptox as cx
from cryptox.errors import ValidationError


def test_all_between_two_times_or_the_bulk_call_is_suggested() -> None:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.connect(exchange) as session:
        day = {"start": "2024-05-31", "end": "2024-06-01"}
        with pytest.raises(ValidationError, match="more than 1,000 aggregate trades") as caught:
            session.agg_trades("BTCUSDT", **day)
        assert caught.value.suggested is not None
        assert caught.value.suggested["call"] == "trades_bulk"
        whole = session.trades_bulk("BTCUSDT", **day)
        assert len(whole) > 1000
        minutes = session.agg_trades("BTCUSDT", start="2024-05-31 10:00", end="2024-05-31 10:03")
        assert 0 < len(minutes) < 1000
        assert minutes.equals(whole.loc["2024-05-31 10:00":"2024-05-31 10:02"])
        assert len(session.agg_trades("BTCUSDT", start="2024-05-31")) == 500
