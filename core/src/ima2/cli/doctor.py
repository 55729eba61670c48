"""``ima2 doctor``."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ima2.cli.flags import json_flag
from ima2.cli.image_probe import image_probe
from ima2.cli.lazy import Group
from ima2.cli.terminal import clean, say, say_json

if TYPE_CHECKING:
    from ima2.kernel.doctor import Check

_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("-", "yellow")}


@click.group(cls=Group, invoke_without_command=True)
@json_flag
@click.pass_context
def doctor(context: click.Context, /, as_json: bool) -> None:
    """Find what is wrong here. Exit 1 when something is."""
    if context.invoked_subcommand is not None:
        return
    checks = asyncio.run(_examine())
    sound = all(check.ok is not False for check in checks)
    if as_json:
        say_json({"ok": sound, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            _print(check)
    raise click.exceptions.Exit(0 if sound else 1)


async def _examine() -> list[Check]:
    from ima2.kernel.opening import open_studio

    async with open_studio() as studio:
        return await studio.doctor()


def _print(check: Check) -> None:
    mark, colour = _MARKS[check.ok]
    say(f"{click.style(mark, fg=colour)} {clean(check.name)}: {clean(check.text)}")
    if check.hint and not check.ok:
        say(f"    {clean(check.hint)}")


doctor.add_command(image_probe)
