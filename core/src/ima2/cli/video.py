"""``ima2 video``: make a clip, continue, edit, extend it, take a frame, ask about it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ima2.cli.backend import Where, open_backend
from ima2.cli.failure import UsageProblem
from ima2.cli.flags import where_flags
from ima2.cli.lazy import Command, Group
from ima2.cli.output import Output, decide, slug_of, suffix_differs
from ima2.cli.prompt import read_prompt
from ima2.cli.provider_flags import ProviderCommand, settings_in
from ima2.cli.video_flags import (
    FRAME_SECONDS,
    clip_body,
    clip_flags,
    duration_flag,
    looking_flags,
    story_flags,
    wait_flag,
)
from ima2.errors import Ima2Error

_DEFAULT = "generate"
_REPEATED = frozenset({"videos", "jobId", "at", "path", "url"})


class ClipCommand(ProviderCommand):
    """A command with the flags of providers that make videos."""

    kind = "video"


class LookingCommand(ProviderCommand):
    """A command with the flags of providers that answer in words."""

    kind = "text"


class ClipGroup(Group):
    """A group whose words are a prompt unless they begin with one of its commands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """``ima2 video "a kite"`` is ``ima2 video generate "a kite"``."""
        about = args and args[0] in ("-h", "--help", "-v", "--version")
        given = args if about or (args and args[0] in self.commands) else [_DEFAULT, *args]
        return super().parse_args(ctx, given)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A prompt is the default command's."""
        return super().get_command(ctx, cmd_name) or super().get_command(ctx, _DEFAULT)


@dataclass(frozen=True, slots=True)
class Wish:
    """A command line that was understood and found possible."""

    body: Mapping[str, Any]
    output: Output
    flags: Mapping[str, Any]


video = ClipGroup(
    "video",
    help="Make a clip from a prompt, and work on clips of the gallery.",
    epilog='Begin with:  ima2 video "a red kite climbs over the sea, the camera follows"',
)


@video.command(_DEFAULT, cls=ClipCommand)
@click.argument("words", nargs=-1, metavar="PROMPT")
@click.option("--ref", "refs", multiple=True, metavar="FILE", help="An image; one is the beginning, several guide.")
@duration_flag("How long. [the model's]")
@story_flags
@clip_flags(shape=True)
@click.pass_context
def generate(context: click.Context, /, words: tuple[str, ...], refs: tuple[str, ...], **flags: Any) -> None:
    """Make a clip from a prompt: from text alone, from one image, or guided by several.

    It is kept in the gallery; -o and -d copy it to where you want it.
    """
    images = [_file(ref, "--ref") for ref in refs]
    _make(context, words, flags, {"referenceImages": images} if images else {})


@video.command("continue", cls=ClipCommand)
@click.argument("words", nargs=-1, metavar="PROMPT")
@click.option("--video", "clip", required=True, metavar="CLIP", help="A clip of the gallery.")
@duration_flag("How long. [the model's]")
@story_flags
@clip_flags(shape=True)
@click.pass_context
def continue_(context: click.Context, /, words: tuple[str, ...], clip: str, **flags: Any) -> None:
    """Make a clip that begins with the last frame of another."""
    _make(context, words, flags, {"continueFromVideo": _name(clip)})


@video.command("extend", cls=ClipCommand)
@click.argument("words", nargs=-1, metavar="PROMPT")
@click.option("--video", "clip", required=True, metavar="CLIP", help="A clip: a file, a name of the gallery, a URL.")
@duration_flag("How much to add. [the model's]")
@clip_flags(shape=False)
@click.pass_context
def extend(context: click.Context, /, words: tuple[str, ...], clip: str, **flags: Any) -> None:
    """Let a clip go on: one file, longer than before."""
    _make(context, words, flags, {"operation": "extend", "videoUrl": _clip(clip)})


@video.command("edit", cls=ClipCommand)
@click.argument("words", nargs=-1, metavar="PROMPT")
@click.option("--video", "clip", required=True, metavar="CLIP", help="A clip: a file, a name of the gallery, a URL.")
@clip_flags(shape=False)
@click.pass_context
def edit(context: click.Context, /, words: tuple[str, ...], clip: str, **flags: Any) -> None:
    """Change what a clip shows; its length stays."""
    _make(context, words, flags, {"operation": "edit", "videoUrl": _clip(clip)})


@video.command("analyze", cls=LookingCommand)
@click.argument("clip")
@click.argument("words", nargs=-1, metavar="[QUESTION]")
@looking_flags
@click.pass_context
def analyze(context: click.Context, /, clip: str, words: tuple[str, ...], **flags: Any) -> None:
    """Ask about a clip; without a question it is described. Its first and its last frame are looked at."""
    from ulid import ULID

    question = {"prompt": _prompt(words, {}, from_stdin=False)} if any(map(str.strip, words)) else {}
    wanted = {"operation": "analyze", "videoUrl": _clip(clip), "requestId": f"req_cli_analyze_{ULID()}".lower()}
    asyncio.run(_look({**clip_body(flags), **settings_in(context), **question, **wanted}, flags))


async def _look(body: Mapping[str, Any], flags: Mapping[str, Any]) -> None:
    from ima2.cli import report
    from ima2.cli.run import Watch, watch_job

    async with open_backend(flags["at"]) as backend:
        if flags["dry_run"]:
            report.dry_run(await backend.preview(body, surface="video"), as_json=flags["as_json"])
            return
        watch = Watch(flags["verbose"], timeout=flags["timeout"])
        events = backend.run(body, surface="video")
        answer = await watch_job(backend, str(body["requestId"]), events, watch)
    report.words(answer, as_json=flags["as_json"])


