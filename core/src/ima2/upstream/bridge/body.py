"""A request's body on its way upstream: streamed as it comes, and kept on disk in case it must go again."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import ClassVar, Self

from aiohttp import StreamReader

from ima2.errors import InvalidRequest

MAX_BODY = 128 * 2**20
"""Bytes. The services themselves take less."""
IN_MEMORY = 2**20
_BLOCK = 2**16


class Body:
    """May be streamed again after a first try was refused, also when that stopped in the middle.

    :ivar repeatable: False when the disk had no room to keep it.
    """

    def __init__(self, content: StreamReader) -> None:
        self.repeatable = True
        self._coming = content
        self._size = 0
        self._passed = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by close()

    @property
    def content(self) -> AsyncIterator[bytes]:
        """The body from its beginning, once more each time it is asked for."""
        return self._stream()

    async def _stream(self) -> AsyncIterator[bytes]:
        """What passed before, then what comes.

        :raises InvalidRequest: ``BODY_TOO_LARGE`` (413).
        """
        self._passed.seek(0)
        while block := self._passed.read(_BLOCK):
            yield block
        async for chunk in self._coming.iter_any():
            self._size += len(chunk)
            if self._size > MAX_BODY:
                raise InvalidRequest(f"A request has at most {MAX_BODY >> 20} MiB.", code="BODY_TOO_LARGE", status=413)
            self._keep(chunk)
            yield chunk

    def _keep(self, chunk: bytes) -> None:
        try:
            if self.repeatable:
                self._passed.write(chunk)
        except OSError:
            self.repeatable = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._passed.close()


@dataclass(frozen=True, slots=True)
class Whole:
    """A body that a handler has made; it may be sent again."""

    content: bytes = field(repr=False)
    repeatable: ClassVar[bool] = True
