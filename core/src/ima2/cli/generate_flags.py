"""The flags of commands that make pictures, and the body they amount to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from ima2.cli.flags import complete_model, complete_provider, json_flag, where_flags

T = TypeVar("T")

_FIELDS = {
    "quality": "quality",
    "size": "size",
    "format": "format",
    "compression": "compression",
    "background": "background",
    "seed": "seed",
    "moderation": "moderation",
    "reasoning_effort": "reasoningEffort",
    "web_search": "webSearchEnabled",
    "partial_images": "partialImages",
    "provider": "provider",
    "model": "model",
    "mode": "mode",
    "session": "sessionId",
    "timeout": "timeout",
    "count": "n",
}
"""Flag → field of the request's JSON."""

PREFERRED_QUALITY = "low"
"""Cheap and quick where quality can be chosen and nobody said."""

_REQUEST = (
    click.option("--provider", shell_complete=complete_provider, help="Who makes it; auto chooses. [auto]"),
    click.option("-m", "--model", shell_complete=complete_model, help="See `ima2 models`."),
    click.option("-q", "--quality", help="low, medium, high, or auto. [low]"),
    click.option("-s", "--size", metavar="WxH", help="1024x1024, 1536x1024, …, or auto."),
    click.option("-f", "--format", help="png, jpeg or webp."),
    click.option("--compression", type=click.IntRange(0, 100), help="Of jpeg and webp; 100 is best."),
    click.option("--background", help="transparent, opaque or auto."),
    click.option("--seed", type=int, help="The same seed may give the same picture."),
    click.option("--moderation", help="auto or low."),
    click.option("--reasoning-effort", metavar="EFFORT", help="none, low, medium, high, …"),
    click.option("--web-search/--no-web-search", default=None, help="Let the model look things up."),
    click.option("--mode", type=click.Choice(["auto", "direct"]), help="direct: the prompt as it is. [auto]"),
    click.option("--session", metavar="ID", help="Store the result with this session."),
    click.option("--partial-images", type=click.IntRange(0, 3), help="Drafts to ask for on the way."),
    click.option(
        "--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Give up after this long."
    ),
)
_RESULT = (
    click.option("-o", "--out", metavar="FILE", help="Copy to FILE ({index}, {slug} are filled in); - is stdout."),
    click.option("-d", "--out-dir", metavar="DIR", help="Copy into DIR."),
    click.option("--no-save", is_flag=True, help="No copy: print data URLs."),
    click.option("--force", is_flag=True, help="Replace files that exist."),
    click.option("--preview", type=click.Choice(["auto", "never", "always"]), default="auto", help="Show pictures."),
    click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing."),
    click.option("--verbose", is_flag=True, help="Tell each phase, also without a terminal."),
    json_flag,
)


def generate_flags(function: Callable[..., T]) -> Callable[..., T]:
    """Add them all, in the order of help."""
    for option in reversed((*_REQUEST, *_RESULT)):
        function = option(function)
    return where_flags(function)


def body_of(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the JSON body that comes from these flags; what was not said is left out, or a mere preference."""
    said = {field: flags[flag] for flag, field in _FIELDS.items() if flags.get(flag) is not None}
    return {"prefer": {"quality": PREFERRED_QUALITY}, **said}
