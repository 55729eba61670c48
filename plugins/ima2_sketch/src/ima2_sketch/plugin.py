"""The plugin: what sketch says of itself, and its hooks.

This module is imported whenever ima2 starts, so it imports only the descriptors; each hook fetches its work when it
is called.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

from ima2.hookspecs import (
    Capabilities,
    ClipMode,
    Context,
    ModelInfo,
    Problem,
    ProviderInfo,
    Setting,
    SizeRule,
    Status,
    hookimpl,
)

if TYPE_CHECKING:
    from ima2.models import Call, CallEvent, ConverseEvent, Request, Step, Turn

MODEL = ModelInfo(
    id="sketch-1",
    title="Sketch",
    use="A placeholder drawn on this computer from the words of the prompt.",
    capabilities=Capabilities(
        operations=("generate", "edit"),
        sizes=SizeRule(
            fixed=("1024x1024", "1536x1024", "1024x1536", "1920x1080"), multiple_of=1, min_edge=64, max_edge=4096
        ),
        formats=("png", "jpeg", "webp"),
        compression=True,
        max_references=5,
        mask=True,
        partial_images=3,
        seed=True,
    ),
)

OF_NEW = ("resolution", "aspect_ratio")
"""What only a new clip can be given."""
CLIP = ModelInfo(
    id="sketch-clip",
    kind="video",
    title="Sketch clip",
    use="A short placeholder clip, filmed on this computer from a sketch. Needs PyAV.",
    capabilities=Capabilities(
        operations=("generate", "edit", "extend"),
        resolutions=("480p", "720p"),
        aspect_ratios=("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3"),
        duration=(1, 15),
        modes=(
            ClipMode("text"),
            ClipMode("image", images=(1, 1)),
            ClipMode("reference", images=(2, 7), duration=(1, 10)),
            ClipMode("edit", operation="edit", clip=(0, 30), ignores=("duration", *OF_NEW)),
            ClipMode("extend", operation="extend", duration=(1, 10), clip=(0, 30), ignores=OF_NEW),
        ),
        max_references=7,
        max_count=1,
        seed=True,
    ),
)

WORDS = ModelInfo(
    id="sketch-words",
    kind="text",
    title="Sketch words",
    use="Says what this computer can measure in a picture: size, light, colours. It understands nothing.",
    capabilities=Capabilities(operations=("analyze",), max_references=16),
)

SETTINGS = (
    Setting(
        "image_size",
        default="auto",
        env=("IMA2_SKETCH_SIZE",),
        key="sketch.size",
        help="Size of a sketch; auto is 1024x1024, and for an edit the size of its source.",
    ),
    Setting(
        "delay",
        type="number",
        default=0,
        minimum=0,
        maximum=3600,
        env=("IMA2_SKETCH_DELAY",),
        key="sketch.delay",
        per_request=True,
        help="Seconds that each sketch takes, to try out waiting, progress and cancelling.",
    ),
    Setting(
        "fail",
        default="",
        choices=("before", "middle", "refuse", "empty", "hang"),
        env=("IMA2_SKETCH_FAIL",),
        key="sketch.fail",
        per_request=True,
        help="Fail on purpose, to try out errors: before or in the middle of drawing, refuse, bring nothing, or hang.",
    ),
)


@hookimpl
def ima2_provider() -> ProviderInfo:
    """Free, and never chosen unasked: who asks ``auto`` for a picture must not get a placeholder."""
    return ProviderInfo(
        id="sketch",
        title="Sketch",
        kinds=("image", "video", "text"),
        auto=False,
        billing="free",
        priority=900,
        settings=SETTINGS,
        models=(MODEL, CLIP, WORDS),
    )


@hookimpl
def ima2_check(request: Request) -> Sequence[Problem]:
    """What the table above can't say."""
    from ima2_sketch.check import problems

    return list(problems(request))


@hookimpl
def ima2_steps(request: Request) -> Sequence[Step]:
    """Nothing is sent anywhere."""
    if request.kind == "text":
        from ima2_sketch.looking import looking_steps

        return looking_steps(request)
    if request.kind == "video":
        from ima2_sketch.clips import clip_steps

        return clip_steps(request)
    from ima2_sketch.provider import steps

    return steps(request)


@hookimpl
def ima2_generate_image(call: Call, context: Context) -> AsyncGenerator[CallEvent, None]:
    """One picture."""
    from ima2_sketch.provider import generate

    return generate(call, context)


@hookimpl
def ima2_generate_video(call: Call, context: Context) -> AsyncGenerator[CallEvent, None]:
    """One clip."""
    from ima2_sketch.clips import generate_clip

    return generate_clip(call, context)


@hookimpl
def ima2_converse(turn: Turn, context: Context) -> AsyncGenerator[ConverseEvent, None]:
    """What can be measured in the images."""
    from ima2_sketch.looking import look

    return look(turn, context)


@hookimpl
async def ima2_cancel(call: Call, context: Context) -> bool:
    """Cancelling the task is all it takes: nothing goes on elsewhere."""
    return True


@hookimpl
async def ima2_status(context: Context) -> Status:
    """Always ready."""
    return Status(ready=True, why="Draws on this computer; needs no account and no network.", source="local")
