"""The plugin host, as light commands need it, and ``ima2 plugins``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from ima2.cli.flags import json_flag
from ima2.cli.lazy import Command
from ima2.cli.terminal import say, say_json, table

if TYPE_CHECKING:
    from ima2.kernel.plugins.discovery import PluginRecord
    from ima2.kernel.plugins.host import PluginHost

_KEY = "ima2.host"


def load_host(context: click.Context) -> PluginHost:
    """The installed plugins, loaded once a command line."""
    from ima2.kernel.plugins.host import PluginHost

    meta = context.find_root().meta
    if _KEY not in meta:
        meta[_KEY] = PluginHost.load(os.environ)
    host: PluginHost = meta[_KEY]
    return host


def commands(context: click.Context) -> Mapping[str, tuple[str, str]]:
    """Name → (import string, help) of the commands that plugins bring; the first of a name counts."""
    from ima2.kernel.plugins.collect import collect

    brought = [command for _, command in collect(load_host(context), "ima2_commands")]
    return {command.name: (command.target, command.help) for command in reversed(brought)}


@click.command(cls=Command)
@json_flag
@click.pass_context
def plugins(context: click.Context, as_json: bool) -> None:
    """List the installed plugins: what they are, and why one failed to load."""
    records = load_host(context).records
    rows = [
        {
            "name": record.name,
            "state": record.state,
            "distribution": record.distribution,
            "version": record.version,
            "provider": record.provider,
            "hooks": list(record.hooks),
            "loadMs": round(record.load_ms, 1),
            "error": record.error,
        }
        for record in records
    ]
    if as_json:
        say_json({"ok": True, "plugins": rows})
        return
    table(
        [(record.name, f"{record.distribution} {record.version}", record.state, _about(record)) for record in records]
    )
    if not records:
        say("No plugin is installed. Begin with:  pip install ima2-sketch")


def _about(record: PluginRecord) -> str:
    hooks = ", ".join(hook.removeprefix("ima2_") for hook in record.hooks)
    return record.error or f"{hooks} ({record.load_ms:.0f} ms)"
