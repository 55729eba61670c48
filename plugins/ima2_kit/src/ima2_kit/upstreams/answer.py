"""One scripted answer: what is said, and how the wire mistreats it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import Any, Literal

Ending = Literal["whole", "cut", "silence"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers, a body, and the way it travels.

    :ivar pieces: lengths in bytes of the network pieces, in order; the last one repeats until the body is out.
        Empty: one piece.
    :ivar delay: seconds before each piece.
    :ivar wait: seconds before the status line.
    :ivar stop: send this many bytes of the body; None means all of it.
    :ivar ending: what happens then: ``whole`` ends the body properly, ``cut`` drops the connection, ``silence`` keeps
        it open without a word until the client leaves.
    :ivar repeat: the route goes on giving this answer.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: tuple[int, ...] = ()
    delay: float = 0.0
    wait: float = 0.0
    stop: int | None = None
    ending: Ending = "whole"
    repeat: bool = False

    def but(self, **changes: Any) -> Answer:
        """The same answer with some of its fields changed."""
        return replace(self, **changes)

    def split(self) -> Iterator[bytes]:
        """The body in its network pieces, up to ``stop``."""
        left = memoryview(self.body if self.stop is None else self.body[: self.stop])
        lengths = chain(self.pieces, repeat(self.pieces[-1])) if self.pieces else repeat(len(left))
        for length in lengths:
            if not left:
                return
            yield bytes(left[: max(length, 1)])
            left = left[max(length, 1) :]


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer. Header names may be written with ``_``: ``retry_after="3"``."""
    body = json.dumps(value).encode()
    return Answer(status, {"Content-Type": "application/json", **_names(headers)}, body)


def text_answer(text: str, status: int = 200, content_type: str = "text/plain", **headers: str) -> Answer:
    """An answer in words, or in HTML with ``content_type="text/html"``."""
    return Answer(status, {"Content-Type": content_type, **_names(headers)}, text.encode())


def events(items: Iterable[Mapping[str, Any]], *, newline: str = "\n", named: bool = True, **headers: str) -> Answer:
    """An event stream: each item becomes ``event: <its type>`` and ``data: <its JSON>``.

    :param newline: LF, CRLF or a bare CR.
    :param named: with False the ``event:`` line is left out, as some proxies do.
    """
    body = "".join(_frame(item, newline, named) for item in items).encode()
    return Answer(200, {"Content-Type": "text/event-stream", **_names(headers)}, body)


def _frame(item: Mapping[str, Any], newline: str, named: bool) -> str:
    head = f"event: {item['type']}{newline}" if named and "type" in item else ""
    return f"{head}data: {json.dumps(item)}{newline}{newline}"


def _names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
