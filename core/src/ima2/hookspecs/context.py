"""What the kernel lends a provider: the things a provider may not make itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import httpx

    from ima2.hookspecs.descriptors import ModelInfo
    from ima2.models import Reference


class Spool(Protocol):
    """A folder of this call, on the same disk as the gallery; what lies in it survives a crash until the job ends."""

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        ...

    def new(self, suffix: str = "") -> Path:
        """A fresh path in the folder; no file is made. ``suffix`` as in ``.png``."""
        ...


class Credentials(Protocol):
    """The provider's own secrets: a JSON object in a 0600 file, written atomically, unknown keys kept."""

    def read(self) -> dict[str, Any]:
        """The stored object, ``{}`` when there is none."""
        ...

    def write(self, value: Mapping[str, Any]) -> None:
        """Replace the object; on disk before this returns."""
        ...

    def delete(self) -> None:
        """Forget it."""
        ...

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Hold the file lock around read, refresh and write: one refresher among all processes."""
        ...


class Clock(Protocol):
    """Time; tests bring their own."""

    def now(self) -> float:
        """Epoch seconds, for display and expiry."""
        ...

    def monotonic(self) -> float:
        """Seconds for waiting."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Context(Protocol):
    """Lent for one hook call."""

    @property
    def client(self) -> httpx.AsyncClient:
        """The shared HTTP client; never make your own."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """The provider's settings by name, per-request values applied."""
        ...

    @property
    def credentials(self) -> Credentials:
        """The provider's own secrets."""
        ...

    @property
    def notes(self) -> Credentials:
        """What it may want to remember (a quota, an ETag); may be thrown away at any time."""
        ...

    @property
    def spool(self) -> Spool:
        """Where results go."""
        ...

    @property
    def logger(self) -> logging.Logger:
        """For what an operator may want to know; never a secret, never a prompt."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...

    @property
    def live_models(self) -> Sequence[ModelInfo]:
        """What ``ima2_models`` last returned, when that is less than a day ago; else empty, and nothing is known."""
        ...

    @property
    def job_id(self) -> str | None:
        """None outside a job (status, models, sign-in)."""
        ...

    @property
    def resume(self) -> str | None:
        """The upstream id to continue from; None for a fresh call."""
        ...

    def open(self, reference: Reference) -> Path:
        """The stored file of an input image."""
        ...
