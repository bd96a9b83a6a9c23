"""A widget channel that writes down what a page would get."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import comm
from comm.base_comm import BaseComm


class Channel(BaseComm):  # type: ignore[misc]  # comm has no types
    """One model's channel."""

    def __init__(self, *args: Any, **keys: Any) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []  # kinds of messages, and their data
        self.buffers: list[Any] = []
        super().__init__(*args, **keys)

    def publish_msg(
        self,
        msg_type: str,
        data: Any = None,
        metadata: Any = None,
        buffers: Any = None,
        **keys: Any,
    ) -> None:
        text = json.dumps(data or {}, allow_nan=False)  # as the kernel does: what is no JSON fails here
        self.said.append((msg_type, json.loads(text)))
        self.buffers += buffers or []

    @property
    def state(self) -> Mapping[str, Any]:
        """What the page's model has, by all that was said."""
        state: dict[str, Any] = {}
        for _, data in self.said:
            state |= data.get("state", {})
        return state

    @property
    def custom(self) -> list[Any]:
        """Messages beside the model."""
        return [data["content"] for _, data in self.said if data.get("method") == "custom"]

    def hear(self, content: Any) -> None:
        """The page says something."""
        self.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})

    def ask_all(self) -> dict[str, Any]:
        """What a page that is loaded again is told of this model."""
        before = len(self.said)
        self.handle_msg({"content": {"data": {"method": "request_state"}}, "buffers": []})
        ((_, data),) = self.said[before:]
        state: dict[str, Any] = data["state"]
        return state


def opened(monkeypatch: Any) -> list[Channel]:
    """From now on, the channels of all models that are made."""
    channels: list[Channel] = []

    def make(*args: Any, **keys: Any) -> Channel:
        channel = Channel(*args, **keys)
        channels.append(channel)
        return channel

    monkeypatch.setattr(comm, "create_comm", make)
    return channels