@video.command("frame", cls=Command)
@click.argument("clip")
@click.option("--first", is_flag=True, help="The first frame.")
@click.option("--last", is_flag=True, help="The last frame, as when nothing is said.")
@click.option("--position", type=click.FloatRange(0), metavar="SECONDS", help="The frame shown then.")
@click.option("-o", "--out", metavar="FILE", help="Write to FILE; - is stdout. [<clip>-<position>.png]")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@wait_flag(FRAME_SECONDS, "Wait this long.")
@where_flags
def frame(
    *,
    clip: str,
    first: bool,
    last: bool,
    position: float | None,
    out: str | None,
    force: bool,
    timeout: float,
    at: Where,
) -> None:
    """Take one frame of a clip of the gallery, as PNG."""
    from ima2.cli.terminal import success, warn

    if first + last + (position is not None) > 1:
        raise click.UsageError("--first, --last and --position exclude each other.")
    name = _name(clip)
    moment = "first" if first else "last" if position is None else f"{position:g}s"
    named = f"{Path(name).stem}-{moment}.png"
    if out and Path(out).is_dir():
        hint = f"-o {Path(out) / named}"
        raise UsageProblem(f"{out} is a folder.", code="INVALID_OUTPUT", hint=hint)
    output = decide(
        out or named,
        None,
        count=1,
        slug=slug_of(name),
        force=force,
        no_save=False,
        as_json=False,
    )
    output.prepare()
    picture = asyncio.run(_frame(at, name, 0.0 if first else position, timeout))
    if output.kind == "bytes":
        sys.stdout.buffer.write(picture)
        return
    target = output.target(0, name, "image/png")
    target.write_bytes(picture)
    if suffix_differs(target, "image/png"):
        warn(f"{target.name} holds image/png, whatever its name says.")
    success(str(target))


async def _frame(at: Where, name: str, position: float | None, seconds: float) -> bytes:
    try:
        async with asyncio.timeout(seconds), open_backend(at) as backend:
            return await backend.frame(name, position)
    except TimeoutError:
        raise Ima2Error(f"There was no frame within {seconds:g} s.", code="VIDEO_TIMEOUT", status=504) from None


def _make(context: click.Context, words: tuple[str, ...], flags: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    from ulid import ULID

    prompt = _prompt(words, inputs, from_stdin=flags["from_stdin"])
    body = {
        **clip_body(flags),
        **settings_in(context),
        **inputs,
        "prompt": prompt,
        "requestId": f"req_cli_video_{ULID()}".lower(),
    }
    output = decide(
        flags["out"],
        flags["out_dir"],
        count=1,
        slug=slug_of(prompt),
        force=flags["force"],
        no_save=False,
        as_json=flags["as_json"],
    )
    if not flags["dry_run"]:
        output.prepare()
    asyncio.run(_run(Wish(body, output, flags)))


async def _run(wish: Wish) -> None:
    from ima2.cli import report
    from ima2.cli.run import Watch, watch_job

    flags = wish.flags
    async with open_backend(flags["at"]) as backend:
        if flags["dry_run"]:
            report.dry_run(await backend.preview(wish.body, surface="video"), as_json=flags["as_json"])
            return
        from ima2.cli.deliver import deliver

        watch = Watch(flags["verbose"], leaves=True, timeout=flags["timeout"])
        events = backend.run(wish.body, surface="video")
        answer = await watch_job(backend, str(wish.body["requestId"]), events, watch)
        clips = await deliver(backend, answer["videos"], wish.output)
    facts = {name: value for name, value in answer.items() if name not in _REPEATED}
    report.clip(facts, clips[0], wish.output, as_json=flags["as_json"])


def _prompt(words: tuple[str, ...], inputs: Mapping[str, Any], *, from_stdin: bool) -> str:
    try:
        return read_prompt(words, from_stdin=from_stdin, stdin_taken=False)
    except UsageProblem as problem:
        if problem.error.code != "INVALID_PROMPT":
            raise
        from ima2.kernel.requests.clip_intake import GUIDANCE, example

        hint = f"{GUIDANCE} For instance:  {example(inputs)}"
        raise UsageProblem(problem.error.message, code="PROMPT_REQUIRED", hint=hint, field="prompt") from None


def _file(name: str, flag: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise UsageProblem(f"{flag}: there is no file {name}.", code="REF_NOT_A_FILE", field="referenceImages")
    return path


def _name(clip: str) -> str:
    """The gallery's name of a clip that may be given as the path of its file."""
    return _stored(clip) or clip


def _clip(clip: str) -> str | Path:
    """A file of the gallery by its name, any other file as it is; else what the service can find."""
    return _stored(clip) or (Path(clip) if Path(clip).is_file() else clip)


def _stored(clip: str) -> str | None:
    """The name of a file of the gallery. It comes before a copy of the same name here, which ``./NAME`` means."""
    from ima2.settings.paths import Paths

    gallery = Paths.from_env().generated.resolve()
    here = Path(clip).resolve()
    places = (here,) if clip.startswith((".", os.sep)) else (gallery / clip, here)
    found = (path for path in places if path.is_file() and path.resolve().is_relative_to(gallery))
    return next((path.resolve().relative_to(gallery).as_posix() for path in found), None)
