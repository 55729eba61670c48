"""The one decoding process of this process: started when first needed, killed when it hangs, started again."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

TIMEOUT = 30.0
"""Seconds for one task."""
_GOODBYE = 5.0

Badness = Literal["pixels", "format", "unreadable", "missing", "died", "timeout"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What decoding found: ``format`` is ``PNG``, ``JPEG``, ``WEBP`` or ``MP4``; pixels, seconds; a clip's codec."""

    format: str
    media_type: str
    kind: Literal["image", "video"]
    width: int
    height: int
    has_alpha: bool
    duration: float | None
    codec: str | None = None


class Undecodable(Exception):
    """The file could not be decoded. ``died`` and ``timeout`` speak of the process, the others of the file.

    ``missing``: PyAV, which takes frames from clips, is not installed.
    """

    def __init__(self, reason: Badness, why: str = "") -> None:
        super().__init__(f"{reason}: {why}" if why else reason)
        self.reason = reason
        self.why = why


class DecodeWorker:
    """Runs one task at a time in a child process with limited memory. Call :meth:`close`, or end: the child follows."""

    def __init__(self, *, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._thread = ThreadPoolExecutor(1, "ima2-decode")
        self._child: subprocess.Popen[str] | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Of the child, when one runs."""
        return self._child.pid if self._child is not None else None

    async def warm(self) -> None:
        """Start the child before it is needed."""
        await self._in_thread(self._running)

    async def probe(self, path: Path) -> Facts:
        """Decode ``path`` wholly. :raises Undecodable: it is no whole PNG, JPEG, WebP or MP4."""
        return Facts(**await self._ask({"task": "probe", "path": str(path)}))

    async def thumbnail(self, path: Path, into: Path, *, edge: int = 512) -> None:
        """Write a JPEG that fits into ``edge`` pixels. :raises Undecodable: as :meth:`probe`."""
        await self._ask({"task": "thumbnail", "path": str(path), "into": str(into), "edge": edge})

    async def frame(self, path: Path, into: Path, *, position: float | None) -> None:
        """Write a PNG of a clip's frame at ``position`` seconds, None is the last. :raises Undecodable: see there."""
        await self._ask({"task": "frame", "path": str(path), "into": str(into), "position": position})

    async def cut(self, path: Path, into: Path, *, seconds: float) -> None:
        """Write a clip without its first ``seconds``. :raises Undecodable: too little would be left, or see there."""
        await self._ask({"task": "cut", "path": str(path), "into": str(into), "seconds": seconds})

    async def close(self) -> None:
        """End the child, after the task it is at."""
        if self._closed:
            return
        self._closed = True
        await asyncio.shield(self._in_thread(self._stop))
        self._thread.shutdown(wait=False)

    async def _in_thread(self, action: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, action, *arguments)

    async def _ask(self, task: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = await self._in_thread(self._patient, task)
        if "ok" not in answer:
            raise Undecodable(answer["bad"], answer.get("why", ""))
        return dict(answer["ok"])

    def _patient(self, task: dict[str, Any]) -> dict[str, Any]:
        """A child that died for a reason of its own (memory of the machine, a kill) is given one more chance."""
        answer = self._exchange(task)
        return self._exchange(task) if answer.get("bad") == "died" else answer

    def _exchange(self, task: dict[str, Any]) -> dict[str, Any]:
        child = self._running()
        expired = threading.Event()
        timer = threading.Timer(self._timeout, _expire, (child, expired))
        timer.start()
        try:
            line = _converse(child, json.dumps(task))
        finally:
            timer.cancel()
        if line.endswith("\n"):
            return dict(json.loads(line))
        self._stop()
        return {"bad": "timeout" if expired.is_set() else "died"}

    def _running(self) -> subprocess.Popen[str]:
        if self._child is None or self._child.poll() is not None:
            self._stop()
            self._child = _start()
        return self._child

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        try:
            child.communicate(timeout=_GOODBYE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()


def _start() -> subprocess.Popen[str]:
    """``-P``: a file in the working folder can't pose as a module. Apart from the terminal's Ctrl+C."""
    windows = sys.platform == "win32"
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "ima2.storage.decode"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="ascii",
        start_new_session=not windows,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) if windows else 0,
    )


def _converse(child: subprocess.Popen[str], task: str) -> str:
    """One line there, one line back; an empty or cut answer when the child is gone."""
    if child.stdin is None or child.stdout is None:
        return ""
    try:
        child.stdin.write(f"{task}\n")
        child.stdin.flush()
        return child.stdout.readline()
    except (OSError, ValueError):
        return ""


def _expire(child: subprocess.Popen[str], expired: threading.Event) -> None:
    expired.set()
    child.kill()
