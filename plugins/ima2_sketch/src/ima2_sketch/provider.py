"""From a call to a picture in the spool."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ima2.models import Call, CallEvent, Media, Partial, Phase, Progress, Request, Sending, Step, Submitted, Text

from ima2_sketch.check import SEEDS
from ima2_sketch.drawing import Sketch, draw
from ima2_sketch.files import MEDIA_TYPES, save, save_draft
from ima2_sketch.trouble import fail, hang

if TYPE_CHECKING:
    from ima2.hookspecs import Context
    from ima2.models import Reference

DEFAULT_SIZE = (1024, 1024)
SMALLEST, LARGEST = 64, 4096
STROKES = 4
"""Reports of progress a picture; a draft comes with each but the last."""


def steps(request: Request) -> Sequence[Step]:
    """The one line of a dry run."""
    width, height = _size(request.size, request.inputs("source"))
    summary = f"draw {width}x{height} {request.format or 'png'} on this computer"
    return [Step(name="generate", summary=summary, count=request.n, paid=False)]


async def generate(call: Call, context: Context) -> AsyncGenerator[CallEvent, None]:
    """Draw one picture.

    Relies on ``call.parameters`` of the kernel's own plan: ``size``, ``format``, ``compression``, ``seed``,
    ``partial_images``, and the settings ``delay`` and ``fail``. Pictures of one request count their seeds up.
    """
    asked = call.parameters
    sketch, format_name = _sketch(call, context), asked.get("format") or "png"
    yield Phase(name="generate")
    fail(asked, "before")
    yield Sending()
    yield Submitted(upstream_id=_name(call, sketch))
    fail(asked, "refuse")
    # A thread draws, so that the server answers others meanwhile.
    picture = await asyncio.to_thread(draw, sketch)
    for stroke in range(1, STROKES + 1):
        await context.clock.sleep(float(asked.get("delay") or 0) / STROKES)
        yield Progress(fraction=stroke / STROKES)
        if stroke < STROKES and stroke <= int(asked.get("partial_images") or 0):
            draft = context.spool.new(".jpeg")
            await asyncio.to_thread(save_draft, picture, draft, stroke)
            yield Partial(path=draft, media_type="image/jpeg")
        if stroke == STROKES // 2:
            fail(asked, "middle")
            await hang(asked)
    if asked.get("fail") == "empty":
        yield Text(delta="There is no picture, as asked (fail=empty).")
        return
    path = context.spool.new(f".{format_name}")
    await asyncio.to_thread(save, picture, path, format_name, asked.get("compression"))
    claimed = {"size": f"{sketch.width}x{sketch.height}", "format": format_name, "seed": sketch.seed}
    yield Media(path=path, media_type=MEDIA_TYPES[format_name], claimed=claimed)


def _sketch(call: Call, context: Context) -> Sketch:
    paths = {role: _inputs(call, context, role) for role in ("reference", "source", "mask")}
    sources = [reference for reference in call.references if reference.role == "source"]
    width, height = _size(call.parameters.get("size"), sources)
    sketch = Sketch(
        prompt=call.prompt,
        seed=(int(call.parameters.get("seed") or 0) + call.index) % SEEDS,
        width=width,
        height=height,
        references=paths["reference"],
    )
    if call.operation != "edit" or not sources:
        return sketch
    return replace(sketch, source=paths["source"][0], mask=next(iter(paths["mask"]), None))


def _inputs(call: Call, context: Context, role: str) -> tuple[Path, ...]:
    return tuple(context.open(reference) for reference in call.references if reference.role == role)


def _size(text: str | None, sources: Sequence[Reference]) -> tuple[int, int]:
    """The size asked for, else that of the source within the limits, else the default."""
    if text and text != "auto":
        across, _, down = text.partition("x")
        return int(across), int(down)
    if not sources:
        return DEFAULT_SIZE
    scale = min(1.0, LARGEST / max(sources[0].width, sources[0].height))
    width, height = (max(SMALLEST, round(edge * scale)) for edge in (sources[0].width, sources[0].height))
    return width, height


def _name(call: Call, sketch: Sketch) -> str:
    """An upstream id: the same for the same picture."""
    inputs = [f"{reference.role}:{reference.sha256}" for reference in call.references]
    facts = "\n".join([sketch.prompt, str(sketch.seed), f"{sketch.width}x{sketch.height}", *inputs])
    return f"sketch-{hashlib.sha256(facts.encode()).hexdigest()[:16]}"
