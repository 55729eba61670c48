"""A :class:`~ima2.hookspecs.Context` for tests: the real client, spool and credential file, in a folder of the test."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx
    from ima2.hookspecs import Clock, Credentials, ModelInfo, ProviderInfo, Spool
    from ima2.models import Reference
    from ima2.models.request import Role


class QuickClock:
    """A clock whose waits are over at once; time moves on by what was waited."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._start = now
        self._waited = 0.0

    def now(self) -> float:
        """Epoch seconds."""
        return self._start + self._waited

    def monotonic(self) -> float:
        """Seconds waited so far."""
        return self._waited

    async def sleep(self, seconds: float) -> None:
        """Let others run once."""
        self._waited += max(0.0, seconds)
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class KitContext:
    """See :class:`ima2.hookspecs.Context`. ``inputs`` is the folder of the input images, by SHA-256."""

    client: httpx.AsyncClient
    settings: Mapping[str, Any]
    credentials: Credentials
    notes: Credentials
    spool: Spool
    logger: logging.Logger
    clock: Clock
    inputs: Path
    live_models: Sequence[ModelInfo] = ()
    job_id: str | None = "job-1"
    resume: str | None = None

    def open(self, reference: Reference) -> Path:
        """The file of an input image that :meth:`add` has stored."""
        return self.inputs / reference.sha256

    def add(self, image: bytes, role: Role = "reference") -> Reference:
        """Store an input image, with the role ``clip`` an MP4, as ima2 does before a job exists."""
        from ima2.models import Reference

        sha256 = hashlib.sha256(image).hexdigest()
        self.inputs.mkdir(parents=True, exist_ok=True)
        (self.inputs / sha256).write_bytes(image)
        facts = _clip_facts(image) if role == "clip" else _image_facts(image)
        return Reference(sha256=sha256, size=len(image), role=role, **facts)


def _image_facts(image: bytes) -> dict[str, Any]:
    from PIL import Image

    with Image.open(io.BytesIO(image)) as picture:
        return {
            "media_type": Image.MIME[picture.format or ""],
            "width": picture.width,
            "height": picture.height,
            "has_alpha": picture.has_transparency_data,
        }


def _clip_facts(clip: bytes) -> dict[str, Any]:
    from ima2.storage import mp4

    movie = mp4.parse(io.BytesIO(clip))
    return {"media_type": "video/mp4", "width": movie.width, "height": movie.height, "duration": movie.duration}


@asynccontextmanager
async def open_context(
    info: ProviderInfo,
    folder: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    live_models: Sequence[ModelInfo] = (),
    resume: str | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[KitContext]:
    """Lend a provider a context as long as the block lasts.

    ``settings`` by name lie over the defaults of ``info``; ``credentials`` are written to the credential file first.
    """
    from ima2.upstream.client import make_client
    from ima2.upstream.credentials import CredentialFile
    from ima2.upstream.spool import SpoolFolder

    secrets = CredentialFile(folder / "credentials" / f"{info.id}.json")
    if credentials:
        secrets.write(credentials)
    async with make_client() as client:
        yield KitContext(
            client=client,
            settings={**{setting.name: setting.default for setting in info.settings}, **(settings or {})},
            credentials=secrets,
            notes=CredentialFile(folder / "notes" / f"{info.id}.json"),
            spool=SpoolFolder(folder / "spool"),
            logger=logging.getLogger(f"ima2.provider.{info.id}"),
            clock=clock or QuickClock(),
            inputs=folder / "references",
            live_models=live_models,
            resume=resume,
        )
