"""``ima2 doctor image-probe``: make one picture and tell how that went, in facts that can be shown to anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from ima2.cli.flags import json_flag
from ima2.cli.lazy import Command
from ima2.cli.terminal import clean, note, say, say_json

if TYPE_CHECKING:
    from ima2.errors import Ima2Error
    from ima2.kernel.studio import Studio
    from ima2.models import Job, JobEvent

PROMPT = "a plain blue circle on white"
_TOLD = ("code", "status", "step", "paid", "retryable", "retryAfter")
_CLAIMED = ("size", "quality", "format", "background", "route", "host_model", "tool_model")
_UPSTREAM = "upstream"
"""Details that begin with it are the service's codes and its id of the request."""


@click.command("image-probe", cls=Command)
@click.option("--provider", default="auto", show_default=True, help="Who makes it.")
@click.option("--model", help="With which model.")
@click.option("--size", help="WIDTHxHEIGHT.")
@click.option("--quality", default="low", show_default=True, help="low, medium, high, or auto.")
@click.option("--moderation", help="auto or low.")
@click.option("--prompt", default=PROMPT, show_default=True, help="What to draw; it is not in the report.")
@click.option("--timeout-ms", type=click.IntRange(1), default=400_000, show_default=True, help="Give up after this.")
@json_flag
def image_probe(as_json: bool, timeout_ms: int, **asked: str | None) -> None:
    """Make one picture, charged like any other, and report how that went.

    The report has no prompt, account, path or words of the service, so that it can be shown to anybody.
    """
    body = {name: value for name, value in asked.items() if value is not None}
    report, status = asyncio.run(_probe({**body, "timeout": timeout_ms / 1000}))
    if as_json:
        say_json(report)
    else:
        _print(report)
    raise click.exceptions.Exit(status)


async def _probe(body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    from ima2.errors import Ima2Error
    from ima2.kernel.opening import open_studio

    async with open_studio() as studio:
        try:
            job = (await studio.submit(body)).job
        except Ima2Error as error:
            return {"ok": False, "asked": _asked(body), "error": _refusal(error)}, error.exit_code
        events = [event async for event in studio.bus.subscribe(after=0, job_id=job.id)]
        ended = await studio.wait(job.id)
        facts = {"asked": _asked(body), **await _facts(studio, ended), "events": _events(events, job.created_at)}
        if ended.state == "done":
            return {"ok": True, **facts}, 0
        failure = studio.error_of(ended)
        return {"ok": False, **facts, "error": _refusal(failure)}, failure.exit_code


def _asked(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "prompt"}


async def _facts(studio: Studio, job: Job) -> dict[str, Any]:
    answer = await studio.answer(job)
    shown = ("provider", "model", "route", "count", "elapsed", "usage")
    pictures = [_picture(picture) for picture in answer["images"]]
    warnings = [{"code": warning.code, "field": warning.field} for warning in job.warnings]
    return {**{name: answer[name] for name in shown}, "images": pictures, "warnings": warnings}


def _picture(picture: Mapping[str, Any]) -> dict[str, Any]:
    claimed = {name: picture["claimed"][name] for name in _CLAIMED if name in picture["claimed"]}
    return {**{name: picture[name] for name in ("mediaType", "width", "height", "bytes")}, "claimed": claimed}


def _events(events: list[JobEvent], began: int) -> list[dict[str, Any]]:
    """What came when, in milliseconds from the beginning."""
    return [{"at": event.at - began, "name": str(event.data.get("phase") or event.name)} for event in events]


def _refusal(error: Ima2Error) -> dict[str, Any]:
    told = error.to_dict()
    upstream = {name: value for name, value in error.details.items() if name.startswith(_UPSTREAM)}
    return {**{name: told[name] for name in _TOLD if name in told}, **upstream}


def _print(report: Mapping[str, Any]) -> None:
    for name, value in report.items():
        if name == "events":
            for event in value:
                say(f"{event['at']:>8} ms  {clean(event['name'])}")
        else:
            say(f"{name}: {clean(str(value))}")
    note("No prompt, account, path or words of the service are in this.")
