"""A clip from order to file. With ``context.resume`` it begins after the order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from ima2.errors import Ima2Error, UpstreamError, UpstreamTimeout
from ima2.models import Call, CallEvent, Media, Phase, Progress, Submitted, Warning
from ima2.upstream.polling import Pace, poll

from ima2_grok.images import same_model
from ima2_grok.video.asking import ask
from ima2_grok.video.errors import POLL, waits
from ima2_grok.video.fetching import fetch
from ima2_grok.video.status import Clip
from ima2_grok.video.submit import submit

if TYPE_CHECKING:
    from ima2.hookspecs import Context

ADDRESSES = 3
"""How many addresses of a finished clip are tried; each is asked for anew."""
_BUDGETS = {"edit": "video_edit_timeout_ms", "extend": "video_extend_timeout_ms"}


async def generate(call: Call, context: Context) -> AsyncGenerator[CallEvent, None]:
    """One order, at most; then the way home, which may be gone as often as it takes.

    :raises JobUnknown: the order left and no answer came; or it is with xAI, and the clip can be fetched later.
    :raises UpstreamError: xAI's last word.
    """
    upstream_id = context.resume
    if upstream_id is None:
        yield Phase(name="generate")
        async with aclosing(submit(call, context)) as ordered:
            async for step in ordered:
                yield step
                upstream_id = step.upstream_id if isinstance(step, Submitted) else None
    async with aclosing(_home(upstream_id or "", call, context)) as events:
        async for event in events:
            yield event


async def _home(upstream_id: str, call: Call, context: Context) -> AsyncGenerator[CallEvent, None]:
    """Until it is ready, then here. An address that is dead, or leads to something else, is asked for again."""
    for left in reversed(range(ADDRESSES)):
        async with aclosing(_finished(upstream_id, call, context)) as seen:
            async for said in seen:
                if isinstance(said, Clip):
                    clip = said
                else:
                    yield said
        yield Phase(name="download")
        try:
            path = await fetch(clip.url, context)
        except UpstreamError as error:
            if not left:
                raise waits(error, context.job_id, step="download", paid="yes") from error
            await context.clock.sleep(_seconds(context, "video_poll_interval_ms"))
            continue
        for event in _told(call, clip, path):
            yield event
        return


async def _finished(upstream_id: str, call: Call, context: Context) -> AsyncGenerator[Progress | Clip, None]:
    """Progress, then the clip. What keeps us from asking is not xAI's last word: only that one is final."""
    pace = Pace(
        interval=_seconds(context, "video_poll_interval_ms"),
        budget=_seconds(context, _BUDGETS.get(call.operation, "video_timeout_ms")),
    )
    try:
        async with aclosing(poll(lambda: ask(upstream_id, context), context.clock, pace)) as asked:
            async for said in asked:
                if isinstance(said, Progress):
                    yield said
                else:
                    word = said.value
    except UpstreamTimeout as error:
        raise waits(error.but(code=POLL.timeout), context.job_id, step=POLL.name) from error
    except Ima2Error as error:
        raise waits(error, context.job_id, step=POLL.name) from error
    if isinstance(word, Ima2Error):
        raise word
    yield word


def _told(call: Call, clip: Clip, path: Path) -> Iterator[CallEvent]:
    replaced = bool(clip.model) and not same_model(call.model, clip.model)
    if replaced:
        text = f"xAI filmed with {clip.model}, not with {call.model}."
        yield Warning(code="MODEL_SUBSTITUTED", field="model", normalized_to=clip.model, message=text)
    yield clip.usage
    claimed = {
        "model": clip.model if replaced else call.model,
        "duration": clip.seconds,
        "mode": call.parameters["mode"],
    }
    yield Media(
        path=path,
        media_type="video/mp4",
        revised_prompt=call.prompt,
        provider_url=clip.url,
        lead_in=call.parameters.get("lead_in", 0),
        claimed={name: value for name, value in claimed.items() if value is not None},
    )


def _seconds(context: Context, setting: str) -> float:
    return float(context.settings[setting]) / 1000
