"""A provider with a queue of answers, and one that dies where it is told to."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from ima2.hookspecs import Capabilities, Context, ModelInfo, Problem, ProviderInfo, Setting, SizeRule, Status, hookimpl
from ima2.models import Call, CallEvent, Media, Partial, Phase, Request, Sending, Submitted
from PIL import Image


def png(width: int = 64, height: int = 64, shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (shade % 256, 90, 160)).save(buffer, "PNG")
    return buffer.getvalue()


CAPABILITIES = Capabilities(
    operations=("generate", "edit"),
    sizes=SizeRule(multiple_of=16, max_edge=4096, max_ratio=3),
    qualities=("low", "medium", "high"),
    formats=("png",),
    max_references=3,
    mask=True,
)


class FakeProvider:
    """Each call takes the next script: a list of events, exceptions, bytes (a picture) or ``"hang"``."""

    def __init__(
        self,
        *scripts: Sequence[Any],
        id: str = "fake",
        ready: bool = True,
        billing: str = "metered",
        sends: Path | None = None,
        **info: Any,
    ) -> None:
        self.scripts = list(scripts)
        self.sends = sends
        self.calls: list[Call] = []
        self.contexts: list[Context] = []
        self.ready = ready
        self.closed = 0
        self.info = ProviderInfo(
            id=id,
            title=id.title(),
            billing=billing,  # type: ignore[arg-type]
            models=info.pop("models", (ModelInfo(id=f"{id}-1", use="tests", capabilities=CAPABILITIES),)),
            settings=info.pop("settings", (Setting("style", per_request=True, help="how"),)),
            login=f"ima2 login {id}",
            **info,
        )

    @hookimpl
    def ima2_provider(self) -> ProviderInfo:
        return self.info

    @hookimpl
    async def ima2_status(self, context: Context) -> Status:
        return Status(ready=self.ready, why="" if self.ready else "no key", legacy={"code": "FAKE_KEY_REQUIRED"})

    @hookimpl
    def ima2_check(self, request: Request) -> list[Problem]:
        return [Problem("FAKE_REFUSES", "prompt", "no")] if "refuse" in request.prompt else []

    @hookimpl
    async def ima2_generate_image(self, call: Call, context: Context) -> AsyncIterator[CallEvent]:
        self.calls.append(call)
        self.contexts.append(context)
        script = self.scripts.pop(0) if self.scripts else [Sending(), png(shade=call.index)]
        try:
            for step in script:
                async for event in self._step(step, context):
                    yield event
        finally:
            self.closed += 1

    async def _step(self, step: Any, context: Context) -> AsyncIterator[CallEvent]:
        if isinstance(step, Sending) and self.sends:
            with self.sends.open("a") as log:
                log.write("sent\n")
        if isinstance(step, BaseException):
            raise step
        if step == "hang":
            await asyncio.sleep(3600)
        elif step == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif isinstance(step, bytes):
            path = context.spool.new(".png")
            path.write_bytes(step)
            yield Media(path=path, media_type="image/png")
        elif step == "partial":
            path = context.spool.new(".png")
            path.write_bytes(png(8, 8))
            yield Partial(path=path, media_type="image/png")
        else:
            yield step


STREAM = (Phase(name="generate"), Sending(), Submitted(upstream_id="up-1"), "partial")
