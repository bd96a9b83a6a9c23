"""Where an exchange on this machine is reached."""

from __future__ import annotations

from cryptox.errors import ConfigurationError

from .control import PATH as CONTROL_PATH
from .server import Server
from .streams.opening import SBE_PATH

__all__ = ["Addresses", "idle"]

_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - how to reach what listens on every address


class Addresses:
    """The addresses of an exchange that listens."""

    _server: Server
    _host: str

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises
        ------
        ConfigurationError : it does not listen.
        """
        if not self._server.running:
            raise idle()
        return self._server.port

    @property
    def rest_url(self) -> str:
        """Base of the REST API, without a slash at its end."""
        return f"http://{self._netloc}"

    @property
    def stream_url(self) -> str:
        """Base of the market streams: ``/ws`` and ``/stream`` follow it."""
        return f"ws://{self._netloc}"

    @property
    def stream_sbe_url(self) -> str:
        """Base of the SBE market streams: ``/ws`` and ``/stream`` follow it. They want an Ed25519 key."""
        return f"ws://{self._netloc}{SBE_PATH}"

    @property
    def ws_api_url(self) -> str:
        """Address of the WebSocket API."""
        return f"ws://{self._netloc}/ws-api/v3"

    @property
    def control_url(self) -> str:
        """Address of the control endpoint; nothing is there without ``control``."""
        return f"{self.rest_url}{CONTROL_PATH}"

    @property
    def _netloc(self) -> str:
        host = _HERE.get(self._host, self._host)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def idle() -> ConfigurationError:
    """It would have to listen for that."""
    return ConfigurationError(
        "The paper exchange is not running.",
        recovery_suggestions=["Use it in a with block, or call start() first."],
    )
