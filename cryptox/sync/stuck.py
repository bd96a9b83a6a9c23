"""Calls that answer although the loop thread does not."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from cryptox import portal
from cryptox._standstill import Standstill

__all__ = ["PATIENCE_S", "call", "looked", "waited"]

T = TypeVar("T")

PATIENCE_S: Final = 8.0  # without a step of the loop: as long as a check of health may take


def looked(look: Coroutine[Any, Any, T], component: str | None) -> T | Any:
    """What a look at health has found, or that its loop stands.

    Raises
    ------
    ValidationError
        There is no such component.
    """
    try:
        return waited(look)
    except Standstill as still:
        from cryptox.sessions.health import check_component
        from cryptox.sessions.standstill import component_of, health_of

        check_component(component)
        return health_of(still) if component is None else component_of(still, component)


def call(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, from the loop thread.

    Raises
    ------
    ConfigurationError
        The loop stands.
    """
    try:
        return waited(work)
    except Standstill as still:
        error = still.as_error()
    raise error


def waited(work: Coroutine[Any, Any, T]) -> T:
    """The same; raises ``Standstill`` instead."""
    return portal.run(work, patience_s=PATIENCE_S)
