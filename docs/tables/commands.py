"""Every command, with the help it prints."""

from __future__ import annotations

from collections.abc import Iterator

import click
from ima2.cli.main import root

from tables.markdown import fenced

WIDTH = 100


def all_commands() -> str:
    """A heading and the help text for each command, subcommands after their group."""
    return "\n\n".join(f"### {path}\n\n{fenced(text, 'text')}" for path, text in helps(root, None, "ima2"))


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
