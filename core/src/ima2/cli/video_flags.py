"""The flags of commands that make clips, and the body they amount to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from ima2.cli.flags import complete_model, complete_provider, json_flag, where_flags

T = TypeVar("T")

WAIT_SECONDS = 600.0
LOOK_SECONDS = 180.0
FRAME_SECONDS = 60.0
_FIELDS = {
    "provider": "provider",
    "model": "model",
    "duration": "duration",
    "resolution": "resolution",
    "aspect_ratio": "aspectRatio",
    "seed": "seed",
    "mode": "mode",
    "session": "sessionId",
    "storyboard": "storyboard",
    "topic": "topic",
}
"""Flag → field of the request's JSON."""
_WHO = (
    click.option("--provider", shell_complete=complete_provider, help="Who makes it; auto chooses. [auto]"),
    click.option("-m", "--model", shell_complete=complete_model, help="See `ima2 models`."),
)
_SHAPE = (
    click.option("--resolution", help="480p, 720p, 1080p: what the model has."),
    click.option("--aspect-ratio", metavar="W:H", help="16:9, 9:16, 1:1, …, or auto."),
)


def wait_flag(seconds: float, text: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """``--timeout``."""
    longer = click.FloatRange(0, min_open=True)
    return click.option("--timeout", type=longer, default=seconds, show_default=True, metavar="SECONDS", help=text)


_SESSION = click.option("--session", metavar="ID", help="Store the result with this session.")
_MORE = (
    click.option("--seed", type=int, help="The same seed may give the same clip."),
    click.option("--mode", type=click.Choice(["auto", "direct"]), help="direct: the prompt as it is. [auto]"),
    _SESSION,
    click.option("--stdin", "from_stdin", is_flag=True, help="Read the prompt from stdin, as PROMPT - does."),
    wait_flag(WAIT_SECONDS, "Wait this long; the clip goes on without you."),
)
_RESULT = (
    click.option("-o", "--out", "--output", metavar="FILE", help="Copy to FILE ({slug} is filled in); - is stdout."),
    click.option("-d", "--out-dir", metavar="DIR", help="Copy into DIR."),
    click.option("--force", is_flag=True, help="Replace files that exist."),
)
_TELLING = (
    click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing."),
    click.option("--verbose", is_flag=True, help="Tell each phase, also without a terminal."),
    json_flag,
)


def clip_flags(*, shape: bool) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Add them, in the order of help; ``shape`` is what only a new clip can have."""

    def add(function: Callable[..., T]) -> Callable[..., T]:
        for option in reversed((*_WHO, *(_SHAPE if shape else ()), *_MORE, *_RESULT, *_TELLING)):
            function = option(function)
        return where_flags(function)

    return add


def story_flags(function: Callable[..., T]) -> Callable[..., T]:
    """``--storyboard`` and ``--topic``: what a new clip is part of."""
    board = click.option("--storyboard", is_flag=True, help="The image is a storyboard of panels.")
    topic = click.option("--topic", help="The planner is told of the latest clips of the same topic.")
    return board(topic(function))


def looking_flags(function: Callable[..., T]) -> Callable[..., T]:
    """The flags of a question about a clip."""
    for option in reversed((*_WHO, _SESSION, wait_flag(LOOK_SECONDS, "Wait this long, then stop asking."), *_TELLING)):
        function = option(function)
    return where_flags(function)


def duration_flag(help_text: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """``--duration``; which lengths there are, the model says."""
    return click.option("--duration", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help=help_text)


def clip_body(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the JSON body that comes from these flags; what was not said is left out."""
    return {field: flags[flag] for flag, field in _FIELDS.items() if flags.get(flag) not in (None, False)}
