"""From a call to a clip in the spool. Runs only where PyAV is installed; ``check`` says so before."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ima2.models import Call, CallEvent, Media, Phase, Progress, Request, Sending, Step, Submitted, Text

from ima2_sketch.check import SEEDS
from ima2_sketch.trouble import fail, hang

if TYPE_CHECKING:
    from ima2.hookspecs import Context

    from ima2_sketch.filming.film import Film

DEFAULT_SECONDS = {"generate": 5.0, "extend": 6.0, "edit": 0.0}
SHORT_EDGE = {"480p": 480, "720p": 720}
DEFAULT_RESOLUTION = "480p"
DEFAULT_ASPECT = "16:9"
LONGEST_EDGE = 1920
PART = 12
"""Frames between two reports of progress."""
T = TypeVar("T")


def clip_steps(request: Request) -> Sequence[Step]:
    """The one line of a dry run."""
    seconds = request.duration or DEFAULT_SECONDS[request.operation]
    what = {"edit": "redraw the clip", "extend": f"add {seconds:g} s to the clip"}
    summary = what.get(request.operation) or f"film {seconds:g} s in {request.resolution or DEFAULT_RESOLUTION}"
    return [Step(name="generate", summary=f"{summary} on this computer", count=request.n, paid=False)]


async def generate_clip(call: Call, context: Context) -> AsyncGenerator[CallEvent, None]:
    """Film one clip.

    Relies on ``call.parameters`` of the kernel's own plan: ``duration``, ``resolution``, ``aspect_ratio``, ``seed``,
    and the settings ``delay`` and ``fail``.
    """
    from ima2_sketch.filming.film import FPS, pictures
    from ima2_sketch.filming.recorder import Recorder

    asked, film = call.parameters, _film(call, context)
    yield Phase(name="generate")
    fail(asked, "before")
    yield Sending()
    yield Submitted(upstream_id=_name(call, film))
    fail(asked, "refuse")
    path = context.spool.new(".mp4")
    frames, done, total = pictures(film), 0, _frames_of(call, film, FPS)
    with Recorder(path, film.size, FPS) as recorder:
        while taken := await _whole(asyncio.to_thread(recorder.take, frames, PART)):
            done += taken
            await context.clock.sleep(float(asked.get("delay") or 0) * taken / total)
            yield Progress(fraction=min(1.0, done / total))
            if done - taken < total // 2 <= done:
                fail(asked, "middle")
                await hang(asked)
        await _whole(asyncio.to_thread(recorder.finish))
    if asked.get("fail") == "empty":
        yield Text(delta="There is no clip, as asked (fail=empty).")
        return
    yield Media(path=path, media_type="video/mp4", claimed=_claimed(call, film))


def _film(call: Call, context: Context) -> Film:
    from ima2_sketch.filming.film import FPS, Film

    asked = call.parameters
    width, height = _size(call)
    clip = next((reference for reference in call.references if reference.role == "clip"), None)
    return Film(
        prompt=call.prompt,
        seed=(int(asked.get("seed") or 0) + call.index) % SEEDS,
        width=width,
        height=height,
        frames=round(float(asked.get("duration") or DEFAULT_SECONDS[call.operation]) * FPS),
        images=tuple(context.open(reference) for reference in call.references if reference.role == "reference"),
        clip=context.open(clip) if clip else None,
        extends=call.operation == "extend",
    )


def _size(call: Call) -> tuple[int, int]:
    """Even edges; that of the clip, of the one image, or of the aspect ratio."""
    given = [reference for reference in call.references if reference.role in ("clip", "reference")]
    if call.operation != "generate":
        return _even(given[0].width), _even(given[0].height)
    short = SHORT_EDGE[call.parameters.get("resolution") or DEFAULT_RESOLUTION]
    across, _, down = (call.parameters.get("aspect_ratio") or DEFAULT_ASPECT).partition(":")
    ratio = int(across) / int(down)
    if call.parameters.get("aspect_ratio") is None and len(given) == 1:
        ratio = given[0].width / given[0].height
    ratio = min(max(ratio, short / LONGEST_EDGE), LONGEST_EDGE / short)
    return (_even(short * ratio), short) if ratio >= 1 else (short, _even(short / ratio))


def _even(edge: float) -> int:
    return max(2, round(edge / 2) * 2)


def _frames_of(call: Call, film: Film, fps: int) -> int:
    """How many there will be, near enough to report progress by."""
    before = sum(reference.duration or 0.0 for reference in call.references if reference.role == "clip")
    return max(1, round(before * fps) + (0 if call.operation == "edit" else film.frames))


def _claimed(call: Call, film: Film) -> dict[str, Any]:
    asked = call.parameters
    resolution = (asked.get("resolution") or DEFAULT_RESOLUTION) if call.operation == "generate" else None
    facts = {"seed": film.seed, "resolution": resolution, "aspectRatio": asked.get("aspect_ratio")}
    return {name: value for name, value in facts.items() if value is not None}


def _name(call: Call, film: Film) -> str:
    """An upstream id: the same for the same clip."""
    inputs = [f"{reference.role}:{reference.sha256}" for reference in call.references]
    facts = [call.operation, film.prompt, str(film.seed), f"{film.width}x{film.height}x{film.frames}", *inputs]
    return f"sketch-{hashlib.sha256(chr(10).join(facts).encode()).hexdigest()[:16]}"


async def _whole(work: Awaitable[T]) -> T:
    """A thread that writes a file is waited for, also when the job is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
