"""What the documents' programs use of PyPI's sseclient-py, which Debian does not package: SSEClient over a streamed
response of requests, and its events() with `event`, `data`, `id` and `retry`."""

from dataclasses import dataclass
from typing import Iterator, Optional


@dataclass
class Event:
    id: Optional[str] = None
    event: str = "message"
    data: str = ""
    retry: Optional[int] = None


class SSEClient:
    def __init__(self, event_source):
        self._source = event_source

    def _blocks(self) -> Iterator[str]:
        text = b""
        for chunk in self._source:
            text += chunk
            while b"\n\n" in text:
                block, text = text.split(b"\n\n", 1)
                yield block.decode("utf-8")

    def events(self) -> Iterator[Event]:
        for block in self._blocks():
            event, data = Event(), []
            for line in block.split("\n"):
                field, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if field == "data":
                    data.append(value)
                elif field == "retry":
                    event.retry = int(value)
                elif field in ("id", "event"):
                    setattr(event, field, value)
            if data:
                event.data = "\n".join(data)
                yield event
