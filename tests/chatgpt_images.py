"""What the tests of ChatGPT pictures share: a sign-in, input images, a whole call against the stand-in."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ima2.errors import Ima2Error
from ima2.hookspecs import ModelInfo
from ima2.models import CallEvent, Media, Plan, Planned, Request, Warning
from ima2_kit.context import open_context
from ima2_kit.upstreams import Answer, Received, ScriptedUpstream, chatgpt
from PIL import Image

from ima2_oauth import plugin

RESPONSES = f"POST {chatgpt.BASE}/responses"
GENERATIONS = f"POST {chatgpt.BASE}/images/generations"
EDITS = f"POST {chatgpt.BASE}/images/edits"
TOKEN = "/oauth/token"
RECORDED = Path(__file__).parent / "recorded"


def png(width: int = 64, height: int = 48, shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (shade % 256, 90, 160)).save(buffer, "PNG")
    return buffer.getvalue()


def token(name: str = "one") -> str:
    """An access token as the service issues them: a JWT, good for years, signed by nobody."""
    account = {"chatgpt_account_id": "account-0123456789", "chatgpt_plan_type": "plus"}
    body = {"exp": 4_000_000_000, "sub": name, "https://api.openai.com/auth": account}
    parts = ({"alg": "none"}, body)
    coded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join((*coded, "signature"))


def sign_in(name: str = "one") -> dict[str, Any]:
    """The credential file."""
    tokens = {"access_token": token(name), "refresh_token": f"refresh-{name}-000", "account_id": "account-0123456789"}
    return {"auth_mode": "chatgpt", "tokens": tokens}


def ask(**changes: Any) -> Request:
    """A request with the settings applied, as hooks get it."""
    options = {"route": "auto", "masked_edit": False, **changes.pop("options", {})}
    filled = {"model": "gpt-5.4-mini", "reasoning_effort": "low", "web_search": False, "quality": "medium"}
    return Request(id="job-1", provider="oauth", **{"prompt": "a red kite", **filled, **changes}, options=options)


class Ran:
    """One request, run."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.planned: list[Any] = []
        self.events: list[CallEvent] = []
        self.error: Ima2Error | None = None
        self.received: list[Received] = []
        self.files: list[bytes] = []

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in (*self.planned, *self.events) if isinstance(event, kind)]

    def sent(self, route: str) -> list[Received]:
        method, path = route.split(" ", 1)
        return [each for each in self.received if (each.method, each.path) == (method, path)]

    @property
    def codes(self) -> list[str]:
        return [warning.code for warning in self.of(Warning)]

    @property
    def failure(self) -> Ima2Error:
        assert self.error is not None, self.events
        assert self.of(Media) == []
        return self.error

    @property
    def paid(self) -> list[str]:
        """Paths of the paid requests, in order."""
        return [each.path.removeprefix(chatgpt.BASE) for each in self.received if chatgpt.BASE in each.path]


def run(
    folder: Path,
    request: Request,
    script: Mapping[str, Sequence[Answer]],
    *,
    settings: Mapping[str, Any] | None = None,
    inputs: Sequence[tuple[bytes, Any]] = (),
    models: Sequence[ModelInfo] = (),
    refuse: Callable[[Received], Answer | None] | None = chatgpt.refuse,
) -> Ran:
    """Plan and generate; everything the call said, and everything the service was sent."""

    async def go() -> Ran:
        ran = Ran()
        async with ScriptedUpstream(script, refuse=refuse) as upstream:
            given = {"base_url": f"{upstream.url}{chatgpt.BASE}", "auth_url": upstream.url, **(settings or {})}
            given = {**given, "use_codex": False}
            info = plugin.ima2_provider()
            async with open_context(info, folder, settings=given, credentials=sign_in(), live_models=models) as context:
                stored = tuple(context.add(data, role) for data, role in inputs)
                asked = request.model_copy(update={"references": (*request.references, *stored)})
                try:
                    async for event in plugin.ima2_plan(asked, context):
                        ran.planned.append(event)
                    assert isinstance(ran.planned[-1], Planned)
                    ran.plan = ran.planned[-1].plan
                    for call in ran.plan.calls:
                        async for said in plugin.ima2_generate_image(call, context):
                            ran.events.append(said)
                            if isinstance(said, Media):
                                ran.files.append(said.path.read_bytes())
                except Ima2Error as error:
                    ran.error = error
            ran.received = upstream.received
        return ran

    return asyncio.run(go())
