"""Every command, with the help it prints."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import entry_points

import click
from ima2.cli.main import root

from tables.markdown import fenced
from tables.settings import plugins

WIDTH = 100


def all_commands() -> str:
    """A heading and the help text for each command, subcommands after their group."""
    _leave_others_out()
    return "\n\n".join(f"### {path}\n\n{fenced(text, 'text')}" for path, text in helps(root, None, "ima2"))


def _leave_others_out() -> None:
    """Commands and options of plugins that happen to be installed are not ours to document."""
    installed = {point.name for point in entry_points(group="ima2")}
    os.environ["IMA2_DISABLE_PLUGINS"] = ",".join(sorted(installed - plugins().keys()))


def helps(command: click.Command, parent: click.Context | None, name: str) -> Iterator[tuple[str, str]]:
    """Command lines and their help."""
    wide = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(command, parent, name, **wide)
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found and not found.hidden:
                yield from helps(found, context, child)
