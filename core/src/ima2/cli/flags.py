"""Flags that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from ima2.cli.backend import Where

T = TypeVar("T")

json_flag = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
yes_flag = click.option("-y", "--yes", is_flag=True, help="Don't ask.")


def where_flags(function: Callable[..., T]) -> Callable[..., T]:
    """``--server`` and ``--local``; the command gets them as ``at``."""

    @wraps(function)
    def with_where(*arguments: Any, server: str | None, local: bool, **flags: Any) -> T:
        if server and local:
            raise click.UsageError("--server and --local exclude each other.")
        return function(*arguments, at=Where(server, local), **flags)

    named = click.option("--server", metavar="URL", help="Use this server, and fail when it does not answer.")
    here = click.option("--local", is_flag=True, help="Run in this process, also when a server is running.")
    return named(here(with_where))


def complete_provider(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Ids of the installed providers."""
    from ima2.cli.plugins import load_host

    infos = load_host(context).providers
    return [CompletionItem(info.id, help=info.title) for info in infos if info.id.startswith(typed)]


def complete_model(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Models that the installed providers list themselves, without asking anyone."""
    from ima2.cli.plugins import load_host

    chosen = context.params.get("provider")
    models = [
        model
        for info in load_host(context).providers
        if chosen in (None, "auto", info.id)
        for model in info.models
        if model.id.startswith(typed)
    ]
    return [CompletionItem(model.id, help=model.use) for model in models]
