"""Who can make pictures, with which models: ``providers``, ``models``, ``capabilities``."""

from __future__ import annotations

from itertools import groupby

import click

from ima2.cli.backend import Answer, Where, ask
from ima2.cli.flags import complete_provider, json_flag, where_flags
from ima2.cli.lazy import Command
from ima2.cli.terminal import one_line, say, say_json, table


@click.command(cls=Command)
@where_flags
@json_flag
def providers(at: Where, as_json: bool) -> None:
    """List the providers, and what would make each ready."""
    listed = ask(at, lambda backend: backend.providers())
    if as_json:
        say_json({"ok": True, **listed})
        return
    table([_provider(each) for each in listed["providers"]])
    if not listed["providers"]:
        say("No provider is installed. Begin with:  pip install ima2-sketch")


@click.command(cls=Command)
@click.option("--provider", shell_complete=complete_provider, help="Those of one provider.")
@click.option("--refresh", is_flag=True, help="Ask the services for their live lists first.")
@where_flags
@json_flag
def models(provider: str | None, refresh: bool, at: Where, as_json: bool) -> None:
    """List the models and what each is for."""
    listed = ask(at, lambda backend: backend.models(provider, refresh=refresh))
    if as_json:
        say_json({"ok": True, **listed})
        return
    for name, group in groupby(listed["models"], key=lambda model: str(model["provider"])):
        say(click.style(one_line(name), bold=True))
        table([("", model["id"], model["kind"], _use(model)) for model in group])


@click.command(cls=Command)
@click.option("--require-server", is_flag=True, help="Fail when no server is running.")
@where_flags
@click.option("--json", "as_json", is_flag=True, help="The default.")
def capabilities(require_server: bool, at: Where, as_json: bool) -> None:
    """Print what a program may want to know: providers, models, limits, defaults."""
    from ima2.cli.backend import Backend
    from ima2.errors import ServerUnreachable

    async def asked(backend: Backend) -> Answer:
        if require_server and backend.url is None:
            raise ServerUnreachable("No server is running.", hint="ima2 serve")
        return await backend.capabilities()

    said = ask(at, asked)
    root = click.get_current_context().find_root()
    say_json({**said, "commands": root.command.list_commands(root) if isinstance(root.command, click.Group) else []})


def _provider(state: Answer) -> tuple[str, ...]:
    ready = "ready" if state["ready"] else "not ready"
    about = state.get("account") or state.get("why") or ""
    return (state["id"], state["title"], ready, state["billing"], about, "" if state["ready"] else state["hint"] or "")


def _use(model: Answer) -> str:
    return (
        f"retired, use {model['successor']}" if model.get("successor") else model.get("use") or model.get("label", "")
    )
