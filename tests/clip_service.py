"""A video service on disk, which a killed client does not take along, and a provider that speaks to it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from ima2.errors import Refused, UpstreamError
from ima2.hookspecs import Capabilities, ClipMode, Context, ModelInfo, ProviderInfo, Setting, Status, hookimpl
from ima2.models import Call, CallEvent, Media, Phase, Progress, Sending, Submitted, Usage
from ima2_kit.conformance.pictures import clip

MODES = (
    ClipMode("text", duration=(1, 15)),
    ClipMode("image", images=(1, 1), duration=(1, 15)),
    ClipMode("reference", images=(2, 7), duration=(1, 10), resolutions=("480p", "720p")),
    ClipMode("edit", operation="edit", clip=(0, 8.7)),
    ClipMode("extend", operation="extend", duration=(2, 10), clip=(2, 15)),
)
CAPABILITIES = Capabilities(
    operations=("generate", "edit", "extend"),
    resolutions=("480p", "720p", "1080p"),
    aspect_ratios=("1:1", "16:9", "9:16"),
    duration=(1, 15),
    modes=MODES,
    remote_sources=True,
    max_references=7,
    max_count=4,
    codes={"REF_TOO_MANY": "FILM_REF_TOO_MANY"},
)


class Service:
    """``submits`` has a line for each paid request; a clip is ready whenever it is asked for."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "submits"
        self._cancelled = folder / "cancelled"

    def submit(self, prompt: str) -> str:
        with self._log.open("a") as log:
            log.write(f"{prompt}\n")
        return f"up-{len(self.submits)}"

    @property
    def submits(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    def cancel(self, upstream_id: str) -> None:
        with self._cancelled.open("a") as log:
            log.write(f"{upstream_id}\n")

    @property
    def cancelled(self) -> list[str]:
        return self._cancelled.read_text().splitlines() if self._cancelled.exists() else []

    def clip(self, upstream_id: str) -> bytes:
        assert upstream_id in {f"up-{number}" for number in range(1, len(self.submits) + 1)}
        return clip(seconds=5)


class ClipProvider:
    """``at`` maps a point of the call to what happens there: an exception, ``"hang"``, or a function (async too).

    Points: ``sending``, ``posted``, ``submitted``, ``progress``, ``download``, ``media``; ``posted:1`` for one call.
    """

    def __init__(self, service: Service, at: dict[str, Any] | None = None, **info: Any) -> None:
        self.service = service
        self.at = at or {}
        self.calls: list[Call] = []
        self.resumed: list[str | None] = []
        self.info = ProviderInfo(
            **{
                "id": "film",
                "title": "Film",
                "kinds": ("video",),
                "billing": "metered",
                "resumable": ("video",),
                "upstream_alias": "filmRequestId",
                "models": (ModelInfo("film-1", kind="video", capabilities=CAPABILITIES, aliases=("film",)),),
                "settings": (Setting("planner_model", per_request=True),),
                **info,
            }
        )

    @hookimpl
    def ima2_provider(self) -> ProviderInfo:
        return self.info

    @hookimpl
    async def ima2_status(self, context: Context) -> Status:
        return Status(ready=True)

    @hookimpl
    async def ima2_generate_video(self, call: Call, context: Context) -> AsyncIterator[CallEvent]:
        self.calls.append(call)
        self.resumed.append(context.resume)
        upstream_id = context.resume
        if upstream_id is None:
            await self._point("sending", call)
            yield Sending()
            upstream_id = self.service.submit(call.prompt)
            await self._point("posted", call)
            yield Submitted(upstream_id=upstream_id)
        await self._point("submitted", call)
        for fraction in (0.25, 0.25, 1.0):
            yield Progress(fraction=fraction)
        await self._point("progress", call)
        yield Phase(name="download")
        path = context.spool.new(".mp4")
        path.write_bytes(self.service.clip(upstream_id))
        await self._point("download", call)
        yield Usage(cost_usd=0.5)
        yield Media(path=path, media_type="video/mp4", provider_url="https://clips.invalid/1.mp4")
        await self._point("media", call)

    async def _point(self, name: str, call: Call) -> None:
        happens = self.at.get(f"{name}:{call.index}", self.at.get(name))
        if isinstance(happens, BaseException):
            raise happens
        if happens == "hang":
            await asyncio.sleep(3600)
        elif callable(happens) and inspect.isawaitable(done := happens()):
            await done


class CancellingProvider(ClipProvider):
    """A service that can stop a clip."""

    @hookimpl
    async def ima2_cancel(self, call: Call, context: Context) -> bool:
        assert context.resume
        self.service.cancel(context.resume)
        return True


LOST = UpstreamError("no answer to the poll", code="NETWORK_FAILED", retryable=True, step="poll")
REFUSED = Refused("not this clip", step="poll")
