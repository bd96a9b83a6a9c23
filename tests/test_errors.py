"""The tree of errors against the contract with users (API.md, section 5)."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from cryptox import errors
from cryptox.errors import CryptoxError

CLASSES = [getattr(errors, name) for name in errors.__all__]

# class: (category, severity, retryable), as API.md section 5 has them
CONTRACT: dict[str, tuple[str, str, bool]] = {
    "NetworkError": ("network", "warning", True),
    "NotSent": ("network", "warning", True),
    "OutcomeUnknown": ("network", "critical", False),
    "RateLimited": ("rate_limiting", "warning", True),
    "Banned": ("rate_limiting", "critical", False),
    "AuthenticationError": ("authentication", "error", False),
    "ClockSkew": ("authentication", "warning", True),
    "ValidationError": ("validation", "error", False),
    "BadSymbol": ("validation", "error", False),
    "BadInterval": ("validation", "error", False),
    "FilterFailure": ("validation", "error", False),
    "OrderRejected": ("validation", "error", False),
    "OrderNotFound": ("validation", "error", False),
    "TradingNotEnabled": ("validation", "error", False),
    "ConfigurationError": ("validation", "error", False),
    "InsufficientFunds": ("insufficient_funds", "error", False),
    "MarketClosed": ("market_status", "warning", False),
    "ExchangeError": ("system", "error", False),
    "DataGap": ("system", "error", True),
}


@pytest.mark.parametrize("name", sorted(CONTRACT))
def test_category_severity_and_retryable(name: str) -> None:
    error = getattr(errors, name)("What happened.")
    assert (error.category, error.severity, error.retryable) == CONTRACT[name]


def test_the_contract_names_every_class() -> None:
    assert CONTRACT.keys() | {"CryptoxError"} == set(errors.__all__)


def test_kinds_are_kinds() -> None:
    assert issubclass(errors.NotSent, errors.NetworkError)
    assert issubclass(errors.Banned, errors.RateLimited)
    assert issubclass(errors.ClockSkew, errors.AuthenticationError)
    for kind in (errors.BadSymbol, errors.BadInterval, errors.FilterFailure):
        assert issubclass(kind, errors.ValidationError)
    for kind in (errors.InsufficientFunds, errors.MarketClosed):
        assert issubclass(kind, errors.OrderRejected)
    assert not issubclass(errors.OutcomeUnknown, errors.NetworkError)  # `except NetworkError: again()` must miss it


def test_the_tree_of_the_docstring_is_the_tree_of_the_code() -> None:
    depth_of: dict[str, int] = {}
    parents: dict[str, str] = {}
    line_of = re.compile(r"^    ([│├└─ ]*)([A-Z]\w+)(?:\s|$)")
    stack: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = line_of.match(line)
        if found and found[2] in errors.__all__:
            depth = len(found[1]) // 4
            del stack[depth:]
            if stack:
                parents[found[2]] = stack[-1]
            stack.append(found[2])
            depth_of[found[2]] = depth
    assert depth_of.keys() == set(errors.__all__)
    assert parents == {kind.__name__: kind.__base__.__name__ for kind in CLASSES if kind is not CryptoxError} | {}


def test_facts_are_attributes() -> None:
    error = errors.RateLimited(
        "Wait.",
        technical_details="HTTP 429",
        recovery_suggestions=["do this"],
        context={"venue": "binance"},
        code=-1003,
        retry_after=3.5,
        suggested={"call": "klines_bulk"},
        missing=[("BTCUSDT", "a", "b")],
    )
    assert error.user_message == "Wait."
    assert error.technical_details == "HTTP 429"
    assert error.recovery_suggestions == ["do this"]
    assert error.context == {"venue": "binance"}
    assert (error.code, error.retry_after, error.suggested) == (-1003, 3.5, {"call": "klines_bulk"})
    assert error.missing == [["BTCUSDT", "a", "b"]]
    assert error.partial is None
    assert str(error) == "Wait. (code -1003)"


def test_defaults_are_those_of_the_class_and_not_shared() -> None:
    first, second = errors.NotSent("a"), errors.NotSent("b")
    assert first.recovery_suggestions == list(errors.NotSent.advice)
    first.recovery_suggestions.append("x")
    first.context["y"] = 1
    assert second.recovery_suggestions == list(errors.NotSent.advice)
    assert second.context == {}
    assert errors.ExchangeError("c", retryable=True).retryable
    assert (first.code, first.retry_after, first.suggested, first.technical_details) == (None, None, None, "a")


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling(kind: type[CryptoxError]) -> None:
    error = kind("What.", code=-1, context={"symbol": "BTCUSDT"}, retry_after=1.0, partial={"rows": 2})
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert vars(again) == vars(error)
    assert again.args == error.args


def test_every_error_is_explained_and_knows_no_exchange() -> None:
    source = Path(errors.__file__).read_text(encoding="utf-8").lower()
    assert "binance" not in source
    for kind in CLASSES:
        assert kind.__doc__, kind
