"""Commands by name: a module is imported when one of its commands is called, not when help lists it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import click

from ima2 import __version__

CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


def print_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """``-v`` works after any command, as it always has."""
    if wanted and not context.resilient_parsing:
        click.echo(__version__)
        context.exit()


def version_option(*, hidden: bool) -> click.Option:
    """``-v``, ``--version``."""
    return click.Option(
        ["-v", "--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        hidden=hidden,
        callback=print_version,
        help="Print the version.",
    )


class Command(click.Command):
    """A command that knows ``-v``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["context_settings"] = {**CONTEXT, **(kwargs.get("context_settings") or {})}
        super().__init__(*args, **kwargs)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The declared parameters and a hidden ``-v``."""
        return [*super().get_params(ctx), version_option(hidden=True)]


@click.pass_context
def print_help(context: click.Context) -> None:
    """What a group does that is called alone; one that asked for nothing has not failed, the root has."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        context.exit(0 if context.parent else 1)


class Group(click.Group):
    """A group that prints its help when it is called alone."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["context_settings"] = {**CONTEXT, **(kwargs.get("context_settings") or {})}
        kwargs["callback"] = kwargs.get("callback") or print_help
        kwargs["invoke_without_command"] = True
        super().__init__(*args, **kwargs)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The declared parameters and ``-v``, shown by the root alone."""
        return [*super().get_params(ctx), version_option(hidden=ctx.parent is not None)]


class LazyGroup(Group):
    """Commands as ``name → (import string, one line of help)``; those of plugins come after the built-in ones.

    ``extra`` gives further ones; it is only called to list, or for a name that is not built in.
    """

    def __init__(
        self,
        *args: Any,
        lazy: Mapping[str, tuple[str, str]],
        aliases: Mapping[str, str],
        extra: Callable[[click.Context], Mapping[str, tuple[str, str]]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = dict(lazy)
        self._aliases = dict(aliases)
        self._extra = extra

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Built-in names in their order, then those of plugins."""
        return [*self._lazy, *sorted(self._extra(ctx).keys() - self._lazy.keys())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        name = self._aliases.get(cmd_name, cmd_name)
        entry = self._lazy.get(name) or self._extra(ctx).get(name)
        return load(entry[0], name) if entry else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List names with their line of help, importing nothing."""
        extra = {name: entry for name, entry in sorted(self._extra(ctx).items()) if name not in self._lazy}
        for title, commands in (("Commands", self._lazy), ("Commands of plugins", extra)):
            if commands:
                with formatter.section(title):
                    formatter.write_dl([(name, text) for name, (_, text) in commands.items()])


def load(target: str, name: str) -> click.Command:
    """The click command an import string (``ima2.cli.generate:generate``) names.

    :raises click.ClickException: it can't be imported; the message names it.
    """
    module, _, attribute = target.partition(":")
    try:
        command = getattr(import_module(module), attribute)
    except Exception as error:
        raise click.ClickException(f"The command {name} ({target}) does not load: {error}") from error
    if not isinstance(command, click.Command):
        raise click.ClickException(f"The command {name} ({target}) is no click command.")
    return command
