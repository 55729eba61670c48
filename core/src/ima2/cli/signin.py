"""``login``, ``logout``, ``status``: any provider's sign-in, driven by what it asks for."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, get_args

import click

from ima2.cli.flags import complete_provider, json_flag
from ima2.cli.lazy import Command
from ima2.cli.opening import open_url
from ima2.cli.terminal import is_terminal, note, say_json, success, table
from ima2.errors import Ima2Error, InvalidRequest, NotReady, Unsupported
from ima2.hookspecs import Ask, LoginEvent, LoginMethod, LoginSession, OpenUrl, ShowCode, SignedIn

if TYPE_CHECKING:
    from ima2.hookspecs import Auth, ProviderInfo

METHODS: tuple[LoginMethod, ...] = get_args(LoginMethod)


@click.command(cls=Command)
@click.argument("provider", required=False, shell_complete=complete_provider)
@click.option("--method", type=click.Choice(METHODS), help="How; else the provider's first way that fits.")
@click.option("--browser", "method", flag_value="browser", help="--method browser")
@click.option("--device", "--device-code", "method", flag_value="device", help="--method device")
@click.option("--paste", "--manual-paste", "method", flag_value="paste", help="--method paste")
@click.option("--api-key", "method", flag_value="api_key", help="--method api_key: paste a key, or pipe it in.")
@json_flag
def login(provider: str | None, method: LoginMethod | None, as_json: bool) -> None:
    """Sign in to a provider; without a name, to the one that auto tries first.

    Secrets are typed hidden or read from stdin, never from the command line.
    """
    name, signed_in = asyncio.run(sign_in(provider, method))
    facts = {"provider": name, "account": signed_in.account, "plan": signed_in.plan}
    if as_json:
        say_json({"ok": True, **facts})
    else:
        success(" · ".join(str(each) for each in (f"signed in to {name}", signed_in.account, signed_in.plan) if each))


@click.command(cls=Command)
@click.argument("provider", shell_complete=complete_provider)
@json_flag
def logout(provider: str, as_json: bool) -> None:
    """Forget a provider's sign-in."""

    async def forget() -> None:
        async with _auth(provider, None) as (_, auth):
            await auth.logout()

    asyncio.run(forget())
    say_json({"ok": True, "provider": provider}) if as_json else success(f"signed out of {provider}")


@click.command(cls=Command)
@click.argument("provider", required=False, shell_complete=complete_provider)
@json_flag
def status(provider: str | None, as_json: bool) -> None:
    """Tell who is signed in where. Exit 4 when the provider named is not ready."""
    states = asyncio.run(_states(provider))
    if as_json:
        say_json({"ok": True, "providers": states})
    else:
        table([_line(state) for state in states])
    if provider and not states[0]["ready"]:
        raise click.exceptions.Exit(NotReady("").exit_code)


async def sign_in(provider: str | None, method: LoginMethod | None = None) -> tuple[str, SignedIn]:
    """Drive a sign-in at the terminal: the provider's id, and who is signed in now."""
    async with _auth(provider, method) as (info, auth):
        note(f"Signing in to {info.title}. {info.notice or ''}".rstrip())
        session = auth.login(_method(info.id, auth, method))
        try:
            async for event in session:
                if isinstance(event, SignedIn):
                    return info.id, event
                await _show(event, session)
        finally:
            await session.aclose()
    raise Ima2Error(f"The sign-in to {info.title} ended without a result.", code="LOGIN_INCOMPLETE")


def _method(provider: str, auth: Auth, wanted: LoginMethod | None) -> LoginMethod:
    """Without a terminal nobody can be asked, so a key from stdin is the one way that is left."""
    if wanted and wanted not in auth.methods:
        raise Unsupported(
            f"{provider} has no sign-in by {wanted}; it has {', '.join(auth.methods)}.", code="METHOD_UNSUPPORTED"
        )
    if wanted is None and "api_key" in auth.methods and not is_terminal(sys.stdin):
        return "api_key"
    return wanted or auth.methods[0]


async def _show(event: LoginEvent, session: LoginSession) -> None:
    match event:
        case OpenUrl(url):
            note(f"Open {url}")
            if is_terminal(sys.stderr) and not os.environ.get("SSH_CONNECTION"):
                _try_to_open(url)
        case ShowCode(code, url):
            note(f"Type {code} at {url}")
        case Ask(question, secret):
            await session.answer(await asyncio.to_thread(read_line, question, secret))


def _try_to_open(url: str) -> None:
    try:
        open_url(url)
    except Ima2Error:
        return  # the address is on the screen


def read_line(question: str, secret: bool, default: str | None = None) -> str:
    """A line of the user, or of stdin when that is no terminal.

    :raises InvalidRequest: stdin has none.
    """
    if not is_terminal(sys.stdin):
        line = sys.stdin.readline().strip()
        if not line:
            raise InvalidRequest(f"{question}: nothing came on stdin.", code="INVALID_FIELD")
        return line
    answer: str = click.prompt(question, hide_input=secret, err=True, default=default)
    return answer.strip()


async def _states(provider: str | None) -> list[dict[str, object]]:
    from ima2.kernel.answers.providers import state_facts
    from ima2.kernel.opening import open_studio

    async with open_studio() as studio:
        if provider:
            studio.host.provider(provider)
        states = [state for state in await studio.providers() if provider in (None, state.info.id)]
        return [{"provider": state.info.id, "title": state.info.title, **state_facts(state)} for state in states]


@asynccontextmanager
async def _auth(provider: str | None, method: LoginMethod | None) -> AsyncIterator[tuple[ProviderInfo, Auth]]:
    """The provider named, else the first that can be signed in to by ``method``."""
    from ima2.kernel.opening import open_studio

    async with open_studio() as studio:
        named = [studio.host.provider(provider)] if provider else studio.providers_with_sign_in()
        for info in named:
            async with studio.contexts.outside_job(info) as context:
                auth = await studio.dispatcher.auth(info.id, context)
                if auth is not None and (provider or method is None or method in auth.methods):
                    yield info, auth
                    return
    what = f"{named[0].title} needs no sign-in" if provider else "No installed provider has such a sign-in"
    raise Unsupported(f"{what}.", code="NO_SIGN_IN", hint="ima2 providers")


def _line(state: dict[str, object]) -> tuple[str, ...]:
    parts = [state[name] for name in ("account", "plan", "why", "hint") if state.get(name)]
    return (str(state["provider"]), "ready" if state["ready"] else "not ready", " · ".join(map(str, parts)))
