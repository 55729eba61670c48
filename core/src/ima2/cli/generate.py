"""``ima2 generate`` and ``ima2 edit``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ima2.cli.backend import Backend, Where, open_backend
from ima2.cli.failure import UsageProblem
from ima2.cli.generate_flags import body_of, generate_flags
from ima2.cli.output import Output, decide, slug_of
from ima2.cli.prompt import read_prompt, stdin_image
from ima2.cli.provider_flags import ProviderCommand, settings_in
from ima2.errors import exit_code

if TYPE_CHECKING:
    from ima2.models.request import Surface

_REPEATED = frozenset({"image", "jobId", "at", "path", "url", "sha256", "mediaType", "width", "height", "bytes"})
"""What answers carry twice for older clients; ``images`` has it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A command line that was understood and found possible."""

    body: Mapping[str, Any]
    surface: Surface
    output: Output
    at: Where
    as_json: bool
    dry_run: bool
    verbose: bool
    preview: str


@click.command(cls=ProviderCommand, no_args_is_help=False)
@click.argument("words", nargs=-1, metavar="PROMPT")
@click.option("-n", "--count", type=click.IntRange(1, 24), default=1, show_default=True, help="How many pictures.")
@click.option("--ref", "refs", multiple=True, metavar="FILE", help="A reference image; repeat it; - is stdin.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the prompt from stdin, as PROMPT - does.")
@generate_flags
@click.pass_context
def generate(context: click.Context, /, words: tuple[str, ...], refs: tuple[str, ...], **flags: Any) -> None:
    """Make pictures from a prompt.

    Results are kept in the gallery; -o and -d copy them to where you want them.
    """
    if refs.count("-") > 1:
        raise UsageProblem("Stdin can be one reference only.", code="INVALID_USAGE", field="references")
    prompt = read_prompt(words, from_stdin=flags["from_stdin"], stdin_taken="-" in refs)
    wish = _wish(context, prompt, "classic", flags)
    references = [stdin_image() if ref == "-" else _image(ref, "--ref") for ref in refs]
    body = {**wish.body, **({"references": references} if references else {})}
    context.exit(asyncio.run(_run(wish, body)))


@click.command(cls=ProviderCommand)
@click.argument("image", metavar="FILE")
@click.option("-p", "--prompt", required=True, help="What to change; - reads it from stdin.")
@click.option("--mask", metavar="FILE", help="A PNG as large as FILE: what is transparent in it may change.")
@generate_flags
@click.pass_context
def edit(context: click.Context, /, image: str, prompt: str, mask: str | None, **flags: Any) -> None:
    """Change a picture; FILE - reads it from stdin."""
    text = read_prompt((prompt,), from_stdin=False, stdin_taken=image == "-")
    wish = _wish(context, text, "edit", {**flags, "count": 1})
    source = stdin_image() if image == "-" else _image(image, "FILE")
    body = {**wish.body, "image": source, **({"mask": _image(mask, "--mask")} if mask else {})}
    context.exit(asyncio.run(_run(wish, body)))


def _wish(context: click.Context, prompt: str, surface: Surface, flags: Mapping[str, Any]) -> Wish:
    from ulid import ULID

    body = {
        **body_of(flags),
        **settings_in(context),
        "prompt": prompt,
        "requestId": f"req_cli_{context.info_name}_{ULID()}".lower(),
    }
    output = decide(
        flags["out"],
        flags["out_dir"],
        count=flags["count"],
        slug=slug_of(prompt),
        force=flags["force"],
        no_save=flags["no_save"],
        as_json=flags["as_json"],
    )
    if not flags["dry_run"]:
        output.prepare()
    return Wish(
        body,
        surface,
        output,
        flags["at"],
        flags["as_json"],
        flags["dry_run"],
        flags["verbose"],
        flags["preview"],
    )


def _image(name: str, flag: str) -> Path:
    path = Path(name)
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise UsageProblem(f"{flag}: {name} is empty.", code="REF_EMPTY", field="references")
    except OSError as error:
        text = f"{flag}: {name} can't be read: {error.strerror or error}."
        raise UsageProblem(text, code="REF_NOT_A_FILE", field="references") from None
    return path


async def _run(wish: Wish, body: Mapping[str, Any]) -> int:
    from ima2.cli import report
    from ima2.cli.previews import show_partials, terminal_pictures
    from ima2.cli.run import Watch, watch_job

    show = terminal_pictures(wish.preview)
    async with open_backend(wish.at) as backend:
        if wish.dry_run:
            report.dry_run(await backend.preview(body, surface=wish.surface), as_json=wish.as_json)
            return 0
        watch = Watch(wish.verbose, draft=show_partials(backend, show) if show else None)
        events = backend.run(body, surface=wish.surface)
        answer = await watch_job(backend, str(body["requestId"]), events, watch)
        return await _finish(wish, backend, answer, show)


async def _finish(wish: Wish, backend: Backend, answer: Mapping[str, Any], show: Any) -> int:
    from ima2.cli import report
    from ima2.cli.deliver import deliver

    pictures = await deliver(backend, answer["images"], wish.output)
    if show:
        for picture in pictures:
            if picture.get("path"):
                show(Path(picture["path"]))
    facts = {name: value for name, value in answer.items() if name not in _REPEATED}
    report.results(facts, pictures, wish.output, edit=wish.surface == "edit", as_json=wish.as_json)
    sys.stdout.flush()
    return exit_code("PARTIAL", 200) if answer["count"] < answer["requested"] else 0
