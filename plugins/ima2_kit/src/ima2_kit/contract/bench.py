"""Where a provider is put to be tested: its hooks, its description, and everything it is lent."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ima2.hookspecs import ModelInfo, ProviderInfo
from ima2.models import Call, CallEvent, ConverseEvent, Message, Plan, Planned, Request, Turn
from PIL import Image

from ima2_kit.context import KitContext, open_context
from ima2_kit.hooks import Hooks, entry_point

Service = Callable[[], AbstractAsyncContextManager[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Bench:
    """One provider under test."""

    hooks: Hooks
    info: ProviderInfo
    folder: Path
    prompt: str
    service: Service
    credentials: Mapping[str, Any]

    def model(self, kind: str) -> ModelInfo:
        """The first model of a kind; the test is skipped when the provider has none."""
        if kind not in self.info.kinds:
            pytest.skip(f"{self.info.id} makes no {kind}")
        found = next((model for model in self.info.models if model.kind == kind), None)
        return found or pytest.skip(f"{self.info.id} lists no {kind} model; its catalogue is live")

    @asynccontextmanager
    async def context(self, *, resume: str | None = None, signed_in: bool = True) -> AsyncIterator[KitContext]:
        """A context whose settings lead to the stand-in."""
        given = self.credentials if signed_in else {}
        async with (
            self.service() as settings,
            open_context(self.info, self.folder, settings=settings, credentials=given, resume=resume) as context,
        ):
            yield context

    def request(self, of: ModelInfo, settings: Mapping[str, Any] | None = None, /, **changes: Any) -> Request:
        """A request as it reaches a provider: the settings are its defaults."""
        values = {setting.name: setting.default for setting in self.info.settings} | dict(settings or {})
        open_settings = [setting for setting in self.info.settings if not setting.secret]
        fields = {
            setting.name: values[setting.name] for setting in open_settings if setting.name in Request.model_fields
        }
        options = {
            setting.name: values[setting.name]
            for setting in open_settings
            if setting.per_request and setting.name not in fields
        }
        asked = {"kind": of.kind, "model": of.id, "prompt": self.prompt, "options": options, **changes}
        return Request(id="job-1", provider=self.info.id, **{**fields, **asked})

    async def plan(self, request: Request, context: KitContext) -> Plan:
        """The provider's plan, else that of ima2: one call for each picture."""
        stream = self.hooks.ask("ima2_plan", request=request, context=context)
        if stream is None:
            from ima2.kernel.jobs.planning import default_plan

            return default_plan(request)
        events = [event async for event in stream]
        assert events, "ima2_plan yields nothing; its last event is a Planned"
        assert isinstance(events[-1], Planned), f"the last event of ima2_plan is a {type(events[-1]).__name__}"
        return events[-1].plan

    def generate(self, call: Call, context: KitContext) -> AsyncIterator[CallEvent]:
        """The stream of one paid call."""
        stream = self.hooks.ask(f"ima2_generate_{call.kind}", call=call, context=context)
        assert isinstance(stream, AsyncIterator), (
            f"ima2_generate_{call.kind} returns a {type(stream).__name__}; write it as an async def with yield"
        )
        return stream

    def converse(self, context: KitContext, *, images: int = 1) -> AsyncIterator[ConverseEvent]:
        """The stream of one turn about so many images."""
        inputs = tuple(context.add(picture(64 + 8 * number, 64), "reference") for number in range(images))
        message = Message(text=self.prompt, references=inputs)
        turn = Turn(model=self.model("text").id, instructions="Answer briefly.", messages=(message,))
        stream = self.hooks.ask("ima2_converse", turn=turn, context=context)
        assert isinstance(stream, AsyncIterator), (
            f"ima2_converse returns a {type(stream).__name__}; write it as an async def with yield"
        )
        return stream


class Contract:
    """What the author of a provider says, and the bench made of it."""

    provider: ClassVar[str] = ""
    """Entry-point name and provider id."""
    prompt: ClassVar[str] = "a red fox in the snow, contract-prompt-7f3a"
    """What is asked for; it must not turn up in the log."""
    credentials: ClassVar[Mapping[str, Any]] = {}
    """What lies in the credential file; texts of eight letters and more are taken for secrets."""

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, Any]]:
        """Start a stand-in for the provider's service and yield the settings that lead there, by name."""
        yield {}

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        """The provider as it is installed."""
        hooks = Hooks(entry_point(self.provider).load())
        info = hooks.ask("ima2_provider")
        assert isinstance(info, ProviderInfo), f"ima2_provider returns {info!r}, not a ProviderInfo"
        return Bench(hooks, info, tmp_path, self.prompt, self.service, self.credentials)


def picture(width: int = 96, height: int = 64, *, hole: bool = False) -> bytes:
    """A PNG to send along; with ``hole`` its middle is transparent, as in a mask."""
    image = Image.new("RGBA" if hole else "RGB", (width, height), (40, 110, 160))
    if hole:
        image.paste((0, 0, 0, 0), (width // 4, height // 4, width * 3 // 4, height * 3 // 4))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
