"""``ima2 completion``: the script that makes a shell complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ima2.cli.lazy import Command
from ima2.cli.terminal import note

_INSTALL = {
    "bash": 'eval "$(ima2 completion bash)"       in ~/.bashrc',
    "zsh": 'eval "$(ima2 completion zsh)"        in ~/.zshrc',
    "fish": "ima2 completion fish > ~/.config/fish/completions/ima2.fish",
}


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(list(_INSTALL)))
@click.pass_context
def completion(context: click.Context, /, shell: str) -> None:
    """Print the completion script of bash, zsh or fish."""
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - the three are click's own
    click.echo(found(context.find_root().command, {}, "ima2", "_IMA2_COMPLETE").source())
    note(_INSTALL[shell])
