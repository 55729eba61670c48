"""Reading a provider's answer, an event stream or one JSON body, without ever holding a picture in memory.

Long strings (base64 pictures) are decoded into spool files while they arrive; see :class:`Spooled`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ima2.errors import StorageFailed, UpstreamError
from ima2.upstream.jsonspool import JsonSpool
from ima2.upstream.lines import LineSplitter, pieces
from ima2.upstream.spoolfile import Spooled

if TYPE_CHECKING:
    from collections.abc import Callable

    from ima2.hookspecs import Spool

__all__ = ["MAX_EVENT", "THRESHOLD", "EventReader", "ServerEvent", "Spooled", "document", "events"]

THRESHOLD = 64 * 1024
"""Bytes of a JSON string above which it goes to a file."""

MAX_EVENT = 96 * 2**20
"""Bytes of an event. A 4K picture is 20 to 30 MB of base64 (2026-08)."""

_BOM = b"\xef\xbb\xbf"
_FIELD_KNOWN = len(_BOM) + len(b"event: ")


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """An event with data.

    :ivar name: its ``event:`` field, None when absent or empty.
    :ivar id: its own ``id:`` field, None when absent or empty.
    :ivar data: parsed JSON, with :class:`Spooled` in the place of long strings.
    """

    name: str | None
    id: str | None
    data: Any


async def events(
    chunks: AsyncIterable[bytes], spool: Spool, *, threshold: int = THRESHOLD, max_event: int = MAX_EVENT
) -> AsyncGenerator[ServerEvent, None]:
    """The events of a stream, until it ends or says ``[DONE]``. Chunks may be cut anywhere.

    A string that comes again, in the same event or a later one, is the same :class:`Spooled` and is not written again.
    Events without data are skipped. A last event without its blank line counts.

    :raises UpstreamError: ``STREAM_PARSE_FAILED`` (422), data that is no JSON; ``STREAM_TOO_LARGE``, an event of more
        than ``max_event`` bytes. ``kept`` names the strings of that event which had come whole.
    :raises StorageFailed: the spool could not be written.
    """
    reader = EventReader(spool, threshold=threshold, max_event=max_event)
    try:
        async for chunk in chunks:
            for event in reader.feed(chunk):
                yield event
            if reader.done:
                return
        for event in reader.finish():
            yield event
    finally:
        reader.close()


async def document(
    chunks: AsyncIterable[bytes], spool: Spool, *, threshold: int = THRESHOLD, max_size: int = MAX_EVENT
) -> Any:
    """The value of a plain JSON body, with :class:`Spooled` in the place of long strings.

    :raises UpstreamError: as in :func:`events`.
    """
    text = JsonSpool(spool, threshold=threshold)
    size = 0
    try:
        async for chunk in chunks:
            for piece in pieces(chunk):
                size += len(piece)
                _limit(text, size, max_size)
                with _reported(text):
                    text.feed(piece)
        with _reported(text):
            return text.value()
    finally:
        text.reset()


class EventReader:
    """The same without async: feed it, then finish it, then close it.

    :ivar done: ``[DONE]`` has come; the rest is ignored.
    """

    def __init__(self, spool: Spool, *, threshold: int = THRESHOLD, max_event: int = MAX_EVENT) -> None:
        self.done = False
        self._max_event = max_event
        self._json = JsonSpool(spool, threshold=threshold)
        self._lines = LineSplitter()
        self._first_line = True
        self._begin_event()

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """The events that ``chunk`` completes."""
        for piece in pieces(chunk):
            for fragment, ended in self._lines.split(piece):
                self._size += len(fragment)
                _limit(self._json, self._size, self._max_event)
                self._take(fragment)
                if ended:
                    yield from self._end_line()
                if self.done:
                    return

    def finish(self) -> Iterator[ServerEvent]:
        """The event that the end of the stream completes."""
        if not self.done:
            yield from self._end_line()
            yield from self._end_event()

    def close(self) -> None:
        """Drop what was not finished."""
        self._json.reset()

    def _begin_event(self) -> None:
        self._json.reset()
        self._size = 0
        self._has_data = False
        self._fields: dict[bytes, bytearray] = {}
        self._begin_line()

    def _begin_line(self) -> None:
        self._head = bytearray()
        self._sink: Callable[[bytes], None] | None = None

    def _take(self, fragment: bytes) -> None:
        if self._sink:
            self._sink(fragment)
            return
        self._head += fragment
        if len(self._head) >= _FIELD_KNOWN:
            self._begin_field()

    def _begin_field(self) -> None:
        """Choose where the line goes, as soon as enough of it is there to tell."""
        self._strip_bom()
        line = bytes(self._head)
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._has_data = True
            self._json.line()
            self._sink = self._feed_json
        elif name in (b"event", b"id"):
            self._fields[name] = bytearray()
            self._sink = self._fields[name].extend
        elif self._has_data and name not in (b"", b"retry"):
            self._json.line(loose=True)
            self._sink, value = self._feed_json, line
        else:
            self._sink = _ignore
        self._sink(value)

    def _strip_bom(self) -> None:
        if self._first_line:
            self._first_line = False
            self._head = self._head.removeprefix(_BOM)

    def _end_line(self) -> Iterator[ServerEvent]:
        if self._sink is None:
            self._strip_bom()
            if self._head:
                self._begin_field()
            else:
                yield from self._end_event()
        self._begin_line()

    def _end_event(self) -> Iterator[ServerEvent]:
        text = self._json.text.strip()
        if text == b"[DONE]":
            self.done = True
        elif text:
            with _reported(self._json):
                data = self._json.value()
            yield ServerEvent(self._text_of(b"event"), self._text_of(b"id"), data)
        self._begin_event()

    def _feed_json(self, fragment: bytes) -> None:
        with _reported(self._json):
            self._json.feed(fragment)

    def _text_of(self, field: bytes) -> str | None:
        return self._fields.get(field, b"").decode(errors="replace") or None


def _ignore(fragment: bytes) -> None:
    """A comment, or a field that says nothing to us."""


def _limit(text: JsonSpool, size: int, limit: int) -> None:
    if size > limit:
        raise UpstreamError(
            f"The service sent more than {limit} bytes in one piece of its answer.",
            code="STREAM_TOO_LARGE",
            paid="maybe",
            kept=_kept(text),
        )


@contextmanager
def _reported(text: JsonSpool) -> Iterator[None]:
    try:
        yield
    except (ValueError, RecursionError) as error:
        raise UpstreamError(
            "The service sent something that is no JSON, or its answer was cut off.",
            code="STREAM_PARSE_FAILED",
            status=422,
            paid="maybe",
            kept=_kept(text),
        ) from error
    except OSError as error:
        raise StorageFailed(
            f"The answer could not be written: {error.strerror}.", paid="maybe", kept=_kept(text)
        ) from error


def _kept(text: JsonSpool) -> tuple[str, ...]:
    return tuple(str(spooled.path) for spooled in text.spooled)
