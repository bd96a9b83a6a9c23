"""Settings: what a wrong value is told, and what never appears in a message."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from cryptox.errors import ConfigurationError
from cryptox.settings import Settings

NOT_NUMBERS: tuple[Any, ...] = ("5", None, True, Decimal(5), timedelta(seconds=5), [5], float("nan"), 10**400)


@pytest.mark.parametrize("name", ["timeout", "order_timeout", "resolve_timeout", "recv_window", "weight_share"])
@pytest.mark.parametrize("value", [*NOT_NUMBERS, 0, -1, 86_401])
def test_what_is_no_fitting_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name} must be .*, not ") as caught:
        Settings.of({name: value})
    assert caught.value.recovery_suggestions


@pytest.mark.parametrize("value", [0, 257, 1.5, "16", True, None, 10**400])
def test_requests_in_flight_are_counted_in_whole_numbers(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_in_flight must be a whole number from 1 to 256"):
        Settings.of({"max_in_flight": value})


def test_numpy_scalars_are_the_numbers_they_stand_for() -> None:
    settings = Settings.of({"timeout": np.int64(5), "max_in_flight": np.uint8(4), "weight_share": np.float32(0.5)})
    assert settings == Settings(timeout=5, max_in_flight=4, weight_share=0.5)
    assert [type(one) for one in (settings.timeout, settings.max_in_flight)] == [int, int]


@pytest.mark.parametrize("value", ["JSON", None, ["json"], np.array(["json"])])
def test_an_unknown_encoding_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="encoding must be one of auto, json, sbe"):
        Settings.of({"encoding": value})


@pytest.mark.parametrize("name", ["rest_url", "stream_url", "ws_api_url", "proxy"])
@pytest.mark.parametrize("value", ["", "host:80", "user:hunter2@host:80", "http://a hunter2", 5, b"http://u:hunter2@h"])
def test_what_is_no_url_is_refused_without_repeating_it(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name} must be ") as caught:
        Settings.of({name: value})
    assert "hunter2" not in f"{caught.value!r} {caught.value} {vars(caught.value)}"


@pytest.mark.parametrize("value", ["://", "http://", "http://:80", "http://h:99999", "socks5://h:1", "http://[::1"])
def test_a_proxy_that_cannot_be_one_is_refused_at_once(value: str) -> None:
    with pytest.raises(ConfigurationError, match="the URL of an HTTP proxy such as http://host:8080"):
        Settings.of({"proxy": value})
    assert Settings.of({"proxy": "http://user:pass@host:8080"}).proxy == "http://user:pass@host:8080"
