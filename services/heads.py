"""How long a request may be before its body: the server itself does not say, and would gather without end."""

from typing import Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.errors import PROBLEM_JSON, HeadersTooLarge, problem

_BYTES_MAX: Final = 64_000


class HeadTooLong(Exception):
    """What comes before the body, or after its last chunk, is longer than it may be."""


class MeasuredHeads(HttpToolsProtocol):
    """The server's protocol for one connection, which hangs up on whoever never comes to the body.

    The limit is uvicorn's `h11_max_incomplete_event_size`, in bytes: uvicorn itself heeds it only for its other parser.
    """

    _head_bytes = 0
    _idle_bytes = 0  #: received since a request began, its head ended or a part of its body came

    def data_received(self, data: bytes) -> None:
        self._idle_bytes += len(data)
        super().data_received(data)
        if self._idle_bytes > self._bytes_max and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = self._idle_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._measure(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._measure(len(name) + len(value) + len(b": \r\n"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._idle_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._idle_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._idle_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What the server does when the parser gave up, which it also does when `_measure` raises."""
        if self._head_bytes > self._bytes_max:
            self._refuse()
        else:
            super().send_400_response(msg)

    @property
    def _bytes_max(self) -> int:
        return self.config.h11_max_incomplete_event_size or _BYTES_MAX

    def _measure(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self._bytes_max:
            raise HeadTooLong

    def _refuse(self) -> None:
        """Say why, unless another answer is under way, and hang up."""
        if self.cycle is None or self.cycle.response_complete:
            body = orjson.dumps(problem(HeadersTooLarge()))
            head = (
                "HTTP/1.1 431 Request Header Fields Too Large\r\n"
                f"content-type: {PROBLEM_JSON}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()
