"""Drawing one sketch through the plugin's own hooks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ima2.models import Call, CallEvent, Media
from ima2_kit.context import QuickClock, open_context
from ima2_sketch import plugin


@dataclass(frozen=True)
class Drawn:
    events: Sequence[CallEvent]
    waited: float

    @property
    def media(self) -> Media:
        (media,) = [event for event in self.events if isinstance(event, Media)]
        return media

    @property
    def bytes(self) -> bytes:
        return self.media.path.read_bytes()

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


Draw = Callable[..., Drawn]


@pytest.fixture
def sketch(tmp_path: Path) -> Draw:
    """``sketch("a fox", seed=3, inputs=[(png, "source")])``; whatever else is named lands in the call's parameters."""

    def draw(
        prompt: str = "a red fox in the snow",
        *,
        index: int = 0,
        operation: str = "generate",
        inputs: Sequence[tuple[bytes, Any]] = (),
        **parameters: Any,
    ) -> Drawn:
        async def run() -> Drawn:
            clock = QuickClock()
            async with open_context(plugin.ima2_provider(), tmp_path, clock=clock) as context:
                references = tuple(context.add(image, role) for image, role in inputs)
                facts = {"key": f"job-1.{index}", "index": index, "operation": operation, "model": "sketch-1"}
                call = Call(prompt=prompt, references=references, parameters=parameters, **facts)
                async with aclosing(plugin.ima2_generate_image(call, context)) as stream:
                    return Drawn([event async for event in stream], clock.monotonic())

        return asyncio.run(run())

    return draw
