"""Small JPEGs beside the pictures, made one at a time and never in the way of storing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from ima2.storage.files import part_of
from ima2.storage.names import thumbnail_of
from ima2.storage.worker import DecodeWorker, Undecodable

_log = logging.getLogger(__name__)


class Thumbnails:
    """Makes thumbnails on demand, or later in the background. Of a clip it is a poster, which takes PyAV."""

    def __init__(self, worker: DecodeWorker) -> None:
        self._worker = worker
        self._waiting: dict[Path, None] = {}
        self._task: asyncio.Task[None] | None = None

    async def of(self, picture: Path) -> Path | None:
        """The thumbnail, made if need be; None when the picture has none."""
        target = thumbnail_of(picture)
        if target.is_symlink():
            return None
        return target if target.is_file() or await asyncio.shield(self._made(picture, target)) else None

    def schedule(self, picture: Path) -> None:
        """Make it later. Twice is once; needs a running event loop."""
        self._waiting[picture] = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Give up what waits; it is made when asked for."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _work(self) -> None:
        while self._waiting:
            picture = next(iter(self._waiting))
            del self._waiting[picture]
            await self.of(picture)

    async def _made(self, picture: Path, target: Path) -> bool:
        """Never raises: it goes on when nobody waits for it any more."""
        part = part_of(target)
        try:
            await self._worker.thumbnail(picture, part)
            await asyncio.to_thread(part.replace, target)
        except (Undecodable, OSError) as error:
            _log.debug("no thumbnail of %s: %s", picture.name, error)
            return False
        else:
            return True
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
